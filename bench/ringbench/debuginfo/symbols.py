"""The ELF file itself: is it one that the bench can use, and its symbol table by address."""

import bisect
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from elftools.common.exceptions import DWARFError, ELFError
from elftools.construct import ConstructError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from ringbench.errors import ImageError

_STUMBLES: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
    ConstructError,
)


@contextmanager
def damage(path: Path) -> Iterator[None]:
    """Report whatever the ELF and DWARF parsers stumble over as one `ImageError`.

    A cut or overwritten file makes pyelftools raise far more than its own exceptions.
    """
    try:
        yield
    except (ELFError, DWARFError, *_STUMBLES) as error:
        why = str(error) or type(error).__name__
        raise ImageError(f"{path}: the ELF file is damaged ({why})") from error


def open_elf(path: Path) -> ELFFile:
    """Return a 64-bit x86 ELF file, read into memory.

    Raises:
        ImageError: missing, unreadable, not ELF, or of another machine.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path}: cannot read the kernel: {error.strerror}") from None
    if data[:4] != b"\x7fELF":
        raise ImageError(f"{path}: not an ELF file: it does not start with the ELF magic number")
    with damage(path):
        elf = ELFFile(io.BytesIO(data))
    if elf.elfclass != 64 or elf["e_machine"] != "EM_X86_64":
        raise ImageError(
            f"{path}: symbols and types are read from a 64-bit x86_64 ELF file; this is a "
            f"{elf.elfclass}-bit one for {elf.get_machine_arch()}"
        )
    with damage(path):
        elf.get_section_by_name(".symtab")  # reads all section headers
    return elf


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
    def load(cls, path: Path) -> "Symbols":
        """Read the symbol table.

        Raises:
            ImageError: not a usable ELF file, or stripped.
        """
        return cls.of(open_elf(path), path)

    @classmethod
    def of(cls, elf: ELFFile, path: Path) -> "Symbols":
        """Read the symbol table of an ELF file that is open already; `path` is for messages."""
        table = elf.get_section_by_name(".symtab")
        if not isinstance(table, SymbolTableSection):
            raise ImageError(
                f"{path}: no symbol table: the file is stripped; keep an unstripped one"
            )
        wanted = ("STT_FUNC", "STT_OBJECT", "STT_NOTYPE")
        with damage(path):
            symbols = [
                (symbol["st_value"], symbol["st_size"], symbol.name)
                for symbol in table.iter_symbols()
                if symbol.name
                and symbol["st_info"]["type"] in wanted
                and symbol["st_shndx"] != "SHN_UNDEF"
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
