"""Starving on the model alone: the table is what it says, and memory is taken and given whole."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbench.drive.reply import Reply
from ringbench.engine.starve import needed as engine
from ringbench.engine.starve.needed import spread
from ringbench.subject import Case
from ringbench.subjects.reference.model.kernel import perform
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.starve.cases import ALL
from ringbench.subjects.reference.starve.growth import grows_heap
from ringbench.subjects.reference.starve.shortage import (
    hoard,
    lacks_memory,
    release,
    with_free,
)
from ringbench.subjects.reference.subject import REFERENCE
from ringbench.subjects.reference.vocabulary.constants import FRAME_SIZE, HEAP_BASE, HEAP_HEADER
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.heap import HeapAlloc, HeapFree
from ringbench.subjects.reference.vocabulary.operations.paging import PageNew
from ringbench.subjects.reference.vocabulary.operations.pmm import PmmAlloc, PmmFree, PmmInfo
from ringbench.subjects.reference.vocabulary.operations.table import OPERATIONS
from ringbench.subjects.reference.vocabulary.operations.task import TaskNew
from ringbench.subjects.reference.vocabulary.operations.vmm import Touch, VmAllocAt
from tests.unit.reference.booted import booted, performed, with_disks

NEVER_SHORT = "no frame"
TAKING = {
    *("PmmAlloc", "PmmAlloc2m", "PageNew", "PageMap", "VmAlloc", "VmAllocAt", "VmResize"),
    *("VmWrite", "VmCopy", "Touch", "HeapAlloc", "HeapZalloc", "HeapAlign", "HeapRealloc"),
    *("TaskNew", "DiskRead", "DiskWrite", "SlabAlloc", "ObjectNew", "SpaceClone", "BuddyAlloc"),
    "KmallocAlloc",
}
"""Every operation that can take a frame, by the headers of the kernel."""


def ids(case: Case[Operation]) -> str:
    return case.name


def frames_needed(state: KernelState, operation: Operation, free: Sequence[int]) -> int | None:
    return engine.units_needed(REFERENCE, state, operation, free)


def needs_memory(state: KernelState, operation: Operation) -> bool:
    return engine.lacks_memory(REFERENCE, state, operation, ())


@pytest.mark.parametrize("case", ALL, ids=ids)
def test_a_case_is_what_its_name_says(case: Case[Operation]) -> None:
    state = performed(with_disks() if case.name.startswith("disk:") else booted(), *case.before)
    free = list(state.pmm.free.frames())
    needed = frames_needed(state, case.operation, free)
    assert needed is not None
    after, reply = perform(with_free(state, free[:needed]), case.operation)
    taken = needed - after.pmm.free_count
    assert needed >= taken
    assert not lacks_memory(reply)
    assert needs_memory(state, case.operation) == (needed > 0)
    assert (needed == 0) == case.name.startswith(NEVER_SHORT)
    if needed:
        assert reply.ok or isinstance(case.operation, Touch), "what is there now may be no code"
        short, refusal = perform(with_free(state, free[: needed - 1]), case.operation)
        assert lacks_memory(refusal)
        assert short == with_free(state, free[: needed - 1])
    if case.name.startswith("heap:"):
        assert grows_heap(state, case.operation)


def test_the_table_has_every_operation_that_takes_frames() -> None:
    assert len({case.name for case in ALL}) == len(ALL)
    starved = {
        type(case.operation).__name__ for case in ALL if not case.name.startswith(NEVER_SHORT)
    }
    assert starved == TAKING
    assert {each.__name__ for each in OPERATIONS} > TAKING


def test_what_lacks_memory() -> None:
    assert lacks_memory(Reply("no_memory"))
    assert lacks_memory(Reply("fault", ("page_fault", 2, "no_memory")))
    assert not lacks_memory(Reply("fault", ("page_fault", 2, "denied")))
    assert not lacks_memory(Reply("no_space"))
    assert not lacks_memory(Reply("ok"))


def test_needing_memory_is_decided_by_the_state() -> None:
    demand = VmAllocAt("t1", 1 << 30, 2 * FRAME_SIZE, "demand", 1)
    state = performed(booted(), TaskNew(), demand)
    touch = Touch("t1", 1 << 30, "w")
    assert needs_memory(state, touch)
    assert not needs_memory(performed(state, touch), touch)
    assert not needs_memory(state, PmmInfo())
    assert not needs_memory(state, Touch("t1", 1 << 20, "w")), "it fails, for another reason"


def test_frames_that_are_never_enough() -> None:
    free = list(booted().pmm.free.frames())
    assert frames_needed(booted(), PmmAlloc(len(free)), free) == len(free)
    assert frames_needed(booted(), PmmAlloc(len(free) + 1), free) is None
    apart = free[::2]
    assert frames_needed(booted(), PmmAlloc(2), apart) is None
    assert frames_needed(booted(), PageNew(), []) is None
    assert frames_needed(booted(), PmmInfo(), []) == 0
    assert frames_needed(booted(), PageNew(), apart) == 1


def test_growing_the_heap_is_seen() -> None:
    assert grows_heap(booted(), HeapAlloc(1))
    state = performed(booted(), HeapAlloc(1))
    assert not grows_heap(state, HeapAlloc(1))
    assert grows_heap(state, HeapAlloc(FRAME_SIZE))
    assert not grows_heap(state, HeapFree(HEAP_BASE + HEAP_HEADER))


def test_hoarding_takes_all_and_releasing_gives_it_back() -> None:
    first = next(booted().pmm.free.frames()) * FRAME_SIZE
    holes = [PmmFree(first + at * FRAME_SIZE, n) for at, n in ((1, 1), (5, 9), (17, 3), (40, 9))]
    state = performed(booted(), PmmAlloc(64), *holes)
    assert len(list(hoard(state))) == 5
    hoarded = performed(state, *hoard(state))
    assert hoarded.pmm.free_count == 0
    assert hoarded.pmm == with_free(state, ()).pmm
    back = list(state.pmm.free.frames())
    assert performed(hoarded, *release(back)) == state
    some = back[:3] + back[-1:]
    assert list(performed(hoarded, *release(some)).pmm.free.frames()) == some
    assert list(release([])) == []


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 8, 9, 500])
def test_the_search_for_what_is_needed(count: int) -> None:
    """It doubles, then halves; every place in between is found."""
    free = list(booted().pmm.free.frames())
    for length in (count, count + 1, 2 * count, len(free)):
        assert frames_needed(booted(), PmmAlloc(count), free[:length]) == count
    assert frames_needed(booted(), PmmAlloc(count), free[: count - 1]) is None


@given(st.integers(0, 3000), st.integers(3, 300))
def test_spread(count: int, most: int) -> None:
    chosen = spread(count, most)
    assert chosen == sorted(set(chosen))
    assert set(chosen) <= set(range(count))
    assert len(chosen) <= most
    if count <= most:
        assert len(chosen) == count
    else:
        third = most // 3
        assert chosen[:third] == list(range(third))
        assert chosen[-third:] == list(range(count - third, count))
        longest = max(after - before for before, after in pairwise(chosen))
        assert longest <= -(-(count - 2 * third) // (most - 2 * third))
