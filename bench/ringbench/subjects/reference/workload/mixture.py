"""Which operation comes next, in what proportion: for a hunt, and for a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Final

from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.workload.between_touches import between_touches
from ringbench.subjects.reference.workload.choose import choose
from ringbench.subjects.reference.workload.devices import map_device
from ringbench.subjects.reference.workload.extremes import go_far
from ringbench.subjects.reference.workload.misuse import misuse
from ringbench.subjects.reference.workload.spoil import spoil

SENSIBLE, MISTAKEN, SPOILED = 0.75, 0.12, 0.08
"""A hunt's shares of operations; the rest map devices."""

SPOILED_IN_A_RUN: Final = 0.12

EXTREME: Final = 1 / 20_000
"""Share of a run's draws that go for an extreme, where no other is asked for."""

DEVICE_LAYERS: Final = frozenset(("paging", "vmm"))


def draw(random: Random, state: KernelState, layers: Sequence[str]) -> Operation:
    """Draw an operation of one of `layers`; the first decision of 0 is a sensible one."""
    shape = random.random()
    if shape < SENSIBLE:
        return choose(random, state, layers)
    if shape < SENSIBLE + MISTAKEN:
        return misuse(random, state, layers)
    if shape < SENSIBLE + MISTAKEN + SPOILED or not DEVICE_LAYERS.intersection(layers):
        return spoil(random, choose(random, state, layers))
    return map_device(random, state)


def draw_steps(
    random: Random, state: KernelState, layers: Sequence[str], extreme: float = EXTREME
) -> Iterator[Operation]:
    """Draw an operation, now and then spoiled; some come between touches that show a stale page.

    A share of the draws, `extreme`, are instead many operations that go for one.
    """
    if random.random() < extreme:
        yield from go_far(random, state, layers)
        return
    operation = choose(random, state, layers)
    if random.random() < SPOILED_IN_A_RUN:
        operation = spoil(random, operation)
    yield from between_touches(random, state, operation, layers)
