"""Kernel variables and types out of the ELF file's debug information.

Offsets are never copied into the bench: they are read from the DWARF that the compiler wrote for
the very kernel that runs. Parsing all of it takes seconds for a large kernel, so only what is asked
for is parsed (`ringbench.debuginfo.search`).

A name may be given without its outer scopes if only one thing has it then, and with its source file
before it: `k::pmm::FREE`, `pmm::FREE`, `kmain::line`, `alloc.c:counter`, `'alloc.c'::counter`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from elftools.elf.elffile import ELFFile

from ringbench.debuginfo.build import Builder
from ringbench.debuginfo.ctype import (
    Array,
    Bits,
    Boolean,
    Enum,
    EnumValue,
    Float,
    Integer,
    Pointer,
    Reader,
    Type,
    Value,
    read_array,
    read_value,
)
from ringbench.debuginfo.elf import damage, open_elf
from ringbench.debuginfo.lookup import Lookup
from ringbench.debuginfo.record import Member, Record, Struct, Tagged
from ringbench.debuginfo.separate import debug_file
from ringbench.debuginfo.symbols import ADDRESSES, Symbols
from ringbench.errors import ImageError

__all__ = [
    "Array",
    "Bits",
    "Boolean",
    "Enum",
    "EnumValue",
    "Float",
    "Integer",
    "Member",
    "Pointer",
    "Reader",
    "Record",
    "Struct",
    "Symbols",
    "Tagged",
    "Type",
    "Types",
    "Value",
    "Variable",
    "read_array",
    "read_value",
]

_STEP: Final = re.compile(r"\.(?P<member>\w+)|\[(?P<index>\d+)\]")
_FILE: Final = re.compile(r"'[^']*'::|[^:'<>\[\]]+:(?!:)")


@dataclass(frozen=True, slots=True)
class Variable:
    """Something in memory with a name: a global, or a part of one."""

    name: str
    address: int
    type: Type


class Types:
    """The types and global variables of one ELF file, and of those that `more` have."""

    def __init__(
        self, path: Path, elf: ELFFile, slide: int = 0, more: tuple["Types", ...] = ()
    ) -> None:
        self._path = path
        self._slide = slide
        self._more = more
        if elf["e_type"] == "ET_REL":
            raise ImageError(f"{path}: an object file, in which nothing has its place; link it")
        self._where, dwarf = debug_file(path, elf)
        self.symbols: Symbols = Symbols.of(
            elf, path, slide, dwarf, tuple(each.symbols for each in more)
        )
        with damage(self._where):
            self._lookup = Lookup(path, dwarf, self._where, self.symbols)
        self._builder = Builder(self._where, self._lookup.whole, self._lookup.complete)
        self._named: dict[str, Type] = {}
        self._variables: dict[str, Variable | None] = {}

    @classmethod
    def load(cls, path: Path, slide: int = 0, more: Iterable[Path] = ()) -> "Types":
        """Open a kernel's ELF file; what has been parsed of it is shared by all who open it.

        `slide` is how much higher the kernel runs than it was linked. What it does not have is
        looked for in the files `more`, which run where they were linked.

        Raises:
            ImageError: missing, not a 64-bit x86 ELF file, stripped, or without DWARF.
        """
        others = tuple(cls.load(each) for each in more)
        try:
            file = path.stat()
        except OSError:
            return cls(path, open_elf(path))  # which says what is the matter
        return _load(path, (file.st_mtime_ns, file.st_size, file.st_ino), slide, others)

    def variable(self, name: str) -> Variable:
        """Return a variable's address and type: a global's, a static one's, also of a function.

        Raises:
            ImageError: there is none of that name, or several, or it has no fixed address.
        """
        found = self._found(name)
        if found is None:
            raise ImageError(
                f"{self._path}: no variable {name!r} in the debug information{self._missing()}"
            )
        return found

    def type(self, name: str) -> Type:
        """Return a type by its name: `struct pmm`, `enum status`, a typedef, `int`, `mem::Region`.

        Raises:
            ImageError: no such type, or one that is only declared, or several.
        """
        for types in (self, *self._more):
            found = types._own_type(name)
            if found is not None:
                return found
        raise ImageError(
            f"{self._path}: no type {name!r} in the debug information{self._missing()}"
        )

    def struct(self, name: str) -> Struct:
        """Return a struct, union or class, also by a typedef's name.

        Raises:
            ImageError: no such type, or another kind of type.
        """
        found = self.type(name)
        if not isinstance(found, Struct):
            raise ImageError(f"{self._path}: {name!r} is not a struct or union")
        return found

    def enumerator(self, name: str) -> int | None:
        """Return the value of an enumerator; None if no enumeration has one of that name."""
        with damage(self._where):
            found = self._lookup.enumerator(name)
        if found is not None:
            return found
        others = (each.enumerator(name) for each in self._more)
        return next((value for value in others if value is not None), None)

    def struct_names(self) -> set[str]:
        """Return the names of all structs, unions and classes, for a message that has near ones."""
        with damage(self._where):
            return self._lookup.struct_names().union(*(each.struct_names() for each in self._more))

    def enum(self, name: str) -> Enum:
        """Return an enumeration, also by a typedef's name.

        Raises:
            ImageError: no such type, or another kind of type.
        """
        found = self.type(name)
        if not isinstance(found, Enum):
            raise ImageError(f"{self._path}: {name!r} is not an enumeration")
        return found

    def returned(self, name: str) -> Type | None:
        """Return the type of what a function returns; None if the debug information lacks it.

        Raises:
            ImageError: the debug information is damaged.
        """
        with damage(self._where):
            die = self._lookup.function(name)
            return None if die is None else self._builder.of(die)

    def locate(self, path: str) -> Variable:
        """Return address and type of a part of a global: `pmm.any.middle[3]`. Follows no pointer.

        Raises:
            ImageError: no such variable, member or element.
        """
        for name, steps in _readings(path):
            base = self._found(name)
            if base is not None:
                offset, type_ = self._descend(base.type, steps, path)
                return Variable(path, base.address + offset, type_)
        first, _ = next(_readings(path))
        self.variable(first)  # raises: there is none
        raise AssertionError(path)

    def offset(self, type_: Type, path: str) -> tuple[int, Type]:
        """Return the byte offset and type of `path` (`member.inner[2]`) inside a type.

        Raises:
            ImageError: no such member or element.
        """
        return self._descend(type_, f".{path}", path)

    def value(self, reader: Reader, path: str) -> Value:
        """Read a global variable or a part of it: `pmm.free_count`.

        Raises:
            ImageError: no such variable, member or element.
        """
        found = self.locate(path)
        return read_value(reader, found.address, found.type)

    def _descend(self, type_: Type, steps: str, whole: str) -> tuple[int, Type]:
        offset = position = 0
        while position < len(steps):
            step = _STEP.match(steps, position)
            if step is None:
                raise ImageError(f"{whole!r} is not a path like variable.member[3]")
            position = step.end()
            if step["member"] is not None:
                if not isinstance(type_, Struct):
                    raise ImageError(
                        f"{self._path}: {whole!r}: {type_.name} has no member {step['member']!r}"
                    )
                member = type_.member(step["member"])
                offset, type_ = offset + member.offset, member.type
            else:
                index = int(step["index"])
                if not isinstance(type_, Array):
                    raise ImageError(f"{self._path}: {whole!r}: {type_.name} is not an array")
                if type_.count is not None and index >= type_.count:
                    raise ImageError(f"{self._path}: {whole!r}: {type_.name} has no [{index}]")
                offset, type_ = offset + index * type_.element.size, type_.element
        return offset, type_

    def _found(self, text: str) -> Variable | None:
        if text not in self._variables:
            with damage(self._where):
                found = self._lookup.variable(text)
                self._variables[text] = found and Variable(
                    text, (found[0] + self._slide) % ADDRESSES, self._builder.of(found[1])
                )
        own = self._variables[text]
        return own or next((other for each in self._more if (other := each._found(text))), None)

    def _own_type(self, text: str) -> Type | None:
        if text not in self._named:
            with damage(self._where):
                entry = self._lookup.type(text)
                if entry is None:
                    return None
                self._named[text] = self._builder.type(entry)
        return self._named[text]

    def _missing(self) -> str:
        with damage(self._where):
            return self._lookup.missing()


def _readings(path: str) -> Iterator[tuple[str, str]]:
    """Yield the ways to part a path into a variable's name and the steps from it.

    The shortest name first: only Zig's names have dots.
    """
    file = _FILE.match(path)
    depth, start = 0, file.end() if file else 0
    for position in range(start, len(path)):
        depth += (path[position] == "<") - (path[position] == ">")
        if depth == 0 and path[position] in ".[" and position > start:
            yield path[:position], path[position:]
            if path[position] == "[":
                return
    yield path, ""


@lru_cache(maxsize=8)
def _load(path: Path, _version: tuple[int, ...], slide: int, more: tuple[Types, ...]) -> Types:
    """The file at `path`, opened once for each version of it that there has been."""
    return Types(path, open_elf(path), slide, more)
