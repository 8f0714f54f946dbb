"""Which source lines have code, and where: from DWARF's line tables.

A line counts if an instruction belongs to it, as `ringbench.debuginfo.lines` reads the table. So
what the compiler left without code of its own (declarations, an expression folded into another)
is not a line, a line whose code it made several of (inlined, unrolled) has run if any of them
did, and code of a header's inline function belongs to the header, wherever it was inlined.

Rows that are not marked as statements (`is_stmt`) count like the others. The mark means "a good
place for a breakpoint", not "has code": gcc gives ``return STATUS_INVALID;`` no marked row with
code where it makes the constant part of a common way out, and these are just the lines to ask for.
The price: an instruction that the optimiser moved up before a branch counts for its line although
the branch was not taken.
"""

from __future__ import annotations

import os
import posixpath
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ringbench.coverage.ranges import Range
from ringbench.debuginfo.elf import damage, open_elf
from ringbench.debuginfo.lines import LineTable
from ringbench.errors import CoverageError, ImageError
from ringbench.machine.translations import code_of

Where = Mapping[int, tuple[Range, ...]]
"""Line -> where its code is."""


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of a kernel that have code, by source file: relative to `root` if below it."""

    root: Path
    files: Mapping[str, Where]

    @classmethod
    def load(cls, elf: Path, root: Path) -> Lines:
        """Read the line tables of `elf`, whose relative paths start from the folder `root`.

        Raises:
            CoverageError: not an ELF file, or one without line tables.
        """
        files: dict[str, dict[int, list[Range]]] = defaultdict(lambda: defaultdict(list))
        try:
            code, opened = code_of(elf), open_elf(elf)
            with damage(elf):
                for path, line, begin, end in LineTable(elf, opened).rows():
                    # Not what was discarded; and no further than there is code.
                    piece = next((each for each in code if each.base <= begin < each.end), None)
                    if piece is not None:
                        files[_relative(path, root)][line].append((begin, min(end, piece.end)))
        except ImageError as error:
            raise CoverageError(str(error)) from None
        if not files:
            raise CoverageError(f"{elf}: no DWARF line table of its code; compile with -g")
        return cls(
            root,
            {
                path: {line: tuple(ranges) for line, ranges in sorted(files[path].items())}
                for path in sorted(files)
            },
        )


def _relative(path: str, root: Path) -> str:
    inside = path.removeprefix(os.fspath(root).rstrip("/") + "/")
    return inside if posixpath.isabs(path) else path
