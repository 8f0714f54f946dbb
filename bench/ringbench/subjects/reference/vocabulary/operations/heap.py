"""Operations on the kernel heap."""

from dataclasses import dataclass
from typing import Final

from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.values import Shape, ValueKind

_SMASHED: Final[dict[str, Shape]] = {"corrupt": (ValueKind.ADDRESS,)}
"""Which node of the heap is smashed."""


@dataclass(frozen=True, slots=True)
class HeapAlloc(Operation):
    """Take `size` bytes of the kernel heap (heap_alloc); the reply has their address."""

    layer = "heap"
    command = "heap alloc"
    values = ((ValueKind.ADDRESS,),)
    size: int


@dataclass(frozen=True, slots=True)
class HeapZalloc(Operation):
    """Take `size` bytes of the kernel heap, all zero (heap_zalloc); the reply has their address."""

    layer = "heap"
    command = "heap zalloc"
    values = ((ValueKind.ADDRESS,),)
    size: int


@dataclass(frozen=True, slots=True)
class HeapAlign(Operation):
    """Take `size` bytes of the kernel heap at a multiple of `align` (heap_align)."""

    layer = "heap"
    command = "heap align"
    values = ((ValueKind.ADDRESS,),)
    align: int
    size: int


@dataclass(frozen=True, slots=True)
class HeapRealloc(Operation):
    """Give a block of the kernel heap another size, moving it if need be (heap_realloc).

    The reply has its address. A `vaddr` of 0 is NULL, which makes a block.
    """

    layer = "heap"
    command = "heap realloc"
    values = ((ValueKind.ADDRESS,),)
    vaddr: int
    size: int


@dataclass(frozen=True, slots=True)
class HeapFree(Operation):
    """Give a block of the kernel heap back (heap_free)."""

    layer = "heap"
    command = "heap free"
    vaddr: int


@dataclass(frozen=True, slots=True)
class HeapCheck(Operation):
    """Let the kernel check every node of its heap; it names the first that is smashed."""

    layer = "heap"
    command = "heap check"
    failures = _SMASHED


@dataclass(frozen=True, slots=True)
class HeapInfo(Operation):
    """Ask for the heap's end, its used and free nodes, and its used and free bytes."""

    layer = "heap"
    command = "heap info"
    values = ((ValueKind.ADDRESS, *(ValueKind.COUNT,) * 4),)
    failures = _SMASHED
