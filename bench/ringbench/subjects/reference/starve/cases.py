"""The table of operations that need memory, each in a situation that decides how much.

What is below names things as a kernel does that has just booted: the first task is `t1`, the first
bare root `r0`, the heap empty. The last cases need no frame: with none free, they must succeed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ringbench.subject import Case
from ringbench.subjects.reference.vocabulary.constants import (
    DISK_SECTORS_MAX,
    HEAP_BASE,
    HEAP_HEADER,
    KERNEL_WINDOW_BASE,
    VM_SLAB_REGIONS,
)
from ringbench.subjects.reference.vocabulary.flags import EXEC, USER, WRITE
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.buddy import BuddyAlloc
from ringbench.subjects.reference.vocabulary.operations.disk import DiskRead, DiskWrite
from ringbench.subjects.reference.vocabulary.operations.heap import (
    HeapAlign,
    HeapAlloc,
    HeapFree,
    HeapRealloc,
    HeapZalloc,
)
from ringbench.subjects.reference.vocabulary.operations.kmalloc import KmallocAlloc
from ringbench.subjects.reference.vocabulary.operations.object import ObjectDrop, ObjectNew
from ringbench.subjects.reference.vocabulary.operations.paging import (
    PageDelete,
    PageMap,
    PageNew,
    PageProtect,
    PageUnmap,
)
from ringbench.subjects.reference.vocabulary.operations.pmm import PmmAlloc, PmmAlloc2m
from ringbench.subjects.reference.vocabulary.operations.slab import SlabAlloc, SlabDelete, SlabNew
from ringbench.subjects.reference.vocabulary.operations.task import TaskDelete, TaskNew, TaskSwitch
from ringbench.subjects.reference.vocabulary.operations.vmm import (
    SpaceClone,
    Touch,
    VmAlloc,
    VmAllocAt,
    VmCopy,
    VmFree,
    VmProtect,
    VmRead,
    VmResize,
    VmWrite,
)

K4: Final = 4 << 10
M2: Final = 2 << 20
G1: Final = 1 << 30
SLOT: Final = 512 << 30
"""What one entry of a PML4 maps."""

HEAP_FIRST: Final = HEAP_BASE + HEAP_HEADER
"""What the first allocation of an empty heap returns."""

FULL_PAGE: Final = HeapAlloc(K4 - 2 * HEAP_HEADER)
"""Leaves the first page of the heap no more than the last node's header."""

OBJECT_RECORDS: Final = 82
"""Objects whose records one slab holds."""

TASKS_OF_SLAB: Final = 55
"""Records of tasks that one frame holds."""


def _frames() -> Iterator[Case[Operation]]:
    yield Case("frame", (), PmmAlloc())
    yield Case("run of frames", (), PmmAlloc(7))
    yield Case("aligned run of frames", (), PmmAlloc(3, 8 * K4))
    yield Case("2 MiB frame", (), PmmAlloc2m())


def _slabs() -> Iterator[Case[Operation]]:
    """Objects of 2 KiB, of which a slab has one, and small ones."""
    large, small = SlabNew(2048, 8), SlabNew(8, 8)
    yield Case("object, no slab", (small,), SlabAlloc(0))
    yield Case("object, slab full", (large, SlabAlloc(0)), SlabAlloc(0))


def _buddies() -> Iterator[Case[Operation]]:
    page = BuddyAlloc(K4)
    yield Case("block, no region", (), BuddyAlloc(32))
    yield Case("block, one page more", (page,), BuddyAlloc(32))
    yield Case("block, one frame of the map more", (BuddyAlloc(32 * K4),), page)
    yield Case("block, gap and frames of the map", (page,), BuddyAlloc(64 * K4))
    yield Case("kmalloc, no slab", (), KmallocAlloc(100))
    yield Case("heap: behind kmalloc", (), KmallocAlloc(3 * K4))
    yield Case("no frame: kmalloc, slab there", (KmallocAlloc(100),), KmallocAlloc(97))
    yield Case("no frame: block, halves there", (BuddyAlloc(32),), BuddyAlloc(32))


def _map(vaddr: int, length: int, size: int = K4, paddr: int = 0) -> PageMap:
    return PageMap("r0", vaddr, paddr, length, size, WRITE)


def _tables() -> Iterator[Case[Operation]]:
    root = PageNew()
    yield Case("root", (), root)
    yield Case("map: no tables", (root,), _map(M2, K4))
    yield Case("map: no PD", (root, _map(0, K4)), _map(G1, K4))
    yield Case("map: no PT", (root, _map(0, K4)), _map(M2, K4))
    yield Case("map: last page of the half", (root, _map(0, K4)), _map((1 << 47) - K4, K4))
    yield Case("map: across 2 MiB", (root,), _map(M2 - 2 * K4, 4 * K4))
    yield Case("map: across 2 MiB, below there", (root, _map(0, K4)), _map(M2 - 2 * K4, 4 * K4))
    yield Case("map: across 1 GiB, above there", (root, _map(G1 + K4, K4)), _map(G1 - K4, 2 * K4))
    yield Case("map: across 1 GiB", (root,), _map(G1 - 2 * K4, 4 * K4))
    yield Case("map: across a PML4 entry", (root,), _map(SLOT - 2 * K4, 4 * K4))
    yield Case("map: many tables", (root,), _map(K4, 10 * M2))
    yield Case("map: 2 MiB pages", (root,), _map(G1 - M2, 2 * M2, M2))
    yield Case("map: 2 MiB pages, no PD", (root, _map(0, K4)), _map(SLOT - M2, 2 * M2, M2))
    yield Case("map: 1 GiB pages", (root,), _map(SLOT - G1, 2 * G1, G1))


def _at(vaddr: int, length: int, kind: str, flags: int = WRITE, space: str = "t1") -> VmAllocAt:
    return VmAllocAt(space, vaddr, length, kind, flags, 0 if kind == "physical" else None)


def _regions() -> Iterator[Case[Operation]]:
    task = TaskNew()
    guards = tuple(_at(G1 + 2 * n * K4, K4, "guard", 0) for n in range(VM_SLAB_REGIONS))
    page = VmAlloc("t1", K4, "anonymous", WRITE)
    yield Case("guard, no record", (task,), VmAlloc("t1", K4, "guard", 0))
    yield Case("demand, no record", (task,), VmAlloc("t1", G1, "demand", WRITE))
    yield Case("guard, records full", (task, *guards), VmAlloc("t1", K4, "guard", 0))
    yield Case("page, no record", (task,), page)
    yield Case("page, records full", (task, *guards), page)
    yield Case("page, tables there", (task, page), page)
    yield Case("page, last of the window", (task, page), _at((1 << 47) - 2 * K4, K4, "anonymous"))
    yield Case("pages", (task,), VmAlloc("t1", 21 * K4, "anonymous", USER | EXEC))
    yield Case("pages across 2 MiB", (task,), _at(M2 - 2 * K4, 4 * K4, "anonymous"))
    yield Case("pages across a PML4 entry", (task,), _at(SLOT - 2 * K4, 4 * K4, "anonymous"))
    yield Case("page, kernel window", (), VmAlloc("kernel", K4, "anonymous", WRITE))
    kernel_border = _at(KERNEL_WINDOW_BASE + G1 - K4, 2 * K4, "anonymous", space="kernel")
    yield Case("pages across 1 GiB, kernel window", (), kernel_border)
    yield Case("physical", (task,), VmAlloc("t1", 3 * K4, "physical", WRITE, 0xB8000))
    yield Case("physical, records full", (task, *guards), _at(M2 - K4, 2 * K4, "physical"))
    yield Case("physical, many tables", (task,), _at(G1 - 3 * M2, 6 * M2, "physical"))


def _resizes() -> Iterator[Case[Operation]]:
    task = TaskNew()
    low = _at(M2 - 2 * K4, K4, "anonymous")
    yield Case("resize in a table", (task, low), VmResize("t1", low.vaddr, 2 * K4))
    yield Case("resize across 2 MiB", (task, low), VmResize("t1", low.vaddr, 5 * K4))
    high = _at(SLOT - K4, K4, "anonymous")
    yield Case("resize across a PML4 entry", (task, high), VmResize("t1", high.vaddr, 3 * K4))
    page = VmAlloc("kernel", K4, "anonymous", WRITE)
    grown = VmResize("kernel", KERNEL_WINDOW_BASE, M2 + K4)
    yield Case("resize to many pages", (page,), grown)


def _contents() -> Iterator[Case[Operation]]:
    task = TaskNew()
    demand = _at(M2 - 4 * K4, 8 * K4, "demand")
    scene = (task, demand)
    first, border = demand.vaddr, M2
    yield Case("write: no tables", scene, VmWrite("t1", first, b"ring"))
    touched = Touch("t1", first, "w")
    yield Case("write: tables there", (*scene, touched), VmWrite("t1", first + K4, b"ring"))
    yield Case("write: one of two there", (*scene, touched), VmWrite("t1", first + K4 - 2, b"ring"))
    yield Case("write: across 2 MiB", scene, VmWrite("t1", border - 2, b"ring"))
    anonymous = _at(M2 + 4 * K4, K4, "anonymous")
    across = VmWrite("t1", anonymous.vaddr - 2, b"ring")
    yield Case("write: into the next region", (*scene, anonymous), across)
    source = VmAlloc("kernel", 8 * K4, "anonymous", WRITE)
    data = VmWrite("kernel", KERNEL_WINDOW_BASE + 5, b"bench")
    copy = VmCopy("t1", first + 9, "kernel", KERNEL_WINDOW_BASE, 7 * K4)
    yield Case("copy: across 2 MiB", (*scene, source, data), copy)
    holes = tuple(Touch("t1", first + n * K4, "w") for n in (1, 2, 5))
    yield Case("copy: some pages there", (*scene, source, data, *holes), copy)
    lazy = VmAlloc("kernel", 8 * K4, "demand", WRITE)
    yield Case("copy: source untouched", (*scene, lazy), copy)
    within = VmCopy("t1", border, "t1", first, 3 * K4)
    yield Case("copy: within a region", (*scene, touched), within)


def _faults() -> Iterator[Case[Operation]]:
    task = TaskNew()
    region = _at(M2 - K4, 2 * K4, "demand", WRITE | USER)
    scene = (task, region)
    yield Case("touch r: no tables", scene, Touch("t1", region.vaddr, "r"))
    yield Case("touch w: no tables", scene, Touch("t1", region.vaddr + 7, "w"))
    beside = Touch("t1", region.vaddr, "r")
    yield Case("touch w: no PT", (*scene, beside), Touch("t1", M2, "w"))
    near = _at(G1, 2 * K4, "demand", EXEC)
    there = Touch("t1", G1, "r")
    yield Case("touch r: tables there", (task, near, there), Touch("t1", G1 + K4, "r"))
    yield Case("touch x: no tables", (task, near), Touch("t1", G1, "x"))
    current = TaskSwitch("t1")
    yield Case("touch w: current task", (*scene, current), Touch("t1", region.vaddr, "w"))
    window = VmAlloc("kernel", 2 * K4, "demand", WRITE)
    touch = Touch("kernel", KERNEL_WINDOW_BASE, "w")
    yield Case("touch w: kernel window", (window,), touch)
    yield Case("touch w: kernel window, task's root", (task, window), Touch("t1", touch.vaddr, "w"))


def _show(vaddr: int, length: int, offset: int = 0) -> VmAllocAt:
    return VmAllocAt("t1", vaddr, length, "shared", WRITE, "o0", offset)


def _objects() -> Iterator[Case[Operation]]:
    """Objects of one, two and three levels of nodes, at pages for which a node is missing."""
    task, small, large, huge = TaskNew(), ObjectNew(4 * K4), ObjectNew(G1), ObjectNew(SLOT)
    yield Case("object: no record", (), small)
    yield Case("object: records full", (small,) * OBJECT_RECORDS, small)
    yield Case("shared, no record", (task, small), _show(G1, K4))
    first = _show(G1, 3 * K4)
    scene = (task, small, first)
    yield Case("touch w: object empty", scene, Touch("t1", G1, "w"))
    yield Case("touch w: node there", (*scene, Touch("t1", G1, "r")), Touch("t1", G1 + K4, "w"))
    other = (*scene, Touch("t1", G1, "r"), _show(M2, K4))
    yield Case("touch r: page there, no tables", other, Touch("t1", M2, "r"))
    for name, it in (("two levels", large), ("three levels", huge)):
        shown = (task, it, _show(G1, 4 * M2, M2 - 2 * K4))
        yield Case(f"touch w: {name}", shown, Touch("t1", G1, "w"))
        yield Case(
            f"write: {name}, across two nodes", shown, VmWrite("t1", G1 + 2 * K4 - 2, b"ring")
        )
        there = (*shown, Touch("t1", G1, "w"))
        yield Case(f"touch w: {name}, one node", there, Touch("t1", G1 + 2 * K4, "w"))
    twice = (task, small, _show(G1, K4), _show(G1 + K4, K4))
    yield Case("write: a page that two regions show", twice, VmWrite("t1", G1 + K4 - 2, b"ring"))
    demand = (*scene, _at(G1 + 3 * K4, 2 * K4, "demand"))
    yield Case("write: object and demand", demand, VmWrite("t1", G1 + 3 * K4 - 2, b"ring"))
    source = (*scene, _show(M2, 4 * K4), VmWrite("t1", G1, b"ring"))
    yield Case("copy: within an object", source, VmCopy("t1", M2 + K4, "t1", G1, 2 * K4))


def _clones() -> Iterator[Case[Operation]]:
    """A space with pages in two tables, cloned; then its pages written to by either."""
    tasks, clone = (TaskNew(), TaskNew()), SpaceClone("t2", "t1")
    region = _at(M2 - 2 * K4, 4 * K4, "anonymous")
    scene = (*tasks, region, VmWrite("t1", M2, b"ring"))
    guards = tuple(_at(G1 + 2 * n * K4, K4, "guard", 0) for n in range(VM_SLAB_REGIONS - 2))
    yield Case("clone: tables", scene, clone)
    yield Case("clone: tables, records", (*scene, *guards), clone)
    cloned = (*scene, clone)
    yield Case("copy on write: touch", cloned, Touch("t2", M2, "w"))
    yield Case("copy on write: write", cloned, VmWrite("t1", M2 - 2, b"ring"))
    lazy = (*tasks, _at(G1, 4 * K4, "demand"), Touch("t1", G1 + K4, "w"), clone)
    yield Case("copy on write: one there, one not", lazy, VmWrite("t2", G1 + K4 - 2, b"ring"))
    private = VmAllocAt("t1", G1, 4 * K4, "private", WRITE, "o0", 0)
    shown = (TaskNew(), ObjectNew(4 * K4), private)
    yield Case("private: touch r", shown, Touch("t1", G1, "r"))
    yield Case("private: touch w, no page", shown, Touch("t1", G1, "w"))
    yield Case(
        "private: write over both",
        (*shown, Touch("t1", G1, "r")),
        VmWrite("t1", G1 + K4 - 2, b"ring"),
    )


def _heap() -> Iterator[Case[Operation]]:
    yield Case("heap: first allocation", (), HeapAlloc(1))
    yield Case("heap: first, zeroed", (), HeapZalloc(100))
    yield Case("heap: first, many pages", (), HeapAlloc(5 * K4))
    yield Case("heap: one page more", (FULL_PAGE,), HeapAlloc(100))
    yield Case("heap: many pages more", (HeapAlloc(K4),), HeapZalloc(18 * K4))
    yield Case("heap: more across 2 MiB", (HeapAlloc(M2 - 2 * K4),), HeapAlloc(3 * K4))
    yield Case("heap: aligned", (HeapAlloc(1),), HeapAlign(K4, 3 * K4))
    hole = (HeapAlloc(2 * K4), HeapAlloc(1), HeapFree(HEAP_FIRST))
    yield Case("heap: more than a hole holds", hole, HeapAlloc(2 * K4 + 1))
    yield Case("heap: resized from nothing", (), HeapRealloc(0, 3 * K4))
    pinned = (HeapAlloc(100), HeapAlloc(100))
    yield Case("heap: resized and moved", pinned, HeapRealloc(HEAP_FIRST, 4 * K4))
    last = (HeapAlloc(100),)
    yield Case("heap: last one resized", last, HeapRealloc(HEAP_FIRST, 2 * K4))


def _tasks() -> Iterator[Case[Operation]]:
    yield Case("task: no record", (), TaskNew())
    yield Case("task: record there", (TaskNew(),), TaskNew())
    records = tuple(TaskNew() for _ in range(TASKS_OF_SLAB))
    yield Case("task: records full", records, TaskNew())


def _disks() -> Iterator[Case[Operation]]:
    """On a machine without disks, each says that it found none."""
    yield Case("disk: read a sector", (), DiskRead("d0", 3, 1))
    yield Case("disk: read many", (), DiskRead("d1", 3, DISK_SECTORS_MAX))
    yield Case("disk: write", (), DiskWrite("d1", 5, 20, b"ring"))


def _needing_none() -> Iterator[Case[Operation]]:
    cache = SlabNew(8, 8)
    yield Case("no frame: cache", (), cache)
    yield Case("no frame: object, slab there", (cache, SlabAlloc(0)), SlabAlloc(0))
    yield Case("no frame: delete cache", (cache,), SlabDelete(0))
    task = TaskNew()
    root, small, large = PageNew(), _map(0, 2 * K4), _map(4 * M2, 2 * M2, M2)
    yield Case("no frame: map, table there", (root, small), _map(4 * K4, 3 * K4))
    yield Case("no frame: unmap", (root, small), PageUnmap("r0", K4, K4))
    yield Case("no frame: unmap part of 2 MiB", (root, large), PageUnmap("r0", 4 * M2, K4))
    yield Case("no frame: protect part of 2 MiB", (root, large), PageProtect("r0", 4 * M2, K4, 0))
    huge = _map(G1, G1, G1)
    yield Case("no frame: unmap part of 1 GiB", (root, huge), PageUnmap("r0", G1, M2))
    yield Case("no frame: protect", (root, large), PageProtect("r0", 4 * M2, 2 * M2, EXEC))
    yield Case("no frame: delete root", (root, small, large), PageDelete("r0"))
    pages = _at(M2 - K4, 3 * K4, "anonymous")
    scene = (task, pages)
    yield Case("no frame: free region", scene, VmFree("t1", pages.vaddr))
    yield Case("no frame: protect region", scene, VmProtect("t1", pages.vaddr, EXEC))
    yield Case("no frame: shrink region", scene, VmResize("t1", pages.vaddr, K4))
    yield Case("no frame: write", scene, VmWrite("t1", M2 - 2, b"ring"))
    yield Case("no frame: touch", scene, Touch("t1", M2, "w"))
    demand = _at(G1, 2 * K4, "demand")
    yield Case("no frame: read untouched", (task, demand), VmRead("t1", G1 + K4 - 8, 16))
    yield Case("no frame: region, record there", scene, VmAlloc("t1", K4, "guard", 0))
    shown = (task, ObjectNew(4 * K4), _show(G1, 3 * K4), Touch("t1", G1, "w"))
    yield Case("no frame: read an object", shown, VmRead("t1", G1 + K4 - 8, 16))
    yield Case("no frame: shared, object's page there", shown, VmWrite("t1", G1, b"ring"))
    yield Case("no frame: free shared", shown, VmFree("t1", G1))
    yield Case("no frame: resize shared", shown, VmResize("t1", G1, 9 * K4))
    yield Case("no frame: drop the handle", shown, ObjectDrop("o0"))
    yield Case("no frame: object, record there", shown, ObjectNew(SLOT))
    pair = (task, task, pages, SpaceClone("t2", "t1"))
    yield Case("no frame: free shared on write", pair, VmFree("t1", pages.vaddr))
    yield Case("no frame: delete a clone", pair, TaskDelete("t2"))
    last = (*pair, TaskDelete("t2"))
    yield Case("no frame: the last writes", last, Touch("t1", M2, "w"))
    hole = (HeapAlloc(2 * K4), HeapAlloc(1), HeapFree(HEAP_FIRST))
    yield Case("no frame: heap has a hole", hole, HeapAlloc(K4))
    yield Case("no frame: heap shrinks", (HeapAlloc(1 << 20),), HeapFree(HEAP_FIRST))
    yield Case("no frame: resize in place", hole[:1], HeapRealloc(HEAP_FIRST, K4))
    yield Case("no frame: delete task", scene, TaskDelete("t1"))


ALL: Final = (
    *_frames(),
    *_slabs(),
    *_buddies(),
    *_tables(),
    *_regions(),
    *_resizes(),
    *_contents(),
    *_faults(),
    *_objects(),
    *_clones(),
    *_heap(),
    *_tasks(),
    *_disks(),
    *_needing_none(),
)
"""Every case, bottom layer first."""
