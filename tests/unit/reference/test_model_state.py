"""What makes the model quick is held equal to what is plain: copying states, walking tables."""

import dataclasses
from random import Random
from typing import Any

import pytest

from ringbench.arch.x86_64.walk import translate
from ringbench.subject import Unpredictable
from ringbench.subjects.reference.model.access import walk
from ringbench.subjects.reference.model.kernel import perform
from ringbench.subjects.reference.model.state import KernelState, replace
from ringbench.subjects.reference.model.tables import leaves
from ringbench.subjects.reference.vocabulary.constants import FRAME_SIZE
from ringbench.subjects.reference.vocabulary.operations.table import LAYERS
from ringbench.subjects.reference.workload import choose
from tests.unit.reference.booted import booted
from tests.unit.reference.rendered import render


@pytest.fixture(scope="module")
def worn() -> KernelState:
    """A state that a long workload has led to."""
    state = booted()
    random, done = Random(11), 0
    while done < 1500:
        try:
            state, _ = perform(state, choose(random, state, LAYERS))
        except Unpredictable:
            continue
        done += 1
    return state


def test_replace_is_what_dataclasses_has(worn: KernelState) -> None:
    parts: tuple[Any, ...] = (worn, worn.pmm, worn.heap, worn.console, worn.spaces["kernel"])
    for part in parts:
        for field in dataclasses.fields(part):
            before = getattr(part, field.name)
            changed = replace(part, **{field.name: "other"})
            assert changed == dataclasses.replace(part, **{field.name: "other"}) != part
            assert getattr(part, field.name) is before
        assert replace(part) == part
        with pytest.raises(TypeError, match="no_such_field"):
            replace(part, no_such_field=1)


def test_the_walk_over_entries_is_the_walk_over_memory(worn: KernelState) -> None:
    memory = render(worn.tables)
    walked = 0
    for root in worn.roots().values():
        starts = [leaf.vaddr for leaf in leaves(worn.tables, root)]
        ends = [leaf.vaddr + leaf.size for leaf in leaves(worn.tables, root)]
        inside = [start + FRAME_SIZE - 1 for start in starts]
        others = [0, 1 << 46, (1 << 47) - 1, 1 << 47, 1 << 63, (1 << 64) - 1]
        for va in {*starts, *inside, *(end % (1 << 64) for end in ends), *others}:
            expected = translate(memory, root, va, worn.features)
            assert walk(worn, root, va) == dataclasses.replace(expected, steps=())
            walked += 1
    assert walked > 100
