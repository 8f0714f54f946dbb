"""Operations on tasks."""

from __future__ import annotations

from random import Random
from typing import Final

from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.task import TaskDelete, TaskNew, TaskSwitch
from ringbench.subjects.reference.workload.draws import crowded, pick

TASKS: Final = 5
"""Tasks to hover about."""


def task_new(random: Random, state: KernelState) -> Operation | None:
    """Make a task, or delete one where there are many."""
    if crowded(random, len(state.tasks) - 1, TASKS):
        return TaskDelete(pick(random, state.tasks).handle)
    return TaskNew()


def task_switch(random: Random, state: KernelState) -> Operation | None:
    """Make any task the current one."""
    return TaskSwitch(pick(random, state.tasks).handle)
