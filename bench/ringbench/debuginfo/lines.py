"""DWARF's line tables: which source line an instruction belongs to.

A row holds from its address to the next row's, and of several rows at one address the last: the
same reading as addr2line's. Rows that are not marked as statements count like the others.
"""

from __future__ import annotations

import posixpath
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ringbench.debuginfo import line_program
from ringbench.debuginfo.elf import debug_information
from ringbench.errors import ImageError

if TYPE_CHECKING:  # pyelftools takes a while to import: only for who reads something
    from elftools.elf.elffile import ELFFile

ROWS: Final = 1 << 20
"""Rows of all line tables of a file that are read."""

LONGEST_PATH: Final = 4096
"""Characters of a path; what is longer, no compiler was given."""


class Row(NamedTuple):
    """Code of one line: its file's path, the line, first address and the address behind."""

    path: str
    line: int
    begin: int
    end: int


class LineTable:
    """The line tables of one ELF file, each read when it is first needed."""

    def __init__(self, path: Path, elf: ELFFile) -> None:
        """Open the tables of a file whose sections are checked; `path` is for messages.

        Raises:
            ImageError: the file has no debug information, or it is damaged.
        """
        self._path = path
        self._dwarf = debug_information(path, elf)
        self._left = ROWS
        self._section = b""
        self._by_unit: dict[int, list[Row]] = {}
        self._units: dict[int, Any] = {}
        self._ranges: Any = None
        if self._dwarf.debug_line_sec is not None:
            self._dwarf.debug_line_sec.stream.seek(0)
            self._section = self._dwarf.debug_line_sec.stream.read()
            self._units = {unit.cu_offset: unit for unit in self._dwarf.iter_CUs()}

    def rows(self) -> Iterator[Row]:
        """Yield each row that has code, unit by unit; a table that units share once.

        Raises:
            ImageError: a table is damaged, or there are too many rows.
        """
        seen: set[int] = set()
        for unit in self._units.values():
            program = self._dwarf.line_program_for_CU(unit)
            if program is not None and program.program_start_offset not in seen:
                seen.add(program.program_start_offset)
                yield from self._run(program, unit)

    def at(self, address: int) -> Row | None:
        """Return the row that an address belongs to, or None.

        Raises:
            ImageError: as for `rows`.
        """
        for unit in self._candidates(address):
            rows = self._of(unit)
            at = bisect_right(rows, address, key=lambda row: row.begin) - 1
            if at >= 0 and address < rows[at].end:
                return rows[at]
        return None

    def _candidates(self, address: int) -> Iterator[Any]:
        """Yield the unit that an index of the file names, or all that the address can be of."""
        if self._ranges is None and self._units:
            self._ranges = self._dwarf.get_aranges()
        offset = self._ranges.cu_offset_at_addr(address) if self._ranges is not None else None
        if offset is not None and offset in self._units:
            yield self._units[offset]
            return
        yield from (unit for unit in self._units.values() if _can_have(unit, address))

    def _of(self, unit: Any) -> list[Row]:
        if unit.cu_offset not in self._by_unit:
            program = self._dwarf.line_program_for_CU(unit)
            rows = self._run(program, unit) if program is not None else ()
            self._by_unit[unit.cu_offset] = sorted(rows, key=lambda row: row.begin)
        return self._by_unit[unit.cu_offset]

    def _run(self, program: Any, unit: Any) -> Iterator[Row]:
        paths = _Paths(program.header, unit)
        code = self._section[program.program_start_offset : program.program_end_offset]
        row = None
        for after in line_program.rows(program.header, code):
            self._left -= 1
            if self._left < 0:
                raise ImageError(
                    f"{self._path}: over {ROWS:,} rows of line tables, too many to be read"
                )
            if row is not None and row.address < after.address and _is_line(row):
                yield Row(paths[row.file], row.line, row.address, after.address)
            row = after


def _can_have(unit: Any, address: int) -> bool:
    """Tell whether a unit may have code at an address: all but one that says otherwise."""
    attributes = unit.get_top_DIE().attributes
    if "DW_AT_ranges" in attributes or "DW_AT_high_pc" not in attributes:
        return "DW_AT_stmt_list" in attributes
    low, high = attributes["DW_AT_low_pc"].value, attributes["DW_AT_high_pc"]
    end = high.value if high.form.startswith("DW_FORM_addr") else low + high.value
    return bool(low <= address < end)


def _is_line(row: line_program.Row) -> bool:
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
