"""What could not be followed, by the million, as columns: hostile tables have that many."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from ringbench.arch.x86_64.address import entry_span
from ringbench.arch.x86_64.leaves import Bytes, Flags, Positions, Words
from ringbench.arch.x86_64.records import Problem, Stop

_STOPS: Final = tuple(Stop)
_NO_ENTRY: Final = -1


@dataclass(frozen=True, slots=True, eq=False)
class Problems:
    """Problems as parallel arrays.

    Attributes:
        vaddr: the first addresses not listed.
        stop: why, as numbers of `Stop`.
        level, table: of the tables at fault.
        index, raw: the entries at fault; index -1 if the table itself is.
    """

    vaddr: Words
    stop: Bytes
    level: Bytes
    table: Words
    index: Positions
    raw: Words

    @classmethod
    def of_tables(cls, stop: Stop, level: int, table: Words, vaddr: Words) -> "Problems":
        """Return problems with tables of a level."""
        index = np.full(len(table), _NO_ENTRY, np.intp)
        return cls._made(stop, level, vaddr, table, index, np.zeros(len(table), np.uint64))

    @classmethod
    def of_entries(
        cls, level: int, vaddr: Words, table: Words, index: Positions, raw: Words
    ) -> "Problems":
        """Return entries of tables of a level that have reserved bits set."""
        return cls._made(Stop.RESERVED, level, vaddr, table, index, raw)

    @classmethod
    def _made(
        cls, stop: Stop, level: int, vaddr: Words, table: Words, index: Positions, raw: Words
    ) -> "Problems":
        codes = np.full(len(vaddr), _STOPS.index(stop), np.uint8)
        return cls(vaddr, codes, np.full(len(vaddr), level, np.uint8), table, index, raw)

    @classmethod
    def join(cls, parts: list["Problems"]) -> "Problems":
        """Return all of these in one, by ascending virtual address."""
        if not parts:
            return cls.of_tables(Stop.UNREADABLE, 0, *(np.zeros(0, np.uint64) for _ in range(2)))
        joined = cls(
            np.concatenate([part.vaddr for part in parts]),
            np.concatenate([part.stop for part in parts]),
            np.concatenate([part.level for part in parts]),
            np.concatenate([part.table for part in parts]),
            np.concatenate([part.index for part in parts]),
            np.concatenate([part.raw for part in parts]),
        )
        return joined.pick(np.argsort(joined.vaddr, kind="stable"))

    def __len__(self) -> int:
        return len(self.vaddr)

    def __iter__(self) -> Iterator[Problem]:
        columns = (self.vaddr, self.stop, self.level, self.table, self.index, self.raw)
        for vaddr, stop, level, table, index, raw in zip(
            *(column.tolist() for column in columns), strict=True
        ):
            if index == _NO_ENTRY:
                yield Problem(_STOPS[stop], vaddr, entry_span(level + 1), level, table)
            else:
                yield Problem(_STOPS[stop], vaddr, entry_span(level), level, table, index, raw)

    def pick(self, which: Flags | Positions) -> "Problems":
        """Return the problems that a mask or an array of positions picks."""
        return Problems(
            self.vaddr[which],
            self.stop[which],
            self.level[which],
            self.table[which],
            self.index[which],
            self.raw[which],
        )
