"""Split DWARF: what the compiler left in .dwo files instead of in the object (DWARF 5, 7.3)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from elftools.dwarf.compileunit import CompileUnit

from ringbench.debuginfo.elf import damage, open_elf
from ringbench.debuginfo.entry import number, text
from ringbench.debuginfo.information import Information, Unit, config_of, sections
from ringbench.debuginfo.metered import Meter
from ringbench.debuginfo.package import Package
from ringbench.errors import ImageError

SUFFIX: Final = ".dwo"

_NAMES: Final = ("DW_AT_dwo_name", "DW_AT_GNU_dwo_name")
_KINDS: Final = ("DW_UT_skeleton", None)  # None: before DWARF 5, where units have no kind


@dataclass(frozen=True, slots=True)
class Split:
    """What was found of a file's split units, and what was not, each with its reason."""

    found: tuple[Information, ...]
    missing: tuple[str, ...]


def find_split(linked: Information, meter: Meter) -> Split:
    """Find the split units of a linked file.

    Raises:
        ImageError: they are more than is read.
    """
    skeletons = list(_skeletons(linked))
    if not skeletons:
        return Split((), ())
    with damage(linked.path):
        package = Package.beside(linked.path, meter)
    found: list[Information] = []
    missing: list[str] = []
    for unit, name in skeletons:
        try:
            packed = package.unit(_number(unit), unit) if package is not None else None
            found.append(packed or _beside(unit, name, linked.path, meter))
        except ImageError as error:
            if meter.is_spent:
                raise
            missing.append(str(error))
    if package is not None:
        found += package.types()
    return Split(tuple(found), tuple(missing))


def _skeletons(linked: Information) -> Iterator[tuple[CompileUnit, str]]:
    for unit in linked.units:
        if isinstance(unit, CompileUnit) and unit.header.get("unit_type") in _KINDS:
            top = unit.get_top_DIE()
            name = next((found for each in _NAMES if (found := text(top, each))), None)
            if name is not None:
                yield unit, name


def _number(unit: Unit) -> int:
    """Return what a split unit and its skeleton have in common; 0 if they do not say it."""
    stated = unit.header.get("dwo_id")
    return stated if stated is not None else number(unit.get_top_DIE(), "DW_AT_GNU_dwo_id") or 0


def _beside(skeleton: CompileUnit, name: str, path: Path, meter: Meter) -> Information:
    """Return the unit of a .dwo file, where the compiler wrote it or beside the linked file.

    Raises:
        ImageError: it is missing, or of another build, or no such file.
    """
    folder = path.absolute().parent
    places = [folder / name, folder / Path(name).name]
    if compiled_in := text(skeleton.get_top_DIE(), "DW_AT_comp_dir"):
        places.insert(0, folder / compiled_in / name)
    why = f"{places[0]} is missing"
    for place in places:
        if not place.is_file():
            continue
        information = _open(place, skeleton, meter)
        with damage(place):
            units = [each for each in information.units if "type_offset" not in each.header]
            if _number(skeleton) in map(_number, units):
                return information
        why = f"{place} is of another build"
    raise ImageError(why)


def _open(path: Path, skeleton: CompileUnit, meter: Meter) -> Information:
    meter.hold(path.stat().st_size)
    elf = open_elf(path)
    with damage(path):
        return Information(path, sections(path, elf, meter, SUFFIX), config_of(elf), skeleton)
