"""The table in the README here: which rule caught which mutant, and after how much."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.kernels.textbook.kernels import number

NOT_CAUGHT: Final = "not caught"
"""In place of a rule."""

README: Final = Path(__file__).parent / "README.md"
_ROW: Final = re.compile(
    r"^\| `(\S+)` \| (.+) \| (.*) \| ([0-9,]*) \| ([0-9.,]*) \|$", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Row:
    """A mutant, what it gets wrong, the rule that it breaks first, and how soon that was seen."""

    mutant: str
    mistake: str
    rule: str
    calls: int
    seconds: float

    @property
    def caught(self) -> bool:
        """Whether the hunt saw anything wrong."""
        return self.rule != NOT_CAUGHT

    def __str__(self) -> str:
        return (
            f"| `{self.mutant}` | {self.mistake} | {self.rule} | {self.calls:,} "
            f"| {self.seconds:.1f} |"
        )


def read() -> list[Row]:
    """Return the rows of the table."""
    return [
        Row(name, mistake, rule, int(calls.replace(",", "")), float(seconds))
        for name, mistake, rule, calls, seconds in _ROW.findall(README.read_text())
    ]


def write(rows: Iterable[Row]) -> None:
    """Put rows in place of the table's, in the order of their names."""
    lines = README.read_text().splitlines()
    places = [number for number, line in enumerate(lines) if _ROW.match(line)]
    first = places[0] if places else lines.index("| --- | --- | --- | --- | --- |") + 1
    kept = [line for number, line in enumerate(lines) if number not in places]
    kept[first:first] = [str(row) for row in sorted(rows, key=lambda row: number(row.mutant))]
    README.write_text("\n".join(kept) + "\n")
