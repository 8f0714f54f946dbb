"""Operations on memory objects."""

from dataclasses import dataclass

from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.values import ValueKind


@dataclass(frozen=True, slots=True)
class ObjectNew(Operation):
    """Make a memory object of `length` bytes; the reply has its handle."""

    layer = "object"
    command = "object new"
    values = ((ValueKind.OBJECT,),)
    length: int


@dataclass(frozen=True, slots=True)
class ObjectDrop(Operation):
    """Drop a memory object's handle; it lives on while a region shows it."""

    layer = "object"
    command = "object drop"
    object: str
