"""Debug information in a file of its own, found by build-ID or by the name in a debug link."""

import zlib
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import NoteSection

from ringbench.debuginfo.compressed import contents
from ringbench.debuginfo.elf import LARGEST, damage, open_elf
from ringbench.debuginfo.information import has_debug_information
from ringbench.errors import ImageError
from ringbench.files import read_bytes

SYSTEM: Final = (Path("/usr/lib/debug"),)
"""Where distributions keep such files."""

LONGEST_NAME: Final = 255
"""Bytes of a file's name."""

_NOTES: Final = 64
"""Notes of a section that are looked through for a build-ID."""


def debug_file(path: Path, elf: ELFFile, system: Sequence[Path] = SYSTEM) -> tuple[Path, ELFFile]:
    """Return the file that has the debug information of `elf`: itself, or a separate one.

    Raises:
        ImageError: there is none, or it is missing, or another build's.
    """
    with damage(path):
        return (path, elf) if has_debug_information(elf) else _separate(path, elf, system)


def _separate(path: Path, elf: ELFFile, system: Sequence[Path]) -> tuple[Path, ELFFile]:
    build, link = build_id(elf), _link(path, elf)
    places: list[Path] = []
    wrong: list[str] = []
    for place, checksum in _candidates(path, build, link, system):
        if place in places or (place.exists() and place.samefile(path)):
            continue
        places.append(place)
        if not place.is_file():
            continue
        other = open_elf(place)
        if not has_debug_information(other):
            wrong.append(f"{place} has no debug information")
        elif checksum is None and build_id(other) != build:
            wrong.append(f"{place} has another build-ID")
        elif checksum is not None and zlib.crc32(_bytes(place)) != checksum:
            wrong.append(f"{place} is of another build: its checksum is not the one in the link")
        else:
            return place, other
    if wrong:
        raise ImageError(f"{path}: no debug information in it; {'; '.join(wrong)}")
    if link is not None:
        raise ImageError(
            f"{path}: its debug information is in {link[0]!r}, which is missing; looked for "
            + ", ".join(map(str, places))
        )
    if elf.get_section_by_name(".symtab") is None:
        raise ImageError(
            f"{path}: no symbol table, no debug information: the file is stripped; keep an "
            "unstripped one"
        )
    raise ImageError(f"{path}: no debug information: compile with -g and do not strip the file")


def _candidates(
    path: Path, build: str, link: tuple[str, int] | None, system: Sequence[Path]
) -> Iterator[tuple[Path, int | None]]:
    """Yield where it can be, with the checksum that it must have if the build-ID says nothing."""
    folder = path.absolute().parent
    if build:
        for root in (folder, *system):
            yield root / ".build-id" / build[:2] / f"{build[2:]}.debug", None
    if link is not None:
        name, checksum = link
        for place in (folder, folder / ".debug", *(root / str(folder)[1:] for root in system)):
            yield place / name, checksum


def build_id(elf: ELFFile) -> str:
    """Return a file's build-ID in hex; empty if it has none."""
    section = elf.get_section_by_name(".note.gnu.build-id")
    if not isinstance(section, NoteSection):
        return ""
    notes = islice(section.iter_notes(), _NOTES)
    return next((str(n["n_desc"]) for n in notes if n["n_type"] == "NT_GNU_BUILD_ID"), "")


def _link(path: Path, elf: ELFFile) -> tuple[str, int] | None:
    """Return the name and the checksum in a debug link."""
    section = elf.get_section_by_name(".gnu_debuglink")
    if section is None:
        return None
    data = contents(section, path)
    name = data[: data.index(0)][:LONGEST_NAME].decode(errors="replace")
    if not name.isprintable() or "/" in name:
        raise ImageError(f"{path}: .gnu_debuglink names no file: {name!r}")
    return name, int.from_bytes(data[-4:], "little")


def _bytes(path: Path) -> bytes:
    return read_bytes(path, "debug information", LARGEST, ImageError)
