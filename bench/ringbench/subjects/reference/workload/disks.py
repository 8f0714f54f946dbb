"""Operations on disks: some places of each are read and written over and over.

Where a machine has no disks, there still are operations: each says that it found none.
"""

from __future__ import annotations

from random import Random
from typing import Final

from ringbench.subjects.reference.model.disk import disk_owns
from ringbench.subjects.reference.model.file import ARCHIVE_DISK
from ringbench.subjects.reference.model.state import Disk, KernelState
from ringbench.subjects.reference.vocabulary.constants import DISK_SECTORS_MAX, DISKS_MAX
from ringbench.subjects.reference.vocabulary.handles import KERNEL, disk_handle
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.disk import (
    DiskFind,
    DiskFlush,
    DiskInfo,
    DiskRead,
    DiskWrite,
)
from ringbench.subjects.reference.vocabulary.operations.vmm import (
    Touch,
    VmFree,
    VmProtect,
    VmQuery,
    VmRead,
    VmResize,
    VmWrite,
)
from ringbench.subjects.reference.workload.draws import Maker, pick

COUNTS: Final = (1, 1, 2, 7, 8, 9, 16, 24, 65, DISK_SECTORS_MAX)
"""Sectors of a transfer: parts of a frame, a frame, several, as many as one request takes."""

BUSY: Final = 32
"""Sectors at the start of a disk where most transfers begin."""


def disk_transfer(random: Random, state: KernelState) -> Operation | None:
    """Read or write some sectors."""
    number = random.randrange(len(state.disks)) if state.disks else 0
    sector, count = _place(random, state.disks[number]) if state.disks else (0, 1)
    if random.random() < 0.5:
        return DiskRead(disk_handle(number), sector, count)
    if state.disks and state.disks[number].serial == ARCHIVE_DISK:
        sector, count = state.disks[number].sectors - 1, 1  # behind what ends an archive
    data = bytes(random.randrange(256) for _ in range(pick(random, (1, 3, 8))))
    return DiskWrite(disk_handle(number), sector, count, data)


def disk_look(random: Random, state: KernelState) -> Operation | None:
    """Look for a disk by its serial string, or ask for the size of one."""
    names = [disk.serial for disk in state.disks] or ["none"]
    if random.random() < 0.5:
        return DiskFind(pick(random, names))
    return DiskInfo(disk_handle(random.randrange(len(state.disks) + 1)))


def disk_flush(random: Random, state: KernelState) -> Operation | None:
    """Flush a disk."""
    return DiskFlush(disk_handle(random.randrange(max(1, len(state.disks)))))


def _place(random: Random, disk: Disk) -> tuple[int, int]:
    """Draw where a transfer begins, and how many sectors it has; it is within the disk."""
    count = min(pick(random, COUNTS), disk.sectors)
    last = disk.sectors - count
    shape = random.random()
    if shape < 0.7:
        return min(random.randrange(BUSY), last), count
    return (last if shape < 0.85 else random.randrange(last + 1)), count


def _past_the_end(random: Random, state: KernelState) -> Operation | None:
    """Read or write where there are no sectors, or more than there are."""
    disks = state.disks
    number = random.randrange(len(disks)) if disks else 0
    end = disks[number].sectors if disks else 8
    sector = pick(random, (end, end - 1, end - 7, (1 << 64) - 1, (1 << 64) - 8, 1 << 55))
    count = pick(random, (1, 2, 8, DISK_SECTORS_MAX))
    if random.random() < 0.5:
        return DiskRead(disk_handle(number), sector % (1 << 64), count)
    return DiskWrite(disk_handle(number), sector % (1 << 64), count, b"\xee")


def _too_many(random: Random, state: KernelState) -> Operation | None:
    """Ask for no sectors, or for more than a request has."""
    count = pick(random, (0, DISK_SECTORS_MAX + 1, 1 << 32, (1 << 64) - 1))
    return DiskRead("d0", random.randrange(BUSY), count)


def _no_disk(random: Random, state: KernelState) -> Operation | None:
    """Ask for a disk that is not there."""
    number = pick(random, (len(state.disks), DISKS_MAX, DISKS_MAX + 1, 77))
    names = ("none", "SWAP", "swa", "swapp", "d0", "x" * 20, "y" * 21, "z" * 64)
    return pick(random, (DiskFind(pick(random, names)), DiskInfo(disk_handle(number))))


def _registers(random: Random, state: KernelState) -> Operation | None:
    """Change or touch the registers of a disk, which nobody but its driver may."""
    found = [each for each in state.spaces[KERNEL].regions if disk_owns(state, each.base)]
    if not found:
        return None
    region = pick(random, found)
    vaddr = region.base + pick(random, (0, 0, 0, 1, 0x1000, region.length - 1))
    changes: tuple[Operation, ...] = (
        VmFree(KERNEL, vaddr),
        VmProtect(KERNEL, vaddr, 0),
        VmResize(KERNEL, vaddr, 0x1000),
        VmQuery(KERNEL, vaddr),
        Touch(pick(random, list(state.roots())), vaddr, pick(random, ("r", "w", "x"))),
        VmRead(KERNEL, vaddr, 4),
        VmWrite(KERNEL, vaddr, b"\x01"),
    )
    return pick(random, changes)


DISK_MISUSES: Final[tuple[Maker, ...]] = (_past_the_end, _too_many, _no_disk, _registers)
"""The mistakes, all drawn equally often."""
