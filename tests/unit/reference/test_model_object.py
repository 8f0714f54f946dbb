"""What the model makes of memory objects: counted beforehand is what is taken."""

from __future__ import annotations

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from ringbench.subjects.reference.model.object import (
    entries,
    object_create,
    object_drop,
    object_frames_missing,
    object_hold,
    object_release,
    object_take_page,
)
from ringbench.subjects.reference.model.state import VmObject
from ringbench.subjects.reference.vocabulary.status import Status
from tests.unit.reference.model_spaces import PAGE, booted

PAGES = (1, 512, 513, 512 * 512, 512 * 512 + 1, 512**3)


def test_levels() -> None:
    assert [VmObject(0, pages).levels for pages in PAGES] == [1, 1, 2, 2, 3, 3]


@given(st.sampled_from(PAGES), st.lists(st.integers(0, 5000), max_size=12), st.data())
def test_frames_missing_are_those_that_are_taken(
    pages: int, there: list[int], data: st.DataObject
) -> None:
    it, serial = VmObject(0, pages), count(1)
    for index in there:
        it, _ = object_take_page(it, min(index * 97, pages - 1), serial.__next__)
    first = data.draw(st.integers(0, pages - 1))
    length = data.draw(st.integers(1, min(pages - first, 700)))
    expected, before = object_frames_missing(it, first, length), next(serial)
    for index in range(first, first + length):
        it, frame = object_take_page(it, index, serial.__next__)
        assert it.frames[index] == frame
    assert next(serial) - before - 1 == expected
    assert object_frames_missing(it, first, length) == 0
    below = [frame for _, _, frame in entries(it)]
    assert sorted(below) == sorted(
        {*it.frames.values(), *it.nodes.values()} - {it.nodes[it.levels, 0]}
    )


def test_frames_and_record_go_with_the_last_reference() -> None:
    begin = booted()
    state, status, number = object_create(begin, 3 * PAGE)
    assert (status, number) == (Status.OK, 0)
    state = object_hold(state, 0)
    state, status, _ = object_drop(state, 0)
    assert status is Status.OK
    assert object_drop(state, 0)[1] is Status.NOT_FOUND
    assert object_create(state, PAGE)[2] == 1, "the id is in use as long as the object lives"
    state = object_release(state, 0)
    assert (state.pmm, state.objects, state.caches) == (begin.pmm, {}, begin.caches)
