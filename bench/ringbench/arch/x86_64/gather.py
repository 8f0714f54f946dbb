"""Many page tables at once: where they are, and reading them as rows of 512 entries."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from ringbench.arch.x86_64.address import (
    ENTRIES,
    OFFSET_MASK,
    PAGE_SHIFT,
    PAGE_SIZE,
    UPPER_HALF_SLOT,
    entry_span,
    upper_half,
)
from ringbench.arch.x86_64.leaves import Flags, Words
from ringbench.arch.x86_64.memory import PhysicalMemory, ViewableMemory
from ringbench.arch.x86_64.walk import EVERYTHING
from ringbench.errors import MemoryUnreadable

_OFFSET: Final = np.uint64(OFFSET_MASK)
_INDEX: Final = np.arange(ENTRIES, dtype=np.uint64)


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Tables to be read, as parallel arrays.

    Attributes:
        paddr: where they are.
        vaddr: first addresses served.
        above: what the levels above permit: W and U allow, NX forbids.
    """

    paddr: Words
    vaddr: Words
    above: Words

    @classmethod
    def of(cls, root: int) -> "Places":
        """Return a root and nothing else."""
        return cls(*(np.array([each], np.uint64) for each in (root, 0, EVERYTHING)))

    @classmethod
    def none(cls) -> "Places":
        """Return no table."""
        return cls(*(np.zeros(0, np.uint64) for _ in range(3)))

    @classmethod
    def join(cls, parts: list["Places"]) -> "Places":
        """Return all of these in one; there is one at least."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            np.concatenate([part.paddr for part in parts]),
            np.concatenate([part.vaddr for part in parts]),
            np.concatenate([part.above for part in parts]),
        )

    def pick(self, which: Flags | slice) -> "Places":
        """Return the tables that a mask or a slice picks."""
        return Places(self.paddr[which], self.vaddr[which], self.above[which])

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Yield (first address served, physical address)."""
        return zip(self.vaddr.tolist(), self.paddr.tolist(), strict=True)

    def served(self, level: int, levels: int) -> Words:
        """Return the first address that each entry of these tables serves: 512 in a row.

        `level` is theirs, and `levels` is how many there are.
        """
        first = self.vaddr[:, np.newaxis] + _INDEX * np.uint64(entry_span(level))
        if level == levels:
            first[:, UPPER_HALF_SLOT:] |= np.uint64(upper_half(levels))
        return first

    def of_each(self, column: Words, which: Flags) -> Words:
        """Return what a column has for the table of each marked entry."""
        return np.repeat(column, np.count_nonzero(which, axis=1))

    def __len__(self) -> int:
        return len(self.paddr)


class Frames:
    """Frames of a memory as rows of 512 entries.

    What lies in this process is gathered from where it is; other memory is read frame by frame,
    each once.
    """

    def __init__(self, memory: PhysicalMemory) -> None:
        self._memory = memory
        self._views: list[tuple[np.uint64, Words]] | None = None
        self._known: dict[int, Words | None] = {}
        if isinstance(memory, ViewableMemory):
            self._views = [_rows(base, view) for base, view in memory.views()]

    def read(self, paddrs: Words) -> tuple[Words, Flags]:
        """Return a copy of these frames' entries, and which of them are memory; others are 0.

        No frame begins at what is not a multiple of 4096.
        """
        if self._views is None:
            return self._read_singly(paddrs)
        words = np.zeros((len(paddrs), ENTRIES), np.uint64)
        readable = np.zeros(len(paddrs), np.bool_)
        for base, rows in self._views:
            # Below `base` this wraps round, and is past all rows.
            number = (paddrs - base) >> np.uint64(PAGE_SHIFT)
            inside = (number < len(rows)) & ((paddrs & _OFFSET) == 0)
            if inside.all():
                return rows[number], inside
            words[inside] = rows[number[inside]]
            readable |= inside
        return words, readable

    def _read_singly(self, paddrs: Words) -> tuple[Words, Flags]:
        words = np.zeros((len(paddrs), ENTRIES), np.uint64)
        readable = np.zeros(len(paddrs), np.bool_)
        for at, paddr in enumerate(paddrs.tolist()):
            if paddr not in self._known:
                self._known[paddr] = self._read_one(paddr)
            row = self._known[paddr]
            if row is not None:
                words[at], readable[at] = row, True
        return words, readable

    def _read_one(self, paddr: int) -> Words | None:
        if paddr % PAGE_SIZE:
            return None
        try:
            return np.frombuffer(self._memory.read(paddr, PAGE_SIZE), "<u8")
        except MemoryUnreadable:
            return None


def _rows(base: int, view: memoryview) -> tuple[np.uint64, Words]:
    """Return the whole frames of a piece of memory: the first one's address, and their entries."""
    skip = -base % PAGE_SIZE
    size = max(len(view) - skip, 0) // PAGE_SIZE * PAGE_SIZE
    rows = np.frombuffer(view[skip : skip + size], "<u8").reshape(-1, ENTRIES)
    return np.uint64(base + skip), rows
