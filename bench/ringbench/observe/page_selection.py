"""Which of the mapped pages are wanted: by rights, by addresses, by size."""

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from ringbench.arch.x86_64.address import ADDRESS_END, PAGE_SIZE, SIZE_NAMES
from ringbench.arch.x86_64.leaves import Flags, Leaves, Ranges, Words


class Span(NamedTuple):
    """Addresses from `start` up to `end`, which is not included."""

    start: int
    end: int

    @classmethod
    def of_pages(cls, start: int, end: int) -> "Span":
        """Return the whole 4 KiB pages that have an address in [start, end)."""
        return cls(start & -PAGE_SIZE, -(-end & -PAGE_SIZE))

    def __str__(self) -> str:
        return f"{self.start:#x}..{self.end - 1:#x}"


EVERYWHERE: Final = Span(0, ADDRESS_END)
"""Every address."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What pages must have to be listed; the default wants all.

    Attributes:
        rights, without: letters of `wxug` (write, execute, user, global) that a page must have,
            and that it must not have.
        virtual, physical: where a part of it must be.
        page_size: 4 KiB, 2 MiB or 1 GiB; None for any.
    """

    rights: str = ""
    without: str = ""
    virtual: Span = EVERYWHERE
    physical: Span = EVERYWHERE
    page_size: int | None = None

    def pick(self, leaves: Leaves) -> Leaves:
        """Return the pages that are wanted, whole ones."""
        if self == Selection():
            return leaves
        which = _touches(leaves.vaddr, leaves.size, self.virtual)
        which &= _touches(leaves.paddr, leaves.size, self.physical)
        flags = {"w": leaves.write, "x": leaves.execute, "u": leaves.user, "g": leaves.global_}
        for letter in self.rights:
            which &= flags[letter]
        for letter in self.without:
            which &= ~flags[letter]
        if self.page_size is not None:
            which &= leaves.size == self.page_size
        return leaves.pick(which)

    def cut(self, ranges: Ranges) -> Ranges:
        """Return of ranges that were picked only what lies in the wanted addresses."""
        heads, length = ranges.heads, ranges.length
        for span, is_physical in ((self.virtual, False), (self.physical, True)):
            start = heads.paddr if is_physical else heads.vaddr
            first = np.maximum(start, np.uint64(span.start))
            last = np.minimum(start + (length - np.uint64(1)), np.uint64(span.end - 1))
            skipped, some = first - start, first <= last
            heads = replace(heads, vaddr=heads.vaddr + skipped, paddr=heads.paddr + skipped)
            heads, length = heads.pick(some), (last - first + np.uint64(1))[some]
        return Ranges(heads, length)

    def __str__(self) -> str:
        """Return what is wanted in words; empty if that is everything."""
        parts = [
            f"with {self.rights}" if self.rights else "",
            f"without {self.without}" if self.without else "",
            f"virtual {self.virtual}" if self.virtual != EVERYWHERE else "",
            f"physical {self.physical}" if self.physical != EVERYWHERE else "",
            f"{SIZE_NAMES[self.page_size]} pages" if self.page_size else "",
        ]
        return ", ".join(filter(None, parts))


def _touches(start: Words, length: Words, span: Span) -> Flags:
    """Return which ranges have an address in a span."""
    last = start + (length - np.uint64(1))
    touches: Flags = (start <= np.uint64(span.end - 1)) & (last >= np.uint64(span.start))
    return touches
