"""What of one unit has a name: types, variables, and the scopes that they are in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from elftools.common.exceptions import DWARFError
from elftools.dwarf.die import DIE

from ringbench.debuginfo.entry import language, name_of, number, refers, text
from ringbench.debuginfo.information import Unit
from ringbench.debuginfo.names import Name, split

VARIABLES: Final = frozenset({"DW_TAG_variable", "DW_TAG_member"})
FUNCTIONS: Final = frozenset({"DW_TAG_subprogram"})
C: Final = frozenset({0x01, 0x02, 0x0C, 0x1D, 0x2C, 0x3E, 0x8001})
"""Languages without scopes: C by its years, and assembly."""

_KINDS: Final = {
    "struct": frozenset({"DW_TAG_structure_type", "DW_TAG_class_type"}),
    "class": frozenset({"DW_TAG_structure_type", "DW_TAG_class_type"}),
    "union": frozenset({"DW_TAG_union_type"}),
    "enum": frozenset({"DW_TAG_enumeration_type"}),
}
RECORDS: Final = _KINDS["struct"] | _KINDS["union"]
_PLAIN: Final = frozenset({"DW_TAG_typedef", "DW_TAG_base_type"})
_TYPES: Final = RECORDS | _KINDS["enum"] | _PLAIN
_SCOPES: Final = frozenset({"DW_TAG_namespace", "DW_TAG_module"})
_CODE: Final = frozenset({"DW_TAG_subprogram", "DW_TAG_lexical_block"})
_ZIG: Final = 0x27
_ZIG_PARENT: Final = 0x2CCD  # where something stands that Zig's own attributes tell
_DOTTED: Final = re.compile(r"\w+(\.\w+)+")
_DEEPEST: Final = 200
"""How deep scopes may be nested."""


def tags_of(name: Name) -> tuple[frozenset[str], ...]:
    """Return what a type of this name can be: without a kind, a typedef before anything else."""
    return (_KINDS[name.kind],) if name.kind else (_PLAIN, _TYPES - _PLAIN)


class Item(NamedTuple):
    """Something that has a name: in which scopes, and its entry."""

    parts: tuple[str, ...]
    die: DIE


class Index:
    """What of one unit has a name; what is within functions, if that is asked for as well."""

    def __init__(self, unit: Unit, inside: bool) -> None:
        """Go through the unit once; `inside` functions too."""
        self.by_name: dict[str, list[Item]] = {}
        self.by_offset: dict[int, Item] = {}
        top = unit.get_top_DIE()
        by_llvm = (text(top, "DW_AT_producer") or "").startswith("zig ")  # which says C
        self._is_zig = by_llvm or language(top) == _ZIG
        self._enters = _SCOPES | _CODE if inside else _SCOPES
        if self._is_zig or language(top) not in C:
            self._enters |= RECORDS
        self._at = top.offset
        for die, scope in self._walk(top, (), 0):
            self._note(die, scope)

    def written(self, parts: tuple[str, ...]) -> str:
        """Return a name with its scopes as the unit's language writes it."""
        return ("." if self._is_zig else "::").join(parts)

    def _walk(
        self, parent: DIE, around: tuple[str, ...], depth: int
    ) -> Iterator[tuple[DIE, tuple[str, ...]]]:
        """Yield what is to be noted and the scopes around it, each before what is within it."""
        if depth > _DEEPEST:
            raise DWARFError(f"scopes nested more than {_DEEPEST} deep")
        for die in parent.iter_children():
            if die.offset <= self._at:
                raise DWARFError("entries that are within one another")
            self._at = die.offset
            is_noted = die.tag in _TYPES or die.tag in VARIABLES or die.tag in self._enters
            if is_noted and (die.tag != "DW_TAG_member" or number(die, "DW_AT_external")):
                yield die, around
                if die.has_children and die.tag in self._enters:
                    yield from self._walk(die, self._scope(die, around), depth + 1)

    def _scope(self, die: DIE, around: tuple[str, ...]) -> tuple[str, ...]:
        # Blocks have no name, inline namespaces none that must be said.
        if die.tag == "DW_TAG_lexical_block" or "DW_AT_export_symbols" in die.attributes:
            return around
        noted = self.by_offset.get(die.offset)
        return around if noted is None else noted.parts  # none: anonymous

    def _note(self, die: DIE, around: tuple[str, ...]) -> None:
        parts = self._parts(die, around) if die.tag != "DW_TAG_lexical_block" else None
        if parts is not None:
            item = self.by_offset[die.offset] = Item(parts, die)
            if die.tag in _TYPES | VARIABLES | FUNCTIONS:
                self.by_name.setdefault(parts[-1], []).append(item)

    def _parts(self, die: DIE, around: tuple[str, ...]) -> tuple[str, ...] | None:
        for attribute in ("DW_AT_specification", "DW_AT_abstract_origin"):
            declared = refers(die, attribute)
            if declared is not None:
                known = self.by_offset.get(declared.offset) if declared.cu is die.cu else None
                if known is not None:
                    return known.parts
                if (name := name_of(declared)) is not None:
                    return (*around, name)
        name = name_of(die)
        if name is None:
            return None
        return self._zig_parts(die, around, name) if self._is_zig else (*around, name)

    def _zig_parts(self, die: DIE, around: tuple[str, ...], name: str) -> tuple[str, ...]:
        linked = text(die, "DW_AT_linkage_name") or name
        dotted = linked if linked.endswith("." + name) else name
        if _DOTTED.fullmatch(dotted):
            return split(dotted)
        attributes: dict[Any, Any] = die.attributes
        parent = attributes.get(_ZIG_PARENT)
        if parent is not None and isinstance(parent.value, int):
            known = self.by_offset.get(parent.value)
            return (*(known.parts if known is not None else around), name)
        return (name,)  # a module, a file's struct of the same name, or a type without a place
