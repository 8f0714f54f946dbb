"""Regions: where they go, and every argument that makes no sense.

What is expected - addresses, frame counts, error codes, bytes - is stated here and in the other
files of the regions' tests, not asked of the model; that the model agrees, and that nothing else
changed, is compared after every operation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from ringbench.machine import Machine
from ringbench.subjects.reference.drive.console import ConsoleChannel
from ringbench.subjects.reference.drive.gdb import GdbChannel
from ringbench.subjects.reference.vocabulary.flags import CACHES, EXEC, GLOBAL, USER, WRITE
from ringbench.subjects.reference.vocabulary.operations.task import TaskNew, TaskSwitch
from ringbench.subjects.reference.vocabulary.operations.vmm import (
    Touch,
    VmAlloc,
    VmAllocAt,
    VmCopy,
    VmFree,
    VmProtect,
    VmQuery,
    VmRead,
    VmResize,
    VmWrite,
)
from ringbench.subjects.reference.vocabulary.status import Status
from tests.system.layout import BASES, PAGE, TASK, TASK_END, WINDOW, WINDOW_END

if TYPE_CHECKING:
    from tests.system.conftest import Kernel


# --- where regions go ----------------------------------------------------------------------------


@pytest.mark.parametrize(("space", "base"), BASES)
def test_alloc_takes_the_lowest_gap_that_holds_it(
    kernel: Kernel, task: str, space: str, base: int
) -> None:
    assert kernel.value(VmAlloc(space, 3 * PAGE, "anonymous", WRITE)) == base
    assert kernel.value(VmAlloc(space, PAGE, "demand", 0)) == base + 0x3000
    assert kernel.value(VmAlloc(space, 2 * PAGE, "guard", 0)) == base + 0x4000
    kernel.values(VmAllocAt(space, base + 0x8000, PAGE, "guard", 0))
    assert kernel.value(VmAlloc(space, 3 * PAGE, "guard", 0)) == base + 0x9000
    assert kernel.value(VmAlloc(space, 2 * PAGE, "physical", 0, 0)) == base + 0x6000
    kernel.values(VmFree(space, base))
    assert kernel.value(VmAlloc(space, PAGE, "demand", WRITE)) == base
    assert kernel.value(VmAlloc(space, 3 * PAGE, "demand", WRITE)) == base + 0xC000
    assert kernel.value(VmAlloc(space, 2 * PAGE, "anonymous", EXEC)) == base + 0x1000
    assert kernel.value(VmAlloc(space, PAGE, "guard", 0)) == base + 0xF000


@pytest.mark.parametrize(
    ("space", "base", "end"), [("kernel", WINDOW, WINDOW_END), ("t1", TASK, TASK_END)]
)
def test_alloc_at_is_exact_or_refused(
    kernel: Kernel, task: str, space: str, base: int, end: int
) -> None:
    def at(vaddr: int, pages: int) -> VmAllocAt:
        return VmAllocAt(space, vaddr % (1 << 64), pages * PAGE, "guard", 0)

    kernel.values(at(base + 0x10000, 3))
    for vaddr, pages in ((0x10000, 3), (0xF000, 2), (0x12000, 9), (0x11000, 1), (0, 0x40)):
        kernel.refuses(at(base + vaddr, pages), "mapped")
    kernel.values(at(base + 0xF000, 1))
    kernel.values(at(base + 0x13000, 1))
    for vaddr in (base + 1, base + 0x800, base - 1, end + 8, 0x8000_0000_0001):
        kernel.refuses(at(vaddr, 1), "misaligned")
    outside = ((base - PAGE, 1), (base - PAGE, 2), (end, 1), (end - PAGE, 2), (0, 1),
               (0x8000_0000_0000, 1), (0xFFFF_8000_0000_0000, 1), (0xFFFF_FFFF_FFFF_F000, 2),
               (base, (end - base) // PAGE + 1), (base + PAGE, (1 << 52) - 1))  # fmt: skip
    for vaddr, pages in outside:
        kernel.refuses(at(vaddr, pages), "out_of_range")
    kernel.values(at(base, 1))
    kernel.values(at(end - PAGE, 1))


def test_a_window_that_is_full_has_no_space(kernel: Kernel, task: str) -> None:
    """Regions as large as the windows cost their record, and are usable from end to end."""
    for space, base, end in (("kernel", WINDOW, WINDOW_END), ("t1", TASK, TASK_END)):
        kernel.refuses(VmAlloc(space, end - base + PAGE, "demand", WRITE), "no_space")
        kernel.refuses(VmAlloc(space, (1 << 64) - PAGE, "guard", 0), "no_space")
        with kernel.taking(1 if space == "kernel" else 0):  # the slab of records
            assert kernel.value(VmAlloc(space, end - base, "demand", WRITE)) == base
        kernel.values(Touch(space, base, "w"))
        kernel.values(Touch(space, end - 1, "w"))
        for kind in ("anonymous", "demand", "guard"):
            kernel.refuses(VmAlloc(space, PAGE, kind, 0), "no_space")
        kernel.refuses(VmAlloc(space, PAGE, "physical", 0, 0), "no_space")
        kernel.refuses(VmAllocAt(space, end - PAGE, PAGE, "guard", 0), "mapped")
        kernel.values(VmFree(space, base))
        with kernel.taking(1 if space == "kernel" else 0):  # the slab of records
            assert kernel.value(VmAlloc(space, end - base - PAGE, "guard", 0)) == base
        assert kernel.value(VmAlloc(space, PAGE, "guard", 0)) == end - PAGE


# --- arguments that make no sense ----------------------------------------------------------------

WIDTH: Final = 1 << 40
"""End of the physical addresses of this machine's processor; a test below asks it."""

BAD_REGIONS: Final = [
    # length, kind, flags, physical address; in the order in which the errors are looked for
    (0, "anonymous", WRITE, None, "invalid"),
    (0, "physical", GLOBAL, WIDTH + 1, "invalid"),
    (PAGE, "anonymous", WRITE | GLOBAL, None, "invalid"),
    (PAGE, "demand", GLOBAL, None, "invalid"),
    (PAGE, "physical", GLOBAL, 0, "invalid"),
    (PAGE, "anonymous", WRITE | EXEC, None, "invalid"),
    (PAGE, "demand", WRITE | EXEC | USER, None, "invalid"),
    (PAGE, "physical", WRITE | EXEC, 0, "invalid"),
    *((PAGE, kind, cache, None, "invalid") for kind in ("anonymous", "demand", "guard")
      for cache in CACHES if cache),
    *((PAGE, "guard", flags, None, "invalid") for flags in (WRITE, EXEC, USER, GLOBAL)),
    (PAGE + 1, "anonymous", GLOBAL, None, "invalid"),
    (PAGE + 1, "anonymous", WRITE, None, "misaligned"),
    (PAGE // 2, "demand", WRITE, None, "misaligned"),
    (PAGE - 16, "guard", 0, None, "misaligned"),
    ((1 << 64) - 1, "guard", 0, None, "misaligned"),
    (2 * PAGE + 8, "physical", 0, WIDTH, "misaligned"),
    (PAGE, "physical", 0, 0x800, "misaligned"),
    (PAGE, "physical", 0, WIDTH + 1, "misaligned"),
    (PAGE, "physical", 0, WIDTH, "out_of_range"),
    (2 * PAGE, "physical", 0, WIDTH - PAGE, "out_of_range"),
    (WIDTH + PAGE, "physical", 0, 0, "out_of_range"),
    (2 * PAGE, "physical", 0, (1 << 64) - PAGE, "out_of_range"),
    ((1 << 64) - PAGE, "physical", 0, PAGE, "out_of_range"),
]  # fmt: skip


@pytest.mark.parametrize(("space", "base"), BASES)
def test_bad_regions_are_refused(kernel: Kernel, task: str, space: str, base: int) -> None:
    assert f" physical_bits={WIDTH.bit_length() - 1} " in kernel.machine.command("info")
    for length, kind, flags, paddr, status in BAD_REGIONS:
        kernel.refuses(VmAlloc(space, length, kind, flags, paddr), status)
        kernel.refuses(VmAllocAt(space, base, length, kind, flags, paddr), status)
        # these come before what is wrong with the place
        kernel.refuses(VmAllocAt(space, 1, length, kind, flags, paddr), status)
        kernel.refuses(VmAllocAt(space, 1 << 63, length, kind, flags, paddr), status)
    if space == "kernel":
        for kind, paddr in (("anonymous", None), ("demand", None), ("physical", 0)):
            kernel.refuses(VmAlloc(space, PAGE, kind, USER, paddr), "invalid")
            kernel.refuses(VmAllocAt(space, base, PAGE, kind, USER | WRITE, paddr), "invalid")
    kernel.values(VmAlloc(space, PAGE, "physical", 0, WIDTH - PAGE))
    kernel.refuses(VmAllocAt(space, base, 1 << 30, "anonymous", 0), "mapped")
    kernel.refuses(VmAllocAt(space, base + PAGE, 1 << 30, "anonymous", 0), "no_memory")
    kernel.refuses(VmAlloc(space, 1 << 30, "anonymous", 0), "no_memory")
    kernel.refuses(VmAlloc(space, 1 << 38, "physical", 0, 0), "no_memory")  # for the tables


def test_spaces_that_are_not_there(kernel: Kernel, task: str) -> None:
    for space, status in (("t0", "denied"), ("t2", "not_found")):
        for operation in (
            VmAlloc(space, PAGE, "demand", 0),
            VmAllocAt(space, TASK, PAGE, "demand", 0),
            VmFree(space, TASK),
            VmProtect(space, TASK, 0),
            VmResize(space, TASK, PAGE),
            VmQuery(space, TASK),
            VmRead(space, TASK, 1),
            VmWrite(space, TASK, b"a"),
            VmCopy(space, TASK, "kernel", WINDOW, 1),
            VmCopy("kernel", WINDOW, space, TASK, 1),
        ):
            kernel.refuses(operation, status)
    kernel.refuses(Touch("t2", TASK, "r"), "not_found")
    kernel.refuses(Touch("r0", TASK, "r"), "not_found")


def test_arguments_that_have_no_words(machine: Machine, console: ConsoleChannel) -> None:
    """Unknown flags, kinds and cache modes, nothing to copy, and a space that is in use."""
    assert console.perform(TaskNew()).ok
    assert console.perform(VmAlloc("t1", PAGE, "anonymous", WRITE)).ok
    assert console.perform(TaskSwitch("t1")).ok
    GdbChannel.at_prompt(machine)
    gdb = machine.gdb
    space = gdb.evaluate_int("(unsigned long)&current_task->space")
    scratch = gdb.symbol("debug_scratch")
    before = gdb.evaluate_int("pmm.free_count")

    def alloc(kind: int, flags: int) -> tuple[int, int]:
        gdb.write_memory(scratch, kind.to_bytes(8, "little") + bytes(8))
        backing = "*(struct vm_backing *)debug_scratch"
        new = f"{space:#x}, {PAGE}, {flags:#x}, {backing}, &debug_scratch[4]"
        at = f"{space:#x}, 0x20000, {PAGE}, {flags:#x}, {backing}"
        return gdb.evaluate_int(f"vm_alloc({new})"), gdb.evaluate_int(f"vm_alloc_at({at})")

    both = (Status.INVALID, Status.INVALID)
    for kind in (4, 5, 0x7FFF_FFFF, 0xFFFF_FFFF):
        assert alloc(kind, 0) == both
    for flags in (0x80, 0x100, 0x8000_0000, 0x50, 0x60, 0x70):
        for kind in range(4):
            assert alloc(kind, flags) == both, (kind, hex(flags))
        assert gdb.call("vm_protect", space, TASK, flags) == Status.INVALID
    assert gdb.call("vm_read", space, TASK, scratch, 0) == Status.INVALID
    assert gdb.call("vm_write", space, TASK, scratch, 0) == Status.INVALID
    assert gdb.call("vm_read", space, 0, scratch, 0) == Status.INVALID
    assert gdb.call("vm_space_destroy", space) == Status.BUSY
    assert gdb.evaluate_int("pmm.free_count") == before
    machine.detach_gdb()
    assert console.perform(VmQuery("t1", TASK)).values == (TASK, PAGE, "anonymous", "rw")
