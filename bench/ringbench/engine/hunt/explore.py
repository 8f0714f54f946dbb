"""Long sequences straight from a random source: ten times the operations that hypothesis draws.

Each sequence keeps to some of the layers and to a share of mistakes of its own, because a mixture
of everything goes deep into nothing (Groce and others, "Swarm testing", 2012).
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final

from ringbench.engine.result import LAYERS
from ringbench.engine.runner import Stage
from ringbench.subjects.reference.workload.misuse import misuse
from ringbench.subjects.reference.workload.mixture import draw

LENGTHS: Final = (100, 400, 400, 1500)
COMPARE_EVERY: Final = 500
MISTAKEN: Final = (0.0, 0.0, 0.1, 0.5)
DRAINED, WHOLE = 0.25, 0.1


def explore(stage: Stage, random: Random, stop: Callable[[], bool]) -> None:
    """Perform one sequence; it ends early if `stop` says so.

    Raises:
        Violation: something was not as predicted.
        RingbenchError: the machine cannot be started.
    """
    layers = random.sample(LAYERS, random.randint(1, len(LAYERS)))
    length, mistaken = random.choice(LENGTHS), random.choice(MISTAKEN)
    drained, whole = random.random() < DRAINED, random.random() < WHOLE
    stage.begin()
    while len(stage.operations) < length and not stop():
        drawn = misuse if random.random() < mistaken else draw
        performed = stage.perform(drawn(random, stage.state, layers))
        if performed and len(stage.operations) % COMPARE_EVERY == 0:
            stage.compare()
    if drained:
        stage.drain()
    stage.compare(whole=whole)
