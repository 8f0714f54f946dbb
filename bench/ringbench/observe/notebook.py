"""What one look at a guest found broken, and how much more it may take.

A guest's memory can hold anything: lists without end, lists that thousands of owners share, trees
of page tables with millions of entries. So there is one budget for a whole picture, however its
parts are made up; where it is used up, that is noted as broken, and the rest is left out. It is far
above what a real kernel holds, and small enough that a picture and all its checks take seconds and
some hundred megabytes.
"""

from dataclasses import dataclass
from typing import Final

RECORDS: Final = 1 << 18
"""Heap nodes, places on free lists and what counts as such, together.

A record of a space counts as `RECORD`, a task as `TASK`, as its space and its root are read too; of
bitmaps, `RUNS` runs count as one.
"""

RECORD: Final = 4
TASK: Final = 64
RUNS: Final = 4

PAGES: Final = 3 << 19
"""Leaves of all roots together; a table counts as `TABLE`, a problem as `PROBLEM` leaves."""

TABLE: Final = 16
PROBLEM: Final = 32

FRAMES: Final = 1 << 15
"""Frames whose 512 entries are kept."""

NOTES: Final = 1000
"""Notes that are kept; one more says how many follow."""


@dataclass(frozen=True, slots=True)
class Broken:
    """Something in the guest's memory that could not be followed.

    Attributes:
        layer: the part of the kernel that it belongs to: "paging", "heap".
        what: what is wrong, with the value that shows it.
        where: the address or the member that holds it.
    """

    layer: str
    what: str
    where: str

    def __str__(self) -> str:
        return f"{self.layer}: {self.what}, at {self.where}"


class Notebook:
    """The notes of one picture, and its budget; all readers that take part in it share one.

    Attributes:
        records: how many more records may be read.
        pages: how many more leaves, or what counts as such.
    """

    def __init__(self) -> None:
        self.records = RECORDS
        self.pages = PAGES
        self._notes: list[Broken] = []
        self._last: Broken | None = None
        self._further = 0
        self._used_up = False

    def note(self, layer: str, what: str, where: str) -> None:
        """Write down something broken."""
        if len(self._notes) < NOTES:
            self._notes.append(Broken(layer, what, where))
        else:
            self._further += 1
            self._last = Broken(layer, what, where)

    def spend(self, layer: str, where: str, records: int = 1) -> bool:
        """Take records out of the budget; False, and a note of it, if there are not so many."""
        if records <= self.records:
            self.records -= records
            return True
        self.records = 0
        if not self._used_up:
            self._used_up = True
            what = f"over {RECORDS} records in all: the budget is used up, and the rest is not read"
            self._notes.append(Broken(layer, what, where))
        return False

    @property
    def broken(self) -> tuple[Broken, ...]:
        """All that was noted, as far as it is kept."""
        if self._last is None:
            return tuple(self._notes)
        what = f"{self._further} further places, the last: {self._last.what}"
        return (*self._notes, Broken(self._last.layer, what, self._last.where))
