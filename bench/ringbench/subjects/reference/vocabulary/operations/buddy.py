"""Operations on the buddy allocator."""

from dataclasses import dataclass

from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.values import ValueKind


@dataclass(frozen=True, slots=True)
class BuddyAlloc(Operation):
    """Take a block of at least `size` bytes; the reply has its address."""

    layer = "buddy"
    command = "buddy alloc"
    values = ((ValueKind.ADDRESS,),)
    size: int


@dataclass(frozen=True, slots=True)
class BuddyFree(Operation):
    """Free a block."""

    layer = "buddy"
    command = "buddy free"
    vaddr: int


@dataclass(frozen=True, slots=True)
class BuddyInfo(Operation):
    """Say how many bytes the region has, and how many blocks are in use, of how many bytes."""

    layer = "buddy"
    command = "buddy info"
    values = ((ValueKind.COUNT, ValueKind.COUNT, ValueKind.COUNT),)
