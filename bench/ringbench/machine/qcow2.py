"""Disk images of QEMU's own format, empty at first: overlays that take what a guest writes.

They can be read while QEMU has them, as far as it has written them out.

Written here because ``qemu-img`` is a package of its own. QEMU 7.2, docs/interop/qcow2.txt.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ringbench.errors import ImageError

MAGIC = b"QFI\xfb"
CLUSTER_BITS = 16
CLUSTER = 1 << CLUSTER_BITS
COVERED = CLUSTER * (CLUSTER // 8)  # bytes of the disk below one entry of the L1 table
OFFSET = (1 << 56) - (1 << 9)  # of an entry of a table: where what it is about is in the file
ALL_ZEROS = 1  # of an entry for a cluster: it holds zeros, and is nowhere
LARGEST = COVERED * (CLUSTER // 8)  # with an L1 table of one cluster: 4 TiB


def write_qcow2(path: Path, size: int) -> None:
    """Write an image of `size` bytes, none of it allocated, with room for snapshots.

    Four clusters: header, table of reference counts, one block of counts, L1 table.

    Raises:
        ValueError: larger than `LARGEST`.
    """
    if size > LARGEST:
        raise ValueError(f"a disk of {size} bytes is too large")
    counts_table, counts, l1_table = CLUSTER, 2 * CLUSTER, 3 * CLUSTER
    header = struct.pack(
        ">4sIQIIQIIQQIIQQQQII",
        *(MAGIC, 3),
        *(0, 0),  # no backing file: who attaches it names one
        *(CLUSTER_BITS, size, 0),  # size, not encrypted
        *(max(1, -(-size // COVERED)), l1_table),
        *(counts_table, 1),
        *(0, 0),  # no snapshots yet
        *(0, 0, 0),  # features
        *(4, 104),  # 16-bit reference counts; length of this header
    )
    image = bytearray(4 * CLUSTER)
    image[: len(header)] = header
    struct.pack_into(">Q", image, counts_table, counts)
    struct.pack_into(">4H", image, counts, 1, 1, 1, 1)
    path.write_bytes(image)


def clusters(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield what has been written to an image that QEMU made of one of ours: offset and bytes.

    Raises:
        ImageError: it is not such an image.
    """
    with path.open("rb") as file:
        header = file.read(104)
        if len(header) < 104 or not header.startswith(MAGIC):
            raise ImageError(f"{path}: not a qcow2 image")
        [bits] = struct.unpack_from(">I", header, 20)
        entries, l1_table = struct.unpack_from(">IQ", header, 36)
        if bits != CLUSTER_BITS or entries > CLUSTER // 8:
            raise ImageError(f"{path}: a qcow2 image that is not of ringbench's")
        for first, l2_table in enumerate(_table(file, l1_table, entries)):
            if l2_table & OFFSET == 0:
                continue
            for second, entry in enumerate(_table(file, l2_table & OFFSET, CLUSTER // 8)):
                at = first * COVERED + second * CLUSTER
                if entry & ALL_ZEROS:
                    yield at, bytes(CLUSTER)
                elif entry & OFFSET:
                    file.seek(entry & OFFSET)
                    yield at, file.read(CLUSTER).ljust(CLUSTER, b"\0")


def _table(file: BinaryIO, offset: int, entries: int) -> tuple[int, ...]:
    file.seek(offset)
    return struct.unpack(f">{entries}Q", file.read(8 * entries).ljust(8 * entries, b"\0"))


def disk_size(path: Path) -> int | None:
    """Return how large a disk the qcow2 image is; None if it is not one."""
    with path.open("rb") as file:
        head = file.read(32)
    return int(struct.unpack_from(">Q", head, 24)[0]) if head.startswith(MAGIC) else None
