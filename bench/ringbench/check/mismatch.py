"""One disagreement, as every check reports it, and what one check found in all."""

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

MACHINE: Final = "machine"
"""The layer of what belongs to none of the kernel's: boot, the processor, frame ownership."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """What was expected and what was seen, in the field's own words.

    Attributes:
        layer: the layer of the kernel that it belongs to, or `MACHINE`.
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
    """What one check found: how many single facts it compared, and those that did not agree.

    Attributes:
        layer: the layer of the kernel that was checked, or `MACHINE`.
        comparisons: how many facts were compared.
        mismatches: what did not agree, in the order found.
    """

    layer: str
    comparisons: int
    mismatches: list[Mismatch]

    def at(self, when: str) -> "Finding":
        """Return the same, with a time in the place of each mismatch."""
        return self._replace(mismatches=[each.at(when) for each in self.mismatches])
