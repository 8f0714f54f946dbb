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
from typing import Any

from ringbench.coverage.ranges import Range
from ringbench.errors import CoverageError
from ringbench.machine.translations import Code, code_of

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
        code = _code(elf)
        for path, line, begin, end in _rows(elf):
            if any(piece.base <= begin < piece.end for piece in code):  # not what was discarded
                files[_relative(path, root)][line].append((begin, end))
        if not files:
            raise CoverageError(f"{elf}: no DWARF line table of its code; compile with -g")
        return cls(
            root,
            {
                path: {line: tuple(ranges) for line, ranges in sorted(files[path].items())}
                for path in sorted(files)
            },
        )


def _code(elf: Path) -> tuple[Code, ...]:
    from elftools.common.exceptions import ELFError

    try:
        return code_of(elf)
    except OSError as error:
        raise CoverageError(f"{elf}: cannot be read ({error.strerror})") from None
    except ELFError as error:
        raise CoverageError(f"{elf}: not an ELF file ({error})") from None


def _rows(elf: Path) -> Iterator[tuple[str, int, int, int]]:
    """Yield path, line, first address and the address behind, of each row that has code."""
    from elftools.elf.elffile import ELFFile

    with elf.open("rb") as file:
        dwarf = ELFFile(file).get_dwarf_info()
        if dwarf.debug_line_sec is None:
            return
        for unit in dwarf.iter_CUs():
            program = dwarf.line_program_for_CU(unit)
            if program is None:
                continue
            paths = _paths(program.header, unit)
            row = None
            for entry in program.get_entries():
                if entry.state is None:
                    continue
                after = entry.state
                if row is not None and row.address < after.address and _is_line(row):
                    yield paths[row.file], row.line, row.address, after.address
                row = after


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


def _relative(path: str, root: Path) -> str:
    inside = path.removeprefix(os.fspath(root).rstrip("/") + "/")
    return inside if posixpath.isabs(path) else path
