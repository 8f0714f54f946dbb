"""The symbol table of an ELF file, by name and by address."""

from __future__ import annotations

import bisect
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ringbench.debuginfo.elf import damage, open_elf
from ringbench.errors import ImageError

if TYPE_CHECKING:
    from elftools.elf.elffile import ELFFile

MOST: Final = 1 << 20
"""Symbols that a file may have."""

LONGEST: Final = 1 << 12
"""Bytes of a name."""

_SYMBOL: Final = struct.Struct("<IBBHQQ")  # name, info, other, section, value, size
_SYMBOL32: Final = struct.Struct("<IIIBBH")  # name, value, size, info, other, section
_TYPES: Final = (0, 1, 2)  # STT_NOTYPE, STT_OBJECT, STT_FUNC
_UNDEFINED: Final = 0


@dataclass(frozen=True, slots=True)
class SymbolOffset:
    """An address as a person reads it: `kmain+0x12`."""

    name: str
    offset: int

    def __str__(self) -> str:
        return f"{self.name}+{self.offset:#x}" if self.offset else self.name


class Symbols:
    """The symbol table of an ELF file."""

    def __init__(self, path: Path, symbols: list[tuple[int, int, str]]) -> None:
        """Take (address, size, name) of each symbol, in any order."""
        self._path = path
        self._by_name: dict[str, list[int]] = {}
        self._sizes: dict[str, int] = {}
        for address, size, name in symbols:
            if address not in self._by_name.setdefault(name, []):
                self._by_name[name].append(address)
            self._sizes[name] = size
        # Of symbols at one address the one with the largest size comes last, and is found first.
        self._ordered = sorted(symbols)
        self._starts = [address for address, _, _ in self._ordered]

    @classmethod
    def load(cls, path: Path) -> Symbols:
        """Read the symbol table.

        Raises:
            ImageError: not a usable ELF file, or stripped.
        """
        return cls.of(open_elf(path), path)

    @classmethod
    def of(cls, elf: ELFFile, path: Path) -> Symbols:
        """Read the symbol table of an ELF file that is open already; `path` is for messages."""
        with damage(path):
            table = elf.get_section_by_name(".symtab")
            if table is None:
                raise ImageError(
                    f"{path}: no symbol table: the file is stripped; keep an unstripped one"
                )
            data, names = table.data(), elf.get_section(table["sh_link"]).data()
            if len(data) > MOST * _SYMBOL.size:
                raise ImageError(f"{path}: over {MOST:,} symbols, more than any kernel has")
            symbols = [
                (value, size, name)
                for at, info, section, value, size in _entries(data, elf.elfclass)
                if info & 0xF in _TYPES and section != _UNDEFINED and (name := _name(names, at))
            ]
        return cls(path, symbols)

    def addresses(self, name: str) -> tuple[int, ...]:
        """Return every address that has this name: static ones of several files may share it."""
        return tuple(self._by_name.get(name, ()))

    def address(self, name: str) -> int:
        """Return the address of a symbol.

        Raises:
            ImageError: there is none of that name, or several.
        """
        found = self.addresses(name)
        if not found:
            raise ImageError(f"{self._path}: no symbol {name!r}")
        if len(found) > 1:
            places = ", ".join(f"{each:#x}" for each in found)
            raise ImageError(f"{self._path}: symbol {name!r} is ambiguous: {places}")
        return found[0]

    def size(self, name: str) -> int:
        """Return a symbol's size in bytes; 0 if the file does not say.

        Raises:
            ImageError: there is none of that name, or several.
        """
        self.address(name)
        return self._sizes[name]

    def at(self, address: int) -> SymbolOffset | None:
        """Return the symbol that an address lies in, or None.

        A symbol without a size (assembly) reaches to the next one.
        """
        position = bisect.bisect_right(self._starts, address) - 1
        while position >= 0:
            start, size, name = self._ordered[position]
            if address < start + size or (size == 0 and position + 1 < len(self._ordered)):
                return SymbolOffset(name, address - start)
            if size:
                return None
            position -= 1
        return None

    def describe(self, address: int) -> str:
        """Return an address in hex, with its symbol if it has one: `0x...15 <kmain+0x12>`."""
        symbol = self.at(address)
        return f"{address:#x} <{symbol}>" if symbol else f"{address:#x}"


def _entries(data: bytes, bits: int) -> Iterator[tuple[int, int, int, int, int]]:
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
    return names[at : end if end >= 0 else at + LONGEST].decode("utf-8", "replace")
