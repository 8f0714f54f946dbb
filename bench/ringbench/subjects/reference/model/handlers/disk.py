"""Operations on disks, performed on a state."""

from typing import Final
from zlib import crc32

from ringbench.subjects.reference.model import disk
from ringbench.subjects.reference.model.console import disk_number
from ringbench.subjects.reference.model.handlers.outcome import Outcome
from ringbench.subjects.reference.model.state import KernelState, frames_of
from ringbench.subjects.reference.vocabulary.constants import DISK_SECTORS_MAX, SECTOR_SIZE
from ringbench.subjects.reference.vocabulary.handlers import Handlers
from ringbench.subjects.reference.vocabulary.handles import disk_handle
from ringbench.subjects.reference.vocabulary.operations.disk import (
    DiskFind,
    DiskFlush,
    DiskInfo,
    DiskRead,
    DiskWrite,
)
from ringbench.subjects.reference.vocabulary.status import Refused, Status

HANDLERS: Final = Handlers[KernelState, Outcome]()


@HANDLERS.performs(DiskFind)
def _disk_find(state: KernelState, op: DiskFind) -> Outcome:
    state, status, number = disk.disk_find(state, op.name)
    return state, status, () if status else (disk_handle(number),)


@HANDLERS.performs(DiskInfo)
def _disk_info(state: KernelState, op: DiskInfo) -> Outcome:
    return state, Status.OK, (state.disks[disk_number(state, op.disk)].sectors,)


@HANDLERS.performs(DiskRead)
def _disk_read(state: KernelState, op: DiskRead) -> Outcome:
    number = disk_number(state, op.disk)
    _borrow(state, op.count)
    state, status, data = disk.disk_read(state, number, op.sector, op.count)
    return state, status, () if status else (crc32(data),)


@HANDLERS.performs(DiskWrite)
def _disk_write(state: KernelState, op: DiskWrite) -> Outcome:
    number = disk_number(state, op.disk)
    if any(each.disk == number for each in state.files.values()):
        raise Refused(Status.BUSY)
    _borrow(state, op.count)
    rest = (op.data * SECTOR_SIZE)[: SECTOR_SIZE - 8]
    numbers = ((op.sector + n) % (1 << 64) for n in range(op.count))
    data = b"".join(each.to_bytes(8, "little") + rest for each in numbers)
    state, status, _ = disk.disk_write(state, number, op.sector, data)
    return state, status, ()


def _borrow(state: KernelState, sectors: int) -> None:
    """Refuse a transfer of too many sectors, or for which there are too few frames."""
    if not 1 <= sectors <= DISK_SECTORS_MAX:
        raise Refused(Status.INVALID)
    if state.pmm.free_count < frames_of(sectors * SECTOR_SIZE):
        raise Refused(Status.NO_MEMORY)


@HANDLERS.performs(DiskFlush)
def _disk_flush(state: KernelState, op: DiskFlush) -> Outcome:
    state, status, _ = disk.disk_flush(state, disk_number(state, op.disk))
    return state, status, ()
