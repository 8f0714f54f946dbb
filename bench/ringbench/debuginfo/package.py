"""A package of split DWARF, a .dwp file: many .dwo files in one (DWARF 5, 7.3.5; GNU's before)."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from elftools.common.exceptions import DWARFError
from elftools.dwarf.compileunit import CompileUnit
from elftools.dwarf.die import DIE

from ringbench.debuginfo.compressed import contents
from ringbench.debuginfo.elf import damage, open_elf
from ringbench.debuginfo.information import MOST, Information, config_of, metered, sections
from ringbench.debuginfo.metered import Meter

if TYPE_CHECKING:
    from elftools.elf.elffile import ELFFile

_HEADER: Final = struct.Struct("<IIII")  # version, columns, rows, slots
_COLUMNS: Final = {1: "info", 2: "types", 3: "abbrev", 6: "str_offsets"}
_MOST_COLUMNS: Final = 16

Parts = Mapping[str, tuple[int, int]]
"""Where a unit's part of each section begins, and how long it is."""


class Package:
    """An opened package, of which units are taken when they are asked for."""

    def __init__(self, path: Path, elf: ELFFile, meter: Meter) -> None:
        self._path = path
        self._elf = elf
        self._meter = meter
        self._sections = sections(path, elf, meter, ".dwo")
        self._types: dict[int, Information] = {}

    @classmethod
    def beside(cls, path: Path, meter: Meter) -> Package | None:
        """Return the package of a linked file, which lies beside it; None if there is none.

        Raises:
            ImageError: it is none, or damaged.
        """
        for place in (path.with_name(path.name + ".dwp"), path.with_suffix(".dwp")):
            if place.is_file():
                meter.hold(place.stat().st_size)
                elf = open_elf(place)
                with damage(place):
                    return cls(place, elf, meter)
        return None

    def unit(self, number: int, skeleton: CompileUnit) -> Information | None:
        """Return the split unit with the number that `skeleton` has; None if it has none such.

        Raises:
            ImageError: the package is damaged.
        """
        with damage(self._path):
            parts = self._units.get(number)
            return None if parts is None else self._part(parts, skeleton)

    def types(self) -> list[Information]:
        """Return its type units.

        Raises:
            ImageError: the package is damaged.
        """
        with damage(self._path):
            return [each for each in map(self._type, self._signatures) if each is not None]

    def _type(self, signature: int) -> Information | None:
        if signature not in self._types and signature in self._signatures:
            self._types[signature] = self._part(self._signatures[signature], None)
        return self._types.get(signature)

    def _by_signature(self, signature: int) -> DIE | None:
        found = self._type(signature)
        return None if found is None else found.get_DIE_by_sig8(signature)

    @cached_property
    def _units(self) -> dict[int, Parts]:
        return dict(_rows(self._index("cu_index")))

    @cached_property
    def _signatures(self) -> dict[int, Parts]:
        return dict(_rows(self._index("tu_index")))

    def _index(self, name: str) -> bytes:
        section = self._elf.get_section_by_name(f".debug_{name}")
        return b"" if section is None else contents(section, self._path)

    def _part(self, parts: Parts, skeleton: CompileUnit | None) -> Information:
        given = {"str": self._sections["str"]} if "str" in self._sections else {}
        for name, (start, length) in parts.items():
            if name in self._sections:
                whole = self._sections[name]
                if start + length > whole.size:
                    raise DWARFError(f"a part of {name} goes past its end")
                data = whole.stream.getvalue()[start : start + length]  # type: ignore[attr-defined]
                self._meter.hold(len(data))
                given[name] = metered(data, self._meter)
        elsewhere = self._by_signature
        return Information(self._path, given, config_of(self._elf), skeleton, elsewhere)


def _rows(index: bytes) -> Iterator[tuple[int, Parts]]:
    """Yield the units of an index: a hash table of numbers, and a table of parts of sections."""
    if not index:
        return
    _, columns, rows, slots = _HEADER.unpack_from(index)
    if rows > MOST or columns > _MOST_COLUMNS or slots > len(index):
        raise DWARFError(f"an index of {rows} units in {slots} slots, more than are read")
    numbers = struct.unpack_from(f"<{slots}Q", index, 16)
    places = struct.unpack_from(f"<{slots}I", index, 16 + 8 * slots)
    names = struct.unpack_from(f"<{columns}I", index, 16 + 12 * slots)
    table = 16 + 12 * slots + 4 * columns
    for number, row in zip(numbers, places, strict=True):
        if 0 < row <= rows:
            starts = struct.unpack_from(f"<{columns}I", index, table + 4 * columns * (row - 1))
            lengths = struct.unpack_from(
                f"<{columns}I", index, table + 4 * columns * (rows + row - 1)
            )
            yield (
                number,
                {
                    _COLUMNS[name]: (start, length)
                    for name, start, length in zip(names, starts, lengths, strict=True)
                    if name in _COLUMNS
                },
            )
