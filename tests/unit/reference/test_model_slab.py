"""Slab caches in the model: addresses, order of slabs, what is refused; stated by hand."""

from __future__ import annotations

import pytest

from ringbench.subjects.reference.model.kernel import perform
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.vocabulary.constants import DIRECT_MAP_BASE, FRAME_SIZE
from ringbench.subjects.reference.vocabulary.operations.slab import (
    SlabAlloc,
    SlabDelete,
    SlabFree,
    SlabNew,
)
from ringbench.subjects.reference.workload.drain import drain
from tests.unit.reference.booted import booted, performed, with_free

FIRST = booted().pmm.free.edges[0] * FRAME_SIZE
"""The lowest free frame."""

SLAB = DIRECT_MAP_BASE + FIRST


def taken(state: KernelState, count: int, cache: int = 0) -> tuple[KernelState, list[int]]:
    """Take objects; their addresses."""
    addresses = []
    for _ in range(count):
        state, reply = perform(state, SlabAlloc(cache))
        addresses.append(int(reply.values[0]))
    return state, addresses


@pytest.mark.parametrize(
    ("size", "align", "first", "stride", "count"),
    [
        (8, 8, 128, 8, 496),
        (9, 8, 128, 16, 248),
        (100, 64, 128, 128, 31),
        (2048, 8, 128, 2048, 1),
        (1984, 8, 128, 1984, 2),
        (8, 2048, 2048, 2048, 1),
        (300, 256, 256, 512, 7),
    ],
)
def test_objects_of_a_slab(size: int, align: int, first: int, stride: int, count: int) -> None:
    state = performed(booted(), SlabNew(size, align))
    _, addresses = taken(state, count + 1)
    assert addresses[:-1] == [SLAB + first + n * stride for n in range(count)]
    assert addresses[-1] == SLAB + FRAME_SIZE + first, "the next slab is the next frame"


def test_the_lowest_free_object_of_the_newest_slab_with_room() -> None:
    state, addresses = taken(performed(booted(), SlabNew(1000, 8)), 6)
    assert state.caches["c0"].slabs == {FIRST: 0, FIRST + FRAME_SIZE: 0}
    assert state.caches["c0"].room == ()
    state = performed(state, SlabFree(0, addresses[1]), SlabFree(0, addresses[5]))
    assert state.caches["c0"].room == (FIRST + FRAME_SIZE, FIRST)
    _, again = taken(state, 2)
    assert again == [addresses[5], addresses[1]]


def test_an_empty_slab_goes_back() -> None:
    state = performed(booted(), SlabNew(2048, 8))
    held, (address,) = taken(state, 1)
    assert held.pmm.free_count == booted().pmm.free_count - 1
    assert performed(held, SlabFree(0, address)) == state


def test_what_is_refused_changes_nothing() -> None:
    state = performed(booted(), SlabNew(24, 8), SlabNew(24, 8))
    state, addresses = taken(state, 3)
    state = performed(state, SlabFree(0, addresses[1]))
    for operation, status in (
        (SlabNew(7, 8), "invalid"),
        (SlabNew(2049, 8), "invalid"),
        (SlabNew(8, 4), "invalid"),
        (SlabNew(8, 24), "invalid"),
        (SlabNew(8, 4096), "invalid"),
        (SlabDelete(0), "busy"),
        (SlabDelete(2), "not_found"),
        (SlabAlloc(8), "not_found"),
        (SlabFree(2, addresses[0]), "not_found"),
        (SlabFree(0, addresses[1]), "double_free"),
        (SlabFree(0, addresses[0] + 8), "interior"),
        (SlabFree(0, SLAB), "interior"),
        (SlabFree(0, SLAB + 128 + 165 * 24), "interior"),
        (SlabFree(0, SLAB + FRAME_SIZE + 128), "foreign"),
        (SlabFree(1, addresses[0]), "foreign"),
        (SlabFree(0, 0), "foreign"),
    ):
        after, reply = perform(state, operation)
        assert (reply.status, after) == (status, state), operation


def test_no_frame_for_a_slab() -> None:
    state = with_free(performed(booted(), SlabNew(2048, 8)), 1)
    state, _ = taken(state, 1)
    after, reply = perform(state, SlabAlloc(0))
    assert (reply.status, after) == ("no_memory", state)


def test_there_are_eight_caches_of_the_console() -> None:
    state = performed(booted(), *(SlabNew(8, 8) for _ in range(8)))
    assert perform(state, SlabNew(8, 8))[1].status == "no_space"
    state = performed(state, SlabDelete(3))
    assert perform(state, SlabNew(8, 8))[1].values == (3,)
    assert list(performed(state, SlabNew(8, 8)).caches)[-1] == "c3", "the last of the list"


def test_all_of_it_drains() -> None:
    state, _ = taken(performed(booted(), SlabNew(1000, 8)), 9)
    while (operation := drain(state)) is not None:
        state = performed(state, operation)
    assert state == booted()
