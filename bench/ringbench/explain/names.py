"""Names for addresses: the symbol, and the line of source, of one ELF file.

Whatever the file lacks, or cannot be read of it, is left out of the answer: an explanation with
bare addresses is better than none. It is read when the first name is asked for, and once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ringbench.debuginfo.elf import (
    check_sections,
    damage,
    debug_information,
    load_segments,
    parse,
)
from ringbench.debuginfo.frames import CallFrames
from ringbench.debuginfo.lines import LineTable
from ringbench.debuginfo.symbols import SymbolOffset, Symbols
from ringbench.errors import ImageError
from ringbench.explanation import Place

if TYPE_CHECKING:
    from elftools.elf.elffile import ELFFile

T = TypeVar("T")


class Extent(NamedTuple):
    """Where a segment of the kernel lies, where it is loaded, and whether it has code."""

    begin: int
    end: int
    loaded: int
    is_code: bool

    def has(self, address: int) -> bool:
        """Whether an address is in it."""
        return self.begin <= address < self.end


class Names:
    """The names of one kernel."""

    def __init__(self, elf: Path) -> None:
        self._path = elf
        self._places: dict[tuple[int, bool], Place] = {}

    def place(self, address: int, *, returns: bool = False) -> Place:
        """Return what is at an address; of one that a call `returns` to, the line of the call."""
        key = address, returns
        if key not in self._places:
            self._places[key] = self._place(self.linked(address), returns, address)
        return self._places[key]

    def symbol(self, address: int) -> str:
        """Return the name of what an address lies in, without an offset; empty if not known."""
        found = self._found(address)
        return found.name if found is not None else ""

    def begins(self, address: int) -> int | None:
        """Return where the symbol begins that an address lies in, or None."""
        found = self._found(self.linked(address))
        return address - found.offset if found is not None else None

    def describe(self, address: int) -> str:
        """Return an address in hex, with its symbol if it has one."""
        found = self._found(address)
        return f"{address:#x} ({found})" if found is not None else f"{address:#x}"

    def is_code(self, address: int) -> bool:
        """Whether an address is in an executable segment."""
        linked = self.linked(address)
        return any(each.has(linked) for each in self._segments if each.is_code)

    @property
    def has_code(self) -> bool:
        """Whether it is known at all what is code."""
        return any(each.is_code for each in self._segments)

    def linked(self, address: int) -> int:
        """Return where that is linked which a physical address has; others as they are.

        A kernel begins where it is loaded, before it maps itself to where it is linked.
        """
        if not self._is_linked(address):
            for each in self._segments:
                if each.loaded <= address < each.loaded + each.end - each.begin:
                    return address - each.loaded + each.begin
        return address

    def _place(self, linked: int, returns: bool, address: int) -> Place:
        looked_up = linked - returns
        symbol = self._found(looked_up)
        if symbol is None:
            return Place(address)
        name = f"{symbol.name}+{symbol.offset + returns:#x}"
        lines = self._lines
        row = _attempt(self._path, lambda: lines.at(looked_up)) if lines is not None else None
        return Place(address, name, _shown(row.path), row.line) if row else Place(address, name)

    def _found(self, address: int) -> SymbolOffset | None:
        """Return the symbol of an address in the kernel: the last one without a size has no end."""
        if self._symbols is None:
            return None
        return self._symbols.at(address) if self._is_linked(address) else None

    def _is_linked(self, address: int) -> bool:
        return any(each.has(address) for each in self._segments)

    @cached_property
    def _elf(self) -> ELFFile | None:
        return _attempt(self._path, lambda: _open(self._path))

    @cached_property
    def _symbols(self) -> Symbols | None:
        elf = self._elf
        return None if elf is None else _attempt(self._path, lambda: Symbols.of(elf, self._path))

    @cached_property
    def _lines(self) -> LineTable | None:
        elf = self._elf
        if elf is None:
            return None
        return _attempt(self._path, lambda: LineTable(self._path, elf))

    @cached_property
    def frames(self) -> tuple[CallFrames, ...]:
        """What the file says of where a caller is found: each table of it that can be read."""
        elf = self._elf
        if elf is None:
            return ()
        path = self._path
        dwarf = _attempt(path, lambda: debug_information(path, elf, or_frames=True))
        if dwarf is None:
            return ()
        readers = []
        if dwarf.has_CFI():
            readers.append(dwarf.CFI_entries)
        if dwarf.has_EH_CFI():
            readers.append(dwarf.EH_CFI_entries)
        tables = [_attempt(self._path, partial(_call_frames, read)) for read in readers]
        return tuple(table for table in tables if table is not None)

    @cached_property
    def _segments(self) -> tuple[Extent, ...]:
        return _attempt(self._path, lambda: _extents(self._path)) or ()


def _open(path: Path) -> ELFFile:
    elf = parse(path)
    check_sections(path, elf)
    return elf


def _call_frames(read: Callable[[], list[Any]]) -> CallFrames:
    return CallFrames(read())


def _extents(path: Path) -> tuple[Extent, ...]:
    return tuple(
        Extent(each.vaddr, each.vaddr + each.size, each.paddr, each.executable)
        for each in load_segments(path)
    )


def _attempt(path: Path, read: Callable[[], T]) -> T | None:
    """Return what is read, or None of a file that is missing or damaged."""
    try:
        with damage(path):
            return read()
    except ImageError:
        return None


def _shown(path: str) -> str:
    """Return a path as a person would give it from the working folder."""
    return path.removeprefix(f"{Path.cwd()}/")
