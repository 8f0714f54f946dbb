"""Operations on disks: sectors of 512 bytes."""

from dataclasses import dataclass

from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.values import ValueKind


@dataclass(frozen=True, slots=True)
class DiskFind(Operation):
    """Ask for the disk with a serial string; the reply has its handle."""

    layer = "disk"
    command = "disk find"
    values = ((ValueKind.DISK,),)
    name: str


@dataclass(frozen=True, slots=True)
class DiskInfo(Operation):
    """Ask how many sectors of 512 bytes a disk has."""

    layer = "disk"
    command = "disk info"
    values = ((ValueKind.COUNT,),)
    disk: str


@dataclass(frozen=True, slots=True)
class DiskRead(Operation):
    """Read `count` sectors of a disk; the reply has the CRC-32 of all their bytes."""

    layer = "disk"
    command = "disk read"
    values = ((ValueKind.ADDRESS,),)
    disk: str
    sector: int
    count: int


@dataclass(frozen=True, slots=True)
class DiskWrite(Operation):
    """Fill `count` sectors of a disk: each with its number, 8 bytes, and `data` over and over."""

    layer = "disk"
    command = "disk write"
    disk: str
    sector: int
    count: int
    data: bytes


@dataclass(frozen=True, slots=True)
class DiskFlush(Operation):
    """Have what was written to a disk reach what keeps it."""

    layer = "disk"
    command = "disk flush"
    disk: str
