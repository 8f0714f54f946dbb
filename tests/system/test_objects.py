"""Memory objects and the regions that show them; every look compares each page and reference."""

from __future__ import annotations

import pytest

from ringbench.subjects.reference.vocabulary.flags import EXEC, USER, WRITE
from ringbench.subjects.reference.vocabulary.operations.object import ObjectDrop, ObjectNew
from ringbench.subjects.reference.vocabulary.operations.pmm import PmmAlloc
from ringbench.subjects.reference.vocabulary.operations.task import TaskDelete, TaskNew, TaskSwitch
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
from tests.system.conftest import Kernel
from tests.system.layout import PAGE

BASE = 0x4000_0000
GIB = 1 << 30


def shared(space: str, vaddr: int, pages: int, flags: int = WRITE, offset: int = 0) -> VmAllocAt:
    return VmAllocAt(space, vaddr, pages * PAGE, "shared", flags, "o0", offset * PAGE)


def test_two_tasks_see_one_page_with_rights_of_their_own(kernel: Kernel) -> None:
    kernel.perform(TaskNew(), TaskNew(), ObjectNew(3 * PAGE))
    kernel.perform(shared("t1", BASE, 3, WRITE | USER), shared("t2", 2 * BASE, 2, 0, offset=1))
    kernel.perform(VmWrite("t1", BASE + PAGE + 5, b"ring"))
    assert kernel.values(VmRead("t2", 2 * BASE + 5, 4)) == (b"ring".hex(),)
    kernel.refuses(VmWrite("t2", 2 * BASE, b"x"), "denied")
    assert kernel.fault("t2", 2 * BASE, "w") == (0x2, "denied")
    kernel.perform(Touch("t2", 2 * BASE, "r"))
    assert kernel.fault("t2", 2 * BASE, "w") == (0x3, "denied")
    kernel.look("one frame under two roots")
    kernel.perform(VmProtect("t2", 2 * BASE, WRITE), Touch("t2", 2 * BASE, "w"))
    kernel.perform(VmWrite("t2", 2 * BASE + PAGE, b"back"))
    assert kernel.values(VmRead("t1", BASE + 2 * PAGE, 4)) == (b"back".hex(),)
    kernel.perform(VmProtect("t1", BASE, EXEC), VmWrite("t2", 2 * BASE, b"\xc3"))
    kernel.perform(Touch("t1", BASE + PAGE, "x"))


def test_frames_go_back_with_the_last_reference(kernel: Kernel) -> None:
    with kernel.taking(0):
        kernel.perform(TaskNew(), TaskNew())
        before = kernel.free_frames
        kernel.perform(ObjectNew(2 * PAGE), shared("t1", BASE, 2), shared("t2", BASE, 2))
        kernel.perform(Touch("t1", BASE, "w"), VmWrite("t2", BASE, b"kept"))
        kernel.perform(ObjectDrop("o0"))
        kernel.refuses(ObjectDrop("o0"), "not_found")
        kernel.refuses(shared("t1", 2 * BASE, 1), "not_found")
        assert kernel.handle(ObjectNew(PAGE)) == "o1", "o0 lives while regions show it"
        kernel.perform(VmFree("t1", BASE))
        assert kernel.values(VmRead("t2", BASE, 4)) == (b"kept".hex(),)
        kernel.look("one region is left")
        kernel.perform(TaskDelete("t2"), ObjectDrop("o1"))
        assert kernel.free_frames - before == 1, "t2's root"
        kernel.look("nothing is left")
        assert kernel.handle(ObjectNew(PAGE)) == "o0"
        kernel.perform(ObjectDrop("o0"), TaskDelete("t1"))


def test_past_the_end_of_the_object_is_a_fault_with_that_cause(kernel: Kernel) -> None:
    kernel.perform(TaskNew(), ObjectNew(3 * PAGE), shared("t1", BASE, 4, offset=1))
    kernel.perform(Touch("t1", BASE + 2 * PAGE - 1, "w"))
    assert kernel.fault("t1", BASE + 2 * PAGE, "w") == (0x2, "out_of_range")
    assert kernel.fault("t1", BASE + 4 * PAGE - 1, "r") == (0x0, "out_of_range")
    assert kernel.fault("t1", BASE + 4 * PAGE, "r") == (0x0, "not_mapped")
    assert kernel.values(VmRead("t1", BASE + 2 * PAGE - 8, 8)) == (bytes(8).hex(),)
    kernel.refuses(VmRead("t1", BASE + 2 * PAGE - 8, 9), "out_of_range")
    kernel.refuses(VmWrite("t1", BASE + 3 * PAGE, b"x"), "out_of_range")
    kernel.refuses(VmWrite("t1", BASE + 2 * PAGE - 1, b"xy"), "out_of_range")
    kernel.perform(VmProtect("t1", BASE, 0))
    assert kernel.fault("t1", BASE + 2 * PAGE, "w") == (0x2, "denied")
    kernel.refuses(VmWrite("t1", BASE + 3 * PAGE, b"x"), "denied")


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        (ObjectNew(0), "invalid"),
        (ObjectNew(PAGE + 1), "misaligned"),
        (ObjectNew((512 << 30) + PAGE), "out_of_range"),
        (ObjectNew((1 << 64) - PAGE), "out_of_range"),
        (ObjectDrop("o1"), "not_found"),
        (ObjectDrop(f"o{1 << 32}"), "not_found"),
        (VmAlloc("t1", PAGE, "shared", 0, "o1", 0), "not_found"),
        (VmAlloc("t2", PAGE, "shared", 0, "o1", 0), "not_found"),
        (VmAlloc("t1", 0, "shared", 0, "o0", 1), "invalid"),
        (VmAlloc("t1", PAGE, "shared", WRITE | EXEC, "o0", 0), "invalid"),
        (VmAlloc("kernel", PAGE, "shared", USER, "o0", 0), "invalid"),
        (VmAlloc("t1", PAGE, "shared", 0x10, "o0", 0), "invalid"),
        (VmAlloc("t1", PAGE, "shared", 0, "o0", 1), "misaligned"),
        (VmAlloc("t1", PAGE, "shared", 0, "o0", 3 * PAGE), "out_of_range"),
        (VmAlloc("t1", PAGE, "shared", 0, "o0", (1 << 64) - PAGE), "out_of_range"),
        (VmAlloc("t1", 1 << 47, "shared", 0, "o0", 2 * PAGE), "no_space"),
        (shared("t1", BASE + PAGE, 1), "mapped"),
    ],
)
def test_what_is_refused_changes_nothing(
    shown: Kernel, operation: ObjectNew | ObjectDrop | VmAlloc | VmAllocAt, status: str
) -> None:
    shown.refuses(operation, status)


@pytest.fixture
def shown(kernel: Kernel) -> Kernel:
    """An object of three pages that a task shows."""
    kernel.perform(TaskNew(), ObjectNew(3 * PAGE), shared("t1", BASE, 3))
    return kernel


def test_parts_that_overlap(shown: Kernel) -> None:
    """Two regions of one task and the kernel's window show pages that they have in common."""
    shown.perform(shared("t1", BASE + 8 * PAGE, 2, offset=1), shared("t1", BASE + 3 * PAGE, 2))
    (window,) = shown.values(VmAlloc("kernel", 2 * PAGE, "shared", WRITE, "o0", PAGE))
    shown.perform(VmCopy("t1", BASE + 8 * PAGE, "t1", BASE, 2 * PAGE))
    shown.perform(VmWrite("t1", BASE + 3 * PAGE - 2, b"edge"))  # page 2, and page 0
    assert shown.values(VmRead("kernel", int(window) + 2 * PAGE - 2, 2)) == (b"ed".hex(),)
    assert shown.values(VmRead("t1", BASE, 2)) == (b"ge".hex(),)
    shown.perform(TaskSwitch("t1"), Touch("kernel", int(window), "w"), Touch("t1", BASE, "w"))
    shown.look("three regions, one object")
    place = (int(window), 2 * PAGE, "shared", "rw", "o0", PAGE)
    assert shown.values(VmQuery("kernel", int(window) + 1)) == place


def test_resizing_moves_the_end_and_frees_nothing(shown: Kernel) -> None:
    shown.perform(VmWrite("t1", BASE + PAGE, b"kept"))
    with shown.taking(0):
        shown.perform(VmResize("t1", BASE, PAGE))
        assert shown.fault("t1", BASE + PAGE, "r") == (0x0, "not_mapped")
        shown.perform(VmResize("t1", BASE, 9 * PAGE), Touch("t1", BASE + PAGE, "r"))
    assert shown.values(VmRead("t1", BASE + PAGE, 4)) == (b"kept".hex(),)
    assert shown.fault("t1", BASE + 3 * PAGE, "r") == (0x0, "out_of_range")


def test_a_tree_has_the_nodes_that_its_pages_need(kernel: Kernel) -> None:
    """One level of nodes for 512 pages, two for 1 GiB, three for all that there can be."""
    kernel.perform(TaskNew())
    for number, (length, nodes) in enumerate(((2 << 20, 1), (GIB, 2), (GIB + PAGE, 3))):
        kernel.perform(ObjectNew(length))
        base = kernel.value(VmAlloc("t1", PAGE, "shared", WRITE, f"o{number}", length - PAGE))
        kernel.perform(VmAllocAt("t1", base + PAGE, PAGE, "demand", WRITE))
        kernel.perform(Touch("t1", base + PAGE, "r"))  # the tables
        with kernel.taking(nodes + 1):
            kernel.perform(Touch("t1", base, "r"))
        kernel.look(f"{nodes} levels")


def test_a_page_that_was_somebody_elses_is_zeros(shown: Kernel) -> None:
    shown.perform(VmWrite("t1", BASE, b"secret"), VmFree("t1", BASE), ObjectDrop("o0"))
    shown.perform(ObjectNew(3 * PAGE), shared("t1", BASE, 3))
    assert shown.values(VmRead("t1", BASE, 6)) == (bytes(6).hex(),)
    shown.perform(Touch("t1", BASE, "r"), PmmAlloc())
    assert shown.values(VmRead("t1", BASE, 6)) == (bytes(6).hex(),)


def test_the_lists_are_for_people(shown: Kernel) -> None:
    shown.perform(ObjectNew(PAGE), VmAlloc("t1", PAGE, "shared", 0, "o1", 0), ObjectDrop("o1"))
    said = shown.machine.command("object list").replace("\r", "")
    assert said == "  o0 0x3000 2 references\n  o1 0x1000 1 references, no handle\nok 2"
    assert "shared rw o0 0x0\n" in shown.machine.command("vm list t1").replace("\r", "")


@pytest.mark.parametrize(
    "line",
    [
        "vm alloc t1 0x1000 shared rw",
        "vm alloc t1 0x1000 shared rw o0",
        "vm alloc t1 0x1000 physical rw o0",
        "vm alloc t1 0x1000 physical rw 0x1000 0x0",
        "vm alloc t1 0x1000 demand rw o0 0x0",
        "vm at t1 0x40000000 0x1000 shared rw o0 0x0 0x0",
        "object drop 0",
        "object new",
    ],
)
def test_words_that_do_not_go_together(shown: Kernel, line: str) -> None:
    assert shown.machine.command(line).startswith("err syntax")
