"""Workloads on the model alone: what they draw, that they repeat, and that draining goes home."""

from __future__ import annotations

import dataclasses
from collections import Counter
from random import Random

import pytest

from ringbench.check.result import LAYERS
from ringbench.drive.operations import OPERATIONS, Operation
from ringbench.model.kernel import Unpredictable, perform
from ringbench.model.state import KernelState
from ringbench.workload import choose, drain, spoil
from tests.unit.booted import booted


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
    # Touching a leaf of a bare root is drawn for page tables, and is the VMM's operation.
    assert layer in drawn
    assert drawn <= {layer, "vmm"} if layer == "paging" else drawn == {layer}


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
