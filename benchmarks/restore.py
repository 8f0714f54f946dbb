"""How long until a test has a just-booted machine: by booting one, by restoring one?"""

from __future__ import annotations

import time
from collections.abc import Iterator

from benchmarks.figure import Figure
from benchmarks.timing import best_of
from ringbench.config import Config
from ringbench.machine import Machine
from ringbench.subjects.reference.kernel import ReferenceKernel
from ringbench.subjects.reference.lockstep import ReferenceLockstep

GOAL_MS = 12
GOAL_TIMES = 10
GOAL_FIRST_COMPARISON = 0.4
ROUNDS = 20


def measure(config: Config) -> Iterator[Figure]:
    """Yield the two times, how they compare, and the time to the first whole comparison."""
    booted = restored = float("inf")
    with Machine.start(config) as machine:
        snapshot = machine.freeze()
        for _ in range(ROUNDS):
            start = time.perf_counter()
            with Machine.start(config):
                booted = min(booted, time.perf_counter() - start)
            machine.command("task new")  # so that there is something to undo
            start = time.perf_counter()
            machine.restore(snapshot)
            restored = min(restored, time.perf_counter() - start)
            assert machine.command("task new") == "ok t1"
    yield Figure("restore.boot", booted * 1e3, "ms")
    yield Figure("restore.restore", restored * 1e3, "ms", GOAL_MS)
    yield Figure("restore.restore.to_boot", booted / restored, "times", GOAL_TIMES, "at least")

    def compare() -> None:
        with Machine.start(config) as other:
            ReferenceLockstep(ReferenceKernel(other)).look("after boot")

    [compared] = best_of([compare])
    yield Figure("restore.first_comparison", compared, "s", GOAL_FIRST_COMPARISON)
