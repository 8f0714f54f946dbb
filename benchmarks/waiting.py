"""What does a guest cost that waits, and what a run that has one processor and not two?"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from itertools import count

from benchmarks.figure import Figure
from benchmarks.timing import best_of
from ringbench.config import Config
from ringbench.engine.run import Options, Workload, run
from ringbench.subjects.reference.kernel import ReferenceKernel
from ringbench.subjects.reference.subject import REFERENCE

SECONDS = 2.0
OPERATIONS, PICTURE_EVERY = 20_000, 10_000
GOAL_IDLE, GOAL_PINNED = 0.05, 1.4


def measure(config: Config) -> Iterator[Figure]:
    """Yield a waiting guest's share of a core, and a run's time on one core against two."""
    for channel in ("console", "ring"):
        shares = [_share(config, channel) for _ in range(2)]
        yield Figure(f"waiting.{channel}.share", min(shares), "cores", GOAL_IDLE)
    processors = sorted(os.sched_getaffinity(0))
    if len(processors) >= 2:
        seeds = count(2)
        actions = [partial(_run_on, set(processors[:cores]), config, seeds) for cores in (2, 1)]
        both, one = best_of(actions, rounds=3)
        yield Figure("waiting.run.one_core_to_two", one / both, "ratio", GOAL_PINNED)


def _share(config: Config, channel: str) -> float:
    """Return the processor time that a guest takes in a second of waiting at a channel."""

    def wait(seconds: float) -> None:
        with closing(ReferenceKernel.start(config)) as kernel, kernel.channel(channel):
            time.sleep(seconds)

    idle, busy = (children_seconds(partial(wait, seconds)) for seconds in (0.0, SECONDS))
    return max(busy - idle, 0.0) / SECONDS


def children_seconds(action: Callable[[], None]) -> float:
    """Return the processor time of what an action starts and waits for."""
    before = os.times()
    action()
    after = os.times()
    user = after.children_user - before.children_user
    return user + after.children_system - before.children_system


def _run_on(processors: set[int], config: Config, seeds: Iterator[int]) -> None:
    """Perform a run with nothing but these processors, for bench and guest together."""
    all_of_them = os.sched_getaffinity(0)
    os.sched_setaffinity(0, processors)
    try:
        workloads = {"ring": Workload(OPERATIONS, PICTURE_EVERY)}
        options = Options(seed=next(seeds) // 2, workloads=workloads)  # two runs a seed
        assert run(REFERENCE, config, options, lambda phase, done, total: None).passed
    finally:
        os.sched_setaffinity(0, all_of_them)
