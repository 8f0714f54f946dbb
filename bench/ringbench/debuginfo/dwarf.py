"""Kernel variables and types out of the ELF file's debug information.

Offsets are never copied into the bench: they are read from the DWARF that the compiler wrote for
the very kernel that runs. Parsing all of it takes seconds for a large kernel, so only what is asked
for is parsed: a compilation unit is read when it may define a wanted name (its bytes must refer to
that string), and then only its outermost entries.

Not supported, and refused by name: bit-fields, members at computed offsets, and what is larger than
any kernel's (`LARGEST`).
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from elftools.dwarf.die import DIE
from elftools.elf.elffile import ELFFile

from ringbench.debuginfo.ctype import (
    VOID,
    Array,
    Boolean,
    Enum,
    EnumValue,
    Float,
    Integer,
    Member,
    Pointer,
    Reader,
    Record,
    Struct,
    Type,
    Value,
    read_array,
    read_value,
)
from ringbench.debuginfo.dwarf_units import Units, name_of
from ringbench.debuginfo.elf import damage, debug_information, open_elf
from ringbench.debuginfo.symbols import Symbols
from ringbench.errors import ImageError

__all__ = [
    "Array",
    "Boolean",
    "Enum",
    "EnumValue",
    "Integer",
    "Member",
    "Pointer",
    "Reader",
    "Record",
    "Struct",
    "Symbols",
    "Type",
    "Types",
    "Value",
    "Variable",
    "read_array",
    "read_value",
]

LARGEST: Final = 1 << 40
"""Bytes of a type, which may be an array that describes all of memory."""

DIMENSIONS: Final = 16
"""Of an array."""

LONGEST_NUMBER: Final = 64
"""Bytes of a number or of an enumeration."""

_OP_ADDR: Final = 0x03
_QUALIFIERS: Final = {
    "DW_TAG_const_type",
    "DW_TAG_volatile_type",
    "DW_TAG_restrict_type",
    "DW_TAG_atomic_type",
}
# DW_ATE_* of a base type.
_ENCODING_BOOLEAN: Final = 2
_ENCODING_FLOAT: Final = 4
_ENCODINGS_SIGNED: Final = (5, 6)
_ENCODINGS_UNSIGNED: Final = (7, 8, 16)

_PATH: Final = re.compile(r"\.(?P<member>[A-Za-z_]\w*)|\[(?P<index>\d+)\]")


@dataclass(frozen=True, slots=True)
class Variable:
    """Something in memory with a name: a global, or a part of one."""

    name: str
    address: int
    type: Type


class Types:
    """The types and global variables of one ELF file."""

    def __init__(self, path: Path, elf: ELFFile) -> None:
        self._path = path
        self.symbols = Symbols.of(elf, path)
        with damage(path):
            self._units = Units(path, debug_information(path, elf))
        self._types: dict[int, Type] = {}
        self._named: dict[str, Type] = {}
        self._variables: dict[str, Variable] = {}

    @classmethod
    def load(cls, path: Path) -> "Types":
        """Open a kernel's ELF file; what has been parsed of it is shared by all who open it.

        Raises:
            ImageError: missing, not a 64-bit x86 ELF file, stripped, or without DWARF.
        """
        try:
            file = path.stat()
        except OSError:
            return cls(path, open_elf(path))  # which says what is the matter
        return _load(path, (file.st_mtime_ns, file.st_size, file.st_ino))

    def variable(self, name: str) -> Variable:
        """Return a global (or file-static) variable's address and type.

        Raises:
            ImageError: there is none of that name, or several, or it has no fixed address.
        """
        if name not in self._variables:
            with damage(self._path):
                self._variables[name] = self._find_variable(name)
        return self._variables[name]

    def type(self, name: str) -> Type:
        """Return a type by its C name: `struct pmm`, `union u`, `enum status`, a typedef, `int`.

        Raises:
            ImageError: no such type, or one that is only declared.
        """
        if name not in self._named:
            with damage(self._path):
                die = self._units.find(name, lambda die: "DW_AT_declaration" not in die.attributes)
                if die is None:
                    raise ImageError(f"{self._path}: no type {name!r} in the debug information")
                self._named[name] = self._type(die)
        return self._named[name]

    def struct(self, name: str) -> Struct:
        """Return a struct or union, also by a typedef's name.

        Raises:
            ImageError: no such type, or another kind of type.
        """
        found = self.type(name)
        if not isinstance(found, Struct):
            raise ImageError(f"{self._path}: {name!r} is not a struct or union")
        return found

    def enum(self, name: str) -> Enum:
        """Return an enumeration, also by a typedef's name.

        Raises:
            ImageError: no such type, or another kind of type.
        """
        found = self.type(name)
        if not isinstance(found, Enum):
            raise ImageError(f"{self._path}: {name!r} is not an enumeration")
        return found

    def locate(self, path: str) -> Variable:
        """Return address and type of a part of a global: `pmm.any.middle[3]`. Follows no pointer.

        Raises:
            ImageError: no such variable, member or element.
        """
        name = re.match(r"\w*", path)
        assert name is not None
        base = self.variable(name[0])
        offset, type_ = self._descend(base.type, path[name.end() :], path)
        return Variable(path, base.address + offset, type_)

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
            step = _PATH.match(steps, position)
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

    def _find_variable(self, name: str) -> Variable:
        addresses = self.symbols.addresses(name)
        if len(addresses) > 1:
            self.symbols.address(name)  # raises: ambiguous
        key = f"variable {name}"
        die = self._units.find(key, lambda die: "DW_AT_location" in die.attributes)
        if die is None and addresses:
            # Declared in C, defined in assembly or by the linker script.
            die = self._units.find(key, lambda die: True)
        if die is None:
            raise ImageError(f"{self._path}: no variable {name!r} in the debug information")
        address = _fixed_address(die)
        if address is None:
            if not addresses:
                raise ImageError(f"{self._path}: variable {name!r} has no fixed address")
            address = addresses[0]
        return Variable(name, address, self._type_of(die))

    def _type_of(self, die: DIE) -> Type:
        """Return the type that an entry refers to: void where it refers to none."""
        if "DW_AT_type" not in die.attributes:
            if "DW_AT_specification" in die.attributes:
                return self._type_of(die.get_DIE_from_attribute("DW_AT_specification"))
            return VOID
        return self._type(die.get_DIE_from_attribute("DW_AT_type"))

    def _target(self, die: DIE) -> Type:
        with damage(self._path):
            return self._type_of(die)

    def _type(self, die: DIE, alias: str | None = None) -> Type:
        if die.tag in _QUALIFIERS:
            return self._type_of(die)
        if die.tag == "DW_TAG_typedef":
            target = die.attributes.get("DW_AT_type")
            if target is None:
                return VOID
            return self._type(die.get_DIE_from_attribute("DW_AT_type"), alias or name_of(die))
        if die.offset not in self._types:
            self._types[die.offset] = self._make(die, alias)
        return self._types[die.offset]

    def _make(self, die: DIE, alias: str | None) -> Type:
        name = name_of(die) or alias
        match die.tag:
            case "DW_TAG_base_type":
                return self._base_type(die)
            case "DW_TAG_pointer_type":
                return Pointer("pointer", 8, lambda: self._target(die))
            case "DW_TAG_structure_type":
                return self._struct(die, f"struct {name or '(anonymous)'}", union=False)
            case "DW_TAG_union_type":
                return self._struct(die, f"union {name or '(anonymous)'}", union=True)
            case "DW_TAG_enumeration_type":
                return _enumeration(die, f"enum {name or '(anonymous)'}")
            case "DW_TAG_array_type":
                return self._array(die)
            case "DW_TAG_subroutine_type":
                return Type("function", 0)
            case _:
                return Type(f"{die.tag} {name or ''}".rstrip(), _size(die))

    def _base_type(self, die: DIE) -> Type:
        name, size = name_of(die) or "?", _size(die)
        if size > LONGEST_NUMBER:
            raise ImageError(f"{self._path}: a {name} of {size} bytes")
        encoding = die.attributes["DW_AT_encoding"].value
        if encoding == _ENCODING_BOOLEAN:
            return Boolean(name, size)
        if encoding == _ENCODING_FLOAT:
            return Float(name, size)
        if encoding in _ENCODINGS_SIGNED or encoding in _ENCODINGS_UNSIGNED:
            return Integer(name, size, encoding in _ENCODINGS_SIGNED)
        return Type(name, size)

    def _struct(self, die: DIE, name: str, union: bool) -> Type:
        if "DW_AT_declaration" in die.attributes:
            complete = self._units.find(name, lambda die: "DW_AT_declaration" not in die.attributes)
            return Type(f"incomplete {name}", 0) if complete is None else self._type(complete)
        members = tuple(
            self._member(child, name)
            for child in die.iter_children()
            if child.tag == "DW_TAG_member"
        )
        return Struct(name, _size(die), members, union, str(self._path))

    def _member(self, die: DIE, owner: str) -> Member:
        name = name_of(die)
        if "DW_AT_bit_size" in die.attributes:
            raise ImageError(
                f"{self._path}: {owner}: member {name!r} is a bit-field; these cannot be read"
            )
        offset = _number(die, "DW_AT_data_member_location")
        if offset is None:
            raise ImageError(f"{self._path}: {owner}: member {name!r} has a computed offset")
        return Member(name, offset, self._type_of(die))

    def _array(self, die: DIE) -> Type:
        type_ = self._type_of(die)
        ranges = [child for child in die.iter_children() if child.tag == "DW_TAG_subrange_type"]
        if len(ranges) > DIMENSIONS:
            raise ImageError(f"{self._path}: an array of {len(ranges)} dimensions")
        for child in reversed(ranges):
            count = _count(child)
            if type_.size * (count or 0) > LARGEST:
                raise ImageError(f"{self._path}: an array of {count} {type_.name} is too large")
            name = f"{type_.name}[{'' if count is None else count}]"
            type_ = Array(name, type_.size * (count or 0), type_, count)
        return type_


def _number(die: DIE, name: str) -> int | None:
    """Return a constant of a sane size; 0 if it is not stated, None if it is something else."""
    attribute = die.attributes.get(name)
    if attribute is None:
        return 0
    value = attribute.value
    return value if isinstance(value, int) and 0 <= value <= LARGEST else None


def _size(die: DIE) -> int:
    size = _number(die, "DW_AT_byte_size")
    if size is None:
        raise ImageError(f"{name_of(die) or die.tag}: a type without a size that can be")
    return size


def _count(subrange: DIE) -> int | None:
    """Return an array dimension's length; None if it is not stated (a flexible array)."""
    for name, more in (("DW_AT_count", 0), ("DW_AT_upper_bound", 1)):
        attribute = subrange.attributes.get(name)
        if attribute is not None:
            if not isinstance(attribute.value, int):  # computed at run time
                return None
            count = attribute.value + more
            if not 0 <= count <= LARGEST:
                raise ImageError(f"an array of {count} elements")
            return count
    return None


def _enumeration(die: DIE, name: str) -> Enum:
    values = {
        str(name_of(child)): child.attributes["DW_AT_const_value"].value
        for child in die.iter_children()
        if child.tag == "DW_TAG_enumerator"
    }
    if not all(isinstance(value, int) for value in values.values()):
        raise ImageError(f"{name}: a value that is no number")
    if _size(die) > LONGEST_NUMBER:
        raise ImageError(f"{name}: of {_size(die)} bytes")
    return Enum(name, _size(die), any(value < 0 for value in values.values()), values)


def _fixed_address(die: DIE) -> int | None:
    """Return the address in a location that is one DW_OP_addr, else None."""
    attribute = die.attributes.get("DW_AT_location")
    if attribute is None or not isinstance(attribute.value, list):
        return None
    code, *operand = attribute.value
    return int.from_bytes(bytes(operand), "little") if code == _OP_ADDR else None


@lru_cache(maxsize=4)
def _load(path: Path, _version: tuple[int, ...]) -> Types:
    """The file at `path`, opened once for each version of it that there has been."""
    return Types(path, open_elf(path))
