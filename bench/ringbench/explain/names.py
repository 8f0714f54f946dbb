"""Names for addresses: the symbol, and the line of source, of a kernel's ELF files.

Whatever the file lacks, or cannot be read of it, is left out of the answer: an explanation with
bare addresses is better than none. It is read when the first name is asked for, and once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ringbench.debuginfo.elf import check_sections, damage, load_segments, parse
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
    """The names of one kernel, and of further files, which run where they were linked."""

    def __init__(
        self, elf: Path, slide: Callable[[], int] = lambda: 0, more: Iterable[Path] = ()
    ) -> None:
        """Take the kernel's file, what says how much higher it runs than linked, and the others."""
        self._path = elf
        self._more = tuple(Names(each) for each in more)
        self._slide = slide
        self._places: dict[tuple[int, bool, int], Place] = {}
        self._lent: tuple[range, str] = range(0), ""

    def lend(self, addresses: range, name: str) -> None:
        """Give a name to code that is not of the file; it takes the place of what was so named."""
        self._lent = addresses, name
        self._places.clear()

    def place(self, address: int, *, returns: bool = False) -> Place:
        """Return what is at an address; of one that a call `returns` to, the line of the call."""
        if (other := self._other(address - returns)) is not None:
            return other.place(address, returns=returns)
        key = address, returns, self._slide()
        if key not in self._places:
            linked = self.linked(address - returns) + returns
            self._places[key] = self._place(linked, returns, address)
        return self._places[key]

    def symbol(self, address: int) -> str:
        """Return the name of what an address lies in, without an offset; empty if not known."""
        if (other := self._other(address)) is not None:
            return other.symbol(address)
        found = self._found(address - self._slide())
        return found.name if found is not None else ""

    def begins(self, address: int) -> int | None:
        """Return where the symbol begins that an address lies in, or None."""
        if (other := self._other(address)) is not None:
            return other.begins(address)
        found = self._found(self.linked(address))
        return address - found.offset if found is not None else None

    def segment(self, address: int) -> Extent | None:
        """Return the segment of data that an address lies in, as it runs; None if in none."""
        linked = self.linked(address)
        moved = address - linked
        return next(
            (
                each._replace(begin=each.begin + moved, end=each.end + moved)
                for each in self._segments
                if each.has(linked) and not each.is_code
            ),
            None,
        )

    def describe(self, address: int) -> str:
        """Return an address in hex, with its symbol if it has one."""
        if (other := self._other(address)) is not None:
            return other.describe(address)
        found = self._found(address - self._slide())
        return f"{address:#x} ({found})" if found is not None else f"{address:#x}"

    def is_code(self, address: int) -> bool:
        """Whether an address is in an executable segment, or in code that was given a name."""
        if (other := self._other(address)) is not None:
            return other.is_code(address)
        linked = self.linked(address)
        is_own = any(each.has(linked) for each in self._segments if each.is_code)
        return is_own or address in self._lent[0]

    def code(self) -> tuple[tuple[int, int], ...]:
        """Return where the kernel's own executable segments run: [begin, end) of each."""
        slide = self._slide()
        return tuple(
            (each.begin + slide, each.end + slide) for each in self._segments if each.is_code
        )

    @property
    def has_code(self) -> bool:
        """Whether it is known at all what is code."""
        return any(each.is_code for each in self._segments)

    def linked(self, address: int) -> int:
        """Return where that is linked which is at an address: where it runs, or a physical one.

        A kernel begins where it is loaded, before it maps itself to where it runs. What is not the
        kernel's stays as it is.
        """
        moved = address - self._slide()
        if self._is_linked(moved):
            return moved
        if not self._is_linked(address):
            for each in self._segments:
                if each.loaded <= address < each.loaded + each.end - each.begin:
                    return address - each.loaded + each.begin
        return address

    def _other(self, address: int) -> Names | None:
        """Return the further file that an address is in; None if it is in none, or the kernel's."""
        if not self._more or address in self._lent[0]:
            return None
        if self._is_linked(self.linked(address)):
            return None
        return next((each for each in self._more if each._is_linked(address)), None)

    def _place(self, linked: int, returns: bool, address: int) -> Place:
        addresses, name = self._lent
        if address in addresses:
            return Place(address, f"{name}+{address - addresses.start:#x}")
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
    def _debug(self) -> tuple[Path, ELFFile] | None:
        """The file that has the debug information: this one, or a separate one."""
        from ringbench.debuginfo.separate import debug_file

        elf = self._elf
        return None if elf is None else _attempt(self._path, lambda: debug_file(self._path, elf))

    @cached_property
    def _symbols(self) -> Symbols | None:
        elf = self._elf
        if elf is None:
            return None
        debug = self._debug[1] if self._debug is not None else None
        return _attempt(self._path, lambda: Symbols.of(elf, self._path, debug=debug))

    @cached_property
    def _lines(self) -> LineTable | None:
        if self._debug is None:
            return None
        path, elf = self._debug
        return _attempt(path, lambda: LineTable(path, elf))

    @cached_property
    def frames(self) -> tuple[CallFrames, ...]:
        """What the files say of where a caller is found: each table of them that can be read."""
        from ringbench.debuginfo.information import debug_information

        elf = self._elf
        if elf is None:
            return sum((each.frames for each in self._more), ())
        readers = []
        files = {self._path: elf} | dict([self._debug] if self._debug is not None else [])
        for path, each in files.items():
            read = partial(debug_information, path, each, or_frames=True)
            dwarf = _attempt(path, read)
            if dwarf is not None and dwarf.has_CFI():
                readers.append(dwarf.CFI_entries)
            if dwarf is not None and dwarf.has_EH_CFI():
                readers.append(dwarf.EH_CFI_entries)
        tables = [_attempt(self._path, partial(_call_frames, read)) for read in readers]
        own = tuple(table for table in tables if table is not None)
        return sum((each.frames for each in self._more), own)

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
