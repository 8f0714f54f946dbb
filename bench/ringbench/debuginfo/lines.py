"""DWARF's line tables: which source line an instruction belongs to.

A row holds from its address to the next row's, and of several rows at one address the last: the
same reading as addr2line's. Rows that are not marked as statements count like the others.
"""

from __future__ import annotations

import posixpath
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:  # pyelftools takes a while to import: only for who reads something
    from elftools.dwarf.dwarfinfo import DWARFInfo


class Row(NamedTuple):
    """Code of one line: its file's path, the line, first address and the address behind."""

    path: str
    line: int
    begin: int
    end: int


def read_rows(elf: Path) -> Iterator[Row]:
    """Yield each row that has code, unit by unit; none of a file without line tables.

    Raises:
        OSError, ELFError: as the file and pyelftools have it.
    """
    from elftools.elf.elffile import ELFFile

    with elf.open("rb") as file:
        dwarf = ELFFile(file).get_dwarf_info()
        if dwarf.debug_line_sec is None:
            return
        for unit in dwarf.iter_CUs():
            yield from rows_of(dwarf, unit)


def rows_of(dwarf: DWARFInfo, unit: Any) -> Iterator[Row]:
    """Yield the rows of one unit that have code."""
    program = dwarf.line_program_for_CU(unit)
    if program is None:
        return
    paths = _paths(program.header, unit)
    row = None
    for entry in program.get_entries():
        if entry.state is None:
            continue
        after = entry.state
        if row is not None and row.address < after.address and _is_line(row):
            yield Row(paths[row.file], row.line, row.address, after.address)
        row = after


class LineTable:
    """Lines by address; of each unit that an address is asked of, the table is read once."""

    def __init__(self, dwarf: DWARFInfo) -> None:
        self._dwarf = dwarf
        self._rows: dict[int, list[Row]] = {}
        has_lines = dwarf.debug_line_sec is not None
        self._units = {unit.cu_offset: unit for unit in dwarf.iter_CUs()} if has_lines else {}
        self._ranges = dwarf.get_aranges() if has_lines else None

    def at(self, address: int) -> Row | None:
        """Return the row that an address belongs to, or None."""
        for unit in self._candidates(address):
            rows = self._of(unit)
            at = bisect_right(rows, address, key=lambda row: row.begin) - 1
            if at >= 0 and address < rows[at].end:
                return rows[at]
        return None

    def _candidates(self, address: int) -> Iterator[Any]:
        """Yield the unit that an index of the file names, or all that the address can be of."""
        offset = self._ranges.cu_offset_at_addr(address) if self._ranges is not None else None
        if offset is not None and offset in self._units:
            yield self._units[offset]
            return
        yield from (unit for unit in self._units.values() if _can_have(unit, address))

    def _of(self, unit: Any) -> list[Row]:
        if unit.cu_offset not in self._rows:
            rows = sorted(rows_of(self._dwarf, unit), key=lambda row: row.begin)
            self._rows[unit.cu_offset] = rows
        return self._rows[unit.cu_offset]


def _can_have(unit: Any, address: int) -> bool:
    """Tell whether a unit may have code at an address: all but one that says otherwise."""
    attributes = unit.get_top_DIE().attributes
    if "DW_AT_ranges" in attributes or "DW_AT_high_pc" not in attributes:
        return "DW_AT_stmt_list" in attributes
    low, high = attributes["DW_AT_low_pc"].value, attributes["DW_AT_high_pc"]
    end = high.value if high.form.startswith("DW_FORM_addr") else low + high.value
    return bool(low <= address < end)


def _is_line(row: Any) -> bool:
    return row.line > 0 and not row.end_sequence


def _paths(header: Any, unit: Any) -> list[str]:
    """Return the paths of a line table's files, by the numbers that its rows have.

    DWARF 5, 6.2.4: files and folders count from 0, the unit's folder among them; before that from
    1, and folder 0 is the unit's.
    """
    attributes = unit.get_top_DIE().attributes
    base = attributes["DW_AT_comp_dir"].value.decode() if "DW_AT_comp_dir" in attributes else "."
    folders = [folder.decode() for folder in header["include_directory"]]
    if header["version"] < 5:
        folders.insert(0, base)
    paths = [
        posixpath.normpath(posixpath.join(base, folders[file.dir_index], file.name.decode()))
        for file in header["file_entry"]
    ]
    return paths if header["version"] >= 5 else ["", *paths]
