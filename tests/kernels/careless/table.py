"""The table in the README here: how each mutant is named, and where."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from ringbench.microscope.findings import Seen
from tests.mutants.mutant import Patch

README: Final = Path(__file__).parent / "README.md"
NOTHING: Final = "nothing"
_ROW: Final = re.compile(r"^\| `(\S+)` \| (.+) \| (.+) \| (.*) \|$", re.MULTILINE)
_HEAD: Final = "| --- | --- | --- | --- |"


@dataclass(frozen=True, slots=True)
class Row:
    """A mutant, what it gets wrong, the kind of the first finding, and its place and caller."""

    mutant: str
    mistake: str
    kind: str
    place: str

    @classmethod
    def of(cls, mutant: Patch, seen: tuple[Seen, ...]) -> Self:
        """Return the row of what was seen."""
        if not seen:
            return cls(mutant.name, mutant.mistake, NOTHING, "")
        places = (seen[0].path.place, *seen[0].path.callers[:1])
        shown = ", from ".join(
            f"{re.split('[+.]', each.symbol)[0]} ({each.file}:{each.line})" for each in places
        )
        return cls(mutant.name, mutant.mistake, seen[0].kind, shown)

    def __str__(self) -> str:
        return f"| `{self.mutant}` | {self.mistake} | {self.kind} | {self.place} |"


def read() -> list[Row]:
    """Return the rows of the table."""
    return [Row(*found) for found in _ROW.findall(README.read_text())]


def write(rows: Iterable[Row]) -> None:
    """Put rows in place of the table's, in the order of their names."""
    text = README.read_text()
    head, _, _ = text.partition(_HEAD)
    lines = "\n".join(str(row) for row in sorted(rows, key=lambda row: row.mutant))
    README.write_text(f"{head}{_HEAD}\n{lines}\n")
