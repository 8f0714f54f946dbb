"""The buddy allocator in the model: addresses, splits, merges, growth; stated by hand."""

from __future__ import annotations

import pytest

from ringbench.subjects.reference.model.buddy import order_for
from ringbench.subjects.reference.model.kernel import perform
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.vocabulary.constants import BUDDY_BASE
from ringbench.subjects.reference.vocabulary.operations.buddy import (
    BuddyAlloc,
    BuddyFree,
    BuddyInfo,
)
from ringbench.subjects.reference.workload.drain import drain
from tests.unit.reference.booted import booted, performed, with_free

K4, K64 = 4 << 10, 64 << 10


def taken(state: KernelState, *sizes: int) -> tuple[KernelState, list[int]]:
    """Take blocks; their offsets into the region."""
    offsets = []
    for size in sizes:
        state, reply = perform(state, BuddyAlloc(size))
        offsets.append(int(reply.values[0]) - BUDDY_BASE)
    return state, offsets


@pytest.mark.parametrize(
    ("size", "order"), [(1, 5), (32, 5), (33, 6), (64, 6), (65, 7), (K4, 12), (K4 + 1, 13)]
)
def test_the_least_order_that_holds_it(size: int, order: int) -> None:
    assert order_for(size) == order


def test_a_page_is_split_and_the_lower_half_kept() -> None:
    state, offsets = taken(booted(), 32, 32, 64, 100, 2048)
    assert offsets == [0, 32, 64, 128, 2048]
    assert state.buddy.free == {8: (256,), 9: (512,), 10: (1024,)}
    assert perform(state, BuddyInfo())[1].values == (K4, 5, 32 + 32 + 64 + 128 + 2048)


def test_the_last_that_was_freed_is_taken_first() -> None:
    state, (a, _, c, _) = taken(booted(), 32, 32, 32, 32)
    for offset in (a, c):
        state = performed(state, BuddyFree(BUDDY_BASE + offset))
    assert state.buddy.free[5] == (c, a)
    assert taken(state, 1, 1)[1] == [c, a]


def test_buddies_merge_and_neighbours_that_are_none_do_not() -> None:
    state, offsets = taken(booted(), *[1024] * 4)
    middle = performed(state, *(BuddyFree(BUDDY_BASE + offsets[n]) for n in (1, 2)))
    assert middle.buddy.free == {10: (2048, 1024)}, "of two pairs"
    lower = performed(middle, BuddyFree(BUDDY_BASE))
    assert lower.buddy.free == {10: (2048,), 11: (0,)}
    assert performed(lower, BuddyFree(BUDDY_BASE + 3072)).buddy == booted().buddy


def test_the_region_grows_by_what_is_missing() -> None:
    before = booted()
    state, _ = taken(before, 1)
    slab, page, tables, mapped = 1, 1, 2, 1
    assert before.pmm.free_count - state.pmm.free_count == slab + page + tables + mapped
    state, offsets = taken(state, K4, 4 * K4)
    assert offsets == [K4, 4 * K4]
    assert state.buddy.length == 8 * K4
    assert state.buddy.free[13] == (2 * K4,), "the gap below is free"


def test_the_end_goes_back_and_all_with_the_last_block() -> None:
    state, offsets = taken(booted(), 32, K64, K64)
    assert offsets == [0, K64, 2 * K64]
    state = performed(state, BuddyFree(BUDDY_BASE + K64))
    assert state.buddy.length == 3 * K64, "not the end"
    state = performed(state, BuddyFree(BUDDY_BASE + 2 * K64))
    assert (state.buddy.length, len(state.buddy.maps)) == (2 * K64, 1)
    state = performed(state, BuddyFree(BUDDY_BASE))
    assert state.buddy == booted().buddy


def test_what_is_refused_changes_nothing() -> None:
    state, _ = taken(booted(), 32, 100)
    for operation, status in (
        (BuddyAlloc(0), "invalid"),
        (BuddyAlloc((1 << 30) + 1), "invalid"),
        (BuddyAlloc(1 << 30), "no_space"),
        (BuddyAlloc(1 << 29), "no_memory"),
        (BuddyFree(BUDDY_BASE - 32), "foreign"),
        (BuddyFree(BUDDY_BASE + K4), "foreign"),
        (BuddyFree(0), "foreign"),
        (BuddyFree(BUDDY_BASE + 16), "interior"),
        (BuddyFree(BUDDY_BASE + 128 + 32), "interior"),
        (BuddyFree(BUDDY_BASE + 2048 + 32), "interior"),
        (BuddyFree(BUDDY_BASE + 2048), "double_free"),
    ):
        after, reply = perform(state, operation)
        assert (reply.status, after) == (status, state), operation


def test_no_memory_at_every_point_changes_nothing() -> None:
    state = booted()
    for allowed in range(5):
        short = with_free(state, allowed)
        after, reply = perform(short, BuddyAlloc(32))
        assert (reply.status, after) == ("no_memory", short)
    assert perform(with_free(state, 5), BuddyAlloc(32))[1].ok


def test_all_of_it_drains() -> None:
    state, _ = taken(booted(), 32, 100, 5000, K64, 33)
    while (operation := drain(state)) is not None:
        state = performed(state, operation)
    assert state == booted()
