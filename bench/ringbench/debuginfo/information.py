"""Debug information as pyelftools reads it, metered, and with what pyelftools lacks.

Of version 0.33 that is: sections of split files and of packages, compressed by zstd; texts and
addresses by number where the number's base is not stated (DWARF 5, 7.26) or has a form of GNU's
(DWARF 4); type units in the section of the others (DWARF 5); a form whose size it takes wrongly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from elftools.common.exceptions import DWARFError
from elftools.construct.lib.container import Container
from elftools.dwarf.abbrevtable import AbbrevDecl, AbbrevTable
from elftools.dwarf.compileunit import CompileUnit
from elftools.dwarf.die import DIE
from elftools.dwarf.dwarfinfo import DebugSectionDescriptor, DwarfConfig, DWARFInfo
from elftools.dwarf.typeunit import TypeUnit

from ringbench.debuginfo.compressed import contents
from ringbench.debuginfo.elf import damage
from ringbench.debuginfo.metered import Meter, Metered
from ringbench.errors import ImageError

if TYPE_CHECKING:
    from elftools.dwarf.structs import DWARFStructs
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
_RENAMED: Final = {
    "DW_FORM_GNU_str_index": "DW_FORM_strx",
    "DW_FORM_GNU_addr_index": "DW_FORM_addrx",
    # Numbers of lists that nobody asks for here, and that a split file has no base for.
    "DW_FORM_loclistx": "DW_FORM_udata",
    "DW_FORM_rnglistx": "DW_FORM_udata",
}
_UNITS: Final = {
    "DW_TAG_compile_unit",
    "DW_TAG_partial_unit",
    "DW_TAG_skeleton_unit",
    "DW_TAG_type_unit",
}


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
        self._tables: dict[int, _Abbreviations] = {}

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
        for unit in units:  # pyelftools takes it for eight bytes
            unit.structs.Dwarf_dw_form["DW_FORM_strx4"] = unit.structs.the_Dwarf_uint32
        return units

    def get_abbrev_table(self, offset: int) -> AbbrevTable:
        """Return how the entries of a unit are laid out, in forms that pyelftools reads."""
        if offset not in self._tables:
            section = self.debug_abbrev_sec
            if section is None or offset >= section.size:
                raise DWARFError(f"no abbreviations at {offset:#x}")
            base = _texts_base(self.bytes_of("info") or self.bytes_of("types"))
            self._tables[offset] = _Abbreviations(self.structs, section.stream, offset, base)
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


class _Abbreviations(AbbrevTable):
    """A table of abbreviations, each mended when it is first asked for."""

    def __init__(self, structs: DWARFStructs, stream: Any, offset: int, base: int) -> None:
        """Read the table; `base` is where texts by number begin in units that do not say it."""
        super().__init__(structs, stream, offset)
        self._base = base
        self._mended: set[int] = set()

    def get_abbrev(self, code: int) -> AbbrevDecl:
        found = super().get_abbrev(code)
        if code not in self._mended:
            self._mended.add(code)
            for spec in found["attr_spec"]:
                spec.form = _RENAMED.get(spec.form, spec.form)
            names = {spec.name for spec in found["attr_spec"]}
            if found["tag"] in _UNITS and "DW_AT_str_offsets_base" not in names:
                stated = Container(
                    name="DW_AT_str_offsets_base", form="DW_FORM_implicit_const", value=self._base
                )
                found["attr_spec"].insert(0, stated)
        return found


def _texts_base(units: bytes) -> int:
    """Return where the table of texts by number begins: behind its header, since DWARF 5."""
    is_long = units[:4] == b"\xff" * 4
    at = 12 if is_long else 4
    version = int.from_bytes(units[at : at + 2], "little")
    return (16 if is_long else 8) if version >= 5 else 0


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
