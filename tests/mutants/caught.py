"""`caught.txt`: what caught each mutant in the last whole campaign, a line each.

It is the campaign's table as a file that a person can search, and what `make test` draws from.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.mutants.mutant import HERE

CAUGHT: Final = HERE / "caught.txt"
HEAD: Final = "# mutant, caught by, after operations, what: `make mutants MUTANT_ARGS=--save`"


@dataclass(frozen=True, slots=True)
class Catch:
    """How a mutant was caught: by which stage, after how many operations, and what was seen."""

    stage: str
    operations: int
    what: str


def read(path: Path = CAUGHT) -> dict[str, Catch]:
    """The list by name of the mutant; empty if there is none."""
    found = {}
    for line in path.read_text().splitlines()[1:] if path.exists() else ():
        name, stage, operations, what = line.split("\t")
        found[name] = Catch(stage, int(operations), what)
    return found


def write(catches: dict[str, Catch], path: Path = CAUGHT) -> None:
    """Replace the list."""
    lines = [
        "\t".join((name, each.stage, str(each.operations), " ".join(each.what.split())))
        for name, each in sorted(catches.items())
    ]
    path.write_text("\n".join((HEAD, *lines)) + "\n")
