"""From DWARF entries to the types of `ringbench.debuginfo.ctype` and `.record`."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from elftools.common.exceptions import DWARFError
from elftools.dwarf.die import DIE

from ringbench.debuginfo.ctype import (
    VOID,
    Array,
    Bits,
    Boolean,
    Enum,
    Float,
    Integer,
    Nothing,
    Pointer,
    Type,
)
from ringbench.debuginfo.elf import damage
from ringbench.debuginfo.entry import (
    LARGEST,
    constant,
    is_declaration,
    name_of,
    number,
    refers,
    size_of,
)
from ringbench.debuginfo.members import record, wrapped
from ringbench.debuginfo.record import Struct

DIMENSIONS: Final = 16
"""Of an array."""

LONGEST_NUMBER: Final = 64
"""Bytes of a number or of an enumeration."""

_QUALIFIERS: Final = {
    "DW_TAG_const_type",
    "DW_TAG_volatile_type",
    "DW_TAG_restrict_type",
    "DW_TAG_atomic_type",
    "DW_TAG_immutable_type",
    "DW_TAG_packed_type",
}
_POINTERS: Final = {
    "DW_TAG_pointer_type": " *",
    "DW_TAG_reference_type": " &",
    "DW_TAG_rvalue_reference_type": " &&",
}
_KEYWORDS: Final = {
    "DW_TAG_structure_type": "struct",
    "DW_TAG_class_type": "class",
    "DW_TAG_union_type": "union",
    "DW_TAG_enumeration_type": "enum",
}
# DW_ATE_* of a base type.
_ENCODING_BOOLEAN: Final = 2
_ENCODING_FLOAT: Final = 4
_ENCODINGS_SIGNED: Final = (5, 6)
_ENCODINGS_UNSIGNED: Final = (1, 7, 8, 16, 17, 18)
_BIG_ENDIAN: Final = 1  # DW_END_big
_BRAIN_FLOAT: Final = re.compile("bf(loat)?16")
_STRIDES: Final = ("DW_AT_byte_stride", "DW_AT_bit_stride")
_MAX_SPELLING: Final = 16
_UNSIGNED_BOUNDS: Final = {"DW_FORM_data4": 4, "DW_FORM_data8": 8}


class Builder:
    """Makes types, each once: what refers to an entry again gets the same type."""

    def __init__(
        self,
        path: Path,
        whole: Callable[[DIE], str | None],
        complete: Callable[[DIE, str], DIE | None],
    ) -> None:
        """Take the file's name for messages, and two questions about an entry.

        `whole` returns its name with all scopes, if it has any; `complete` the definition of what
        it only declares, given the keyword that stands before its name.
        """
        self._path = path
        self._whole = whole
        self._complete = complete
        self._types: dict[DIE, Type] = {}

    def of(self, die: DIE) -> Type:
        """Return the type that an entry has: void where it has none."""
        target = refers(die, "DW_AT_type")
        if target is not None:
            return self.type(target)
        for attribute in ("DW_AT_specification", "DW_AT_abstract_origin"):
            declared = refers(die, attribute)
            if declared is not None:
                return self.of(declared)
        return VOID

    def type(self, die: DIE, alias: str | None = None) -> Type:
        """Return the type that an entry is; `alias` is a name for one that has none itself."""
        if die.tag in _QUALIFIERS:
            return self.of(die)
        if die.tag == "DW_TAG_typedef":
            target = refers(die, "DW_AT_type")
            return VOID if target is None else self.type(target, alias or self._name(die))
        if die not in self._types:
            self._types[die] = self._make(die, alias)
        return self._types[die]

    def _name(self, die: DIE) -> str | None:
        return self._whole(die) or name_of(die)

    def _make(self, die: DIE, alias: str | None) -> Type:
        tag = die.tag
        if tag == "DW_TAG_base_type":
            return self._base_type(die)
        if tag in _POINTERS:
            return Pointer(self._spelled(die), size_of(die) or 8, lambda: self._target(die))
        if tag == "DW_TAG_array_type":
            return self._array(die)
        if tag == "DW_TAG_subroutine_type":
            return Type("function", 0)
        if tag == "DW_TAG_ptr_to_member_type":
            return self._to_member(die)
        if tag == "DW_TAG_unspecified_type":
            nothing, size = name_of(die) or "nothing", size_of(die)
            # C++'s nullptr_t has a size.
            return Integer(nothing, size) if size else Nothing(nothing, 0)
        name = self._name(die) or alias
        if tag not in _KEYWORDS:
            return Type(f"{tag} {name or ''}".rstrip(), size_of(die))
        keyword = _KEYWORDS[str(tag)]
        whole = f"{keyword} {name or '(anonymous)'}"
        if is_declaration(die):
            complete = refers(die, "DW_AT_signature") or self._complete(die, keyword)
            return Type(f"incomplete {whole}", 0) if complete is None else self.type(complete)
        if keyword == "enum":
            return self._enumeration(die, whole)
        return self._struct(die, whole, union=keyword == "union")

    def _target(self, die: DIE) -> Type:
        with damage(self._path):
            return self.of(die)

    def _spelled(self, die: DIE, depth: int = 0) -> str:
        """Return how a pointer is written, without making the types that it leads to."""
        mark = _POINTERS.get(str(die.tag), "")
        target = refers(die, "DW_AT_type")
        if target is None:
            return f"void{mark}"
        if depth > _MAX_SPELLING:
            return f"...{mark}"
        if target.tag in _POINTERS or target.tag in _QUALIFIERS:
            inner = self._spelled(target, depth + 1)
        elif target.tag == "DW_TAG_array_type":
            inner = f"({self._spelled(target, depth + 1)} [])"
        elif target.tag == "DW_TAG_subroutine_type":
            inner = "function"
        else:
            keyword = _KEYWORDS.get(str(target.tag), "")
            inner = f"{keyword} {self._name(target) or '(anonymous)'}".lstrip()
        return inner + mark

    def _base_type(self, die: DIE) -> Type:
        name, size = name_of(die) or "?", size_of(die)
        encoding = number(die, "DW_AT_encoding")
        if number(die, "DW_AT_endianity") == _BIG_ENDIAN:
            return Type(f"big-endian {name}", size)
        if size > LONGEST_NUMBER:
            raise DWARFError(f"a {name} of {size} bytes is longer than any number that is read")
        if encoding == _ENCODING_BOOLEAN:
            return Boolean(name, size)
        if encoding == _ENCODING_FLOAT:
            # Google's format of 16 bits has the encoding of IEEE's.
            return Type(name, size) if _BRAIN_FLOAT.search(name) else Float(name, size)
        if encoding in _ENCODINGS_SIGNED or encoding in _ENCODINGS_UNSIGNED:
            whole = Integer(name, size, encoding in _ENCODINGS_SIGNED)
            width = number(die, "DW_AT_bit_size") or 0
            # C23's _BitInt, Zig's u40: what is above these bits is not said to be anything.
            return Bits(name, size, whole, 0, width) if 0 < width < 8 * size else whole
        return Type(name, size)

    def _to_member(self, die: DIE) -> Type:
        """Return what C++'s ABI has for `int Region::*`: an offset; of a function, two words."""
        target = refers(die, "DW_AT_type")
        is_function = target is not None and target.tag == "DW_TAG_subroutine_type"
        name = f"{self._spelled(die)} ::*"
        return Integer(name, 16) if is_function else Integer(name, 8, signed=True)

    def _enumeration(self, die: DIE, name: str) -> Enum:
        size = size_of(die)
        values = {
            name_of(child) or "": constant(child) or 0
            for child in die.iter_children()
            if child.tag == "DW_TAG_enumerator"
        }
        underlying = self.of(die)
        whole = underlying.base if isinstance(underlying, Bits) else underlying
        if isinstance(whole, Integer):
            signed, size = whole.signed, size or whole.size
        else:
            signed = any(value < 0 for value in values.values())
        if size > LONGEST_NUMBER:
            raise DWARFError(f"{name} has {size} bytes, which no number has that is read")
        return Enum(name, size, signed, {n: wrapped(v, size, signed) for n, v in values.items()})

    def _struct(self, die: DIE, name: str, union: bool) -> Struct:
        # Zig's packed structs have the size of the integer that they are.
        size = size_of(die) or (self.of(die).size if "DW_AT_type" in die.attributes else 0)
        return record(die, Struct(name, size, (), union, str(self._path)), self.of)

    def _array(self, die: DIE) -> Type:
        type_ = self.of(die)
        ranges = [child for child in die.iter_children() if child.tag == "DW_TAG_subrange_type"]
        if len(ranges) > DIMENSIONS:
            raise DWARFError(f"an array of {len(ranges)} dimensions")
        if any(stride in each.attributes for each in (die, *ranges) for stride in _STRIDES):
            return Type(f"spaced array of {type_.name}", size_of(die))
        for child in reversed(ranges):
            count = _count(child)
            if type_.size * (count or 0) > LARGEST:
                raise DWARFError(f"an array of {count} {type_.name} is too large")
            element, bracket, inner = type_.name.partition(" [")
            if not isinstance(type_, Array):
                element, bracket, inner = type_.name, "", ""
            name = f"{element} [{'' if count is None else count}]"
            name += f"[{inner}" if bracket else ""
            type_ = Array(name, type_.size * (count or 0), type_, count)
        return type_


def _count(subrange: DIE) -> int | None:
    """Return an array dimension's length; None if it is not stated (a flexible array)."""
    count = number(subrange, "DW_AT_count")
    bound = number(subrange, "DW_AT_upper_bound")
    if count is None and bound is not None:
        # The bound of `int none[0]` is -1, also where it was written as a number without a sign.
        form = subrange.attributes["DW_AT_upper_bound"].form
        if bound == (1 << 8 * _UNSIGNED_BOUNDS.get(form, 0)) - 1 and form in _UNSIGNED_BOUNDS:
            return 0
        count = bound + 1 - (number(subrange, "DW_AT_lower_bound") or 0)
    if count is not None and not 0 <= count <= LARGEST:
        raise DWARFError(f"an array of {count} elements")
    return count
