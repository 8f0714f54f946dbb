"""One disagreement, as every check reports it."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Mismatch:
    """What was expected and what was seen, in the field's own words.

    Attributes:
        layer: `pmm`, `paging`, `vmm`, `heap`, `task`, or `machine` for what belongs to none.
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
