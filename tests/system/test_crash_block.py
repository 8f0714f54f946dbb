"""The exception block against gdb: every register that it prints, for exceptions of every form.

The instruction that faults is put where one of the kernel's deliberate ends has its own; gdb gives
every register a number of its own before it runs, and says what they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import pytest

from ringbench.arch.x86_64.control import Rflags
from ringbench.config import Config, override
from ringbench.errors import Ended
from ringbench.machine import EndKind, Machine
from ringbench.subjects.reference.vocabulary.constants import KERNEL_WINDOW_BASE

GENERAL: Final = ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", *(f"r{n}" for n in range(8, 16)))
CONTROL: Final = ("cr0", "cr2", "cr3", "cr4", "rflags", "rsp")
NAMES: Final = {"rflags": "eflags"}
"""What gdb calls a register that is printed by another name."""

ARITHMETIC: Final = Rflags.CF | Rflags.PF | Rflags.ZF | Rflags.SF | Rflags.OF
UNMAPPED, NO_ADDRESS = 0xDEAD_0123, 0x8000_0000_0000_0123


@dataclass(frozen=True, slots=True)
class Fault:
    """An instruction that faults, with RAX as it is given, and what must be said of that.

    Attributes:
        cr2: what must be in CR2; None is what was there before.
        behind: how far behind the instruction's start RIP is: nothing, but for a trap.
    """

    name: str
    code: bytes
    rax: int
    vector: int
    error: int
    bits: str = "-"
    cr2: int | None = None
    behind: int = 0


FAULTS: Final = (
    Fault("invalid_opcode", b"\x0f\x0b", 0x1111, 6, 0),
    Fault("divide_error", b"\x48\xf7\xf0", 0, 0, 0),  # div rax
    Fault("breakpoint", b"\xcc", 0x1111, 3, 0, behind=1),
    Fault("general_protection", b"\x8a\x00", NO_ADDRESS, 13, 0),  # mov al, [rax]
    Fault("general_protection", b"\x8e\xd8", 0x1230, 13, 0x1230),  # mov ds, eax
    Fault("page_fault", b"\x8a\x00", UNMAPPED, 14, 0, "not_present,read,supervisor", UNMAPPED),
    Fault("page_fault", b"\x88\x00", UNMAPPED, 14, 2, "not_present,write,supervisor", UNMAPPED),
    Fault(
        "page_fault",
        b"\x8a\x00",
        KERNEL_WINDOW_BASE + 0x123,
        14,
        0,
        "not_present,read,supervisor",
        KERNEL_WINDOW_BASE + 0x123,
    ),
)


def numbers_of(block: tuple[str, ...]) -> dict[str, int]:
    """Every register that the block prints, by name; each must be there once."""
    words = [word for line in block if line.startswith("!! registers ") for word in line.split()]
    pairs = [word.split("=") for word in words if "=" in word]
    found = {name: int(value, 16) for name, value in pairs}
    assert len(found) == len(pairs)
    return found


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.name}-{fault.code.hex()}")
def test_every_register_is_what_gdb_says(ringbench_config: Config, fault: Fault) -> None:
    config = override(ringbench_config, {"kernel.command_line": "crash=opcode"})
    with Machine.launch(config) as machine:
        gdb = machine.gdb
        place = gdb.symbol("crash_opcode")
        gdb.break_(f"*{place:#x}", hardware=True, temporary=True)
        gdb.continue_()
        assert gdb.wait_stop(config.deadlines.boot).frame
        for number, name in enumerate(GENERAL, 1):
            gdb.set_register(name, number * 0x0123_4567_89AB_CDEF & (1 << 64) - 1)
        gdb.set_register("rax", fault.rax)
        gdb.evaluate(f"$eflags = {gdb.register('eflags') | ARITHMETIC:#x}")
        before = gdb.registers() | {"cr2": gdb.register("cr2")}
        gdb.write_memory(place, fault.code)
        expected = {name: before[NAMES.get(name, name)] for name in (*CONTROL, *GENERAL)}
        if fault.cr2 is not None:
            expected["cr2"] = fault.cr2
        with pytest.raises(Ended) as caught:
            machine.boot()
    ending = caught.value.ending
    assert ending is not None
    assert ending.kind is EndKind.EXCEPTION
    headline = ending.block[0]
    assert f" vector={fault.vector} name={fault.name} error={fault.error:#x} " in headline
    assert f" bits={fault.bits} " in headline
    assert f" rip={place + fault.behind:#x} " in headline
    seen = numbers_of(ending.block)
    seen["rflags"] &= ~Rflags.RF  # the processor sets it in what it pushes (SDM 3B 17.3.1.1)
    assert seen == expected
    assert re.fullmatch(
        rf"!! backtrace 0 {place + fault.behind:#x} crash_opcode\+0x\d", ending.block[4]
    )
    assert len({expected[name] for name in GENERAL}) == len(GENERAL)
