"""USTAR archives as images of a data disk, made by Python's tarfile; and ones that are wrong."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from random import Random
from typing import Final

SECTOR: Final = 512

FILES: Final[Mapping[str, bytes]] = {
    "hello.txt": b"hello, ring\n",
    "empty": b"",
    "folder/page.bin": Random(1).randbytes(4096),
    "pages.bin": Random(2).randbytes(5 * 4096 + 700),
    "large.bin": Random(3).randbytes(300_000),
}


def archive(files: Mapping[str, bytes] = FILES) -> bytes:
    """An archive of files, with a folder before them."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def without_end(data: bytes) -> bytes:
    """The archive without the zeros that end it."""
    stripped = data.rstrip(b"\0")
    return stripped.ljust(-(-len(stripped) // SECTOR) * SECTOR, b"\0")


def with_header(data: bytes, at: int, field: slice, text: bytes) -> bytes:
    """The archive with a field of the header at a sector changed, and its checksum right again."""
    header = bytearray(data[at * SECTOR : (at + 1) * SECTOR])
    header[field] = text.ljust(field.stop - field.start, b"\0")
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header):06o}\0 ".encode()
    return data[: at * SECTOR] + bytes(header) + data[(at + 1) * SECTOR :]
