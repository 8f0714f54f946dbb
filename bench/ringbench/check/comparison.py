"""The tally of one layer's comparison: how many facts were compared, and which did not agree.

A `Comparison` counts while a check goes on; `done` makes a `Finding` of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Final, TypeVar

from ringbench.check.mismatch import Finding, Mismatch

DETAILED: Final = 20
"""Mismatches of a layer that are described; one more says how many follow."""

T = TypeVar("T")


@dataclass(slots=True)
class Comparison:
    """The tally of one layer while it is being compared.

    Attributes:
        layer: the layer of the kernel, or `MACHINE`.
        comparisons: how many facts were compared so far.
        mismatches: the first `DETAILED` facts that did not agree.
        further: how many more there were.
    """

    layer: str
    comparisons: int = 0
    mismatches: list[Mismatch] = field(default_factory=list)
    further: int = 0

    def differs(self, what: str, expected: str, seen: str, where: str) -> None:
        """Record a mismatch of a fact that has been counted already."""
        if len(self.mismatches) < DETAILED:
            self.mismatches.append(Mismatch(self.layer, what, expected, seen, where))
        else:
            self.further += 1

    def equal(
        self, what: str, expected: T, seen: T, where: str, show: Callable[[T], str] = str
    ) -> None:
        """Compare one fact."""
        self.comparisons += 1
        if expected != seen:
            self.differs(what, show(expected), show(seen), where)

    def equal_bytes(self, what: str, expected: bytes, seen: bytes, where: str) -> None:
        """Compare as many bytes as a fact; a mismatch shows the first eight that differ."""
        self.comparisons += 1
        if expected != seen:
            pairs = enumerate(zip(expected, seen, strict=True))
            at = next(n for n, (one, other) in pairs if one != other)
            one, other = (
                f"{each[at : at + 8].hex()} at offset {at:#x}" for each in (expected, seen)
            )
            self.differs(what, one, other, where)

    def equal_all(
        self,
        what: str,
        expected: Sequence[T],
        seen: Sequence[T],
        where: Callable[[int], str],
        show: Callable[[T], str] = str,
    ) -> None:
        """Compare two sequences place by place, each a fact; `where` names a place."""
        self.comparisons += max(len(expected), len(seen))
        if expected == seen:
            return
        for index, (one, other) in enumerate(zip_longest(expected, seen)):
            if one != other:
                self.differs(what, _shown(one, show), _shown(other, show), where(index))

    def links(
        self,
        what: str,
        expected: Sequence[T],
        seen: Sequence[T],
        holder: Callable[[int], str],
        show: Callable[[T], str] = str,
    ) -> None:
        """Compare two chains of records, each link a fact.

        Where they part, one pointer leads elsewhere: that is the one mismatch. `holder(n)` names
        what holds the pointer to record n, which may be the end.
        """
        self.comparisons += len(expected) + 1
        if expected == seen:
            return
        pairs = enumerate(zip_longest(expected, seen))
        index, (one, other) = next((n, pair) for n, pair in pairs if pair[0] != pair[1])
        self.differs(what, _shown(one, show), _shown(other, show), holder(index))

    def done(self) -> Finding:
        """Return what was found, with one more mismatch that says how many are not listed."""
        found = list(self.mismatches)
        if self.further:
            what = f"{self.further} further mismatches"
            found.append(Mismatch(self.layer, what, "none", "not listed", self.layer))
        return Finding(self.layer, self.comparisons, found)


def _shown(value: T | None, show: Callable[[T], str]) -> str:
    return "none" if value is None else show(value)


def hexadecimal(value: int | None) -> str:
    """Return a number in hexadecimal, for people; `none` for None."""
    return "none" if value is None else f"{value:#x}"
