"""Disks: what each holds, sector by sector, and how many requests it has been asked for.

A request can be made to fail, by its number: `Disk.failing`.
"""

from collections.abc import Sequence
from typing import Final

from ringbench.subjects.reference.model import pmm as frames
from ringbench.subjects.reference.model.state import Disk, KernelState, Request, replace
from ringbench.subjects.reference.model.vmm import region_at, vm_alloc
from ringbench.subjects.reference.vocabulary import flags as page
from ringbench.subjects.reference.vocabulary.constants import (
    DISK_SECTORS_MAX,
    DISKS_MAX,
    FRAME_SIZE,
    SECTOR_SIZE,
    VmKind,
)
from ringbench.subjects.reference.vocabulary.handles import KERNEL
from ringbench.subjects.reference.vocabulary.status import Panic, Status

PAGE_SECTORS: Final = FRAME_SIZE // SECTOR_SIZE
_FLAGS: Final = page.WRITE | page.CACHE_UC


def disk_init(state: KernelState, found: Sequence[Disk]) -> KernelState:
    """Set the disks of a machine up, in the order of their slots.

    Raises:
        Panic: there is no memory.
    """
    for disk in found[:DISKS_MAX]:
        paddr, length = disk.place
        state, status, base = vm_alloc(state, KERNEL, length, _FLAGS, VmKind.PHYSICAL, paddr)
        if status or state.pmm.free_count < 2:
            raise Panic("no memory for a disk")
        pmm, _, queue = frames.pmm_alloc_run(state.pmm, 1, FRAME_SIZE)
        up = replace(disk, registers=base, queue=queue, requests=1)  # its serial string
        state = replace(state, pmm=pmm, disks=(*state.disks, up))
    return state


def disk_find(state: KernelState, serial: str) -> tuple[KernelState, Status, int]:
    """Return the number of the first disk with a serial string."""
    for number, disk in enumerate(state.disks):
        if disk.serial == serial:
            return state, Status.OK, number
    return state, Status.NOT_FOUND, 0


def disk_owns(state: KernelState, va: int) -> bool:
    """Tell whether an address is in the registers of a disk."""
    if not state.disks:
        return False
    region = region_at(state.spaces[KERNEL], va)
    return region is not None and any(region.base == disk.registers for disk in state.disks)


def disk_read(
    state: KernelState, number: int, sector: int, count: int
) -> tuple[KernelState, Status, bytes]:
    """Read sectors of a disk."""
    status = _check(state.disks[number], sector, count)
    if status:
        return state, status, b""
    state, status = _request(state, number, Request("read", sector, count))
    return state, status, b"" if status else held(state.disks[number], sector, count)


def disk_write(
    state: KernelState, number: int, sector: int, data: bytes
) -> tuple[KernelState, Status, None]:
    """Write whole sectors of a disk."""
    disk, count = state.disks[number], len(data) // SECTOR_SIZE
    status = _check(disk, sector, count)
    if status is Status.OK and disk.read_only:
        status = Status.DENIED
    if status:
        return state, status, None
    state, status = _request(state, number, Request("write", sector, count))
    if status:
        return state, status, None
    first, end = sector // PAGE_SECTORS, -(-(sector + count) // PAGE_SECTORS)
    pages = bytearray(held(disk, first * PAGE_SECTORS, (end - first) * PAGE_SECTORS))
    start = (sector - first * PAGE_SECTORS) * SECTOR_SIZE
    pages[start : start + len(data)] = data
    new = {
        first + n: bytes(pages[n * FRAME_SIZE : (n + 1) * FRAME_SIZE]) for n in range(end - first)
    }
    disk = state.disks[number]
    return with_disk(state, number, replace(disk, written={**disk.written, **new})), status, None


def disk_flush(state: KernelState, number: int) -> tuple[KernelState, Status, None]:
    """Have what was written reach what keeps it."""
    return *_request(state, number, Request("flush")), None


def held(disk: Disk, sector: int, count: int) -> bytes:
    """Return what some sectors of a disk hold; zeros past its end."""
    start, end = sector * SECTOR_SIZE, (sector + count) * SECTOR_SIZE
    data = bytearray(disk.image[start:end].ljust(end - start, b"\0"))
    for number in range(start // FRAME_SIZE, -(-end // FRAME_SIZE)):
        content = disk.written.get(number)
        if content is not None:
            at = number * FRAME_SIZE
            low, high = max(at, start), min(at + FRAME_SIZE, end)
            data[low - start : high - start] = content[low - at : high - at]
    return bytes(data)


def with_disk(state: KernelState, number: int, disk: Disk) -> KernelState:
    """Return the state with another state of one disk."""
    return replace(state, disks=(*state.disks[:number], disk, *state.disks[number + 1 :]))


def _check(disk: Disk, sector: int, count: int) -> Status:
    if not 1 <= count <= DISK_SECTORS_MAX:
        return Status.INVALID
    return Status.OK if sector + count <= disk.sectors else Status.OUT_OF_RANGE


def _request(state: KernelState, number: int, request: Request) -> tuple[KernelState, Status]:
    """Ask a disk for something; it fails if it is to fail."""
    disk = state.disks[number]
    if disk.failing == disk.requests:
        after = replace(disk, requests=disk.requests + 1, failing=None, failed=request)
        return with_disk(state, number, after), Status.IO
    return with_disk(state, number, replace(disk, requests=disk.requests + 1)), Status.OK
