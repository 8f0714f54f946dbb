"""Pages that are there at once, that come when they are touched, and that never come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ringbench.machine import Machine
from ringbench.subjects.reference.drive.console import ConsoleChannel
from ringbench.subjects.reference.drive.gdb import GdbChannel
from ringbench.subjects.reference.vocabulary.flags import EXEC, USER, WRITE
from ringbench.subjects.reference.vocabulary.operations.paging import PageNew, PageQuery
from ringbench.subjects.reference.vocabulary.operations.task import TaskNew, TaskSwitch
from ringbench.subjects.reference.vocabulary.operations.vmm import Touch, VmAlloc, VmAllocAt, VmFree
from ringbench.subjects.reference.vocabulary.status import Status
from tests.system.layout import MIB2, PAGE, TASK, WINDOW, WINDOW_END

if TYPE_CHECKING:
    from tests.system.conftest import Kernel


# --- anonymous, demand, guard --------------------------------------------------------------------


def test_anonymous_pages_are_there_at_once_zeroed_lowest_frames_first(
    kernel: Kernel, task: str
) -> None:
    lowest = kernel.soil(7)
    with kernel.taking(7):  # slab, 3 pages, 3 tables
        kernel.values(VmAlloc(task, 3 * PAGE, "anonymous", WRITE))
    # In this order: the slab, the first page, its tables from the top, the other pages.
    first = kernel.walk(task, TASK)
    assert [step.table for step in first.steps[1:]] == [lowest + n * PAGE for n in (2, 3, 4)]
    frames = [kernel.paddr_of(task, TASK + n * PAGE) for n in range(3)]
    assert frames == [lowest + n * PAGE for n in (1, 5, 6)]
    for frame in frames:
        assert kernel.machine.memory.read(frame, PAGE) == bytes(PAGE)
    for mode in "rw":
        with kernel.taking(0):
            kernel.values(Touch(task, TASK + 3 * PAGE - 1, mode))
    with kernel.taking(-7):
        kernel.values(VmFree(task, TASK))


def test_pages_on_demand_come_one_by_one_zeroed(kernel: Kernel, task: str) -> None:
    with kernel.taking(1):
        kernel.values(VmAlloc(task, 4 << 20, "demand", WRITE | USER))
    lowest = kernel.soil(5)
    with kernel.taking(4):  # a page and its three tables
        kernel.values(Touch(task, TASK + 5 * PAGE + 0x123, "r"))
    assert kernel.paddr_of(task, TASK + 5 * PAGE) == lowest
    assert kernel.machine.memory.read(lowest, PAGE) == bytes(PAGE)
    with kernel.taking(0):
        for mode in "rwr":
            kernel.values(Touch(task, TASK + 5 * PAGE, mode))
    with kernel.taking(1):
        kernel.values(Touch(task, TASK + 6 * PAGE, "w"))
    assert kernel.paddr_of(task, TASK + 6 * PAGE) == lowest + 4 * PAGE
    assert kernel.machine.memory.read(lowest + 4 * PAGE, PAGE) == bytes(PAGE)
    with kernel.taking(2):  # across a 2 MiB border: a page and a table
        kernel.values(Touch(task, MIB2, "r"))
    assert kernel.walk(task, TASK).leaf is None
    assert kernel.walk(task, TASK + 4 * PAGE).leaf is None
    with kernel.taking(-8):
        kernel.values(VmFree(task, TASK))
    assert kernel.fault(task, TASK + 5 * PAGE, "r") == (0, "not_mapped")


def test_demand_in_the_kernels_window_serves_every_root(kernel: Kernel, task: str) -> None:
    assert kernel.handle(PageNew()) == "r0"
    kernel.values(VmAlloc("kernel", 4 * PAGE, "demand", WRITE))
    with kernel.taking(3):  # the window's PDPT is there from boot on
        kernel.values(Touch("r0", WINDOW, "w"))
    for number, root in enumerate(("kernel", "t0", task)):
        with kernel.taking(1):
            kernel.values(Touch(root, WINDOW + (number + 1) * PAGE, "w"))
        assert kernel.paddr_of(root, WINDOW) == kernel.paddr_of("r0", WINDOW)


def test_a_touch_is_resolved_in_the_space_of_its_root_only(kernel: Kernel, task: str) -> None:
    """Whichever task is current; and a bare root has no space at all."""
    assert kernel.handle(TaskNew()) == "t2"
    assert kernel.handle(PageNew()) == "r0"
    kernel.values(VmAlloc(task, 4 * PAGE, "demand", WRITE))
    for current, page in (("t0", 0), ("t1", 1), ("t2", 2)):
        kernel.values(TaskSwitch(current))
        for root in ("kernel", "t0", "t2", "r0"):
            assert kernel.fault(root, TASK + page * PAGE, "w") == (2, "not_mapped")
        kernel.values(Touch(task, TASK + page * PAGE, "w"))


def test_guards_are_hit(kernel: Kernel, task: str) -> None:
    for space, base in (("kernel", WINDOW), (task, TASK)):
        kernel.values(VmAllocAt(space, base, PAGE, "demand", WRITE))
        with kernel.taking(0):
            kernel.values(VmAllocAt(space, base + PAGE, 2 * PAGE, "guard", 0))
        kernel.values(VmAllocAt(space, base + 3 * PAGE, PAGE, "demand", WRITE))
        for vaddr in (base + PAGE, base + 2 * PAGE, base + 3 * PAGE - 1):
            assert kernel.fault(space, vaddr, "r") == (0, "guard")
            assert kernel.fault(space, vaddr, "w") == (2, "guard")
            assert kernel.fault(space, vaddr, "x") == (0, "guard")
        kernel.values(Touch(space, base + PAGE - 1, "w"))
        kernel.values(Touch(space, base + 3 * PAGE, "w"))
        assert kernel.fault(space, base + PAGE, "r") == (0, "guard")  # tables are there now


# --- the page-fault handler ----------------------------------------------------------------------

CODES: Final = [
    # address, error code (1 present, 2 write, 4 user, 8 reserved bit, 16 fetch), what is said
    (0x10000, 0, Status.OK), (0x11000, 2, Status.OK), (0x12000, 4, Status.DENIED),
    (0x12000, 6, Status.DENIED), (0x12000, 16, Status.DENIED), (0x12000, 1, Status.DENIED),
    (0x12000, 3, Status.DENIED), (0x12000, 8, Status.DENIED), (0x12000, 2, Status.OK),
    (0x20000, 4, Status.OK), (0x21000, 6, Status.OK), (0x22000, 20, Status.DENIED),
    (0x30000, 20, Status.OK), (0x31000, 16, Status.OK), (0x32000, 6, Status.DENIED),
    (0x32000, 2, Status.DENIED), (0x32FFF, 4, Status.OK),
    (0x40000, 0, Status.GUARD), (0x40FFF, 6, Status.GUARD), (0x40000, 3, Status.GUARD),
    (0x50000, 0, Status.DENIED), (0x50000, 3, Status.DENIED), (0x60000, 3, Status.DENIED),
    (0xFFFF, 0, Status.NOT_MAPPED), (0x13000, 2, Status.NOT_MAPPED), (0, 2, Status.NOT_MAPPED),
    (WINDOW, 2, Status.OK), (WINDOW + PAGE, 4, Status.DENIED), (WINDOW_END, 0, Status.NOT_MAPPED),
    (0xFFFF_C000_0000_0000, 2, Status.NOT_MAPPED), (0xFFFF_8000_0000_0000, 3, Status.NOT_MAPPED),
]  # fmt: skip


def test_page_faults_of_every_sort(machine: Machine, console: ConsoleChannel) -> None:
    """The handler, called with the codes of a user's accesses too, which the console can't make."""
    for operation in (
        TaskNew(),
        TaskSwitch("t1"),
        VmAllocAt("t1", 0x10000, 3 * PAGE, "demand", WRITE),
        VmAllocAt("t1", 0x20000, 3 * PAGE, "demand", WRITE | USER),
        VmAllocAt("t1", 0x30000, 3 * PAGE, "demand", EXEC | USER),
        VmAllocAt("t1", 0x40000, PAGE, "guard", 0),
        VmAllocAt("t1", 0x50000, PAGE, "physical", 0, 0xB8000),
        VmAllocAt("t1", 0x60000, PAGE, "anonymous", 0),
        VmAllocAt("kernel", WINDOW, 3 * PAGE, "demand", WRITE),
    ):
        assert console.perform(operation).ok, operation
    GdbChannel.at_prompt(machine)
    gdb = machine.gdb
    resolved = set()
    for address, error, status in CODES:
        before = gdb.evaluate_int("pmm.free_count")
        assert gdb.call("vm_fault", address, error) == status, f"{address:#x} {error:#x}"
        taken = before - gdb.evaluate_int("pmm.free_count")
        assert (taken > 0) == (status is Status.OK)
        if taken:
            resolved.add(address & -PAGE)
            assert gdb.call("vm_fault", address, error) == Status.OK  # it came too late
            assert gdb.evaluate_int("pmm.free_count") == before - taken
    machine.detach_gdb()
    for page in (*range(0x10000, 0x33000, PAGE), WINDOW, WINDOW + PAGE):
        assert console.perform(PageQuery("t1", page)).ok == (page in resolved), hex(page)
