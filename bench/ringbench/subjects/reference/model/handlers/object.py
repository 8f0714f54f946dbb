"""Operations on memory objects, performed on a state."""

from typing import Final

from ringbench.subjects.reference.model import object as objects
from ringbench.subjects.reference.model.handlers.outcome import Outcome
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.vocabulary.handlers import Handlers
from ringbench.subjects.reference.vocabulary.handles import number_of, object_handle
from ringbench.subjects.reference.vocabulary.operations.object import ObjectDrop, ObjectNew

HANDLERS: Final = Handlers[KernelState, Outcome]()


@HANDLERS.performs(ObjectNew)
def _object_new(state: KernelState, op: ObjectNew) -> Outcome:
    state, status, number = objects.object_create(state, op.length)
    return state, status, () if status else (object_handle(number),)


@HANDLERS.performs(ObjectDrop)
def _object_drop(state: KernelState, op: ObjectDrop) -> Outcome:
    state, status, _ = objects.object_drop(state, number_of(op.object))
    return state, status, ()
