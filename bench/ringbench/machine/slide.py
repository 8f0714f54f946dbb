"""How far from where it was linked a kernel runs, found from the code that it is executing."""

from __future__ import annotations

from pathlib import Path

from ringbench.debuginfo.code import PAGE, slides
from ringbench.errors import Evidence, GdbRefused, MachineError
from ringbench.machine.gdb import Gdb

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
