"""Tasks: each owns a space, and a record in a slab cache; task 0 is the boot task."""

from typing import Final

from ringbench.subjects.reference.model.paging import paging_activate
from ringbench.subjects.reference.model.slab import slab_alloc, slab_free
from ringbench.subjects.reference.model.state import KernelState, Task, replace
from ringbench.subjects.reference.model.vmm import vm_space_create, vm_space_destroy
from ringbench.subjects.reference.vocabulary.handles import task_handle
from ringbench.subjects.reference.vocabulary.status import Status

BOOT_TASK = Task(0, 0)

TASK_CACHE: Final = "task"
"""The slab cache of the records."""


def task_create(state: KernelState) -> tuple[KernelState, Status, int]:
    """Make a task with the lowest unused id and an empty space; the id."""
    taken = {task.id for task in state.tasks}
    number = next(each for each in range(1, len(taken) + 1) if each not in taken)
    after, status, _ = vm_space_create(state, task_handle(number))
    if status:
        return state, status, 0
    after, status, record = slab_alloc(after, TASK_CACHE)
    if status:
        return state, status, 0
    tasks = sorted((*state.tasks, Task(number, record)), key=lambda task: task.id)
    return replace(after, tasks=tuple(tasks)), Status.OK, number


def task_find(state: KernelState, number: int) -> Task | None:
    """Return the task with that id, or None."""
    return next((task for task in state.tasks if task.id == number), None)


def task_switch(state: KernelState, number: int) -> tuple[KernelState, Status, None]:
    """Make a task the current one: its root is loaded, faults go to its space."""
    task = task_find(state, number)
    if task is None:
        return state, Status.NOT_FOUND, None
    space = task.handle if number else None
    root = state.spaces[space].root if space else state.kernel_root
    state = paging_activate(state, root)
    return replace(state, current_task=number, current_space=space), Status.OK, None


def task_destroy(state: KernelState, number: int) -> tuple[KernelState, Status, None]:
    """Destroy a task's space, then free its record."""
    task = task_find(state, number)
    if task is None:
        return state, Status.NOT_FOUND, None
    if number == 0:
        return state, Status.DENIED, None
    if number == state.current_task:
        return state, Status.BUSY, None
    state, _, _ = vm_space_destroy(state, task.handle)
    state, status, _ = slab_free(state, TASK_CACHE, task.record)
    return replace(state, tasks=tuple(t for t in state.tasks if t is not task)), status, None
