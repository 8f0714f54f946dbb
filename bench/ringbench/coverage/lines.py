"""Which source lines have code, and where: from DWARF's line tables.

A line counts if an instruction belongs to it, by the same reading of the table as addr2line's: a
row holds from its address to the next row's, and of several rows at one address the last. So
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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ringbench.coverage.line_program import Row, rows
from ringbench.coverage.ranges import Range
from ringbench.debuginfo.elf import damage, debug_information, open_elf
from ringbench.errors import CoverageError, ImageError
from ringbench.machine.translations import code_of

if TYPE_CHECKING:
    from elftools.elf.elffile import ELFFile

ROWS: Final = 1 << 20
"""Rows of all line tables that are read."""

LONGEST_PATH: Final = 4096
"""Characters of a path; what is longer, no compiler was given."""

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
                for path, line, begin, end in _rows(elf, opened):
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


def _rows(path: Path, elf: ELFFile) -> Iterator[tuple[str, int, int, int]]:
    """Yield path, line, first address and the address behind, of each row that has code."""
    dwarf = debug_information(path, elf)
    if dwarf.debug_line_sec is None:
        return
    dwarf.debug_line_sec.stream.seek(0)
    section, left = dwarf.debug_line_sec.stream.read(), ROWS
    seen: set[int] = set()
    for unit in dwarf.iter_CUs():
        program = dwarf.line_program_for_CU(unit)
        if program is None or program.program_start_offset in seen:
            continue
        seen.add(program.program_start_offset)
        paths = _Paths(program.header, unit)
        row = None
        start, end = program.program_start_offset, program.program_end_offset
        for after in rows(program.header, section[start:end]):
            left -= 1
            if left < 0:
                raise ImageError(f"{path}: over {ROWS:,} rows of line tables, too many to be read")
            if row is not None and row.address < after.address and _is_line(row):
                yield paths[row.file], row.line, row.address, after.address
            row = after


def _is_line(row: Row) -> bool:
    return row.line > 0 and not row.end_sequence


class _Paths:
    """The paths of a line table's files, by the numbers that its rows have.

    DWARF 5, 6.2.4: files and folders count from 0, the unit's folder among them; before that from
    1, and folder 0 is the unit's.
    """

    def __init__(self, header: Any, unit: Any) -> None:
        attributes = unit.get_top_DIE().attributes
        named = attributes.get("DW_AT_comp_dir")
        self._base = named.value.decode() if named is not None else "."
        self._folders = [folder.decode() for folder in header["include_directory"]]
        self._files = header["file_entry"]
        self._first = 0 if header["version"] >= 5 else 1
        if self._first:
            self._folders.insert(0, self._base)
        self._known: dict[int, str] = {}

    def __getitem__(self, number: int) -> str:
        if number not in self._known:
            if number < self._first:
                raise ImageError(f"a row of a line table has file {number}, which there is none of")
            file = self._files[number - self._first]
            names = (self._base, self._folders[file.dir_index], file.name.decode())
            if sum(map(len, names)) > LONGEST_PATH:
                raise ImageError(f"the path of a source file has over {LONGEST_PATH:,} characters")
            self._known[number] = posixpath.normpath(posixpath.join(*names))
        return self._known[number]


def _relative(path: str, root: Path) -> str:
    inside = path.removeprefix(os.fspath(root).rstrip("/") + "/")
    return inside if posixpath.isabs(path) else path
