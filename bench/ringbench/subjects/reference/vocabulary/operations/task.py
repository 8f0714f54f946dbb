"""Operations on tasks."""

from dataclasses import dataclass

from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.values import ValueKind


@dataclass(frozen=True, slots=True)
class TaskNew(Operation):
    """Make a task with an empty space; the reply has its handle."""

    layer = "task"
    command = "task new"
    values = ((ValueKind.TASK,),)


@dataclass(frozen=True, slots=True)
class TaskSwitch(Operation):
    """Make a task the current one: its root becomes active."""

    layer = "task"
    command = "task switch"
    task: str


@dataclass(frozen=True, slots=True)
class TaskDelete(Operation):
    """Destroy a task that is not the current one, and its space."""

    layer = "task"
    command = "task delete"
    task: str
