"""Sets of addresses as ranges: what code is, and what ran of it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Range = tuple[int, int]
"""From an address to the one behind the last."""


@dataclass(frozen=True, slots=True)
class Ranges:
    """A set of addresses: ranges in order, none empty, none touching the next."""

    ranges: tuple[Range, ...] = ()

    @classmethod
    def of(cls, ranges: Iterable[Range]) -> Ranges:
        """Return the union of ranges in any order, which may overlap or be empty."""
        merged: list[Range] = []
        for begin, end in sorted(ranges):
            if begin >= end:
                continue
            if merged and begin <= merged[-1][1]:
                merged[-1] = merged[-1][0], max(end, merged[-1][1])
            else:
                merged.append((begin, end))
        return cls(tuple(merged))

    @classmethod
    def of_instructions(cls, lengths: Mapping[int, int]) -> Ranges:
        """Return the bytes of instructions: address -> length in bytes."""
        return cls.of((address, address + length) for address, length in lengths.items())

    def __or__(self, other: Ranges) -> Ranges:
        return Ranges.of((*self.ranges, *other.ranges))

    def touches(self, part: Range) -> bool:
        """Whether any address of `part` is in the set."""
        begin, end = part
        before = bisect_right(self.ranges, end - 1, key=lambda each: each[0]) - 1
        return before >= 0 and self.ranges[before][1] > begin
