"""Operations on files: members of the archive, should there be one, are opened, read and written.

Where there is none, there still are operations: each says that it found nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final

from ringbench.subjects.reference.model.disk import held
from ringbench.subjects.reference.model.file import ARCHIVE_DISK, read_header
from ringbench.subjects.reference.model.state import Disk, KernelState
from ringbench.subjects.reference.vocabulary.constants import (
    BYTES_MAX,
    FILES_MAX,
    FRAME_SIZE,
    SECTOR_SIZE,
)
from ringbench.subjects.reference.vocabulary.handles import file_handle
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.file import (
    FileClose,
    FileEvict,
    FileOpen,
    FileRead,
    FileSync,
    FileWrite,
)
from ringbench.subjects.reference.workload.draws import Maker, crowded, pick

OPEN: Final = 4
"""Files to hover about."""

MEMBERS: Final = 16
"""Headers of an archive that are looked at for names."""


def members(disk: Disk) -> Iterator[str]:
    """Yield the names in the archive on a disk, as far as it is one."""
    at = 0
    for _ in range(MEMBERS):
        member = read_header(held(disk, at, 1)) if at < disk.sectors else None
        if member is None:
            return
        size, _, name = member
        yield name.decode("ascii", "replace")
        at += 1 + -(-size // SECTOR_SIZE)


def file_open(random: Random, state: KernelState) -> Operation | None:
    """Open a member, or close a file where many are open."""
    if crowded(random, len(state.files), OPEN):
        return FileClose(file_handle(pick(random, list(state.files))))
    disks = [disk for disk in state.disks if disk.serial == ARCHIVE_DISK]
    if not disks and random.random() < 0.5:
        return FileClose("f0")
    names = [name for name in members(disks[0]) if 0 < len(name) <= BYTES_MAX] if disks else []
    return FileOpen(pick(random, names) if names else "none")


def file_data(random: Random, state: KernelState) -> Operation | None:
    """Read or write some bytes of an open file, often where two pages meet or at its end."""
    if not state.files:
        return FileRead("f0", 0, 1) if random.random() < 0.5 else FileWrite("f0", 0, b"x")
    number = pick(random, list(state.files))
    size = state.files[number].size
    length = random.randrange(1, BYTES_MAX + 1)
    offset = random.randrange(max(1, size - length))
    if random.random() < 0.3:
        offset = max(0, pick(random, (offset // FRAME_SIZE * FRAME_SIZE, size)) - length // 2)
    length = max(1, min(length, size - offset))
    if random.random() < 0.5:
        return FileRead(file_handle(number), offset, length)
    data = bytes(random.randrange(256) for _ in range(length))
    return FileWrite(file_handle(number), offset, data)


def file_sync(random: Random, state: KernelState) -> Operation | None:
    """Sync an open file, or put some pages out of memory."""
    if random.random() < 0.5:
        return FileEvict(pick(random, (1, 1, 2, 5, 100)))
    return FileSync(file_handle(pick(random, list(state.files) or [0])))


def _closed(random: Random, state: KernelState) -> Operation | None:
    """Use a file that is not open."""
    unused = [n for n in range(FILES_MAX + 2) if n not in state.files]
    handle = file_handle(pick(random, unused))
    offered = (FileClose(handle), FileSync(handle), FileRead(handle, 0, 1))
    return pick(random, offered)


def _no_member(random: Random, state: KernelState) -> Operation | None:
    """Open what is no member, or no file."""
    return FileOpen(pick(random, ("none", "..", "/", "a" * 64, "folder", "folder/")))


def _outside(random: Random, state: KernelState) -> Operation | None:
    """Read or write past the end, nothing, or too much."""
    number = pick(random, list(state.files) or [0])
    size = state.files[number].size if state.files else 8
    offset = pick(random, (size, size - 1, size + 1, (1 << 64) - 1, 1 << 40)) % (1 << 64)
    if random.random() < 0.5:
        length = pick(random, (0, 2, 64, 65, 1 << 32, (1 << 64) - 1))
        return FileRead(file_handle(number), offset, length)
    return FileWrite(file_handle(number), offset, b"past")


FILE_MISUSES: Final[tuple[Maker, ...]] = (_closed, _no_member, _outside)
"""The mistakes, all drawn equally often."""
