"""The VMM model: frames taken and lacking, records, and errors in the order of the header."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from ringbench.subjects.reference.model.state import KernelState, Region
from ringbench.subjects.reference.model.tables import leaves, lower_tables
from ringbench.subjects.reference.model.vm_copy import vm_copy, vm_write
from ringbench.subjects.reference.model.vmm import (
    vm_alloc,
    vm_alloc_at,
    vm_free,
    vm_protect,
    vm_query,
    vm_resize,
    vm_space_create,
    vm_space_destroy,
)
from ringbench.subjects.reference.vocabulary.constants import (
    DIRECT_MAP_BASE,
    PADDR_NONE,
    TASK_WINDOW_BASE,
    TASK_WINDOW_END,
)
from ringbench.subjects.reference.vocabulary.flags import CACHE_UC, EXEC, GLOBAL, USER, WRITE
from ringbench.subjects.reference.vocabulary.status import Status
from tests.unit.reference.booted import with_free
from tests.unit.reference.model_spaces import (
    ANONYMOUS,
    DEMAND,
    GUARD,
    PAGE,
    PHYSICAL,
    PRIVATE,
    SHARED,
    booted,
)

Call = Callable[[KernelState], tuple[KernelState, Status]]


def test_no_memory_at_every_point_changes_nothing() -> None:
    state = booted()
    state, _, _ = vm_alloc_at(state, "t1", 0x1FE000, 0x4000, WRITE, DEMAND)
    state, _, _ = vm_alloc_at(state, "t1", 0x5FE000, 0x1000, WRITE, ANONYMOUS)
    for number in range(68):  # the slab of records is full
        state, _, _ = vm_alloc_at(state, "t1", (number + 1) << 30, PAGE, 0, GUARD)
    cases: dict[str, tuple[Call, int]] = {
        "slab, four pages, their tables": (
            lambda s: vm_alloc(s, "kernel", 0x4000, WRITE, ANONYMOUS)[:2],
            1 + 4 + 2,
        ),
        "slab, tables": (lambda s: vm_alloc(s, "kernel", 0x4000, WRITE, PHYSICAL, 0)[:2], 1 + 2),
        "slab": (lambda s: vm_alloc(s, "kernel", 0x4000, 0, GUARD)[:2], 1),
        "pages, table": (lambda s: vm_resize(s, "t1", 0x5FE000, 0x4000)[:2], 3 + 1),
        "pages, tables": (lambda s: vm_write(s, "t1", 0x1FFFFF, b"ab")[:2], 2 + 2),
        "page, tables": (lambda s: vm_copy(s, "t1", 0x1FE000, "t1", 0x5FE000, 9)[:2], 1 + 1),
        "root": (lambda s: vm_space_create(s, "t2")[:2], 1),
    }
    for what, (call, needed) in cases.items():
        for allowed in range(needed):
            short = with_free(state, allowed)
            after, status = call(short)
            assert (status, after) == (Status.NO_MEMORY, short), what
        after, status = call(with_free(state, needed))
        assert (status, after.pmm.free_count) == (Status.OK, 0), what


def test_frames_are_taken_in_the_order_of_the_header() -> None:
    state = booted()
    first = state.pmm.free.edges[0]
    state, _, base = vm_alloc(state, "t1", 0x3000, WRITE | USER, ANONYMOUS)
    space = state.spaces["t1"]
    assert list(state.caches["region"].slabs) == [first * PAGE]
    # slab, page, PDPT, PD, PT, page, page
    pages = [leaf.paddr for leaf in leaves(state.tables, space.root, base, base + 0x2FFF)]
    assert [page // PAGE - first for page in pages] == [1, 5, 6]
    assert sorted(t // PAGE - first for t, _ in lower_tables(state.tables, space.root)) == [2, 3, 4]


def test_records() -> None:
    state = booted()
    bases = []
    for _ in range(71):
        state, _, base = vm_alloc(state, "t1", PAGE, 0, GUARD)
        bases.append(base)
    old, new = state.caches["region"].slabs
    assert state.caches["region"].slabs == {old: 0, new: (1 << 70) - 2}, "70 to a slab"
    state, _, _ = vm_free(state, "t1", bases[5])
    state, _, base = vm_alloc(state, "t1", PAGE, 0, GUARD)
    assert base == bases[5]
    region = vm_query(state, "t1", base)[2]
    assert region is not None
    assert region.record == DIRECT_MAP_BASE + old + 128 + 5 * 56, "of the slab that got room last"
    state, _, _ = vm_free(state, "t1", bases[70])
    assert list(state.caches["region"].slabs) == [old]


@pytest.mark.parametrize(
    ("length", "flags", "kind", "paddr", "status"),
    [
        (0, 0, ANONYMOUS, 0, Status.INVALID),
        (1, GLOBAL, ANONYMOUS, 0, Status.INVALID),
        (1, WRITE | EXEC, ANONYMOUS, 0, Status.INVALID),
        (1, 0x80, ANONYMOUS, 0, Status.INVALID),
        (1, CACHE_UC, DEMAND, 0, Status.INVALID),
        (1, 5 << 4, PHYSICAL, 0, Status.INVALID),
        (1, WRITE, GUARD, 0, Status.INVALID),
        (1, 0, 6, 0, Status.INVALID),
        (1, 0, SHARED, 0, Status.INVALID),
        (1, 0, PRIVATE, 0, Status.INVALID),
        (1, 0, ANONYMOUS, 0, Status.MISALIGNED),
        (PAGE, 0, PHYSICAL, (1 << 60) + 1, Status.MISALIGNED),
        (1 << 62, 0, PHYSICAL, 1 << 40, Status.OUT_OF_RANGE),
        (1 << 62, 0, ANONYMOUS, 1, Status.NO_SPACE),
        (1 << 40, 0, ANONYMOUS, 1, Status.NO_MEMORY),
        (1 << 40, 0, DEMAND, 1, Status.OK),
        (1 << 40, 0, PHYSICAL, 0, Status.NO_MEMORY),
        (PAGE, CACHE_UC | WRITE | USER, PHYSICAL, (1 << 40) - PAGE, Status.OK),
    ],
)
def test_alloc_errors_in_the_order_of_the_header(
    length: int, flags: int, kind: int, paddr: int, status: Status
) -> None:
    state = booted()
    after, seen, _ = vm_alloc(state, "t1", length, flags, kind, paddr)
    assert seen is status
    assert (after == state) == (status is not Status.OK)


def test_user_pages_are_not_for_kernel_windows() -> None:
    state, status, _ = vm_alloc(booted(), "kernel", PAGE, USER, ANONYMOUS)
    assert status is Status.INVALID
    state, _, base = vm_alloc(state, "kernel", PAGE, 0, ANONYMOUS)
    assert vm_protect(state, "kernel", base, USER)[1] is Status.INVALID


@pytest.mark.parametrize(
    ("base", "length", "status"),
    [
        (TASK_WINDOW_BASE + 1, 1 << 62, Status.MISALIGNED),
        (TASK_WINDOW_BASE - PAGE, PAGE, Status.OUT_OF_RANGE),
        (TASK_WINDOW_END, PAGE, Status.OUT_OF_RANGE),
        (TASK_WINDOW_END - PAGE, 2 * PAGE, Status.OUT_OF_RANGE),
        ((1 << 64) - PAGE, 1 << 62, Status.OUT_OF_RANGE),
        (1 << 47, PAGE, Status.OUT_OF_RANGE),
        (TASK_WINDOW_END - PAGE, PAGE, Status.OK),
    ],
)
def test_alloc_at_errors_in_the_order_of_the_header(base: int, length: int, status: Status) -> None:
    assert vm_alloc_at(booted(), "t1", base, length, 0, GUARD)[1] is status


def test_resize_and_protect_errors_in_the_order_of_the_header() -> None:
    state = booted()
    state, _, base = vm_alloc_at(state, "t1", TASK_WINDOW_END - 2 * PAGE, PAGE, 0, ANONYMOUS)
    base = TASK_WINDOW_END - 2 * PAGE
    assert vm_resize(state, "t1", 1, 0)[1] is Status.INVALID
    assert vm_resize(state, "t1", 1, 1)[1] is Status.MISALIGNED
    assert vm_resize(state, "t1", base + PAGE, PAGE)[1] is Status.NOT_MAPPED
    assert vm_resize(state, "t1", base, 3 * PAGE)[1] is Status.OUT_OF_RANGE
    assert vm_resize(state, "t1", base, 2 * PAGE)[1] is Status.OK
    for flags in (GLOBAL, CACHE_UC, WRITE | EXEC):
        assert vm_protect(state, "t1", 1, flags)[1] is Status.INVALID
    assert vm_protect(state, "t1", 1, 0)[1] is Status.NOT_MAPPED


def test_the_cache_mode_survives_a_protect() -> None:
    state, _, base = vm_alloc(booted(), "t1", PAGE, CACHE_UC | WRITE, PHYSICAL, 0xFEE00000)
    state, _, _ = vm_protect(state, "t1", base, USER)
    assert state.spaces["t1"].regions[0].flags == CACHE_UC | USER


def test_a_space_in_use_stays() -> None:
    state = booted()
    active = replace(state, active_root=state.spaces["t1"].root)
    assert vm_space_destroy(active, "t1")[:2] == (active, Status.BUSY)


def test_regions_are_ordered_and_apart() -> None:
    state = booted()
    for page in (9, 1, 5, 3, 7):
        state, _, _ = vm_alloc_at(state, "t1", TASK_WINDOW_BASE + page * PAGE, PAGE, 0, GUARD)
    regions: tuple[Region, ...] = state.spaces["t1"].regions
    assert all(left.end < right.base for left, right in pairwise(regions))
    assert all(region.paddr == PADDR_NONE for region in regions)
