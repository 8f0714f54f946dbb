"""Operations on tasks, performed on a state."""

from typing import Final

from ringbench.subjects.reference.model import task
from ringbench.subjects.reference.model.handlers.outcome import Outcome
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.vocabulary.handlers import Handlers
from ringbench.subjects.reference.vocabulary.handles import number_of, task_handle
from ringbench.subjects.reference.vocabulary.operations.task import TaskDelete, TaskNew, TaskSwitch

HANDLERS: Final = Handlers[KernelState, Outcome]()


@HANDLERS.performs(TaskNew)
def _task_new(state: KernelState, op: TaskNew) -> Outcome:
    state, status, number = task.task_create(state)
    return state, status, () if status else (task_handle(number),)


@HANDLERS.performs(TaskSwitch)
def _task_switch(state: KernelState, op: TaskSwitch) -> Outcome:
    state, status, _ = task.task_switch(state, number_of(op.task))
    return state, status, ()


@HANDLERS.performs(TaskDelete)
def _task_delete(state: KernelState, op: TaskDelete) -> Outcome:
    state, status, _ = task.task_destroy(state, number_of(op.task))
    return state, status, ()
