"""Tasks: every operation and every error of task/task.h, and what a task's space is for.

That spaces are isolated, and that the upper half is one, is seen in three ways: in the tables in
the guest's memory, in what QEMU reads at an address through the processor's own CR3, and in what
the kernel's accesses meet.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING, Final

import pytest

from ringbench.arch.x86_64.walk import translate
from ringbench.machine import Machine
from ringbench.observe.processor import read_registers
from ringbench.subjects.reference.drive.console import ConsoleChannel
from ringbench.subjects.reference.drive.gdb import GdbChannel
from ringbench.subjects.reference.vocabulary.constants import DIRECT_MAP_BASE
from ringbench.subjects.reference.vocabulary.flags import EXEC, USER, WRITE
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.heap import (
    HeapAlloc,
    HeapFree,
    HeapRealloc,
    HeapZalloc,
)
from ringbench.subjects.reference.vocabulary.operations.paging import PageNew, PageQuery
from ringbench.subjects.reference.vocabulary.operations.pmm import PmmAlloc, PmmFree
from ringbench.subjects.reference.vocabulary.operations.task import TaskDelete, TaskNew, TaskSwitch
from ringbench.subjects.reference.vocabulary.operations.vmm import (
    Touch,
    VmAlloc,
    VmAllocAt,
    VmFree,
    VmRead,
    VmWrite,
)
from tests.system.layout import HEAP, PAGE, TASK, WINDOW

if TYPE_CHECKING:
    from tests.system.conftest import Kernel

SLAB_TASKS: Final = 55
"""Records of tasks that a slab, which is a frame, holds."""


def cr3(kernel: Kernel) -> int:
    """The processor's CR3."""
    return read_registers(kernel.machine).cr3


def current(kernel: Kernel) -> str:
    """The current task, as the kernel says."""
    match = re.search(r" tasks=(\d+) current=(t\d+)$", kernel.machine.command("info"))
    assert match is not None
    assert int(match[1]) == len(kernel.state.tasks)
    return match[2]


def qemu_reads(kernel: Kernel, vaddr: int, length: int) -> bytes:
    """What QEMU finds at a virtual address, through the tables that the processor uses now."""
    said = kernel.machine.qmp.hmp(f"x /{length}xb {vaddr:#x}")
    return bytes(int(byte, 16) for byte in re.findall(r"0x([0-9a-f]{2})\b", said))


def new_root(kernel: Kernel, handle: str) -> int:
    """Make a task, which must get this handle; its root, which is the lowest free frame."""
    lowest = kernel.soil(1)
    assert kernel.handle(TaskNew()) == handle
    return lowest


# --- creating, switching, destroying -------------------------------------------------------------


def test_the_lowest_unused_id(kernel: Kernel) -> None:
    for number in range(1, 6):
        assert kernel.handle(TaskNew()) == f"t{number}"
    for task in ("t4", "t2"):
        kernel.values(TaskDelete(task))
    for task in ("t2", "t4", "t6"):
        assert kernel.handle(TaskNew()) == task
    for task in ("t1", "t6"):
        kernel.values(TaskDelete(task))
    for task in ("t1", "t6", "t7"):
        assert kernel.handle(TaskNew()) == task
    listed = kernel.machine.command("task list").splitlines()
    assert [line.split()[0] for line in listed] == [*(f"t{n}" for n in range(8)), "ok"]


def test_what_a_task_costs(kernel: Kernel) -> None:
    with kernel.taking(2):  # its root; and for the first, the slab of records
        kernel.handle(TaskNew())
    for _ in range(2, SLAB_TASKS + 1):
        with kernel.taking(1):
            kernel.handle(TaskNew())
    with kernel.taking(2):
        kernel.handle(TaskNew())
    with kernel.taking(-2):
        kernel.values(TaskDelete(f"t{SLAB_TASKS + 1}"))
    for number in range(1, SLAB_TASKS):
        with kernel.taking(-1):
            kernel.values(TaskDelete(f"t{number}"))
    with kernel.taking(-2):
        kernel.values(TaskDelete(f"t{SLAB_TASKS}"))


def test_switching_loads_the_tasks_root(kernel: Kernel) -> None:
    kernel_root = cr3(kernel)
    assert kernel_root == kernel.state.kernel_root
    roots = {"t0": kernel_root} | {task: new_root(kernel, task) for task in ("t1", "t2", "t3")}
    assert len(set(roots.values())) == 4
    assert cr3(kernel) == kernel_root  # a new task is not the current one
    for task in ("t1", "t2", "t2", "t0", "t3", "t1", "t0", "t0"):
        with kernel.taking(0):
            kernel.values(TaskSwitch(task))
        assert cr3(kernel) == roots[task]
        assert current(kernel) == task
    kernel.values(TaskSwitch("t2"))
    kernel.look("t2 is the current task")


def test_switching_to_what_is_not_there(kernel: Kernel) -> None:
    kernel.handle(TaskNew())
    for at in ("t0", "t1"):
        kernel.values(TaskSwitch(at))
        for task in ("t2", "t3", "t1000", f"t{(1 << 64) - 1}"):
            kernel.refuses(TaskSwitch(task), "not_found")
            kernel.refuses(TaskDelete(task), "not_found")
        assert current(kernel) == at
    kernel.values(TaskSwitch("t0"))
    kernel.values(TaskDelete("t1"))
    kernel.refuses(TaskSwitch("t1"), "not_found")
    kernel.refuses(TaskDelete("t1"), "not_found")


def test_what_cannot_be_destroyed(kernel: Kernel) -> None:
    """The boot task never, though it be the current one; the current task not now."""
    kernel.refuses(TaskDelete("t0"), "denied")
    for task in ("t1", "t2"):
        assert kernel.handle(TaskNew()) == task
    kernel.values(VmAlloc("t1", 3 * PAGE, "anonymous", WRITE))
    kernel.values(TaskSwitch("t1"))
    root = cr3(kernel)
    kernel.refuses(TaskDelete("t1"), "busy")
    kernel.refuses(TaskDelete("t0"), "denied")
    assert cr3(kernel) == root
    kernel.values(Touch("t1", TASK, "w"))
    with kernel.taking(-1):
        kernel.values(TaskDelete("t2"))
    kernel.values(TaskSwitch("t0"))
    kernel.values(TaskDelete("t1"))


def test_a_record_is_out_of_the_consoles_reach(kernel: Kernel) -> None:
    kernel.handle(TaskNew())
    record = kernel.state.tasks[1].record
    for operation in (HeapFree(record), HeapRealloc(record, 64), PmmFree(record - DIRECT_MAP_BASE)):
        status = "misaligned" if isinstance(operation, PmmFree) else "foreign"
        kernel.refuses(operation, status)
    kernel.refuses(PmmFree((record - DIRECT_MAP_BASE) & -PAGE), "denied")


def test_many_tasks_in_any_order(kernel: Kernel) -> None:
    count = 55
    with kernel.taking(0):
        for number in range(1, count + 1):
            assert kernel.handle(TaskNew()) == f"t{number}"
            kernel.values(VmAlloc(f"t{number}", PAGE, "anonymous", WRITE))
            kernel.values(VmWrite(f"t{number}", TASK, number.to_bytes(2, "little")))
        kernel.look("with many tasks")
        order = [f"t{number}" for number in range(1, count + 1)]
        Random(7).shuffle(order)
        for position, task in enumerate(order):
            kernel.values(TaskSwitch(task))
            assert qemu_reads(kernel, TASK, 2) == int(task[1:]).to_bytes(2, "little")
            if position:
                kernel.values(TaskDelete(order[position - 1]))
        kernel.values(TaskSwitch("t0"))
        kernel.values(TaskDelete(order[-1]))


# --- spaces --------------------------------------------------------------------------------------


def upper_half(kernel: Kernel, root: int) -> list[int]:
    """The kernel half's entries of a root, the accessed bit left out."""
    data = kernel.machine.memory.read(root + PAGE // 2, PAGE // 2)
    words = (data[at : at + 8] for at in range(0, len(data), 8))
    return [int.from_bytes(word, "little") & ~0x20 for word in words]


def test_the_upper_half_is_the_same_in_all(kernel: Kernel) -> None:
    """From the beginning to the end, whatever happens in it and whichever task is current."""
    first = upper_half(kernel, cr3(kernel))
    present = {256 + slot for slot, entry in enumerate(first) if entry}
    assert present == {256, 384, 416, 511}  # direct map, heap, the kernel's window, image
    roots = [new_root(kernel, "t1")]
    assert kernel.machine.memory.read(roots[0], PAGE // 2) == bytes(PAGE // 2)
    kernel.values(TaskSwitch("t1"))
    kernel.values(VmAlloc("kernel", 3 << 20, "anonymous", WRITE))
    pointer = kernel.value(HeapAlloc(3 << 20))
    roots.append(new_root(kernel, "t2"))
    kernel.values(TaskSwitch("t2"))
    kernel.values(VmAlloc("t2", PAGE, "anonymous", WRITE))
    kernel.values(VmFree("kernel", WINDOW))
    kernel.values(HeapFree(pointer))
    roots.append(new_root(kernel, "t3"))
    for root in (*roots, kernel.state.kernel_root):
        assert upper_half(kernel, root) == first


def test_the_same_address_holds_something_else_in_each_task(kernel: Kernel) -> None:
    names = {f"t{n}": bytes([0x10 * n + k for k in range(16)]) for n in range(1, 5)}
    for task, data in names.items():
        assert kernel.handle(TaskNew()) == task
        kernel.values(VmAlloc(task, PAGE, "demand" if task == "t2" else "anonymous", WRITE))
        kernel.values(VmWrite(task, TASK + 0x100, data))
    for task, data in names.items():
        kernel.values(TaskSwitch(task))
        assert qemu_reads(kernel, TASK + 0x100, 16) == data
        for other, held in names.items():
            assert kernel.values(VmRead(other, TASK + 0x100, 16)) == (held.hex(),)
    kernel.values(TaskSwitch("t1"))
    kernel.values(TaskDelete("t3"))
    kernel.values(VmFree("t4", TASK))
    for task in ("t1", "t2"):
        kernel.values(TaskSwitch(task))
        assert qemu_reads(kernel, TASK + 0x100, 16) == names[task]


def test_what_one_task_has_others_do_not(kernel: Kernel) -> None:
    """Nor are their faults resolved, or their permissions given, by another's regions."""
    for task in ("t1", "t2", "t3"):
        assert kernel.handle(TaskNew()) == task
    kernel.values(VmAlloc("t1", 2 * PAGE, "demand", WRITE))
    kernel.values(VmAlloc("t2", PAGE, "demand", USER | EXEC))
    for at in ("t1", "t2", "t3", "t0"):
        kernel.values(TaskSwitch(at))
        assert kernel.fault("t2", TASK, "w") == (2 if at == "t1" else 3, "denied")
        with kernel.taking(4 if at == "t1" else 0):
            kernel.values(Touch("t2", TASK, "r"))
        for task, mode, error in (("t3", "r", 0), ("t3", "w", 2), ("t0", "w", 2)):
            assert kernel.fault(task, TASK, mode) == (error, "not_mapped")
        assert kernel.fault("t2", TASK + PAGE, "r") == (0, "not_mapped")
        assert current(kernel) == at
    with kernel.taking(4):
        kernel.values(Touch("t1", TASK, "w"))
    with kernel.taking(1):
        kernel.values(Touch("t1", TASK + PAGE, "w"))


def test_faults_are_resolved_in_the_current_tasks_space(
    machine: Machine, console: ConsoleChannel
) -> None:
    """As a switch says, not as a touch does, which makes a space current for itself."""
    for operation in (TaskNew(), TaskNew(), VmAlloc("t1", 9 * PAGE, "demand", WRITE)):
        assert console.perform(operation).ok
    page = TASK
    for task, status in (("t1", 0), ("t2", -10), ("t0", -10), ("t1", 0)):
        assert console.perform(TaskSwitch(task)).ok
        GdbChannel.at_prompt(machine)
        assert machine.gdb.call("vm_fault", page, 2) == status  # 0, or not_mapped
        machine.detach_gdb()
        assert console.perform(PageQuery("t1", page)).ok == (status == 0)
        page += PAGE


def test_heap_and_kernel_window_are_good_in_all(kernel: Kernel) -> None:
    """Memory that one task allocates, another writes, a third resizes and a fourth frees."""
    for task in ("t1", "t2", "t3"):
        assert kernel.handle(TaskNew()) == task
    kernel.values(TaskSwitch("t1"))
    pointer = kernel.value(HeapZalloc(3 * PAGE))
    kernel.values(VmAlloc("kernel", PAGE, "anonymous", WRITE))
    kernel.values(TaskSwitch("t2"))
    frame = translate(kernel.machine.memory, cr3(kernel), pointer + PAGE).paddr
    assert frame is not None
    kernel.machine.memory.write(frame, b"from the second")
    kernel.values(VmWrite("kernel", WINDOW, b"to all"))
    for task in ("t0", "t1", "t2", "t3"):
        kernel.values(TaskSwitch(task))
        assert qemu_reads(kernel, pointer + PAGE, 15) == b"from the second"
        assert qemu_reads(kernel, WINDOW, 6) == b"to all"
        for root in ("kernel", "t1", "t3"):
            kernel.values(Touch(root, pointer, "w"))
            kernel.values(Touch(root, WINDOW + PAGE - 1, "w"))
    moved = kernel.value(HeapRealloc(pointer, 9 * PAGE))
    assert qemu_reads(kernel, moved + PAGE, 15) == b"from the second"
    kernel.values(TaskSwitch("t1"))
    assert qemu_reads(kernel, moved + PAGE, 15) == b"from the second"
    kernel.values(TaskDelete("t3"))
    kernel.values(Touch("t1", HEAP, "r"))
    kernel.values(HeapFree(moved))
    kernel.values(VmFree("kernel", WINDOW))


def test_destroying_a_task_frees_all_it_had(kernel: Kernel) -> None:
    """Not what it only mapped, and nothing of the task's beside it."""
    assert kernel.handle(TaskNew()) == "t1"
    kernel.values(VmAlloc("t1", PAGE, "anonymous", WRITE))
    kernel.values(VmWrite("t1", TASK, b"stays"))
    frame = kernel.value(PmmAlloc())
    with kernel.taking(0):
        with kernel.taking(1 + 12):  # root; per region 3 tables, and a page but for one
            assert kernel.handle(TaskNew()) == "t2"
            for slot, kind in enumerate(("anonymous", "demand", "physical")):
                vaddr = TASK + (slot << 39)
                paddr = frame if kind == "physical" else None
                kernel.values(VmAllocAt("t2", vaddr, PAGE, kind, WRITE, paddr))
                kernel.values(Touch("t2", vaddr, "w"))
            kernel.values(VmAllocAt("t2", TASK + (9 << 39), 1 << 40, "guard", 0))
            kernel.values(PmmAlloc())
        kernel.values(PmmFree(kernel.state.console.lent.end * PAGE - PAGE))
        kernel.values(TaskDelete("t2"))
    kernel.values(PmmFree(frame))
    assert kernel.values(VmRead("t1", TASK, 5)) == (b"stays".hex(),)


# --- out of memory -------------------------------------------------------------------------------

SHORTAGES: Final = [
    # what is there, the frames that another task takes
    ("first task", (), 1 + 1),
    ("a full slab", tuple(TaskNew() for _ in range(SLAB_TASKS)), 1 + 1),
    ("second task", (TaskNew(),), 1),
]


@pytest.mark.parametrize(
    ("there", "needed"), [row[1:] for row in SHORTAGES], ids=[row[0] for row in SHORTAGES]
)
def test_out_of_memory_at_each_frame(
    kernel: Kernel, there: Sequence[Operation], needed: int
) -> None:
    """A root without a record goes back: nothing is left of a task that could not be made."""
    kernel.perform(*there)
    spare = kernel.hoard()
    for have in range(needed):
        assert kernel.free_frames == have
        kernel.refuses(TaskNew(), "no_memory")
        if have == needed - 1:
            kernel.look("after all refusals")
        kernel.values(PmmFree(spare.pop()))
    handle = kernel.handle(TaskNew())
    assert kernel.free_frames == 0
    # It is as good as any: what is there of it needs no more.
    kernel.values(TaskSwitch(handle))
    kernel.refuses(VmAlloc(handle, PAGE, "guard", 0), "no_memory")
    kernel.refuses(PageNew(), "no_memory")
