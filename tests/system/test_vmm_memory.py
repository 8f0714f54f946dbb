"""The frames that regions cost - records, tables, pages - and what happens without each of them."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Final

import pytest

from ringbench.subjects.reference.vocabulary.flags import EXEC, USER, WRITE
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.pmm import PmmAlloc, PmmFree
from ringbench.subjects.reference.vocabulary.operations.task import TaskDelete, TaskNew
from ringbench.subjects.reference.vocabulary.operations.vmm import (
    Touch,
    VmAlloc,
    VmAllocAt,
    VmCopy,
    VmFree,
    VmRead,
    VmResize,
    VmWrite,
)
from tests.system.layout import MIB2, PAGE, TASK, WINDOW

if TYPE_CHECKING:
    from tests.system.conftest import Kernel


# --- records -------------------------------------------------------------------------------------

SLAB_REGIONS: Final = 70
"""Records of regions that a slab, which is a frame, holds."""


def test_a_second_slab_comes_and_goes(kernel: Kernel, task: str) -> None:
    before = kernel.free_frames
    for number in range(2 * SLAB_REGIONS + 1):
        with kernel.taking(1 if number % SLAB_REGIONS == 0 else 0):
            kernel.values(VmAlloc(task, PAGE, "guard", 0))
    assert len(kernel.state.caches["region"].slabs) == 3
    # A record freed in a full slab is the next one taken: no slab comes.
    with kernel.taking(0):
        kernel.values(VmFree(task, TASK + 90 * PAGE))
        kernel.values(VmFree(task, TASK + 5 * PAGE))
        for number in (5, 90):
            assert kernel.value(VmAlloc(task, PAGE, "guard", 0)) == TASK + number * PAGE
    order = [*range(SLAB_REGIONS), *reversed(range(SLAB_REGIONS, 2 * SLAB_REGIONS + 1))]
    Random(3).shuffle(order)
    for number in order:
        kernel.values(VmFree(task, TASK + number * PAGE))
    assert kernel.free_frames == before


def test_each_slab_goes_with_its_last_record(kernel: Kernel, task: str) -> None:
    for _ in range(2 * SLAB_REGIONS):
        kernel.values(VmAlloc(task, PAGE, "guard", 0))
    for number in range(2 * SLAB_REGIONS):
        with kernel.taking(-1 if number % SLAB_REGIONS == SLAB_REGIONS - 1 else 0):
            kernel.values(VmFree(task, TASK + number * PAGE))


def test_destroying_a_space_gives_every_frame_back(kernel: Kernel) -> None:
    """All kinds, two slabs, pages far apart; but what a physical region maps is not its own."""
    frame = kernel.value(PmmAlloc())
    with kernel.taking(0):
        assert kernel.handle(TaskNew()) == "t1"
        with kernel.taking(2):
            for _ in range(SLAB_REGIONS + 1):
                kernel.values(VmAlloc("t1", PAGE, "demand", WRITE | USER))
        for number in range(0, SLAB_REGIONS + 1, 3):
            kernel.values(Touch("t1", TASK + number * PAGE, "w"))
        for slot in (1, 100, 255):
            vaddr = (slot << 39) + (3 << 30) - PAGE
            kernel.values(VmAllocAt("t1", vaddr, 3 * PAGE, "anonymous", WRITE))
            kernel.values(VmAllocAt("t1", vaddr + 3 * PAGE, PAGE, "physical", WRITE, frame))
            kernel.values(VmAllocAt("t1", vaddr + 4 * PAGE, 1 << 30, "guard", 0))
            kernel.values(VmAllocAt("t1", vaddr + (2 << 30), 1 << 31, "demand", EXEC))
            kernel.values(Touch("t1", vaddr + (3 << 30), "r"))
        kernel.look("before the space is destroyed")
        kernel.values(TaskDelete("t1"))
    kernel.values(PmmFree(frame))


# --- out of memory -------------------------------------------------------------------------------

FULL_SLAB: Final = tuple(VmAlloc("t1", PAGE, "guard", 0) for _ in range(SLAB_REGIONS))
ONE_PAGE: Final = (VmAlloc("t1", PAGE, "anonymous", WRITE),)
DEMAND: Final = (VmAllocAt("t1", MIB2 - 2 * PAGE, 4 * PAGE, "demand", WRITE),)
BORDER: Final = VmAllocAt("t1", MIB2 - PAGE, PAGE, "anonymous", WRITE)

SHORTAGES: Final = [
    # what is there, the operation, the frames that it takes
    # - the slab is one of them
    ("guard", (), VmAlloc("t1", PAGE, "guard", 0), 1),
    ("demand", (), VmAlloc("t1", 1 << 40, "demand", WRITE), 1),
    ("71st guard", FULL_SLAB, VmAlloc("t1", PAGE, "guard", 0), 1),
    ("71st demand", FULL_SLAB, VmAllocAt("t1", 1 << 40, PAGE, "demand", 0), 1),
    ("71st anonymous", FULL_SLAB, VmAlloc("t1", PAGE, "anonymous", 0), 1 + 1 + 3),
    ("71st physical", FULL_SLAB, VmAlloc("t1", PAGE, "physical", 0, 0), 1 + 3),
    ("kernel's first guard", (), VmAlloc("kernel", PAGE, "guard", 0), 1),
    # - and the tables
    ("anonymous", (), VmAlloc("t1", 3 * PAGE, "anonymous", WRITE), 1 + 3 + 3),
    ("over 2 MiB", (), VmAllocAt("t1", MIB2 - PAGE, 2 * PAGE, "anonymous", 0), 1 + 2 + 4),
    ("over 1 GiB", (), VmAllocAt("t1", (1 << 30) - PAGE, 2 * PAGE, "anonymous", 0), 1 + 2 + 5),
    ("over 512 GiB", (), VmAllocAt("t1", (1 << 39) - PAGE, 2 * PAGE, "anonymous", 0), 1 + 2 + 6),
    ("600 pages", (), VmAlloc("t1", 600 * PAGE, "physical", 0, 0), 1 + 4),
    ("physical", (), VmAllocAt("t1", MIB2 - PAGE, 2 * PAGE, "physical", 0, 0), 1 + 4),
    ("kernel's anonymous", (), VmAlloc("kernel", 2 * PAGE, "anonymous", WRITE), 1 + 2 + 2),
    ("kernel's physical", (), VmAlloc("kernel", 2 * PAGE, "physical", 0, 0), 1 + 2),
    # - where some are there already
    ("second guard", ONE_PAGE, VmAlloc("t1", PAGE, "guard", 0), 0),
    ("second physical", ONE_PAGE, VmAlloc("t1", PAGE, "physical", 0, 0), 0),
    ("second anonymous", ONE_PAGE, VmAlloc("t1", 2 * PAGE, "anonymous", 0), 2),
    ("beside", ONE_PAGE, VmAllocAt("t1", MIB2 - PAGE, 2 * PAGE, "anonymous", 0), 2 + 1),
    ("resize", ONE_PAGE, VmResize("t1", TASK, 3 * PAGE), 2),
    ("resize over 2 MiB", (BORDER,), VmResize("t1", MIB2 - PAGE, 3 * PAGE), 2 + 1),
    ("resize to less", ONE_PAGE, VmResize("t1", TASK, PAGE), 0),
    # - pages on demand
    ("first touch", DEMAND, Touch("t1", MIB2 - PAGE, "r"), 1 + 3),
    ("first write", DEMAND, Touch("t1", MIB2 - PAGE, "w"), 1 + 3),
    ("next touch", (*DEMAND, Touch("t1", MIB2, "r")), Touch("t1", MIB2 + PAGE, "w"), 1),
    ("touch beyond", (*DEMAND, Touch("t1", MIB2 - 1, "r")), Touch("t1", MIB2, "r"), 1 + 1),
    ("second time", (*DEMAND, Touch("t1", MIB2, "r")), Touch("t1", MIB2, "w"), 0),
    ("write", DEMAND, VmWrite("t1", MIB2 - PAGE, b"a"), 1 + 3),
    ("write over 2 MiB", DEMAND, VmWrite("t1", MIB2 - 1, b"ab"), 2 + 4),
    ("write half there", (*DEMAND, Touch("t1", MIB2, "r")), VmWrite("t1", MIB2 - 1, b"ab"), 1 + 1),
    ("write in place", ONE_PAGE, VmWrite("t1", TASK, b"ab"), 0),
    ("read", DEMAND, VmRead("t1", MIB2 - 1, 2), 0),
    ("copy", (*DEMAND, VmAlloc("kernel", 4 * PAGE, "demand", WRITE)),
     VmCopy("t1", MIB2 - PAGE - 1, "kernel", WINDOW, PAGE + 2), 3 + 4),
    ("copy out", (*DEMAND, VmAlloc("kernel", 4 * PAGE, "anonymous", WRITE)),
     VmCopy("kernel", WINDOW, "t1", MIB2 - PAGE - 1, PAGE + 2), 0),
]  # fmt: skip


@pytest.mark.parametrize(
    ("there", "operation", "needed"), [row[1:] for row in SHORTAGES], ids=[r[0] for r in SHORTAGES]
)
def test_out_of_memory_at_each_frame(
    kernel: Kernel, task: str, there: tuple[Operation, ...], operation: Operation, needed: int
) -> None:
    kernel.perform(*there)
    spare = kernel.hoard()
    for have in range(needed):
        if isinstance(operation, Touch):
            error = 2 if operation.mode == "w" else 0
            assert kernel.fault(operation.root, operation.vaddr, operation.mode) == (
                *(error, "no_memory"),
            )
        else:
            kernel.refuses(operation, "no_memory")
        if have == needed - 1:
            kernel.look("after all refusals")
        kernel.values(PmmFree(spare.pop()))
    kernel.values(operation)
    assert kernel.free_frames == 0
