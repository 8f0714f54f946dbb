"""Operations on the chain of heaps."""

from dataclasses import dataclass

from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.values import ValueKind


@dataclass(frozen=True, slots=True)
class KmallocAlloc(Operation):
    """Take `size` bytes of the chain of heaps; the reply has their address."""

    layer = "kmalloc"
    command = "kmalloc alloc"
    values = ((ValueKind.ADDRESS,),)
    size: int


@dataclass(frozen=True, slots=True)
class KmallocFree(Operation):
    """Free what the chain of heaps gave."""

    layer = "kmalloc"
    command = "kmalloc free"
    vaddr: int
