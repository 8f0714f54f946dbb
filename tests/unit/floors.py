"""The floors of the bench, as README's picture has them, and the imports that must keep to them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from tests.places import BENCH

PACKAGE: Final = BENCH / "ringbench"
REFERENCE: Final = "subjects/reference"
SECTION: Final = "## How the bench is built\n"


class Unit(NamedTuple):
    """What stands on a floor: a package or a module, in the generic column or the reference's."""

    name: str
    is_reference: bool = False

    def __str__(self) -> str:
        return f"{REFERENCE}/{self.name}" if self.is_reference else self.name


Floors = dict[Unit, int]
"""The floor of each unit, counted downwards."""


@dataclass(frozen=True, slots=True)
class Import:
    """An import: line `line` of `file`, from the package on, wants what is called `name`."""

    file: str
    line: int
    name: str

    @property
    def importer(self) -> Unit:
        """Where the import stands."""
        return unit_of(self.file.removesuffix(".py").split("/"))

    @property
    def imported(self) -> Unit:
        """Where it leads."""
        return unit_of(self.name.split(".")[1:])


def unit_of(parts: list[str]) -> Unit:
    """Return the unit that a path or a dotted name, from the package on, belongs to."""
    if parts[:2] == REFERENCE.split("/") and len(parts) > 2:
        return Unit(parts[2], is_reference=True)
    return Unit(parts[0])


def floors_of(readme: str) -> Floors:
    """Read the picture: the first indented block of its section, in two columns under a heading."""
    lines = iter(readme.partition(SECTION)[2].splitlines())
    column = next(line for line in lines if line.startswith("    ")).index(REFERENCE)
    next(lines)
    floors: Floors = {}
    for number, line in enumerate(lines):
        if not line:
            break
        floors |= {Unit(name): number for name in line[:column].split()}
        floors |= {Unit(name, is_reference=True): number for name in line[column:].split()}
    return floors


def units(package: Path = PACKAGE) -> set[Unit]:
    """Return the packages and modules of both columns."""
    return {
        Unit(path.stem, is_reference)
        for is_reference, folder in ((False, package), (True, package / REFERENCE))
        for path in (*folder.glob("*.py"), *(each.parent for each in folder.glob("*/__init__.py")))
        if path.name != "__init__.py" and path != package / REFERENCE
    }


def imports(package: Path = PACKAGE) -> Iterator[Import]:
    """Yield every import of the package's own, also in functions and for type checkers alone."""
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names = [each.name for each in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert not node.level, f"{path}:{node.lineno}: a relative import"
                names = [f"{node.module}.{each.name}" for each in node.names]
            else:
                continue
            for name in names:
                if name.startswith(f"{package.name}."):
                    yield Import(path.relative_to(package).as_posix(), node.lineno, name)


def wrong(found: Import, floors: Floors) -> str | None:
    """Say why an import does not keep to the floors; None if it does."""
    one, other = found.importer, found.imported
    if one == other:
        return None
    for unit in (one, other):
        if unit not in floors:
            return f"{found.file}:{found.line}: README's picture has no {unit}"
    to_the_left = one.is_reference and not other.is_reference
    down = floors[one] < floors[other] or (to_the_left and floors[one] == floors[other])
    if down and one.is_reference >= other.is_reference:
        return None
    return (
        f"{found.file}:{found.line}: {one} (floor {floors[one]}) imports {other} "
        f"(floor {floors[other]})"
    )
