"""What an entry of the debug information says of one thing: a text, a number, a place, another."""

from __future__ import annotations

from typing import Final

from elftools.common.exceptions import DWARFError
from elftools.dwarf.die import DIE
from elftools.dwarf.dwarf_expr import DWARFExprParser

LARGEST: Final = 1 << 40
"""Bytes of a type, which may be an array that describes all of memory."""

LONGEST: Final = 1 << 12
"""Characters of a name."""

_REFERENCES: Final = ("DW_FORM_ref", "DW_FORM_GNU_ref")
_OP_ADDR, _OP_ADDRX, _OP_GNU_ADDR_INDEX, _OP_PLUS = 0x03, 0xA1, 0xFB, 0x23
_FIXED: Final = (_OP_ADDR, _OP_ADDRX, _OP_GNU_ADDR_INDEX)


def name_of(die: DIE) -> str | None:
    """Return an entry's own name, or None."""
    return text(die, "DW_AT_name")


def is_declaration(die: DIE) -> bool:
    """Say whether an entry only says that there is such a thing."""
    return "DW_AT_declaration" in die.attributes


def text(die: DIE, attribute: str) -> str | None:
    """Return a text as it can be shown on a line; None if the entry has none of that name."""
    found = die.attributes.get(attribute)
    if found is None:
        return None
    if not isinstance(found.value, bytes):
        raise DWARFError(f"{attribute} is a text that is not there, or in another file (dwz)")
    shown = found.value[:LONGEST].decode(errors="replace")
    return shown if shown.isprintable() else "".join(c if c.isprintable() else "?" for c in shown)


def number(die: DIE, attribute: str) -> int | None:
    """Return a number; None if the entry has none of that name, or one to be computed."""
    found = die.attributes.get(attribute)
    if found is None or found.form.startswith(_REFERENCES):
        return None
    if found.form == "DW_FORM_data16":
        return int.from_bytes(bytes(found.value), "little")
    return found.value if isinstance(found.value, int) else None


def constant(die: DIE) -> int | None:
    """Return the number of an enumerator, which may stand there as bytes if it is long."""
    found = die.attributes.get("DW_AT_const_value")
    if found is not None and isinstance(found.value, list):
        return int.from_bytes(bytes(found.value), "little")
    return number(die, "DW_AT_const_value")


def size_of(die: DIE) -> int:
    """Return how many bytes a type has, 0 if it does not say so."""
    size = number(die, "DW_AT_byte_size") or 0
    if not 0 <= size <= LARGEST:
        raise DWARFError(f"{name_of(die) or die.tag} has a size that cannot be: {size}")
    return size


def refers(die: DIE, attribute: str) -> DIE | None:
    """Return the entry that an attribute refers to; None if there is no such attribute."""
    if attribute not in die.attributes:
        return None
    if die.attributes[attribute].form in ("DW_FORM_GNU_ref_alt", "DW_FORM_ref_sup4"):
        raise DWARFError("it refers to another file, as dwz leaves it")
    return die.get_DIE_from_attribute(attribute)


def offset_in_owner(die: DIE) -> int | None:
    """Return how many bytes into its owner a member begins; None if that is to be computed.

    Up to DWARF 3 that is an expression: add a constant to the owner's address.
    """
    found = die.attributes.get("DW_AT_data_member_location")
    if found is None:
        return 0
    if isinstance(found.value, int):
        return found.value
    if found.value[:1] != [_OP_PLUS]:
        return None
    steps = DWARFExprParser(die.cu.structs).parse_expr(found.value)
    return steps[0].args[0] if len(steps) == 1 else None


def address(die: DIE) -> int | None:
    """Return where a variable is, if that is one fixed address."""
    found = die.attributes.get("DW_AT_location")
    if found is None or not isinstance(found.value, list) or found.value[:1] == []:
        return None
    if found.value[0] not in _FIXED:
        return None
    first, *more = DWARFExprParser(die.cu.structs).parse_expr(found.value)
    place: int = first.args[0]
    if first.op != _OP_ADDR:
        place = die.dwarfinfo.get_addr(die.cu, place)
    if len(more) == 1 and more[0].op == _OP_PLUS:
        return place + int(more[0].args[0])
    return None if more else place


def begins(die: DIE) -> int | None:
    """Return the address of a function's first instruction; None if it has no code of its own."""
    found = die.attributes.get("DW_AT_low_pc")
    if found is None or not isinstance(found.value, int):
        return None
    if found.form.startswith(("DW_FORM_addrx", "DW_FORM_GNU_addr_index")):
        return int(die.dwarfinfo.get_addr(die.cu, found.raw_value))
    return found.value


def language(die: DIE) -> int | None:
    """Return the language of the unit that an entry is in, by DWARF's number."""
    return number(die.cu.get_top_DIE(), "DW_AT_language")


def source(die: DIE) -> str:
    """Return the source file of the unit that an entry is in, as the compiler was given it."""
    named = name_of(die.cu.get_top_DIE())
    skeleton = getattr(die.dwarfinfo, "skeleton", None)
    if named is None and skeleton is not None:
        named = name_of(skeleton.get_top_DIE())
    return named or "(no name)"
