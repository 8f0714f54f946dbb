"""Operations on files: members of the archive on the disk `data`."""

from dataclasses import dataclass

from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.values import ValueKind


@dataclass(frozen=True, slots=True)
class FileOpen(Operation):
    """Open a member of the archive on the disk `data`; the reply has its handle and its bytes."""

    layer = "file"
    command = "file open"
    values = ((ValueKind.FILE, ValueKind.ADDRESS),)
    name: str


@dataclass(frozen=True, slots=True)
class FileClose(Operation):
    """Close a file once; the last time, what is dirty is written."""

    layer = "file"
    command = "file close"
    file: str


@dataclass(frozen=True, slots=True)
class FileRead(Operation):
    """Read 1 to 64 bytes of a file."""

    layer = "file"
    command = "file read"
    values = ((ValueKind.BYTES,),)
    file: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class FileWrite(Operation):
    """Write 1 to 64 bytes of a file, in memory."""

    layer = "file"
    command = "file write"
    file: str
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class FileSync(Operation):
    """Write the dirty pages of a file to its disk."""

    layer = "file"
    command = "file sync"
    file: str


@dataclass(frozen=True, slots=True)
class FileEvict(Operation):
    """Put up to `count` pages of files out of memory; the reply has how many went."""

    layer = "file"
    command = "file evict"
    values = ((ValueKind.COUNT,),)
    count: int
