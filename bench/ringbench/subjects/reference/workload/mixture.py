"""Which operation comes next: sensible ones, mistakes, and memory that is no RAM, in proportion."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final

from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.operations import Operation
from ringbench.subjects.reference.workload import choose, spoil
from ringbench.subjects.reference.workload.devices import map_device
from ringbench.subjects.reference.workload.misuse import misuse

SENSIBLE, MISTAKEN, SPOILED = 0.75, 0.12, 0.08
"""Shares of operations; the rest map devices."""

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
