"""Finding DWARF entries by name without parsing all of the debug information."""

from collections.abc import Callable, Iterator
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Final

from elftools.dwarf.compileunit import CompileUnit
from elftools.dwarf.die import DIE
from elftools.dwarf.dwarfinfo import DebugSectionDescriptor, DWARFInfo

from ringbench.errors import ImageError

_TAGS: Final = {
    "DW_TAG_variable": "variable ",
    "DW_TAG_structure_type": "struct ",
    "DW_TAG_union_type": "union ",
    "DW_TAG_enumeration_type": "enum ",
    "DW_TAG_typedef": "",
    "DW_TAG_base_type": "",
}
MOST: Final = 1 << 15
"""Compilation units that a file may have."""

SIGNS: Final = 1 << 10
"""Places of a name in the string section that are looked for; of more, every unit is read."""

_KINDS: Final = ("variable", "struct", "union", "enum")


class Units:
    """Finds outermost entries by name, reading as few compilation units as it can."""

    def __init__(self, path: Path, dwarf: DWARFInfo) -> None:
        self._info = _bytes(dwarf.debug_info_sec)
        self._strings = _bytes(dwarf.debug_str_sec)
        # A unit's names stand in it, or in the string section by offset. With a table of offsets
        # between (clang's default) a unit's bytes do not tell, and every unit is read.
        self._selective = dwarf.debug_str_offsets_sec is None
        self._units: list[CompileUnit] = list(islice(dwarf.iter_CUs(), MOST + 1))
        if len(self._units) > MOST:
            raise ImageError(f"{path}: over {MOST:,} compilation units, more than any kernel has")
        self._indexes: dict[int, dict[str, list[DIE]]] = {}

    def find(self, key: str, wanted: Callable[[DIE], bool]) -> DIE | None:
        """Return the first entry of a name for which `wanted` holds.

        `key` is `variable x`, `struct x`, `union x`, `enum x`, or the name of a typedef or base
        type.
        """
        kind, _, name = key.partition(" ")
        for unit in self._candidates(name if kind in _KINDS else key):
            for die in self._index(unit).get(key, ()):
                if wanted(die):
                    return die
        return None

    def _candidates(self, name: str) -> Iterator[CompileUnit]:
        needle = name.encode() + b"\0"
        signs = [needle]
        position = self._strings.find(needle)
        while position >= 0 and len(signs) <= SIGNS:
            # Also where it is the tail of a longer string: linkers share those.
            signs.append(position.to_bytes(4, "little"))
            position = self._strings.find(needle, position + 1)
        for unit in self._units:
            content = self._info[unit.cu_offset : unit.cu_offset + unit.size]
            if not self._selective or position >= 0 or any(sign in content for sign in signs):
                yield unit

    def _index(self, unit: CompileUnit) -> dict[str, list[DIE]]:
        if unit.cu_offset not in self._indexes:
            index = self._indexes[unit.cu_offset] = {}
            for die in unit.get_top_DIE().iter_children():
                if die.tag not in _TAGS:
                    continue
                named = die
                if "DW_AT_name" not in die.attributes and "DW_AT_specification" in die.attributes:
                    named = die.get_DIE_from_attribute("DW_AT_specification")
                name = name_of(named)
                if name is not None:
                    index.setdefault(_TAGS[die.tag] + name, []).append(die)
        return self._indexes[unit.cu_offset]


def _bytes(section: DebugSectionDescriptor | None) -> bytes:
    if section is None:
        return b""
    assert isinstance(section.stream, BytesIO)
    return section.stream.getvalue()


def name_of(die: DIE) -> str | None:
    """Return an entry's own name, or None."""
    attribute = die.attributes.get("DW_AT_name")
    return attribute.value.decode(errors="replace") if attribute else None
