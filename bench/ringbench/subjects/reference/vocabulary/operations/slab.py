"""Operations on slab caches."""

from dataclasses import dataclass

from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.values import ValueKind


@dataclass(frozen=True, slots=True)
class SlabNew(Operation):
    """Make a slab cache of objects of `size` bytes at multiples of `align`; its number."""

    layer = "slab"
    command = "slab new"
    values = ((ValueKind.COUNT,),)
    size: int
    align: int


@dataclass(frozen=True, slots=True)
class SlabDelete(Operation):
    """Take a slab cache away that has no objects."""

    layer = "slab"
    command = "slab delete"
    cache: int


@dataclass(frozen=True, slots=True)
class SlabAlloc(Operation):
    """Take an object of a slab cache; the reply has its address."""

    layer = "slab"
    command = "slab alloc"
    values = ((ValueKind.ADDRESS,),)
    cache: int


@dataclass(frozen=True, slots=True)
class SlabFree(Operation):
    """Give an object back to its slab cache."""

    layer = "slab"
    command = "slab free"
    cache: int
    vaddr: int
