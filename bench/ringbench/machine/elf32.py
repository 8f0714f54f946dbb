"""A 64-bit ELF in the 32-bit container that QEMU's Multiboot loader wants.

QEMU reads the ELF header, the program headers and what they load, so only these are written anew:
the header in its place, the program headers behind all else. Every offset stays what it was, the
Multiboot header's too. Virtual addresses lose their upper half, as with ``objcopy -O elf32-i386``.
"""

from __future__ import annotations

import struct
from pathlib import Path

from ringbench.debuginfo.elf import LARGEST
from ringbench.errors import ImageError
from ringbench.files import read_bytes

_EM_386 = 3
_PT_LOAD = 1
_HEADER32 = "<16sHHIIIIIHHHHHH"
_SEGMENT32 = "<8I"
LOW = 0xFFFFFFFF


def make_elf32(elf: Path, copy: Path) -> None:
    """Write `elf`, which `form_of` has found to be a 64-bit Multiboot kernel, as `copy`.

    Raises:
        ImageError: it is loaded above 4 GiB, or is damaged.
    """
    content = read_bytes(elf, "image", LARGEST, ImageError)
    try:
        header, segments = _convert(content)
    except struct.error as error:
        raise ImageError(f"{elf}: a damaged ELF file ({error}); build it again") from None
    except OverflowError as error:
        raise ImageError(f"{elf}: {error}, and Multiboot loads below 4 GiB only") from None
    copy.write_bytes(header + content[len(header) :] + segments)


def _convert(content: bytes) -> tuple[bytes, bytes]:
    entry, at = struct.unpack_from("<QQ", content, 24)
    size, count = struct.unpack_from("<HH", content, 54)
    segments = []
    for index in range(count):
        kind, flags, offset, virtual, physical, stored, length, align = struct.unpack_from(
            "<IIQQQQQQ", content, at + index * size
        )
        if kind != _PT_LOAD:
            continue
        if physical + length > LOW + 1:
            raise OverflowError(f"a segment is loaded at {physical:#x}")
        words = (kind, offset, virtual & LOW, physical, stored, length, flags, align & LOW)
        segments.append(struct.pack(_SEGMENT32, *words))
    identity = content[:4] + b"\x01" + content[5:16]
    [version] = struct.unpack_from("<I", content, 20)
    header = struct.pack(
        _HEADER32,
        *(identity, 2, _EM_386, version, entry & LOW, len(content), 0, 0),
        *(struct.calcsize(_HEADER32), struct.calcsize(_SEGMENT32), len(segments), 0, 0, 0),
    )
    return header, b"".join(segments)
