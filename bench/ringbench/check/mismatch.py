"""One disagreement, as every check reports it, and what a check hands back."""

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

MACHINE: Final = "machine"
"""The layer of what belongs to none of the kernel's: boot, frame ownership, the processor."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """What was expected and what was seen, in the field's own words.

    Attributes:
        layer: one of the kernel's, like `pmm`, or `MACHINE`.
        what: the fact that disagrees: "effective permissions", "free frames".
        expected: according to the model, or to the first of two witnesses.
        seen: according to the machine, or to the second witness.
        where: the place: an address, a frame, an entry, a region; after which operation.
    """

    layer: str
    what: str
    expected: str
    seen: str
    where: str

    def at(self, when: str) -> "Mismatch":
        """Return the same, with a time in its place."""
        return replace(self, where=f"{self.where}, {when}")

    def __str__(self) -> str:
        return (
            f"{self.layer}: {self.what} at {self.where}: expected {self.expected}, seen {self.seen}"
        )


class Finding(NamedTuple):
    """What one check compared and found.

    Attributes:
        layer: as of a mismatch.
        comparisons: how many single facts were compared.
        mismatches: those that disagree.
    """

    layer: str
    comparisons: int
    mismatches: list[Mismatch]
