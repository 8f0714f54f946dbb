"""Workloads on the model alone: what they draw, that they repeat, and that draining goes home."""

from __future__ import annotations

import dataclasses
from collections import Counter
from random import Random

import pytest

from ringbench.subject import Unpredictable
from ringbench.subjects.reference.model.kernel import perform
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.vocabulary.constants import HEAP_ALLOC_MAX, HEAP_HEADER
from ringbench.subjects.reference.vocabulary.flags import EXEC, WRITE
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.heap import HeapRealloc
from ringbench.subjects.reference.vocabulary.operations.table import LAYERS, OPERATIONS
from ringbench.subjects.reference.vocabulary.operations.task import TaskNew, TaskSwitch
from ringbench.subjects.reference.vocabulary.operations.vmm import (
    Touch,
    VmAlloc,
    VmCopy,
    VmFree,
    VmProtect,
    VmResize,
)
from ringbench.subjects.reference.workload import between_touches, choose, drain, spoil
from tests.unit.reference.booted import booted


def play(
    seed: int, count: int, state: KernelState, layers: tuple[str, ...] = LAYERS
) -> tuple[list[Operation], KernelState, Counter[str]]:
    """Perform drawn operations on the model; what they were, where it led, the statuses."""
    random, statuses = Random(seed), Counter[str]()
    done: list[Operation] = []
    while len(done) < count:
        operation = choose(random, state, layers)
        if random.random() < 0.1:
            operation = spoil(random, operation)
        try:
            state, reply = perform(state, operation)
        except Unpredictable:
            continue
        done.append(operation)
        statuses[reply.status] += 1
    return done, state, statuses


def test_every_kind_of_operation_is_drawn() -> None:
    done, _, statuses = play(1, 4000, booted())
    assert {type(each) for each in done} == set(OPERATIONS)
    assert statuses["ok"] > len(done) // 2
    assert set(statuses) >= {
        *("invalid", "misaligned", "non_canonical", "no_memory", "not_allocated", "foreign"),
        *("mapped", "not_mapped", "denied", "not_found", "fault"),
    }


def test_a_seed_repeats_exactly() -> None:
    first, second, other = play(7, 300, booted()), play(7, 300, booted()), play(8, 300, booted())
    assert first == second
    assert first[0] != other[0]


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_draws_only_its_own(layer: str) -> None:
    done, _, _ = play(3, 200, booted(), (layer,))
    drawn = {each.layer for each in done}
    # Touching a leaf of a bare root, or showing an object, is the VMM's operation.
    assert layer in drawn
    assert drawn <= {layer, "vmm"} if layer in ("paging", "object") else drawn == {layer}


@pytest.mark.parametrize("seed", range(5))
def test_draining_returns_to_the_state_after_boot(seed: int) -> None:
    _, state, _ = play(seed, 800, booted())
    assert state.pmm != booted().pmm
    while (operation := drain(state)) is not None:
        state, reply = perform(state, operation)
        assert reply.ok, (operation, reply)
    for field in dataclasses.fields(booted()):
        assert getattr(state, field.name) == getattr(booted(), field.name), field.name


def test_spoiling_changes_one_argument() -> None:
    random = Random(5)
    changed = Counter[int]()
    for operation in play(5, 500, booted())[0]:
        spoiled = spoil(random, operation)
        assert type(spoiled) is type(operation)
        fields = dataclasses.fields(operation)
        changed[
            sum(getattr(operation, each.name) != getattr(spoiled, each.name) for each in fields)
        ] += 1
    assert set(changed) == {0, 1}
    assert changed[1] > changed[0]


def test_flags_are_spoiled_into_what_does_not_go_together() -> None:
    random = Random(1)
    spoiled = [spoil(random, VmAlloc("kernel", 0x1000, "anonymous", WRITE)) for _ in range(200)]
    flags = {each.flags for each in spoiled if isinstance(each, VmAlloc)}
    assert any(each & WRITE and each & EXEC for each in flags)
    assert len(flags) > 10


def with_regions() -> tuple[KernelState, int, int]:
    """A state with a region in the kernel's window, and one in the space of a task."""
    state = booted()
    state, reply = perform(state, VmAlloc("kernel", 0x3000, "anonymous", WRITE))
    state, _ = perform(state, TaskNew())
    state, other = perform(state, VmAlloc("t1", 0x3000, "anonymous", WRITE))
    [base], [task_base] = reply.values, other.values
    assert isinstance(base, int)
    assert isinstance(task_base, int)
    return state, base, task_base


def test_changes_come_between_touches_of_a_page_that_they_change() -> None:
    state, base, _ = with_regions()
    random = Random(2)
    changes = (VmFree("kernel", base), VmProtect("kernel", base, 0), VmResize("kernel", base, 4096))
    for change in changes:
        drawn = [list(between_touches(random, state, change, LAYERS)) for _ in range(40)]
        assert [change] in drawn
        for first, second, third in (each for each in drawn if len(each) > 1):
            assert second == change
            assert isinstance(first, Touch)
            assert isinstance(third, Touch)
            assert first.vaddr == third.vaddr
            assert base <= first.vaddr < base + 0x3000


def test_a_space_becomes_the_active_one_before_it_is_touched() -> None:
    state, _, base = with_regions()
    random = Random(3)
    drawn = [list(between_touches(random, state, VmFree("t1", base), LAYERS)) for _ in range(20)]
    assert {len(each) for each in drawn} == {1, 4}
    assert all(each[0] == TaskSwitch("t1") for each in drawn if len(each) == 4)
    alone = between_touches(random, state, VmFree("t1", base), ("vmm",))
    assert list(alone) == [VmFree("t1", base)]  # tasks are not to be switched


def test_what_is_copied_is_something() -> None:
    """Of the copies that succeed, many leave something that was not there."""
    random, state = Random(4), booted()
    changed: Counter[bool] = Counter()
    for _ in range(6000):
        operation = choose(random, state, ("vmm", "task"))
        try:
            after, reply = perform(state, operation)
        except Unpredictable:
            continue
        if isinstance(operation, VmCopy) and reply.ok:
            changed[after.contents != state.contents] += 1
        state = after
    assert changed[True] > 20
    assert changed[True] > changed[False] / 3


def test_nodes_are_resized_to_about_what_they_are_and_to_the_most_there_is() -> None:
    random, state = Random(5), booted()
    near, most = 0, 0
    for _ in range(6000):
        operation = choose(random, state, ("heap",))
        if isinstance(operation, HeapRealloc) and operation.vaddr:
            own = state.heap.nodes[operation.vaddr - HEAP_HEADER].size - HEAP_HEADER
            near += abs(operation.size - own) <= 24
            most += operation.size == HEAP_ALLOC_MAX
        state, _ = perform(state, operation)
    assert near > 100
    assert most > 0
