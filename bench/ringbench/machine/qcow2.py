"""Disk images of QEMU's own format, empty at first: overlays that take what a guest writes.

Written here because ``qemu-img`` is a package of its own. QEMU 7.2, docs/interop/qcow2.txt.
"""

from __future__ import annotations

import struct
from pathlib import Path

MAGIC = b"QFI\xfb"
CLUSTER_BITS = 16
CLUSTER = 1 << CLUSTER_BITS
COVERED = CLUSTER * (CLUSTER // 8)  # bytes of the disk below one entry of the L1 table
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


def disk_size(path: Path) -> int | None:
    """Return how large a disk the qcow2 image is; None if it is not one."""
    with path.open("rb") as file:
        head = file.read(32)
    return int(struct.unpack_from(">Q", head, 24)[0]) if head.startswith(MAGIC) else None
