"""Drawing an operation of some layer, as often of each as there are layers to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final

from ringbench.config.contracts import Contracts
from ringbench.subjects.contracts.frames import draw as frames
from ringbench.subjects.contracts.heap import draw as heap
from ringbench.subjects.contracts.operation import TABLES, Operation
from ringbench.subjects.contracts.pages import draw as pages
from ringbench.subjects.contracts.pages.operations import Unmap
from ringbench.subjects.contracts.regions import draw as regions
from ringbench.subjects.contracts.regions.operations import Free
from ringbench.subjects.contracts.starve import can_starve, starved
from ringbench.subjects.contracts.state import State

STARVED, SELDOM = 0.02, 0.003
"""Shares of operations that meet a machine with few frames left: of those that take several, as a
rule, and of those that take one or none."""

MOST_LEFT: Final = 64
"""Frames that are left to an operation, at most."""


def draw(
    random: Random,
    state: State,
    layers: Sequence[str],
    contracts: Contracts,
    *,
    mistaken: bool = False,
) -> Operation:
    """Draw an operation that a caller may ask for; or a mistake that is survived.

    If it promises none, what is drawn is no mistake.
    """
    operation = _draw(random, state, random.choice(layers), contracts, mistaken=mistaken)
    if not operation.most_frames or not can_starve(contracts):
        return operation
    if not getattr(getattr(contracts, operation.layer), "exhaust", True):
        return operation
    most = min(operation.most_frames, MOST_LEFT)
    several = operation.layer != "frames" and most > TABLES
    if random.random() < (STARVED if several else SELDOM):
        return starved(random.choice((0, 1, 2, random.randrange(most))), operation)
    return operation


def _draw(
    random: Random, state: State, layer: str, contracts: Contracts, *, mistaken: bool
) -> Operation:
    if layer == "heap" and contracts.heap is not None:
        return (heap.draw_mistake if mistaken else heap.draw)(random, state, contracts.heap)
    if layer == "pages" and contracts.pages is not None:
        return (pages.draw_mistake if mistaken else pages.draw)(random, state, contracts.pages)
    if layer == "regions" and contracts.regions is not None:
        return regions.draw(random, state, contracts.regions)
    assert contracts.frames is not None, "of the layers that are there"
    return (frames.draw_mistake if mistaken else frames.draw)(random, state, contracts.frames)


def drain(state: State) -> Operation | None:
    """Return what gives back what was got last; None when nothing is held."""
    if state.pages.live:
        return Unmap(list(state.pages.live)[-1])
    for kind, holding in (
        (Free, state.regions),
        (heap.FREE, state.heap),
        (frames.FREE, state.frames),
    ):
        if holding.live:
            return kind(list(holding.live)[-1])
    return None
