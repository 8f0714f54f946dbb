"""Page tables by the thousand as columns, and everything under a root as one value."""

from dataclasses import dataclass

import numpy as np

from ringbench.arch.x86_64.address import LEVELS
from ringbench.arch.x86_64.leaves import Bytes, Flags, Leaves, Positions, Words
from ringbench.arch.x86_64.records import Problem, RecursiveSlot


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Tables:
    """Page tables in their places, level by level, in each by ascending address.

    Attributes:
        paddr: physical addresses of the frames.
        vaddr: first addresses served.
        level: 5 (PML5) or 4 (PML4) to 1 (PT).
        present: numbers of present entries.
    """

    paddr: Words
    vaddr: Words
    level: Bytes
    present: Positions

    def __len__(self) -> int:
        return len(self.paddr)

    @classmethod
    def join(cls, parts: list["Tables"]) -> "Tables":
        """Return all of these in one."""
        return cls(
            np.concatenate([part.paddr for part in parts]),
            np.concatenate([part.vaddr for part in parts]),
            np.concatenate([part.level for part in parts]),
            np.concatenate([part.present for part in parts]),
        )

    def pick(self, which: Flags) -> "Tables":
        """Return the tables that a mask picks."""
        return Tables(self.paddr[which], self.vaddr[which], self.level[which], self.present[which])

    def counts(self) -> dict[int, int]:
        """Return how many there are by level, the root's first; with none, from 4 to 1."""
        found = np.bincount(self.level, minlength=LEVELS + 1).tolist()
        return {level: found[level] for level in range(len(found) - 1, 0, -1)}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AddressSpace:
    """Everything under one root: its tables, its leaves, and what could not be followed.

    Attributes:
        root: physical address of the root table.
        levels: 4 if it is a PML4, 5 if it is a PML5.
        tables: every table, those that serve several ranges once for each.
        leaves: every mapped page, ascending by virtual address.
        problems: ascending by virtual address; the limit, if it was met, is the last.
        recursive: slots of the root that lead to itself and were not followed, ascending.
    """

    root: int
    levels: int
    tables: Tables
    leaves: Leaves
    problems: tuple[Problem, ...]
    recursive: tuple[RecursiveSlot, ...] = ()
