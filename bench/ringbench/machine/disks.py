"""The virtio disks of a machine, as QEMU has them; what they hold; and requests that fail.

Only disks with a serial string are known: they are devices with a name of their own.

Reference: QEMU 7.2, qapi/block-core.json (blkdebug), qapi/pci.json; hw/virtio/virtio-pci.c for the
registers.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ringbench.errors import ConfigError
from ringbench.machine.command import disk_device, disk_node
from ringbench.machine.machine import Machine
from ringbench.machine.media import overlay_file
from ringbench.machine.qcow2 import clusters, disk_size

SECTOR: Final = 512
MODERN_BAR: Final = 4
"""The BAR with the registers of the modern interface."""

VENDOR: Final = 0x1AF4
BLOCK_DEVICES: Final = (0x1001, 0x1042)
"""PCI's number of virtio's vendor, and of its block devices: transitional, modern."""

FAULTY: Final = "ringbench-faulty"
EIO: Final = 5


@dataclass(frozen=True, slots=True)
class VirtioDisk:
    """A virtio disk: `number` is its place in `machine.disks`.

    Attributes:
        registers, length: the range of physical memory that has its registers.
        size: bytes.
    """

    number: int
    serial: str
    registers: int
    length: int
    size: int
    read_only: bool


def virtio_disks(machine: Machine) -> tuple[VirtioDisk, ...]:
    """Return the machine's virtio disks in the order of their slots on PCI bus 0.

    Raises:
        ConfigError: one of them has no serial string.
        QmpError: QEMU is gone.
    """
    qmp = machine.qmp
    drives = {_device(str(each.get("qdev", ""))): each for each in qmp.command("query-block")}
    serials = {disk_device(n): disk.serial for n, disk in enumerate(machine.config.machine.disks)}
    numbers = {disk_device(n): n for n in range(len(serials))}
    [bus] = [each for each in qmp.command("query-pci") if each["bus"] == 0]
    found = []
    for device in sorted(bus["devices"], key=lambda each: (each["slot"], each["function"])):
        if device["id"]["vendor"] != VENDOR or device["id"]["device"] not in BLOCK_DEVICES:
            continue
        name = device["qdev_id"]
        if not serials.get(name):
            raise ConfigError(
                'machine.disks: give each virtio disk a serial: "FILE virtio serial=X"'
            )
        inserted: Any = drives[name]["inserted"]
        [bar] = [each for each in device["regions"] if each["bar"] == MODERN_BAR]
        place = bar["address"], bar["size"]
        size = int(inserted["image"]["virtual-size"])
        found.append(VirtioDisk(numbers[name], serials[name], *place, size, inserted["ro"]))
    return tuple(found)


def _device(path: str) -> str:
    """Return the name of a device, of the path of its backend in QEMU."""
    return path.removeprefix("/machine/peripheral/").partition("/")[0]


def first_contents(machine: Machine, disk: VirtioDisk) -> bytes | mmap.mmap:
    """Return what a disk held before the machine was started, up to the last byte of its file.

    Raises:
        ConfigError: its image is no raw file.
    """
    path = machine.config.machine.disks[disk.number].path
    if path is None:
        return b""
    if not path.is_file() or disk_size(path) is not None:
        raise ConfigError(
            f"machine.disks: {path}: expected a raw image, whose bytes are the disk's"
        )
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def changes(machine: Machine, number: int) -> Iterator[tuple[int, bytes]]:
    """Yield what was written to a disk of a stopped machine: offset and bytes, ascending.

    That is whole pieces of the disk that may also hold what was not written; all other pieces are
    as they were before the machine was started. QEMU writes everything out when it is stopped.

    Raises:
        ImageError: QEMU has left no image there.
    """
    return clusters(overlay(machine, number))


def overlay(machine: Machine, number: int) -> Path:
    """Return the file that has what was written to a disk."""
    return machine.private / overlay_file(number)


@contextmanager
def failing_request(machine: Machine, number: int, kind: str, sector: int) -> Iterator[None]:
    """Have a disk fail the next request of a kind, "read" or "write", that has a sector in it.

    For the time of the block; once.

    Raises:
        QmpError: QEMU is gone, or cannot.
    """
    qmp, device = machine.qmp, f"/machine/peripheral/{disk_device(number)}"
    node = disk_node(number)
    rule = {"event": "none", "iotype": kind, "sector": sector, "once": True, "errno": EIO}
    options = {"inject-error": [rule]}
    qmp.command("blockdev-add", driver="blkdebug", node_name=FAULTY, image=node, **options)
    try:
        qmp.command("qom-set", path=device, property="drive", value=FAULTY)
        try:
            yield
        finally:
            qmp.command("qom-set", path=device, property="drive", value=node)
    finally:
        qmp.command("blockdev-del", node_name=FAULTY)
