"""The ELF file itself: opened, checked and taken apart so that no file whatever does harm.

pyelftools believes what a file says of itself: counts, sizes, lengths. So that is checked here
before anything is read by it, and what is read of the debug information is metered (`Metered`).
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ringbench.errors import ImageError, RingbenchError
from ringbench.files import read_bytes

if TYPE_CHECKING:
    from elftools.dwarf.dwarfinfo import DWARFInfo
    from elftools.elf.elffile import ELFFile

LARGEST: Final = 256 << 20
"""Bytes of an ELF file; and of all debug sections of one, when they are no longer compressed."""

SEGMENTS: Final = 1 << 10
SECTIONS: Final = 1 << 16
"""How many of them a file may have."""

READS: Final = 1 << 22
"""Steps in which debug information is read: each stands for an object of a few hundred bytes."""

_SEGMENT_SIZE: Final = 56
_SECTION_SIZE: Final = 64
_SYMBOL_SIZE: Final = {32: 16, 64: 24}
_COMPRESSED: Final = 0x800
_NOBITS: Final = "SHT_NOBITS"
_WRITABLE: Final = 2
_EXECUTABLE: Final = 1


@contextmanager
def damage(path: Path, failure: type[RingbenchError] = ImageError) -> Iterator[None]:
    """Report whatever the ELF and DWARF parsers stumble over as one `ImageError`, or as `failure`.

    A cut or overwritten file makes pyelftools raise far more than its own exceptions.
    """
    try:
        yield
    except RingbenchError:
        raise
    except Exception as error:
        why = "nested too deep" if isinstance(error, RecursionError) else str(error)
        raise failure(f"{path}: the ELF file is damaged ({why or type(error).__name__})") from error


def open_elf(path: Path) -> ELFFile:
    """Return a 64-bit x86 ELF file, read into memory.

    Raises:
        ImageError: missing, unreadable, not ELF, of another machine, or with absurd sizes.
    """
    elf = parse(path)
    if elf.elfclass != 64 or elf["e_machine"] != "EM_X86_64":
        raise ImageError(
            f"{path}: symbols and types are read from a 64-bit x86_64 ELF file; this is a "
            f"{elf.elfclass}-bit one for {elf.get_machine_arch()}"
        )
    check_sections(path, elf)
    return elf


def parse(path: Path) -> ELFFile:
    """Return an ELF file of any machine, read into memory, of which the segments are checked.

    Raises:
        ImageError: missing, unreadable, not ELF, or with more segments than any has.
    """
    from elftools.elf.elffile import ELFFile

    head = read_head(path, "kernel", 4)
    if head != b"\x7fELF":
        raise ImageError(f"{path}: not an ELF file: it does not start with the ELF magic number")
    data = read_bytes(path, "kernel", LARGEST, ImageError)
    with damage(path):
        elf = ELFFile(io.BytesIO(data))
        _check_table(path, elf, "segment", elf.num_segments(), SEGMENTS)
        _check_table(path, elf, "section", elf.num_sections(), SECTIONS)
    return elf


def read_head(path: Path, what: str, length: int) -> bytes:
    """Return the first bytes of a regular file.

    Raises:
        ImageError: it is missing, not a regular file, or cannot be read.
    """
    from ringbench.files import open_regular

    with open_regular(path, what, ImageError) as file:
        return file.read(length)


@dataclass(frozen=True, slots=True)
class LoadSegment:
    """A segment to be loaded: where, how many bytes of memory, and those that the file has."""

    vaddr: int
    paddr: int
    size: int
    content: bytes
    writable: bool
    executable: bool


def load_segments(path: Path) -> tuple[LoadSegment, ...]:
    """Return the segments of an ELF file that are loaded.

    Raises:
        ImageError: as for `parse`, or the file does not have what it says.
    """
    elf = parse(path)
    found = []
    left = LARGEST
    with damage(path):
        for segment in elf.iter_segments("PT_LOAD"):
            left -= segment["p_filesz"]
            if left < 0:
                raise ImageError(f"{path}: its segments have more bytes than the file")
            content = segment.data()
            if len(content) != segment["p_filesz"]:
                raise ImageError(f"{path}: the file is cut: a segment goes on behind its end")
            flags = segment["p_flags"]
            found.append(
                LoadSegment(
                    segment["p_vaddr"],
                    segment["p_paddr"],
                    segment["p_memsz"],
                    content,
                    bool(flags & _WRITABLE),
                    bool(flags & _EXECUTABLE),
                )
            )
    return tuple(found)


def debug_information(path: Path, elf: ELFFile, *, or_frames: bool = False) -> DWARFInfo:
    """Return what pyelftools reads DWARF by, metered.

    With `or_frames`, ``.eh_frame`` alone is enough, which a file has without -g as well.

    Raises:
        ImageError: there is none, or it is damaged.
    """
    if not elf.has_dwarf_info(strict=not or_frames):
        raise ImageError(f"{path}: no debug information: compile with -g and do not strip the file")
    with damage(path):
        dwarf = elf.get_dwarf_info(relocate_dwarf_sections=False, follow_links=False)
        meter = Meter(path)
        for name, section in vars(dwarf).items():
            if name.endswith("_sec") and section is not None:
                stream = Metered(section.stream.getvalue(), meter)
                setattr(dwarf, name, section._replace(stream=stream))
    return dwarf


class Meter:
    """How much of a file's debug information may still be read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._left = READS

    def spend(self, length: int) -> None:
        """Take a step of so many bytes.

        Raises:
            ImageError: there were too many.
        """
        self._left -= 1 + (length >> 8)
        if self._left < 0:
            raise ImageError(
                f"{self._path}: more debug information than is read: over {READS:,} steps"
            )


class Metered(io.BytesIO):
    """A section in memory of which only so much is read, over and over or at once.

    Whatever the parser makes, it has read a byte for it at least: so time and memory are bounded,
    by whichever trick the section wants to have more of them.
    """

    def __init__(self, data: bytes, meter: Meter) -> None:
        super().__init__(data)
        self._meter = meter

    def read(self, size: int | None = -1, /) -> bytes:
        """Read, as any stream."""
        data = super().read(size)
        self._meter.spend(len(data))
        return data


def _check_table(path: Path, elf: ELFFile, what: str, count: int, most: int) -> None:
    """See that a table of headers is one that is worth reading."""
    size = elf["e_phentsize" if what == "segment" else "e_shentsize"]
    start = elf["e_phoff" if what == "segment" else "e_shoff"]
    least = 32 if what == "segment" else 40
    if count and (count > most or size < least or start + count * size > elf.stream_len):
        raise ImageError(f"{path}: the ELF file is damaged ({count} {what}s of {size} bytes)")


def check_sections(path: Path, elf: ELFFile) -> None:
    """See that no section that will be read is larger than a file can be.

    Raises:
        ImageError: one is, or debug information has been taken out.
    """
    with damage(path):
        _check_sections(path, elf)


def _check_sections(path: Path, elf: ELFFile) -> None:
    debug = 0
    names: list[str] = []
    for section in elf.iter_sections():
        names.append(section.name)
        header: Any = section.header
        size = header["sh_size"] if header["sh_type"] != _NOBITS else 0
        is_debug = section.name.startswith((".debug_", ".zdebug_"))
        if is_debug and header["sh_type"] == _NOBITS:
            raise ImageError(f"{path}: no debug information: {section.name} has no contents")
        if size > elf.stream_len and section.name:
            raise ImageError(f"{path}: the file is cut: {section.name} goes on behind its end")
        if is_debug:
            debug += _inflated(section, LARGEST)
        if section.name == ".symtab" and header["sh_entsize"] != _SYMBOL_SIZE[elf.elfclass]:
            raise ImageError(f"{path}: the ELF file is damaged (symbols of another size)")
    if debug > LARGEST:
        raise ImageError(f"{path}: its debug information is longer than any can be: {debug:,}")


def _inflated(section: Any, most: int) -> int:
    """Return the bytes of a section when it is not compressed; more than `most` is enough."""
    if section.name.startswith(".zdebug_"):
        section.stream.seek(section["sh_offset"] + 12)
        data = section.stream.read(max(section["sh_size"] - 12, 0))
        return len(zlib.decompressobj().decompress(data, most + 1))
    return int(section.data_size)
