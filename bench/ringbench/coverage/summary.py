"""What ran of which lines: the figures that every report has."""

from __future__ import annotations

import posixpath
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ringbench.coverage.lines import Lines, Where
from ringbench.coverage.ranges import Range, Ranges


@dataclass(frozen=True, slots=True)
class FileCoverage:
    """The lines of a source file that have code, and those of them that ran.

    `jumps` has, of each line with conditional jumps, where each went, in the order of the code: 0
    nowhere, 1 on, 2 away, 3 both. It is None where that was not recorded.
    """

    path: str
    lines: frozenset[int]
    ran: frozenset[int]
    jumps: Mapping[int, tuple[int, ...]] | None = None

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
    """Lines with code, and those that ran, of several files; and the ways of jumps, two each."""

    lines: int
    ran: int
    ways: int = 0
    went: int = 0

    @classmethod
    def of(cls, files: Iterable[FileCoverage]) -> Total:
        """Add up files."""
        counted = [(len(file.lines), len(file.ran), *_ways(file)) for file in files]
        return cls(*map(sum, zip(*counted, strict=True))) if counted else cls(0, 0)

    @property
    def percent(self) -> float:
        """The share that ran, from 0 to 100."""
        return 100 * self.ran / self.lines if self.lines else 100.0


def _ways(file: FileCoverage) -> tuple[int, int]:
    """Return how many ways a file's jumps have, and how many they went."""
    all_of = [ways for line in (file.jumps or {}).values() for ways in line]
    return 2 * len(all_of), sum(ways.bit_count() for ways in all_of)


def measure(
    lines: Lines,
    ran: Ranges,
    prefixes: Iterable[str] = (),
    jumps: Mapping[int, int] | None = None,
) -> tuple[FileCoverage, ...]:
    """Return the coverage of each file, in order; with `prefixes` only of files below one.

    `jumps` has the address of each conditional jump, and the ways that it went.
    """
    wanted = tuple(prefixes)
    order = sorted(jumps or ())

    def of(where: Where) -> Mapping[int, tuple[int, ...]] | None:
        if jumps is None:
            return None
        found = {
            line: tuple(
                jumps[at]
                for begin, end in sorted(set(places))
                for at in order[bisect_left(order, begin) : bisect_left(order, end)]
            )
            for line, places in where.items()
        }
        return {line: ways for line, ways in found.items() if ways}

    return tuple(
        FileCoverage(
            path,
            frozenset(where),
            frozenset(line for line, places in where.items() if any(map(ran.touches, places))),
            of(where),
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
