"""Debug information as pyelftools reads it, metered, and with what pyelftools lacks.

Of version 0.33 that is: sections of split files and of packages, compressed by zstd; what
`ringbench.debuginfo.abbreviations` says; addresses by number of a split file; type units in the
section of the others (DWARF 5); a form whose size it takes wrongly; an end of entries in a circle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from elftools.common.exceptions import DWARFError
from elftools.dwarf.abbrevtable import AbbrevTable
from elftools.dwarf.compileunit import CompileUnit
from elftools.dwarf.die import DIE
from elftools.dwarf.dwarfinfo import DebugSectionDescriptor, DwarfConfig, DWARFInfo
from elftools.dwarf.typeunit import TypeUnit

from ringbench.debuginfo.abbreviations import Abbreviations, texts_base
from ringbench.debuginfo.compressed import contents
from ringbench.debuginfo.elf import damage
from ringbench.debuginfo.metered import Meter, Metered
from ringbench.errors import ImageError

if TYPE_CHECKING:
    from elftools.elf.elffile import ELFFile

Unit: TypeAlias = CompileUnit | TypeUnit
BySignature: TypeAlias = Callable[[int], "DIE | None"]
"""Finds a type by the signature of the type unit that has it."""

MOST: Final = 1 << 15
"""Units that a file may have."""

NAMES: Final = (
    *("info", "types", "abbrev", "str", "line_str", "str_offsets", "addr", "aranges"),
    *("line", "frame", "loc", "ranges", "loclists", "rnglists", "pubtypes", "pubnames"),
)
"""Sections of DWARF, without what stands before and behind their names."""

_PATTERNS: Final = (".debug_{}", ".zdebug_{}")


class _Unit(CompileUnit):
    """A compilation unit whose entries come to an end."""

    def iter_DIE_children(self, die: DIE) -> Iterator[DIE]:
        """Yield the entries that are directly within one."""
        return _forward(super().iter_DIE_children(die), die)


class _TypeUnit(TypeUnit):
    """A type unit whose entries come to an end."""

    def iter_DIE_children(self, die: DIE) -> Iterator[DIE]:
        """Yield the entries that are directly within one."""
        return _forward(super().iter_DIE_children(die), die)


def _forward(children: Iterator[DIE], parent: DIE) -> Iterator[DIE]:
    """Yield entries as long as each comes behind the one before, and there are steps left.

    An entry says where the next one beside it begins. That can be in front of it, or within it; and
    going there takes no reading, as entries are kept.
    """
    behind = parent.offset
    for child in children:
        if child.offset <= behind:
            raise DWARFError("an entry whose sibling comes before it")
        behind = child.offset
        stream = child.stream
        if isinstance(stream, Metered):
            stream.meter.spend(0)
        yield child


class Information(DWARFInfo):
    """The debug information of one file, of one split file, or of one part of a package.

    Attributes:
        path: the file, for messages.
        skeleton: of a split unit, what the linked file has of it.
    """

    def __init__(
        self,
        path: Path,
        sections: Mapping[str, DebugSectionDescriptor],
        config: DwarfConfig,
        skeleton: CompileUnit | None = None,
        elsewhere: BySignature = lambda signature: None,
    ) -> None:
        """Take the sections by their short names; `elsewhere` knows further type units."""
        absent: dict[str, Any] = {f"debug_{name}_sec": None for name in (*NAMES, "sup")}
        given = {f"debug_{name}_sec": sections[name] for name in NAMES if name in sections}
        more = {"eh_frame_sec": sections.get("eh_frame"), "gnu_debugaltlink_sec": None}
        super().__init__(config, **(absent | given | more))
        self.path = path
        self.skeleton = skeleton
        self._elsewhere = elsewhere
        self._tables: dict[int, Abbreviations] = {}

    def bytes_of(self, name: str) -> bytes:
        """Return a section by its short name; one that is not there is empty."""
        section: DebugSectionDescriptor | None = getattr(self, f"debug_{name}_sec")
        if section is None:
            return b""
        assert isinstance(section.stream, Metered)
        return section.stream.getvalue()

    @cached_property
    def units(self) -> list[Unit]:
        """All units, those of DWARF 4's section for types last.

        Raises:
            ImageError: there are too many.
        """
        units: list[Unit] = list(islice(chain(self.iter_CUs(), self.iter_TUs()), MOST + 1))
        if len(units) > MOST:
            raise ImageError(f"{self.path}: over {MOST:,} compilation units, more than are read")
        return units

    def _parse_CU_at_offset(self, offset: int) -> CompileUnit:
        unit = super()._parse_CU_at_offset(offset)
        structs = unit.structs
        structs.Dwarf_dw_form["DW_FORM_strx4"] = structs.the_Dwarf_uint32  # not eight bytes
        return _Unit(unit.header, self, structs, unit.cu_offset, unit.cu_die_offset)

    def _parse_TU_at_offset(self, offset: int) -> TypeUnit:
        unit = super()._parse_TU_at_offset(offset)
        return _TypeUnit(unit.header, self, unit.structs, unit.tu_offset, unit.tu_die_offset)

    def get_abbrev_table(self, offset: int) -> AbbrevTable:
        """Return how the entries of a unit are laid out, in forms that pyelftools reads."""
        if offset not in self._tables:
            section = self.debug_abbrev_sec
            if section is None or offset >= section.size:
                raise DWARFError(f"no abbreviations at {offset:#x}")
            base = texts_base(self.bytes_of("info") or self.bytes_of("types"))
            self._tables[offset] = Abbreviations(self.structs, section.stream, offset, base)
        return self._tables[offset]

    def get_addr(self, cu: Unit, addr_index: int) -> int:
        """Return the address with a number: a split unit's are in the linked file."""
        owner = self.skeleton or cu
        section = owner.dwarfinfo.debug_addr_sec
        if section is None:
            raise DWARFError("an address by number, and no table of addresses")
        stated = owner.get_top_DIE().attributes
        base = stated.get("DW_AT_addr_base") or stated.get("DW_AT_GNU_addr_base")
        size = owner["address_size"]
        section.stream.seek((base.value if base is not None else 0) + addr_index * size)
        return int.from_bytes(section.stream.read(size), "little")

    def get_DIE_by_sig8(self, sig8: int) -> DIE:
        """Return the type of the type unit with a signature."""
        unit = self._signatures.get(sig8)
        if unit is not None:
            return unit.get_DIE_from_refaddr(unit.cu_offset + unit["type_offset"])
        found = self._elsewhere(sig8)
        if found is None:
            raise DWARFError(f"no type unit with the signature {sig8:#018x}")
        return found

    @cached_property
    def _signatures(self) -> dict[int, Unit]:
        named = ((each.header.get("signature"), each) for each in self.units)
        typed = ((each.header.get("type_signature"), each) for each in self.units)
        return {number: each for number, each in chain(named, typed) if number is not None}


def debug_information(
    path: Path, elf: ELFFile, meter: Meter | None = None, *, or_frames: bool = False
) -> Information:
    """Return what pyelftools reads the DWARF of a file by, whose sections are checked.

    With `or_frames`, ``.eh_frame`` alone is enough, which a file has without -g as well.

    Raises:
        ImageError: there is none, or it is damaged.
    """
    if not has_debug_information(elf) and not (or_frames and elf.has_section(".eh_frame")):
        raise ImageError(f"{path}: no debug information: compile with -g and do not strip the file")
    with damage(path):
        return Information(path, sections(path, elf, meter or Meter(path)), config_of(elf))


def has_debug_information(elf: ELFFile) -> bool:
    """Say whether a file has debug information in itself."""
    found = map(elf.get_section_by_name, (".debug_info", ".zdebug_info"))
    return any(each is not None and each["sh_type"] != "SHT_NOBITS" for each in found)


def config_of(elf: ELFFile) -> DwarfConfig:
    """Return what the DWARF of a file is for."""
    return DwarfConfig(
        little_endian=elf.little_endian,
        machine_arch=elf.get_machine_arch(),
        default_address_size=elf.elfclass // 8,
    )


def sections(
    path: Path, elf: ELFFile, meter: Meter, suffix: str = ""
) -> dict[str, DebugSectionDescriptor]:
    """Return the sections of DWARF that a file has, by their short names.

    Those of a split file have the `suffix` ".dwo" behind their names, and several may have one
    name: each of its type units stands in one of its own.
    """
    short = {pattern.format(name) + suffix: name for name in NAMES for pattern in _PATTERNS}
    if not suffix:
        short[".eh_frame"] = "eh_frame"
    found: dict[str, list[bytes]] = {}
    addresses: dict[str, int] = {}
    for section in elf.iter_sections():
        name = short.get(section.name)
        if name is not None:
            data = contents(section, path)
            meter.hold(len(data))
            found.setdefault(name, []).append(data)
            addresses[name] = section["sh_addr"]
    return {name: metered(b"".join(found[name]), meter, addresses[name]) for name in found}


def metered(data: bytes, meter: Meter, address: int = 0) -> DebugSectionDescriptor:
    """Return a section as pyelftools takes it; `address` is where it is loaded, if it is."""
    return DebugSectionDescriptor(Metered(data, meter), "", 0, len(data), address)
