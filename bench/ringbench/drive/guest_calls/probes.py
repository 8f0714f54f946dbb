"""The tables by which exceptions of probes come to the bench, and what their results mean.

While a probe is made, the processor goes by tables of the bench's own: the kernel's handlers never
learn of it. The numbers are those of stub.S.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from ringbench.arch.x86_64.vectors import Vector
from ringbench.drive.guest_calls.layout import CODE, CONTROL, Window
from ringbench.explain.registers import Cpu

OWN_GDT, OWN_IDT = CONTROL + 0x80, CONTROL + 0x90
GDT, IDT, TSS = CONTROL + 0x200, CONTROL + 0x400, CONTROL + 0x600
TRAPS: Final = CODE + 0x800
PROGRAM_CODE, PROGRAM_DATA, PROGRAM_TASK = 0x1FB, 0x1F3, 0x1E0
SELECTORS: Final = 0x200
"""Bytes of the global descriptor table."""

VECTORS: Final = 32
TRAP_SIZE: Final = 16
TSS_SIZE: Final = 104

_CODE: Final = 0x00AF_9B00_0000_FFFF
"""A segment of 64-bit code (Intel SDM 3A 3.4.5): present, readable, accessed."""
_DATA: Final = 0x00CF_9300_0000_FFFF
_LEVEL_3: Final = 3 << 45
_TASK: Final = 0x89
"""A 64-bit task state segment that is present and not busy (Intel SDM 3A 7.2.3)."""
_GATE: Final = 0x8E
"""An interrupt gate that is present (Intel SDM 3A 6.14.1)."""
_GATE_LEVEL_3: Final = 3 << 5
_PRESENT: Final = 1 << 15
_CODE_OR_DATA: Final = 1 << 12
_IS_CODE: Final = 1 << 11


@dataclass(frozen=True, slots=True)
class Raised:
    """The exception that a probe met: its vector and error code (Intel SDM 3A 6.3, 6.13)."""

    vector: Vector
    code: int

    def __str__(self) -> str:
        """Return it as the manual writes it."""
        return f"#{self.vector.name}({self.code:#x})"


def raised(result: int) -> Raised | None:
    """Return what the result of a probe means; None if the access went through.

    INT3, which is what is executed where that is probed, says by #BP that it was.
    """
    vector = Vector(result >> 32)
    if not result or vector is Vector.BP:
        return None
    return Raised(vector, result & 0xFFFF_FFFF)


def tables(window: Window, cpu: Cpu) -> dict[int, bytes]:
    """Return what must be in the bench's memory for probes, by offset.

    The kernel's code segment has the number that it has in the kernel's own table.
    """
    selector = cpu.segment("CS").selector
    gdt = bytearray(SELECTORS)
    struct.pack_into("<Q", gdt, PROGRAM_DATA & ~7, _DATA | _LEVEL_3)
    struct.pack_into("<Q", gdt, PROGRAM_CODE & ~7, _CODE | _LEVEL_3)
    struct.pack_into("<QQ", gdt, PROGRAM_TASK, *_task(window.base + TSS))
    struct.pack_into("<Q", gdt, selector & ~7, _CODE)
    traps = window.base + TRAPS
    return {
        OWN_GDT: _pointer(window.base + GDT),
        OWN_IDT: _pointer(window.base + IDT),
        GDT: bytes(gdt),
        IDT: b"".join(_gate(traps, selector, vector) for vector in range(VECTORS)),
        TSS: bytes(TSS_SIZE),
    }


def probes_possible(cpu: Cpu) -> bool:
    """Whether the kernel's code segment has a number that the bench's table has room for."""
    return 0 < cpu.segment("CS").selector & ~7 < PROGRAM_TASK


def program_possible(cpu: Cpu, gdt: bytes) -> bool:
    """Whether all segment registers can be loaded again, as they are after a program was played.

    A kernel may have loaded another `gdt` since, and left them what they were.
    """
    return all(
        _can_be_loaded(cpu.segment(name).selector, gdt) for name in ("SS", "DS", "ES", "FS", "GS")
    )


def _can_be_loaded(selector: int, gdt: bytes) -> bool:
    if selector & ~3 == 0:
        return True
    entry = gdt[selector & ~7 : (selector & ~7) + 8]
    if selector & 4 or len(entry) < 8:  # of a local table, or of none
        return False
    rights = int.from_bytes(entry[4:8], "little")
    return rights & (_PRESENT | _CODE_OR_DATA | _IS_CODE) == _PRESENT | _CODE_OR_DATA


def _pointer(base: int) -> bytes:
    return struct.pack("<HQ", SELECTORS - 1, base)


def _task(base: int) -> tuple[int, int]:
    low = TSS_SIZE - 1 | (base & 0xFF_FFFF) << 16 | _TASK << 40 | (base >> 24 & 0xFF) << 56
    return low, base >> 32


def _gate(traps: int, selector: int, vector: int) -> bytes:
    at = traps + TRAP_SIZE * vector
    kind = _GATE | (_GATE_LEVEL_3 if vector == Vector.BP else 0)
    return struct.pack("<HHBBHII", at & 0xFFFF, selector, 0, kind, at >> 16 & 0xFFFF, at >> 32, 0)
