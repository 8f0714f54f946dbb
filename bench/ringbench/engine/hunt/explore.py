"""Long sequences straight from a random source: ten times the operations that hypothesis draws.

Each sequence keeps to some of the layers and to a share of mistakes of its own, because a mixture
of everything goes deep into nothing (Groce and others, "Swarm testing", 2012).
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final

from ringbench.engine.runner import AnyRunner

LENGTHS: Final = (100, 400, 400, 1500)
COMPARE_EVERY: Final = 500
MISTAKEN: Final = (0.0, 0.0, 0.1, 0.5)
DRAINED, WHOLE = 0.25, 0.1


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
    runner.begin()
    while len(runner.operations) < length and not stop():
        drawn = subject.draw_mistake if random.random() < mistaken else subject.draw
        performed = runner.perform(drawn(random, runner.state, layers))
        if performed and len(runner.operations) % COMPARE_EVERY == 0:
            runner.compare()
    if drained:
        runner.drain()
    runner.compare(whole=whole)
