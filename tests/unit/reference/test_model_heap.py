"""The heap model: random traces against what must always hold, and known answers."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringbench.subjects.reference.model.heap import (
    heap_align,
    heap_alloc,
    heap_free,
    heap_realloc,
    heap_zalloc,
    node_size,
)
from ringbench.subjects.reference.model.heap_search import (
    HeapEditor,
    in_order,
    search_size,
)
from ringbench.subjects.reference.model.state import HeapState, KernelState
from ringbench.subjects.reference.vocabulary.constants import (
    HEAP_BASE,
    HEAP_FIRST_LEVELS,
    HEAP_SECOND_LEVELS,
    HEAP_TRIM,
)
from ringbench.subjects.reference.vocabulary.heap_encoding import size_class
from ringbench.subjects.reference.vocabulary.status import Status
from tests.unit.reference.model_heap import FIRST, PAGE, booted, check

Call = Callable[[KernelState], tuple[KernelState, Status]]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1 << 32), st.integers(20, 150))
def test_random_traces(seed: int, steps: int) -> None:
    random, state, held = Random(seed), booted(), dict[int, int]()
    begin = state
    for _ in range(steps):
        size = random.choice((random.randrange(1, 100), random.randrange(1, 5000), 70000))
        choice = random.random()
        if choice < 0.35 or not held:
            align = 1 << random.randrange(0, 14)
            call = random.choice((heap_alloc, heap_zalloc))
            aligned = random.random() < 0.4
            state, status, pointer = (
                heap_align(state, align, size) if aligned else call(state, size)
            )
            assert status is Status.OK
            assert pointer % (max(16, align) if aligned else 16) == 0
            held[pointer] = size
        elif choice < 0.6:
            old = random.choice(list(held))
            del held[old]
            state, status, pointer = heap_realloc(state, old, size)
            assert status is Status.OK
            held[pointer] = size
        elif choice < 0.9:
            pointer = random.choice(list(held))
            del held[pointer]
            before = state
            state, status, _ = heap_free(before, pointer)
            assert status is Status.OK
            assert heap_free(state, pointer)[1] in (
                Status.DOUBLE_FREE,
                Status.FOREIGN,
            ), "a double free is named at once"
        else:
            address = random.randrange(FIRST - 32, state.heap.end + 32)
            if address not in held and address != 0:
                after, status, _ = heap_free(state, address)
                assert (after, status < 0) == (state, True)
        check(state)
        spans = sorted((pointer, pointer + size) for pointer, size in held.items())
        used = {a + 16: n.size - 16 for a, n in state.heap.nodes.items() if n.used}
        assert used.keys() == held.keys()
        assert all(used[pointer] >= end - pointer for pointer, end in spans)
    for pointer in held:
        state, _, _ = heap_free(state, pointer)
        check(state)
    assert state == begin, "all freed: nothing is left, not a frame"


def test_size_classes() -> None:
    """heap.h: below 4 KiB, number s / 16; from there, 64 * (k - 9) + (s >> (k - 6))."""
    assert size_class(32) == (0, 2)
    assert size_class(1008) == (0, 63)
    assert size_class(1024) == (1, 0)
    assert size_class(4080) == (3, 63)
    assert size_class(4096) == size_class(4144) == (4, 0)
    assert size_class(4160) == (4, 1)
    assert size_class(8176) == (4, 63)
    assert size_class(8192) == (5, 0)
    assert size_class(1 << 20) == (12, 0)
    assert size_class((1 << 35) - 16) == (26, 63)
    previous = (0, 0)
    for size in range(16, 1 << 16, 16):
        current = size_class(size)
        assert current >= previous
        assert current[0] < HEAP_FIRST_LEVELS
        assert current[1] < HEAP_SECOND_LEVELS
        previous = current


@given(st.integers(2, 1 << 26).map(lambda n: 16 * n), st.integers(2, 1 << 26).map(lambda n: 16 * n))
def test_a_class_that_is_searched_has_only_nodes_that_fit(size: int, other: int) -> None:
    if size_class(other) >= size_class(search_size(size)):
        assert other >= size


def test_the_first_allocation() -> None:
    state, status, pointer = heap_alloc(booted(), 1)
    assert (status, pointer) == (Status.OK, FIRST)
    assert in_order(state.heap) == [
        (HEAP_BASE, (32, True, 0)),
        (HEAP_BASE + 32, (PAGE - 32, False, HEAP_BASE)),
    ]
    assert state.heap.first_bitmap == 0, "the last node is on no list"
    assert set(state.heap.second_bitmap) == {0}
    state, _, _ = heap_alloc(state, 16)
    state, _, _ = heap_free(state, FIRST)
    assert state.heap.first_bitmap == 1
    assert state.heap.second_bitmap[0] == 1 << 2
    region = state.spaces["heap"].regions[0]
    assert (region.base, region.length) == (HEAP_BASE, PAGE)


def test_node_sizes() -> None:
    assert [node_size(size) for size in (1, 16, 17, 32, 33)] == [32, 32, 48, 48, 64]


def test_a_tail_of_sixteen_bytes_stays() -> None:
    state, _, pointer = heap_alloc(booted(), 32)
    state, _, _ = heap_alloc(state, 16)
    state, _, _ = heap_free(state, pointer)
    state, _, again = heap_alloc(state, 16)
    assert again == pointer
    assert state.heap.nodes[HEAP_BASE] == (48, True, 0)


def test_the_last_node_may_be_a_bare_header() -> None:
    state, _, _ = heap_alloc(booted(), PAGE - 16 - 16)
    bare = (HEAP_BASE + PAGE - 16, (16, False, HEAP_BASE))
    assert in_order(state.heap) == [(HEAP_BASE, (PAGE - 16, True, 0)), bare]
    state, _, pointer = heap_alloc(state, 1)
    assert pointer == HEAP_BASE + PAGE
    assert state.heap.end == HEAP_BASE + 2 * PAGE
    check(state)


def test_an_allocation_leaves_the_last_node_a_header() -> None:
    state, _, _ = heap_alloc(booted(), PAGE - 16)
    assert state.heap.end == HEAP_BASE + 2 * PAGE
    assert state.heap.nodes[state.heap.last] == (PAGE, False, HEAP_BASE)


def test_lists_are_last_in_first_out() -> None:
    state = booted()
    pointers = []
    for _ in range(8):
        state, _, pointer = heap_alloc(state, 32)
        pointers.append(pointer)
    for pointer in (pointers[1], pointers[5], pointers[3]):
        state, _, _ = heap_free(state, pointer)
    for expected in (pointers[3], pointers[5], pointers[1]):
        state, _, pointer = heap_alloc(state, 32)
        assert pointer == expected


def test_growth_extends_a_free_last_node() -> None:
    state, _, first = heap_alloc(booted(), 1000)
    state, _, second = heap_alloc(state, 5000)
    assert second == first + node_size(1000)
    assert state.heap.end == HEAP_BASE + 2 * PAGE
    assert state.heap.stale == {}


def test_a_node_in_the_class_that_may_be_too_small_is_left() -> None:
    state, _, hole = heap_alloc(booted(), 2 * PAGE + 32 - 16)
    state, _, fence = heap_alloc(state, 16)
    state, _, _ = heap_free(state, hole)
    state, _, pointer = heap_alloc(state, 2 * PAGE + 16 - 16)
    assert pointer == fence + 32, "its class begins at two pages, which would not do"
    state, _, pointer = heap_alloc(state, 2 * PAGE - 16)
    assert pointer == hole


def test_alignment_that_is_there_already_leaves_nothing_in_front() -> None:
    state, _, _ = heap_alloc(booted(), 32)  # the next node is at 0x30, its payload at 0x40
    state, _, pointer = heap_align(state, 64, 32)
    assert pointer == HEAP_BASE + 0x40
    assert state.heap.used_count == 2
    assert state.heap.free_count == 1


def test_alignment_skips_a_gap_of_sixteen_bytes() -> None:
    state, _, _ = heap_alloc(booted(), 16)  # next node at 0x20, payload at 0x30: 0x40 leaves 16
    state, _, pointer = heap_align(state, 32, 16)
    assert pointer == HEAP_BASE + 0x60
    assert state.heap.nodes[HEAP_BASE + 0x20] == (0x30, False, HEAP_BASE)
    assert state.heap.nodes[HEAP_BASE + 0x50] == (0x20, True, HEAP_BASE + 0x20)


def test_trimming() -> None:
    state, _, _ = heap_alloc(booted(), 16)
    state, _, second = heap_alloc(state, HEAP_TRIM)
    state, _, _ = heap_free(state, second)
    assert state.heap.end == HEAP_BASE + PAGE
    assert state.heap.nodes[state.heap.last] == (PAGE - 32, False, HEAP_BASE)


@pytest.mark.parametrize(
    ("below", "end", "left"),
    [
        (PAGE - 48, PAGE, 48),
        (PAGE - 32, PAGE, 32),
        (PAGE - 16, PAGE, 16),
        (PAGE, 2 * PAGE, PAGE),
    ],
)
def test_trimming_leaves_the_last_node_a_header(below: int, end: int, left: int) -> None:
    state, _, _ = heap_alloc(booted(), 16)
    state, _, room = heap_alloc(state, 2 * PAGE)
    state, _, _ = heap_free(state, room)
    state, _, _ = heap_alloc(state, below - 32 - 16)
    state, _, last = heap_alloc(state, HEAP_TRIM)
    assert last == HEAP_BASE + below + 16
    state, _, _ = heap_free(state, last)
    assert state.heap.end == HEAP_BASE + end
    assert state.heap.free_bytes == left
    check(state)


def test_reallocation_in_place_and_elsewhere() -> None:
    state, _, first = heap_alloc(booted(), 100)
    state, _, second = heap_alloc(state, 100)
    assert heap_realloc(state, first, 101)[2] == first, "the rounding has room"
    smaller, _, pointer = heap_realloc(state, first, 20)
    assert pointer == first
    assert smaller.heap.nodes[first - 16 + 48] == (128 - 48, False, first - 16)
    freed, _, _ = heap_free(state, second)
    grown, _, pointer = heap_realloc(freed, first, 3000)
    assert pointer == first
    assert second - 16 in grown.heap.stale
    moved, _, pointer = heap_realloc(state, first, 200)
    assert pointer == second + 112 + 16
    assert moved.heap.nodes[first - 16].used is False
    assert heap_realloc(booted(), 0, 5)[2] == FIRST


def test_an_editor_does_not_change_what_it_copies() -> None:
    state, _, pointer = heap_alloc(booted(), 100)
    before: HeapState = replace(state.heap)
    nodes, free = dict(before.nodes), dict(before.free)
    editor = HeapEditor(state.heap)
    editor.release(pointer - 16)
    assert (state.heap.nodes, state.heap.free) == (nodes, free)
    assert editor.result != before
