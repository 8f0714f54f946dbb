"""What does a run cost where memory is big?"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import partial

from benchmarks.figure import Figure
from benchmarks.timing import best_of
from ringbench.config import Config
from ringbench.engine.run import Options, Workload, run
from ringbench.subjects.reference.subject import REFERENCE

SMALL, BIG = 64 << 20, 64 << 30
WORKLOADS = {"console": Workload(500, 50), "ring": Workload(5_000, 1_000)}
GOAL = 1.5


def measure(config: Config) -> Iterator[Figure]:
    """Yield how many times as long a run takes with 64 GiB of memory as with 64 MiB."""

    def compared(memory: int) -> None:
        machine = dataclasses.replace(config.machine, memory=memory)
        options = Options(seed=1, workloads=WORKLOADS)
        changed = dataclasses.replace(config, machine=machine)
        assert run(REFERENCE, changed, options, lambda phase, done, total: None).passed

    small, big = best_of([partial(compared, SMALL), partial(compared, BIG)], rounds=3)
    yield Figure("big_memory.run.64G_to_64M", big / small, "ratio", GOAL)
