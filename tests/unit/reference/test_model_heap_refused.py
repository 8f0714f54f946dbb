"""What the model's heap refuses: arguments, too little memory, pointers that are none."""

from collections.abc import Callable

import pytest

from ringbench.subjects.reference.model.heap import (
    heap_align,
    heap_alloc,
    heap_free,
    heap_realloc,
    heap_zalloc,
)
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.model.task import task_create
from ringbench.subjects.reference.vocabulary.constants import (
    HEAP_ALIGN_MAX,
    HEAP_ALLOC_MAX,
    HEAP_BASE,
)
from ringbench.subjects.reference.vocabulary.status import Status
from tests.unit.reference.booted import with_free
from tests.unit.reference.model_heap import FIRST, PAGE, booted

Call = Callable[[KernelState], tuple[KernelState, Status]]


@pytest.mark.parametrize("size", [0, HEAP_ALLOC_MAX + 1, (1 << 64) - 1])
def test_sizes_that_are_refused(size: int) -> None:
    state, _, pointer = heap_alloc(booted(), 1)
    for result in (
        heap_alloc(state, size),
        heap_zalloc(state, size),
        heap_align(state, 64, size),
        heap_realloc(state, pointer, size),
        heap_realloc(state, 1, size),
    ):
        assert result == (state, Status.INVALID, 0)


@pytest.mark.parametrize("align", [0, 3, 48, 2 * HEAP_ALIGN_MAX, 1 << 63])
def test_alignments_that_are_refused(align: int) -> None:
    state = booted()
    assert heap_align(state, align, 1) == (state, Status.INVALID, 0)


def test_misuse_is_named() -> None:
    state = booted()
    assert heap_free(state, 0) == (state, Status.OK, None)
    assert heap_free(state, FIRST)[1] is Status.FOREIGN, "the heap is empty"
    pointers = []
    for _ in range(4):
        state, _, pointer = heap_alloc(state, 100)
        pointers.append(pointer)
    for foreign in (HEAP_BASE, FIRST + 8, state.heap.end, 16, (1 << 64) - 16):
        assert heap_free(state, foreign)[1] is Status.FOREIGN
        assert heap_realloc(state, foreign, 5)[1] is Status.FOREIGN
    assert heap_free(state, pointers[0] + 16)[1] is Status.INTERIOR
    for pointer in (pointers[1], pointers[2]):  # the second merges into the first
        state, _, _ = heap_free(state, pointer)
    for pointer in (pointers[1], pointers[2]):
        assert heap_free(state, pointer)[1] is Status.DOUBLE_FREE
        assert heap_realloc(state, pointer, 5)[1] is Status.DOUBLE_FREE
    assert heap_free(state, pointers[2] + 16)[1] is Status.INTERIOR


def stale_at(offset: int) -> tuple[KernelState, int]:
    """A heap with an absorbed header `offset` bytes into the payload of the first free node."""
    state, _, first = heap_alloc(booted(), offset - 16)
    state, _, second = heap_alloc(state, 500)
    state, _, _ = heap_alloc(state, 16)
    state, _, _ = heap_free(state, first)
    state, _, _ = heap_free(state, second)
    assert state.heap.stale.keys() == {first - 16 + offset}
    assert second == first + offset
    return state, second


@pytest.mark.parametrize(
    ("zeroed", "status"),
    [
        (0, Status.DOUBLE_FREE),
        (1, Status.DOUBLE_FREE),  # the header begins with 0x800 / 8: one byte of zero
        (2, Status.INTERIOR),
        (16, Status.INTERIOR),
        (300, Status.INTERIOR),
    ],
)
def test_an_absorbed_header_lives_until_it_is_written_over(zeroed: int, status: Status) -> None:
    state, stale = stale_at(0x800)
    state, _, pointer = heap_zalloc(state, 0x7F0 + zeroed)
    assert pointer == FIRST
    assert heap_free(state, stale)[1] is status


def test_the_links_of_a_free_node_overwrite() -> None:
    state, _ = stale_at(0x60)
    state, _, _ = heap_alloc(state, 0x30)  # the tail's header is at 0x40, its links at 0x50
    assert state.heap.stale.keys() == {HEAP_BASE + 0x60}
    state, _ = stale_at(0x60)
    state, _, _ = heap_alloc(state, 0x40)  # the tail's header is at 0x50, its links at 0x60
    assert state.heap.stale == {}


def test_no_memory_at_every_point_changes_nothing() -> None:
    begin = booted()
    grown, _, pointer = heap_alloc(begin, 3000)
    calls: dict[str, tuple[Call, KernelState, int]] = {
        "slab, page, PD, PT": (lambda s: heap_alloc(s, 1)[:2], begin, 4),
        "root, slab": (lambda s: task_create(s)[:2], begin, 2),
        "two pages": (lambda s: heap_alloc(s, 9000)[:2], grown, 2),
        "aligned": (lambda s: heap_align(s, PAGE, 100)[:2], grown, 1),
        "moved": (lambda s: heap_realloc(s, pointer, 9000)[:2], grown, 2),
    }
    for what, (call, state, needed) in calls.items():
        for allowed in range(needed + 1):
            short = with_free(state, allowed)
            after, status = call(short)
            if allowed < needed:
                assert (status, after) == (Status.NO_MEMORY, short), (what, allowed)
            else:
                assert status is Status.OK, what
