"""How far from where it was linked a kernel runs, found from the code that it is executing."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.debuginfo.code import PAGE, slides
from ringbench.errors import Evidence, GdbRefused, ImageError, MachineError
from ringbench.explain.log import parse_log
from ringbench.explain.registers import Cpu
from ringbench.explain.space import Space
from ringbench.machine.gdb import Gdb

SEEN = 32
"""Exceptions, from the last, that are looked at for where the kernel runs."""

_PAGING = 1 << 31  # CR0.PG


def find_slide(elf: Path, gdb: Gdb, evidence: Evidence) -> int:
    """Return how much higher than linked the kernel of `elf` runs in the stopped guest.

    Raises:
        ImageError: not a usable ELF file.
        MachineError: the guest is not executing that kernel's code, or not yet under paging.
    """
    registers = gdb.registers()
    rip = registers["rip"]
    found: list[int] = []
    if registers["cr0"] & _PAGING:
        start = rip & -PAGE
        try:
            found = slides(elf, start, gdb.read_memory(start, PAGE))
        except GdbRefused:
            found = []
    if len(found) == 1:
        return found[0]
    why = f"it can be {', '.join(map(hex, found))}" if found else f"no code of {elf.name} is there"
    raise evidence(
        MachineError(
            f'kernel.slide = "auto" cannot be found with RIP at {rip:#x}: {why}; stop the guest in '
            "the kernel, or give the number"
        )
    )


def seen_slide(elf: Path, cpus: Iterable[Cpu], log: str, memory: PhysicalMemory) -> int | None:
    """Return how much higher than linked the kernel of `elf` runs; None if nothing tells.

    Asked are the processors as they are, and as the last exceptions in QEMU's log interrupted them:
    the first that executes the kernel's code says it.
    """
    were = (each.cpu for each in reversed(parse_log(log)[-SEEN:]))
    for cpu in (*cpus, *were):
        start = cpu.pc & -PAGE
        page = Space(memory, cpu).read(start, PAGE) if cpu.paging else None
        try:
            found = slides(elf, start, page) if page is not None else []
        except ImageError:
            return None
        if len(found) == 1:
            return found[0]
    return None
