"""The page-table walk of 32-bit kernels (Intel SDM 3A 4.3 and 4.4), as far as to where it ends.

What has no use here is left out: rights, and whether a reserved bit is set.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from ringbench.arch.x86_64.control import Cr4
from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.errors import MemoryUnreadable
from ringbench.explain.registers import Cpu

PRESENT: Final = 1
LARGE: Final = 0x80


class Level(NamedTuple):
    """A level of tables: its name, the lowest bit and the number of bits that choose an entry."""

    name: str
    shift: int
    bits: int
    may_be_page: bool


TWO_LEVELS: Final = (Level("PD", 22, 10, True), Level("PT", 12, 10, False))
THREE_LEVELS: Final = (
    Level("PDPT", 30, 2, False),
    Level("PD", 21, 9, True),
    Level("PT", 12, 9, False),
)


def translate_32(memory: PhysicalMemory, cpu: Cpu, address: int) -> int | str:
    """Return the physical address, or in words why there is none."""
    address &= 0xFFFF_FFFF
    pae = bool(cpu["cr4"] & Cr4.PAE)
    size = 8 if pae else 4
    table = cpu["cr3"] & (0xFFFF_FFE0 if pae else 0xFFFF_F000)
    for level in THREE_LEVELS if pae else TWO_LEVELS:
        index = address >> level.shift & (1 << level.bits) - 1
        try:
            stored = memory.read(table + size * index, size)
        except MemoryUnreadable:
            return f"{address:#x} is not mapped: the {level.name} at {table:#x} is not in RAM"
        raw = int.from_bytes(stored, "little")
        if not raw & PRESENT:
            return (
                f"{address:#x} is not mapped: {level.name} {table:#x} entry {index} is {raw:#x}, "
                "not present"
            )
        table = raw & 0x000F_FFFF_FFFF_F000
        if level.may_be_page and raw & LARGE and (pae or cpu["cr4"] & Cr4.PSE):
            offset = (1 << level.shift) - 1
            return (table & ~offset) + (address & offset)
    return table + (address & 0xFFF)
