"""Finding entries by name without reading all of the debug information.

A unit is looked at only if its bytes can have the name that is asked for, and of it an index is
made of what has a name.
"""

import bisect
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Final

from elftools.dwarf.die import DIE
from elftools.dwarf.typeunit import TypeUnit

from ringbench.debuginfo.entry import address, name_of, number, source
from ringbench.debuginfo.index import FUNCTIONS, VARIABLES, Index, Item
from ringbench.debuginfo.information import Information, Unit
from ringbench.debuginfo.names import Name

SIGNS: Final = 1 << 10
"""Places of a name in the sections of texts that are looked for; of more, every unit is read."""


@dataclass(frozen=True)
class Found:
    """An entry that has been found, and its whole name: by its parts, and as it is written."""

    die: DIE
    parts: tuple[str, ...]
    whole: str


class Search:
    """Looks for names in the units of one file."""

    def __init__(self, information: Information) -> None:
        """Take the file's debug information."""
        self._information = information
        self._info = information.bytes_of("info")
        self._types = information.bytes_of("types")
        self._indexes: dict[tuple[Unit, bool], Index] = {}

    def variables(self, name: Name, inside: bool) -> Iterator[Found]:
        """Yield the variables that a name can mean; those `inside` functions as well."""
        for unit in self._with_name(name.last):
            yield from self._in(unit, name, VARIABLES, inside)

    def at(self, name: Name, addresses: Collection[int]) -> Iterator[Found]:
        """Yield the variables of a name that are at one of `addresses`, in whatever scopes.

        As DWARF 2 knows of none, and C++ and Rust have them in the names of symbols as well.
        """
        signs = [b"\x03" + each.to_bytes(8, "little") for each in addresses]
        places = [place for sign in signs for place in islice(_places(self._info, sign), SIGNS)]
        numbers = {bisect.bisect_right(self._starts, place) - 1 for place in places}
        for unit in (self._information.units[each] for each in sorted(numbers) if each >= 0):
            for inside in (False, True):
                found = self._in(unit, Name((name.last,)), VARIABLES, inside)
                here = [each for each in found if address(each.die) in addresses]
                yield from here
                if here:
                    break

    def types(self, name: Name, tags: frozenset[str]) -> Iterator[Found]:
        """Yield the types with one of these tags that a name can mean."""
        for unit in self._with_name(name.last):
            yield from self._in(unit, name, tags, inside=False)

    def functions(self, name: Name) -> Iterator[Found]:
        """Yield the functions that a name can mean."""
        for unit in self._with_name(name.last):
            yield from self._in(unit, name, FUNCTIONS, inside=True)

    def enumerator(self, name: str) -> int | None:
        """Return the value of the first enumerator of a name, of whatever enumeration."""
        for unit in self._with_name(name):
            for die in unit.iter_DIEs():
                if die.tag == "DW_TAG_enumerator" and name_of(die) == name:
                    return number(die, "DW_AT_const_value")
        return None

    def everything(self) -> Iterator[tuple[str, list[Item]]]:
        """Yield, unit by unit, each name outside functions and what has it."""
        for unit in self._information.units:
            yield from self.index(unit).by_name.items()

    def index(self, unit: Unit, inside: bool = False) -> Index:
        """Return what of a unit has a name."""
        if (unit, inside) not in self._indexes:
            self._indexes[unit, inside] = Index(unit, inside)
        return self._indexes[unit, inside]

    def _in(self, unit: Unit, name: Name, tags: frozenset[str], inside: bool) -> Iterator[Found]:
        index = self.index(unit, inside)
        for parts, die in index.by_name.get(name.last, ()):
            if die.tag in tags and name.fits(parts, source(die)):
                yield Found(die, parts, index.written(parts))

    # -- which units can have it ---------------------------------------------------------------

    @cached_property
    def _starts(self) -> list[int]:
        """Where the units begin that are in the section of compilation units, which are first."""
        units = self._information.units
        return [unit.cu_offset for unit in units if not isinstance(unit, TypeUnit)]

    def _with_name(self, name: str) -> Iterator[Unit]:
        """Yield the units that can have a name.

        It stands in a unit itself; or the unit has where in the section of texts it is; or the
        number of that place in a table, which is found in that unit's part of the table.
        """
        needle = name.encode() + b"\0"
        texts, table = (self._information.bytes_of(each) for each in ("str", "str_offsets"))
        # Also where it is the tail of a longer text: linkers share those.
        places = list(islice(_places(texts, needle), SIGNS + 1))
        is_everywhere = len(places) > SIGNS
        # Zig's can have their scopes before them.
        dotted = [each for each in places if texts[each - 1 : each] == b"."]
        places += [texts.rfind(b"\0", 0, each) + 1 for each in dotted]
        signs = [each.to_bytes(4, "little") for each in places]
        bases = {
            base for sign in signs for base in self._bases(islice(_places(table, sign), SIGNS))
        }
        signs.append(needle)
        for unit in self._information.units:
            if (
                is_everywhere
                or (bases and self._base(unit) in bases)
                or any(self._has(unit, sign) for sign in signs)
            ):
                yield unit

    def _has(self, unit: Unit, sign: bytes) -> bool:
        data = self._types if isinstance(unit, TypeUnit) else self._info
        return data.find(sign, unit.cu_die_offset, unit.cu_offset + unit.size) >= 0

    def _base(self, unit: Unit) -> int:
        return number(unit.get_top_DIE(), "DW_AT_str_offsets_base") or 0

    @cached_property
    def _all_bases(self) -> list[int]:
        return sorted({self._base(unit) for unit in self._information.units})

    def _bases(self, places: Iterable[int]) -> Iterator[int]:
        for place in places:
            at = bisect.bisect_right(self._all_bases, place) - 1
            if at >= 0:
                yield self._all_bases[at]


def _places(data: bytes, sign: bytes) -> Iterator[int]:
    place = data.find(sign)
    while place >= 0:
        yield place
        place = data.find(sign, place + 1)
