"""What a section of an ELF file holds, decompressed; never more of it than its header says.

pyelftools knows zlib alone, and of the old sections (`.zdebug_*`) only files that have nothing
else. Reference: ELF gABI, Compressed Sections.
"""

from __future__ import annotations

import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ringbench.errors import ImageError

if TYPE_CHECKING:
    from elftools.elf.sections import Section

_ZSTD: Final = 2
_OLD: Final = b"ZLIB"  # then the size, in eight bytes, most significant first
_OLD_HEADER: Final = 12


def contents(section: Section, path: Path) -> bytes:
    """Return the bytes of a section whose size is checked; `path` is for messages.

    Raises:
        ImageError: they cannot be decompressed.
    """
    if section["sh_type"] == "SHT_NOBITS":
        return b""
    section.stream.seek(section["sh_offset"])
    data: bytes = section.stream.read(section["sh_size"])
    where = f"{path}: section {section.name}"
    if section.compressed:
        header = section.structs.Elf_Chdr
        kind, size = header.parse(data)["ch_type"], section.data_size
        return _decompressed(kind, data[header.sizeof() :], size, where)
    if section.name.startswith(".z") and data.startswith(_OLD):
        size = int.from_bytes(data[len(_OLD) : _OLD_HEADER], "big")
        return _decompressed("ELFCOMPRESS_ZLIB", data[_OLD_HEADER:], size, where)
    return data


def _decompressed(kind: str | int, data: bytes, size: int, where: str) -> bytes:
    try:
        if kind == "ELFCOMPRESS_ZLIB":
            result = zlib.decompressobj().decompress(data, size) if size else b""
        elif kind == _ZSTD:
            result = _zstd(data, size)
        else:
            raise ImageError(f"{where}: compressed in a way that is not known: {kind}")
    except (zlib.error, EOFError, ValueError, OverflowError) as error:
        raise ImageError(f"{where}: cannot be decompressed ({error})") from None
    if len(result) != size:
        raise ImageError(f"{where}: has {len(result)} bytes decompressed, and says {size}")
    return result


def _zstd(data: bytes, size: int) -> bytes:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    try:
        return zstd.ZstdDecompressor().decompress(data, size) if size else b""
    except zstd.ZstdError as error:
        raise ValueError(error) from None
