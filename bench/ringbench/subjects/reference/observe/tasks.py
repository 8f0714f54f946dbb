"""Tasks, each with the space it owns."""

from dataclasses import dataclass

from ringbench.debuginfo.dwarf import Record
from ringbench.observe.notebook import TASK
from ringbench.observe.reader import GuestReader, member
from ringbench.subjects.reference.observe.names import Layout
from ringbench.subjects.reference.observe.spaces import SeenSpace, read_space

LAYER = "task"


@dataclass(frozen=True, slots=True)
class SeenTask:
    """A task as the kernel's memory has it: its number, where its record is, and its space."""

    id: int
    address: int
    space: SeenSpace


@dataclass(frozen=True, slots=True)
class SeenTasks:
    """All tasks in list order, the boot task first.

    Attributes:
        current: id of the task that the kernel calls current; None if it is no task's record.
    """

    all: tuple[SeenTask, ...]
    current: int | None


def read_tasks(guest: GuestReader, layout: Layout) -> SeenTasks:
    """Read the list of tasks and which is current."""
    names = layout.tasks
    first = guest.types.variable(names.first).address
    tasks: list[SeenTask] = []

    def holder(index: int) -> str:
        return f"t{tasks[index - 1].id}" if index else names.first

    for record in guest.chain(LAYER, first, names.task_type, names.next, holder, TASK):
        number, space = member(record, names.id), record[names.space]
        assert isinstance(space, Record)
        seen = read_space(guest, layout.spaces, f"t{number}", space)
        tasks.append(SeenTask(number, record.address, seen))
        program = member(record, names.program)
        if program and not _is_program(guest, layout, program):
            guest.note(LAYER, f"its program is {program:#x}, which is no program", f"t{number}")
    current = guest.integer(names.current)
    found = {task.address: task.id for task in tasks}
    if current not in found:
        guest.note(LAYER, f"the current task is {current:#x}, which is no task", names.current)
    return SeenTasks(tuple(tasks), found.get(current))


def _is_program(guest: GuestReader, layout: Layout, address: int) -> bool:
    """Whether an address is that of a record in the kernel's table of programs."""
    table = guest.types.variable(layout.tasks.programs)
    size = guest.types.type(layout.tasks.program_type).size
    return address - table.address in range(0, table.type.size, size)
