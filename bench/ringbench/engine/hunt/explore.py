"""Long sequences straight from a random source: ten times the operations that hypothesis draws.

Each sequence keeps to some of the layers and to a share of mistakes of its own, because a mixture
of everything goes deep into nothing (Groce and others, "Swarm testing", 2012).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Final

from ringbench.drive.channel import AnyOperation
from ringbench.engine.runner import AnyRunner

LENGTHS: Final = (100, 400, 400, 1500)
COMPARE_EVERY: Final = 500
MISTAKEN: Final = (0.0, 0.0, 0.1, 0.5)
DRAINED, WHOLE, STEPWISE = 0.25, 0.1, 0.3
"""Shares of sequences: all is given back in the end; every witness is asked; what belongs together
is drawn together, as in a run."""


def explore(runner: AnyRunner, random: Random, stop: Callable[[], bool]) -> None:
    """Perform one sequence; it ends early if `stop` says so.

    Raises:
        Violation: something was not as predicted.
        RingbenchError: no kernel can be started.
    """
    subject = runner.subject
    layers = random.sample(subject.layers, random.randint(1, len(subject.layers)))
    length, mistaken = random.choice(LENGTHS), random.choice(MISTAKEN)
    drained, whole = random.random() < DRAINED, random.random() < WHOLE
    stepwise = random.random() < STEPWISE
    runner.begin()
    while len(runner.operations) < length and not stop():
        for operation in _steps(runner, random, layers, mistaken, stepwise=stepwise):
            if runner.perform(operation) and len(runner.operations) % COMPARE_EVERY == 0:
                runner.compare()
    if drained:
        runner.drain()
    runner.compare(whole=whole)


def _steps(
    runner: AnyRunner, random: Random, layers: Sequence[str], mistaken: float, *, stepwise: bool
) -> Iterator[AnyOperation]:
    """Draw a mistake, in so many of cases, or a sensible operation; `stepwise`, several at once."""
    subject = runner.subject
    if random.random() < mistaken:
        yield subject.draw_mistake(random, runner.state, layers)
    elif stepwise:
        yield from subject.draw_steps(random, runner.state, layers)
    else:
        yield subject.draw(random, runner.state, layers)
