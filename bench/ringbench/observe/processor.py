"""The first processor of a stopped machine, as QEMU tells it: its registers and its features.

Registers come from QEMU's own text (`info registers`, QEMU 7.2), features from the properties that
QEMU gave the processor: nothing here is what the kernel found out.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ringbench.arch.x86_64.address import LEVELS, MAX_LEVELS
from ringbench.arch.x86_64.control import Cr0, Cr4, Efer, Rflags
from ringbench.arch.x86_64.features import PAT_AT_RESET, Features
from ringbench.errors import RingbenchError
from ringbench.machine import Machine

_FIELD: Final = re.compile(r"\b([A-Z][A-Z0-9]{1,3}) ?= ?([0-9a-f]+)\b")
_GENERAL: Final = (
    *("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp"),
    *(f"r{n}" for n in range(8, 16)),
)


@dataclass(frozen=True, slots=True)
class Registers:
    """One CPU's registers; before long mode the upper halves are 0.

    Attributes:
        general: rax .. r15 by name.
        cpl: current privilege level, 0..3.
        halted: whether the CPU waits in HLT.
    """

    rip: int
    rsp: int
    rflags: int
    cr0: int
    cr2: int
    cr3: int
    cr4: int
    efer: int
    cpl: int
    halted: bool
    general: Mapping[str, int]

    def __str__(self) -> str:
        rows = [
            f"rip {self.rip:#018x}  rsp {self.rsp:#018x}  cpl {self.cpl}  "
            f"rflags {Rflags(self.rflags)}",
            f"cr2 {self.cr2:#018x}  cr3 {self.cr3:#018x}",
            f"cr0 {Cr0(self.cr0)}  cr4 {Cr4(self.cr4)}  efer {Efer(self.efer)}",
        ]
        names = [name for name in _GENERAL if name in self.general]
        for start in range(0, len(names), 4):
            row = names[start : start + 4]
            rows.append("  ".join(f"{name:<3} {self.general[name]:#018x}" for name in row))
        return "\n".join(rows)


def read_registers(machine: Machine) -> Registers:
    """Return the registers of a machine; of several CPUs the first.

    Raises:
        MachineError: the machine has ended.
        RingbenchError: QEMU's answer lacks a register.
    """
    return parse_registers(machine.registers())


def parse_registers(text: str) -> Registers:
    """Read the text of `info registers`; of several CPUs the first.

    Raises:
        RingbenchError: a register is missing; the message names it.
    """
    found: dict[str, int] = {}
    for name, digits in _FIELD.findall(text):
        found.setdefault(_long_name(name), int(digits, 16))

    def register(name: str) -> int:
        if name not in found:
            raise RingbenchError(
                f"QEMU's `info registers` has no {name}; this version of QEMU is not understood"
            )
        return found[name]

    return Registers(
        rip=register("rip"),
        rsp=register("rsp"),
        rflags=register("rfl"),
        cr0=register("cr0"),
        cr2=register("cr2"),
        cr3=register("cr3"),
        cr4=register("cr4"),
        efer=register("efer"),
        cpl=register("cpl"),
        halted=bool(register("hlt")),
        general={name: found[name] for name in _GENERAL if name in found},
    )


def _long_name(name: str) -> str:
    """Return the 64-bit name: outside long mode QEMU prints EAX, EIP, EFL."""
    if len(name) == 3 and name[0] == "E" and name != "EFE":
        return "r" + name[1:].lower()
    return name.lower()


def read_features(machine: Machine, registers: Registers, pat: int = PAT_AT_RESET) -> Features:
    """Return what paging depends on: the first CPU's properties, EFER.NXE and CR4.LA57.

    QEMU does not tell the PAT register: `pat` is what the kernel is known to load, if it does.
    """
    (cpu, *_) = machine.qmp.command("query-cpus-fast")
    path = cpu["qom-path"]

    def property_(name: str) -> Any:
        return machine.qmp.command("qom-get", path=path, property=name)

    return Features(
        physical_bits=int(property_("phys-bits")),
        gib_pages=bool(property_("pdpe1gb")),
        nx=bool(registers.efer & Efer.NXE),
        pat=pat,
        levels=MAX_LEVELS if registers.cr4 & Cr4.LA57 else LEVELS,
        smep=bool(property_("smep")),
        smap=bool(property_("smap")),
        umip=bool(property_("umip")),
    )
