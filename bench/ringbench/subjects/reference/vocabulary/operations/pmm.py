"""Operations on physical memory: frames are taken, which are lent to the caller, and given back."""

from dataclasses import dataclass

from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.values import ValueKind


@dataclass(frozen=True, slots=True)
class PmmAlloc(Operation):
    """Take `count` contiguous frames, one if None, at a multiple of `align` bytes.

    They are lent to the caller, who alone may give them back; the reply has where they begin.
    """

    layer = "pmm"
    command = "pmm alloc"
    values = ((ValueKind.ADDRESS,),)
    count: int | None = None
    align: int | None = None

    def __post_init__(self) -> None:
        if self.count is None and self.align is not None:
            raise ValueError("an alignment needs a count")


@dataclass(frozen=True, slots=True)
class PmmAlloc2m(Operation):
    """Take the 512 frames of a free and aligned block of 2 MiB; the reply has its address."""

    layer = "pmm"
    command = "pmm alloc2m"
    values = ((ValueKind.ADDRESS,),)


@dataclass(frozen=True, slots=True)
class PmmFree(Operation):
    """Give back `count` frames from `paddr` on, which must have been lent."""

    layer = "pmm"
    command = "pmm free"
    paddr: int
    count: int = 1


@dataclass(frozen=True, slots=True)
class PmmInfo(Operation):
    """Ask how many frames the allocator manages, and how many of them are free."""

    layer = "pmm"
    command = "pmm info"
    values = ((ValueKind.COUNT, ValueKind.COUNT),)
