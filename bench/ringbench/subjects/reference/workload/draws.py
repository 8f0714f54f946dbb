"""How a thing is drawn from a random source: one of few, a yes or no, page flags."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.vocabulary import flags as page_flags
from ringbench.subjects.reference.vocabulary.operations.base import Operation

Maker = Callable[[Random, KernelState], Operation | None]
"""Draws an operation, or None if the state has nothing to perform it on."""

Drawn = TypeVar("Drawn")


def pick(random: Random, choices: Sequence[Drawn]) -> Drawn:
    """Draw one, as `random.choice` does, at a third of its cost; for few choices, fairly enough."""
    return choices[int(random.random() * len(choices))]


def turned(random: Random, names: list[str]) -> list[str]:
    """The same in a circle, from a drawn one on."""
    first = int(random.random() * len(names))
    return names[first:] + names[:first]


def crowded(random: Random, population: int, target: int) -> bool:
    """Decide whether to take one away: even odds at the target."""
    return random.random() < population / (2 * target)


def draw_flags(random: Random, *, user: bool, cached: bool = True) -> int:
    """Flags that a leaf may have: never W with X."""
    flags = pick(random, (0, page_flags.WRITE, page_flags.EXEC))
    if user and random.random() < 0.5:
        flags |= page_flags.USER
    if not cached and random.random() < 0.5:
        flags |= pick(random, page_flags.CACHES)
    return flags
