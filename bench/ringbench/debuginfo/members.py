"""What a struct, union or class has in it, out of DWARF: members, bit-fields, variants."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from elftools.common.exceptions import DWARFError
from elftools.dwarf.die import DIE

from ringbench.debuginfo.ctype import Bits, Type
from ringbench.debuginfo.entry import is_declaration, name_of, number, offset_in_owner, refers
from ringbench.debuginfo.record import Member, Struct, Tagged, Variant

WIDEST: Final = 512
"""Bits of a bit-field."""

_DATA: Final = {f"DW_FORM_data{size}": size for size in (1, 2, 4, 8)}
_LONGEST_CHAIN: Final = 16

TypeOf = Callable[[DIE], Type]
"""Returns the type that an entry has."""


def record(die: DIE, empty: Struct, of: TypeOf) -> Struct:
    """Return the struct, union or class that an entry describes; `empty` is it without members."""
    members: list[Member] = []
    left_out: list[str] = []
    for child in die.iter_children():
        if child.tag == "DW_TAG_variant_part":
            return _tagged(child, empty, of)
        if child.tag == "DW_TAG_member" and not (
            number(child, "DW_AT_external") or is_declaration(child)  # a static one
        ):
            members.append(_member(child, of))
        elif child.tag == "DW_TAG_inheritance":
            if offset_in_owner(child) is None:  # a virtual base class, elsewhere in each object
                left_out.append(of(child).name)
            else:
                members.append(replace(_member(child, of), name=None))
    _check_inside(empty, members)
    return replace(empty, members=tuple(members), left_out=tuple(left_out))


def _tagged(part: DIE, empty: Struct, of: TypeOf) -> Tagged:
    at = refers(part, "DW_AT_discr")
    tag = None if at is None else _member(at, of)
    variants = []
    for child in part.iter_children():
        if child.tag == "DW_TAG_variant":
            value = _tag_value(child, tag.type) if tag is not None else None
            variants += [
                Variant(value, _member(each, of))
                for each in child.iter_children()
                if each.tag == "DW_TAG_member"
            ]
    members = tuple(each.member for each in variants)
    _check_inside(empty, members if tag is None else (tag, *members))
    return Tagged(
        empty.name, empty.size, members, True, empty.origin, tag=tag, variants=tuple(variants)
    )


def _tag_value(variant: DIE, type_: Type) -> int | None:
    """Return the bits that the tag has when it names a variant; None of one that it never names.

    LLVM writes -2 as the byte 254 where the tag has a sign.
    """
    value = number(variant, "DW_AT_discr_value")
    if value is None:
        return None
    stated = _DATA.get(variant.attributes["DW_AT_discr_value"].form, type_.size)
    signed = bool(getattr(type_, "signed", False))
    return wrapped(wrapped(value, stated, signed), type_.size, signed=False)


def _member(die: DIE, of: TypeOf) -> Member:
    offset, type_, name = offset_in_owner(die), of(die), name_of(die)
    if offset is None:
        return Member(name, 0, Type("member at a computed offset", 0))
    width = number(die, "DW_AT_bit_size")
    if width is None and "DW_AT_data_bit_offset" in die.attributes:
        width = _width(die, type_)
    if width is None:
        return Member(name, offset, type_)
    first = 8 * offset + (number(die, "DW_AT_data_bit_offset") or 0)
    counted = number(die, "DW_AT_bit_offset")
    if counted is not None:
        # Up to DWARF 3: from the most significant bit of a piece of memory that has it.
        piece = number(die, "DW_AT_byte_size") or type_.size
        first += 8 * piece - counted - width
    if not 0 <= width <= WIDEST or first < 0:
        raise DWARFError(f"a bit-field {name!r} of {width} bits from bit {first} on")
    size = (first % 8 + width + 7) // 8
    bits = Bits(f"{type_.name} : {width}", size, type_, first % 8, width)
    return Member(name, first // 8, bits)


def _check_inside(owner: Struct, members: Iterable[Member]) -> None:
    """Make sure that members lie in what has them, so that reading one reads what is there."""
    for member in members:
        if member.offset < 0 or member.offset + member.type.size > owner.size:
            raise DWARFError(
                f"{owner.name} has {owner.size} bytes, and not all of its member {member.name!r}"
            )


def wrapped(value: int, size: int, signed: bool) -> int:
    """Return what `value` is in `size` bytes: compilers write numbers with or without a sign."""
    bits = 8 * size
    if bits > WIDEST:
        raise DWARFError(f"a number of {size} bytes")
    value &= (1 << bits) - 1
    return value - (1 << bits) if signed and bits and value >> (bits - 1) else value


def _width(die: DIE, type_: Type) -> int:
    """Return how many bits a member of a packed struct has, as its type says."""
    for _ in range(_LONGEST_CHAIN):
        target = refers(die, "DW_AT_type")
        if target is None:
            break
        if (width := number(target, "DW_AT_bit_size")) is not None:
            return width
        die = target
    return 8 * type_.size
