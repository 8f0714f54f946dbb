"""Cloned spaces and private mappings: pages are shared until somebody writes to them."""

from __future__ import annotations

import pytest

from ringbench.subjects.reference.vocabulary.flags import EXEC, USER, WRITE
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.object import ObjectDrop, ObjectNew
from ringbench.subjects.reference.vocabulary.operations.pmm import PmmFree
from ringbench.subjects.reference.vocabulary.operations.task import TaskDelete, TaskNew, TaskSwitch
from ringbench.subjects.reference.vocabulary.operations.vmm import (
    SpaceClone,
    Touch,
    VmAllocAt,
    VmCopy,
    VmFree,
    VmProtect,
    VmRead,
    VmResize,
    VmWrite,
)
from tests.system.conftest import Kernel
from tests.system.layout import PAGE

BASE = 0x4000_0000
DEMAND, SHOWN, DEVICE = BASE + 16 * PAGE, BASE + 32 * PAGE, BASE + 48 * PAGE
TABLES = 3


def private(space: str, vaddr: int, pages: int, flags: int = WRITE, offset: int = 0) -> VmAllocAt:
    return VmAllocAt(space, vaddr, pages * PAGE, "private", flags, "o0", offset * PAGE)


def text(kernel: Kernel, space: str, vaddr: int, length: int = 4) -> bytes:
    [found] = kernel.values(VmRead(space, vaddr, length))
    return bytes.fromhex(str(found))


@pytest.fixture
def cloned(kernel: Kernel) -> Kernel:
    """t1 with a region of each kind and something in it, and t2, a clone."""
    kernel.perform(TaskNew(), TaskNew(), ObjectNew(4 * PAGE))
    kernel.perform(
        VmAllocAt("t1", BASE, 4 * PAGE, "anonymous", WRITE | USER),
        VmAllocAt("t1", DEMAND, 4 * PAGE, "demand", WRITE),
        VmAllocAt("t1", SHOWN, 4 * PAGE, "shared", WRITE, "o0", 0),
        VmAllocAt("t1", DEVICE, PAGE, "physical", WRITE, 0xB8000),
        VmAllocAt("t1", DEVICE + PAGE, PAGE, "guard", 0),
        VmWrite("t1", BASE, b"anon"),
        VmWrite("t1", DEMAND + PAGE, b"late"),
        VmWrite("t1", SHOWN, b"both"),
    )
    with kernel.taking(TABLES):  # the records have room in their slab
        kernel.perform(SpaceClone("t2", "t1"))
    return kernel


def test_a_clone_takes_no_pages_and_reads_the_same(cloned: Kernel) -> None:
    for vaddr, words in ((BASE, b"anon"), (DEMAND + PAGE, b"late"), (SHOWN, b"both")):
        assert text(cloned, "t2", vaddr) == words
    cloned.look("nobody wrote")
    cloned.perform(Touch("t2", DEVICE, "w"), Touch("t2", BASE, "r"))
    assert cloned.fault("t2", DEVICE + PAGE, "r") == (0x0, "guard")


def test_the_first_who_writes_gets_a_copy_and_the_last_the_frame(cloned: Kernel) -> None:
    with cloned.taking(1):
        cloned.perform(Touch("t2", BASE, "w"), VmWrite("t2", BASE, b"mine"))
    assert (text(cloned, "t1", BASE), text(cloned, "t2", BASE)) == (b"anon", b"mine")
    with cloned.taking(0):
        cloned.perform(Touch("t1", BASE, "w"))
    cloned.look("each has its own")
    with cloned.taking(1):  # without a frame of its own yet
        cloned.perform(Touch("t1", DEMAND, "w"))
    assert text(cloned, "t2", DEMAND) == bytes(4)


def test_the_kernels_writes_copy_as_well(cloned: Kernel) -> None:
    with cloned.taking(1):
        cloned.perform(VmWrite("t1", DEMAND + PAGE, b"now!"))
    with cloned.taking(2):
        cloned.perform(VmCopy("t2", BASE + PAGE - 2, "t2", SHOWN, 4))
    assert text(cloned, "t2", DEMAND + PAGE) == b"late"
    assert text(cloned, "t2", BASE + PAGE - 2) == b"both"
    assert text(cloned, "t1", BASE + PAGE - 2) == bytes(4)
    cloned.perform(VmWrite("t2", SHOWN, b"ours"))
    assert text(cloned, "t1", SHOWN) == b"ours"


def test_a_copy_by_the_kernel_is_what_the_processor_reads(cloned: Kernel) -> None:
    """The page moves while its translation is in use: the write stores the byte that was read."""
    cloned.perform(TaskSwitch("t2"), Touch("t2", BASE, "r"), VmWrite("t2", BASE, b"mine"))
    cloned.perform(Touch("t2", BASE, "w"))
    assert (text(cloned, "t1", BASE), text(cloned, "t2", BASE)) == (b"anon", b"mine")
    cloned.perform(TaskSwitch("t0"))


def test_frames_go_with_the_last_who_shows_them(cloned: Kernel) -> None:
    with cloned.taking(0):
        cloned.perform(
            VmFree("t1", BASE), VmResize("t2", BASE, 5 * PAGE), VmResize("t2", BASE, 4 * PAGE)
        )
    assert text(cloned, "t2", BASE) == b"anon"
    with cloned.taking(-3):
        cloned.perform(VmResize("t2", BASE, PAGE))
    with cloned.taking(0):
        cloned.perform(Touch("t2", BASE, "w"))
    with cloned.taking(-1):
        cloned.perform(VmFree("t2", BASE))


def test_three_generations(cloned: Kernel) -> None:
    cloned.perform(TaskNew(), SpaceClone("t3", "t2"), VmWrite("t2", BASE, b"two!"))
    cloned.perform(TaskDelete("t1"))
    cloned.look("the first is gone")
    with cloned.taking(0):
        cloned.perform(Touch("t3", BASE, "w"))
    assert (text(cloned, "t2", BASE), text(cloned, "t3", BASE)) == (b"two!", b"anon")
    cloned.perform(TaskDelete("t3"))
    cloned.look("one is left")
    with cloned.taking(0):
        cloned.perform(VmWrite("t2", DEMAND + PAGE, b"last"), Touch("t2", DEMAND + PAGE, "w"))


def test_rights_return_at_the_next_write(cloned: Kernel) -> None:
    cloned.perform(TaskSwitch("t1"), VmProtect("t1", BASE, EXEC))
    assert cloned.fault("t1", BASE, "w") == (0x3, "denied")
    cloned.perform(VmProtect("t1", BASE, WRITE))
    with cloned.taking(1):
        cloned.perform(Touch("t1", BASE, "w"))
    assert text(cloned, "t2", BASE) == b"anon"


def test_no_memory_for_a_copy_is_a_fault_with_that_cause(cloned: Kernel) -> None:
    taken = cloned.hoard()
    assert cloned.fault("t2", BASE, "w") == (0x3, "no_memory")
    cloned.refuses(VmWrite("t2", BASE, b"x"), "no_memory")
    assert text(cloned, "t2", BASE) == b"anon"
    cloned.perform(PmmFree(taken[0]), Touch("t2", BASE, "w"))


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        (SpaceClone("t1", "t1"), "invalid"),
        (SpaceClone("t2", "t1"), "busy"),
        (SpaceClone("kernel", "t1"), "denied"),
        (SpaceClone("t3", "kernel"), "denied"),
        (SpaceClone("t0", "t1"), "denied"),
        (SpaceClone("t3", "t0"), "denied"),
        (SpaceClone("t9", "t1"), "not_found"),
        (SpaceClone("t3", "t9"), "not_found"),
    ],
    ids=str,
)
def test_what_is_no_clone(cloned: Kernel, operation: Operation, status: str) -> None:
    cloned.perform(TaskNew())
    cloned.refuses(operation, status)


def test_a_private_mapping_keeps_its_writes_to_itself(kernel: Kernel) -> None:
    kernel.perform(TaskNew(), ObjectNew(4 * PAGE))
    kernel.perform(VmAllocAt("t1", SHOWN, 4 * PAGE, "shared", WRITE, "o0", 0))
    kernel.perform(private("t1", BASE, 5), VmWrite("t1", SHOWN, b"base"))
    assert text(kernel, "t1", BASE) == b"base"
    kernel.perform(Touch("t1", BASE, "r"), VmWrite("t1", SHOWN, b"BASE"))
    assert text(kernel, "t1", BASE) == b"BASE", "not copied yet"
    with kernel.taking(1):
        kernel.perform(Touch("t1", BASE, "w"))
    kernel.perform(VmWrite("t1", BASE, b"mine"))
    assert (text(kernel, "t1", SHOWN), text(kernel, "t1", BASE)) == (b"BASE", b"mine")
    kernel.perform(VmWrite("t1", SHOWN + PAGE, b"base"))
    with kernel.taking(1):
        kernel.perform(Touch("t1", BASE + PAGE + 1, "w"))  # not read before
    assert text(kernel, "t1", BASE + PAGE) == b"b\0se"
    with kernel.taking(1):
        kernel.perform(VmWrite("t1", BASE + 2 * PAGE, b"zero"))  # the object has no such page
    assert text(kernel, "t1", SHOWN + 2 * PAGE) == bytes(4)
    assert kernel.fault("t1", BASE + 4 * PAGE, "w") == (0x2, "out_of_range")
    kernel.perform(ObjectDrop("o0"), VmFree("t1", SHOWN))
    assert text(kernel, "t1", BASE + 3 * PAGE) == bytes(4)
    kernel.look("the object lives by the private region")
    kernel.perform(VmFree("t1", BASE))


def test_a_private_mapping_is_cloned(kernel: Kernel) -> None:
    kernel.perform(TaskNew(), TaskNew(), ObjectNew(3 * PAGE), private("t1", BASE, 3))
    kernel.perform(VmWrite("t1", BASE, b"copy"), Touch("t1", BASE + PAGE, "r"))
    kernel.perform(SpaceClone("t2", "t1"))
    with kernel.taking(1):
        kernel.perform(VmWrite("t2", BASE, b"more"))
    with kernel.taking(1):
        kernel.perform(Touch("t2", BASE + PAGE, "w"))
    with kernel.taking(1):
        kernel.perform(Touch("t1", BASE + PAGE, "w"))  # the object keeps its page
    assert text(kernel, "t1", BASE) == b"copy"
    kernel.perform(TaskDelete("t1"), VmProtect("t2", BASE, 0), TaskDelete("t2"))
