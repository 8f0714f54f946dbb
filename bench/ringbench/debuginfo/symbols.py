"""The symbol table of an ELF file, by name and by address."""

from __future__ import annotations

import bisect
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ringbench.debuginfo.elf import damage, open_elf
from ringbench.debuginfo.near import near
from ringbench.errors import ImageError

if TYPE_CHECKING:
    from elftools.elf.elffile import ELFFile

MOST: Final = 1 << 20
"""Symbols that a file may have."""

LONGEST: Final = 1 << 12
"""Bytes of a name."""

ADDRESSES: Final = 1 << 64

_SYMBOL: Final = struct.Struct("<IBBHQQ")  # name, info, other, section, value, size
_SYMBOL32: Final = struct.Struct("<IIIBBH")  # name, value, size, info, other, section
_TYPES: Final = (0, 1, 2)  # STT_NOTYPE, STT_OBJECT, STT_FUNC
_FILE: Final = 4
_UNDEFINED: Final = 0
_LOCAL: Final = 0

_Row = tuple[int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class SymbolOffset:
    """An address as a person reads it: `kmain+0x12`."""

    name: str
    offset: int

    def __str__(self) -> str:
        return f"{self.name}+{self.offset:#x}" if self.offset else self.name


class Symbols:
    """The symbol table of an ELF file, and of those that `more` have."""

    def __init__(
        self,
        path: Path,
        symbols: list[tuple[int, int, str]],
        files: Mapping[tuple[int, str], str] | None = None,
        more: tuple[Symbols, ...] = (),
        slide: int = 0,
    ) -> None:
        """Take (address, size, name) of each symbol, in any order, `slide` higher than linked.

        `files` says of a local one, by address and name, which source file it is of.
        """
        self._path = path
        self._files = files or {}
        self._more = more
        self._slide = slide
        self._symbols = symbols

    @cached_property
    def _by_name(self) -> dict[str, tuple[int, ...]]:
        result: dict[str, tuple[int, ...]] = {}
        for address, _, name in self._symbols:
            known = result.get(name, ())
            if address not in known:
                result[name] = (*known, address)
        return result

    @cached_property
    def _ordered(self) -> list[tuple[int, int, str]]:
        # Of symbols at one address the one with the largest size comes last, and is found first.
        return sorted(self._symbols)

    @cached_property
    def _starts(self) -> list[int]:
        return [address for address, _, _ in self._ordered]

    @classmethod
    def load(cls, path: Path, slide: int = 0, more: Iterable[Path] = ()) -> Symbols:
        """Read the symbol table of a file that runs `slide` higher than it was linked.

        What it does not have is looked for in the files `more`.

        Raises:
            ImageError: not a usable ELF file, or stripped.
        """
        return cls.of(open_elf(path), path, slide, more=tuple(cls.load(each) for each in more))

    @classmethod
    def of(
        cls,
        elf: ELFFile,
        path: Path,
        slide: int = 0,
        debug: ELFFile | None = None,
        more: tuple[Symbols, ...] = (),
    ) -> Symbols:
        """Read the symbol table of an ELF file that is open already; `path` is for messages.

        If it has none, that of its separate `debug` file is read.
        """
        symbols: list[tuple[int, int, str]] = []
        files: dict[tuple[int, str], str] = {}
        file = ""  # local symbols follow that of their source file
        with damage(path):
            names, rows = _table(path, elf, debug)
            for at, info, section, value, size in rows:
                binding, kind = divmod(info, 16)
                if kind not in (*_TYPES, _FILE) or not (name := _name(names, at)):
                    continue
                if kind == _FILE:
                    file = name
                elif section != _UNDEFINED:
                    address = (value + slide) % ADDRESSES
                    symbols.append((address, size, name))
                    if file and binding == _LOCAL:
                        files[address, name] = file
        return cls(path, symbols, files, more, slide)

    def own(self, name: str) -> tuple[int, ...]:
        """Return every address that has this name in this file, leaving `more` out."""
        found = self._by_name.get(name)
        if found is not None:
            return found
        file, colon, rest = name.replace("'::", ":").lstrip("'").partition(":")
        if colon and not rest.startswith(":"):  # alloc.c:counter
            return tuple(
                each for each in self._by_name.get(rest, ()) if self._is_of(each, rest, file)
            )
        return tuple(self._written.get(name, ()))

    def linked(self, name: str) -> list[int]:
        """Return the addresses that this file's symbols of a name were linked to."""
        return [(each - self._slide) % ADDRESSES for each in self.own(name)]

    def _is_of(self, address: int, name: str, file: str) -> bool:
        return f"/{self._files.get((address, name), '')}".endswith(f"/{file.rpartition('/')[2]}")

    @cached_property
    def _readable(self) -> dict[str, str]:
        """Names as the programmer wrote them, by those for the linker that stand for them."""
        from ringbench.debuginfo.demangle import demangled

        return demangled(self._by_name)

    @cached_property
    def _written(self) -> dict[str, list[int]]:
        """Addresses by the names that mangled ones stand for, also without a function's types."""
        from ringbench.debuginfo.demangle import spellings

        result: dict[str, list[int]] = {}
        for name, text in self._readable.items():
            for each in spellings(text):
                known = result.setdefault(each, [])
                known.extend(at for at in self._by_name[name] if at not in known)
        return result

    @property
    def names(self) -> tuple[str, ...]:
        """All names, mangled ones as they are written, too, in no order."""
        return (*self._by_name, *self._written)

    @property
    def objects(self) -> Sequence[tuple[int, int, str]]:
        """Address, size and name of each of the file's own symbols, in order."""
        return self._ordered

    @property
    def starts(self) -> Sequence[int]:
        """Where the file's own symbols begin, in order; several may begin at one address."""
        return self._starts

    def addresses(self, name: str) -> tuple[int, ...]:
        """Return every address that has this name: static ones of several files may share it.

        A static one alone: `alloc.c:counter`. A C++ or Rust name as it is written, or mangled.
        """
        own = self.own(name)
        return own or next((found for each in self._more if (found := each.addresses(name))), ())

    def address(self, name: str) -> int:
        """Return the address of a symbol.

        Raises:
            ImageError: there is none of that name, or several.
        """
        found = self.addresses(name)
        if not found:
            raise ImageError(f"{self._path}: no symbol {name!r}{near(name, self.names)}")
        if len(found) > 1:
            places = [self.place(each, name) for each in sorted(self.linked(name))]
            raise ImageError(
                f"{self._path}: symbol {name!r} is ambiguous: "
                + ", ".join(places or map(hex, found))
            )
        return found[0]

    def files(self, name: str) -> list[str]:
        """Return what each symbol of a name is called with its file: `alloc.c:counter`.

        Empty if that does not tell them all apart.
        """
        files = {self._files.get((address, name), "") for address in self.own(name)}
        if "" in files or len(files) < len(self.own(name)):
            return []
        return [f"{file}:{name}" for file in sorted(files)]

    def place(self, address: int, name: str) -> str:
        """Return what tells a symbol from others of its name: `alloc.c:counter at 0x...`.

        One of several C++ functions has the types of its parameters: `alloc(unsigned long) at ...`.

        The address is that which it was linked to.
        """
        here = (address + self._slide) % ADDRESSES
        if name not in self._by_name and (written := self._written_at(here)):
            return f"{written} at {here:#x}"
        file = self._files.get((here, name), "")
        return f"{file}:{name} at {here:#x}" if file else f"{here:#x}"

    def _written_at(self, address: int) -> str:
        """Return the whole name of what is at an address and has a mangled one; else nothing."""
        names = (self._readable.get(name, "") for at, _, name in self._symbols if at == address)
        return next(filter(None, names), "")

    def size(self, name: str) -> int:
        """Return a symbol's size in bytes; 0 if the file does not say.

        Raises:
            ImageError: there is none of that name, or several.
        """
        address = self.address(name)
        if not self.own(name):
            return next(each.size(name) for each in self._more if each.addresses(name))
        here = [(own, size) for at, size, own in self._symbols if at == address]
        return next((size for own, size in here if own == name), here[-1][1])

    def at(self, address: int) -> SymbolOffset | None:
        """Return the symbol that an address lies in, or None; a mangled name as it was written.

        A symbol without a size (assembly) reaches to the next one.
        """
        found = [self._own_at(address), *(each.at(address) for each in self._more)]
        return min((each for each in found if each), key=lambda each: each.offset, default=None)

    def _own_at(self, address: int) -> SymbolOffset | None:
        position = bisect.bisect_right(self._starts, address) - 1
        while position >= 0:
            start, size, name = self._ordered[position]
            if address < start + size or (size == 0 and position + 1 < len(self._ordered)):
                return SymbolOffset(self._readable.get(name, name), address - start)
            if size:
                return None
            position -= 1
        return None

    def describe(self, address: int) -> str:
        """Return an address in hex, with its symbol if it has one: `0x...15 <kmain+0x12>`."""
        symbol = self.at(address)
        return f"{address:#x} <{symbol}>" if symbol else f"{address:#x}"


def _table(path: Path, elf: ELFFile, debug: ELFFile | None) -> tuple[bytes, Iterable[_Row]]:
    """Return the names that symbols have, and the symbols."""
    for each in (elf, debug):
        table = each.get_section_by_name(".symtab") if each is not None else None
        if each is not None and table is not None and table["sh_type"] != "SHT_NOBITS":
            data, names = table.data(), each.get_section(table["sh_link"]).data()
            if len(data) > MOST * _SYMBOL.size:
                raise ImageError(f"{path}: over {MOST:,} symbols, more than any kernel has")
            return names, _rows(data, each.elfclass)
    raise ImageError(f"{path}: no symbol table: the file is stripped; keep an unstripped one")


def _rows(data: bytes, bits: int) -> Iterator[_Row]:
    """Yield name, info, section, value and size of each symbol of a table."""
    if bits == 64:
        for name, info, _, section, value, size in _SYMBOL.iter_unpack(data):
            yield name, info, section, value, size
    else:
        for name, value, size, info, _, section in _SYMBOL32.iter_unpack(data):
            yield name, info, section, value, size


def _name(names: bytes, at: int) -> str:
    """Return a name out of the table of strings."""
    end = names.find(b"\0", at, at + LONGEST)
    name = names[at : end if end >= 0 else at + LONGEST].decode("utf-8", "replace")
    return name if name.isprintable() else "".join(c if c.isprintable() else "?" for c in name)
