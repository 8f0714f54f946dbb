"""Where guest RAM is, in physical addresses and in the file behind it.

RAM is not one piece: a PC has a hole below 4 GiB for devices, and how large it is depends on
machine type and memory size. Rather than copy QEMU's formula for each, QEMU is asked once what
it made (`info mtree -f`), when the firmware has done its work.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ringbench.errors import MemoryUnreadable

# 0000000000100000-0000000003ffffff (prio 0, ram): guest-ram @0000000000100000
_RANGE = re.compile(
    r"^\s+([0-9a-f]{16})-([0-9a-f]{16}) \(prio -?\d+, (\S+)\): (\S+)(?: @([0-9a-f]{16}))?"
)


@dataclass(frozen=True, slots=True)
class RamRange:
    """`length` bytes of RAM at physical address `base`, at `offset` in the file."""

    base: int
    length: int
    offset: int

    @property
    def end(self) -> int:
        """First physical address past the range."""
        return self.base + self.length


@dataclass(frozen=True, slots=True)
class RamMap:
    """All of guest RAM, in order of physical address, no two ranges adjoining."""

    ranges: tuple[RamRange, ...]

    @property
    def end(self) -> int:
        """First physical address past the last byte of RAM."""
        return self.ranges[-1].end if self.ranges else 0

    def offset(self, paddr: int, length: int) -> int:
        """Return where in the file the bytes at `paddr` are.

        Raises:
            MemoryUnreadable: not every one of them is RAM.
        """
        for piece in self.ranges:
            if piece.base <= paddr and length >= 0 and paddr + length <= piece.end:
                return piece.offset + paddr - piece.base
        raise MemoryUnreadable(paddr, length, f"guest RAM is {self}")

    def __str__(self) -> str:
        """Return the ranges as text: ``0x0..0xbfffffff, 0x100000000..0x1bfffffff``."""
        return ", ".join(f"{r.base:#x}..{r.end - 1:#x}" for r in self.ranges) or "empty"


def parse_mtree(text: str, name: str) -> RamMap:
    """Return the RAM called `name` from QEMU's flat view of the system address space.

    RAM that the firmware has made read-only for the guest counts: it is the same memory.

    Raises:
        ValueError: the text has no such RAM.
    """
    for view in text.split("FlatView"):
        if ' AS "memory", root: system' in view:
            break
    else:
        raise ValueError("no system address space in QEMU's 'info mtree -f'")
    ranges: list[RamRange] = []
    for line in view.splitlines():
        match = _RANGE.match(line)
        if match is None or match[3] not in ("ram", "rom") or match[4] != name:
            continue
        base = int(match[1], 16)
        piece = RamRange(base, int(match[2], 16) + 1 - base, int(match[5] or "0", 16))
        last = ranges[-1] if ranges else None
        if last and last.end == piece.base and last.offset + last.length == piece.offset:
            ranges[-1] = RamRange(last.base, last.length + piece.length, last.offset)
        else:
            ranges.append(piece)
    if not ranges:
        raise ValueError(f"no RAM {name!r} in QEMU's 'info mtree -f'")
    return RamMap(tuple(ranges))
