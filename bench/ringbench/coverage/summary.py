"""What ran of which lines: the figures that every report has."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ringbench.coverage.lines import Lines
from ringbench.coverage.ranges import Range, Ranges


@dataclass(frozen=True, slots=True)
class FileCoverage:
    """The lines of a source file that have code, and those of them that ran."""

    path: str
    lines: frozenset[int]
    ran: frozenset[int]

    @property
    def missing(self) -> tuple[Range, ...]:
        """The lines that did not run, first and last of each stretch without one that did."""
        stretches: list[Range] = []
        for line in sorted(self.lines):
            if line in self.ran:
                stretches.append((0, -1))
            elif stretches and stretches[-1][1] > 0:
                stretches[-1] = stretches[-1][0], line
            else:
                stretches.append((line, line))
        return tuple(stretch for stretch in stretches if stretch[1] > 0)


@dataclass(frozen=True, slots=True)
class Total:
    """Lines with code, and those that ran, of several files."""

    lines: int
    ran: int

    @classmethod
    def of(cls, files: Iterable[FileCoverage]) -> Total:
        """Add up files."""
        counted = [(len(file.lines), len(file.ran)) for file in files]
        return cls(sum(lines for lines, _ in counted), sum(ran for _, ran in counted))

    @property
    def percent(self) -> float:
        """The share that ran, from 0 to 100."""
        return 100 * self.ran / self.lines if self.lines else 100.0


def measure(lines: Lines, ran: Ranges, prefixes: Iterable[str] = ()) -> tuple[FileCoverage, ...]:
    """Return the coverage of each file, in order; with `prefixes` only of files below one."""
    wanted = tuple(prefixes)
    return tuple(
        FileCoverage(
            path,
            frozenset(where),
            frozenset(line for line, places in where.items() if any(map(ran.touches, places))),
        )
        for path, where in lines.files.items()
        if not wanted or any(is_below(path, prefix) for prefix in wanted)
    )


def is_below(path: str, prefix: str) -> bool:
    """Whether `path` is the file or in the folder that `prefix` names."""
    folder = posixpath.normpath(prefix)
    return folder == "." or path == folder or path.startswith(folder.rstrip("/") + "/")


def by_folder(
    files: Iterable[FileCoverage],
) -> Iterator[tuple[str, tuple[FileCoverage, ...]]]:
    """Yield each folder with its files: a folder is a layer of the kernel."""
    folders: dict[str, list[FileCoverage]] = {}
    for file in files:
        folders.setdefault(posixpath.dirname(file.path) or ".", []).append(file)
    for folder, members in folders.items():
        yield folder, tuple(members)
