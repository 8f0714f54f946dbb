"""Hostile boots, batch after batch, by several workers, into a corpus, until the time is over."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import Final

from ringbench.config import Config
from ringbench.engine.hunt.campaign import performed
from ringbench.engine.hunt.corpus import Corpus
from ringbench.machine import Deadline
from ringbench.subjects.reference.boots import hunt_boots

BATCH: Final = 100
"""Boots that one worker performs at a time, on one machine."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Boots to be performed: the `number`-th hundred of a seed."""

    config: Config
    seed: int
    number: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Booted:
    """What came of a batch: how many boots, and of those that went wrong cause and story."""

    boots: int
    failures: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class BootProgress:
    """How far a hunt is; `found` has the files of the failures, with whether they are new."""

    boots: int
    seconds: float
    found: dict[Path, bool]


def work(batch: Batch) -> Booted:
    """Perform a batch, in whatever process.

    Raises:
        RingbenchError: the machine cannot be started.
    """
    result = hunt_boots(
        batch.config,
        seed=batch.seed,
        count=BATCH,
        seconds=batch.seconds,
        first=batch.number * BATCH,
    )
    failures = {caught.key: boot.story.to_json() + "\n" for boot, caught in result.failed}
    return Booted(result.boots, tuple(failures.items()))


def hunt_by_boots(
    config: Config,
    corpus: Corpus,
    seed: int,
    executor: Executor,
    jobs: int,
    seconds: float,
    report: Callable[[BootProgress], None],
    rounds: int | None = None,
) -> BootProgress:
    """Perform the batches of a seed that are not done yet until the time is over, or so many.

    Raises:
        RingbenchError: a machine cannot be started, or the corpus not be written.
    """
    deadline, progress, state = Deadline(seconds), BootProgress(0, 0.0, {}), corpus.state
    done = state.batches.setdefault(str(seed), [])

    open_ = (number for number in count() if number not in done)
    batches = (
        Batch(config, seed, number, deadline.remaining()) for number in islice(open_, rounds)
    )
    for batch, booted in performed(executor, jobs, work, batches, deadline):
        if batch is not None and booted is not None:
            for key, story in booted.failures:
                path, is_new = corpus.keep_boot(key, story)
                progress.found.setdefault(path, is_new)
            if booted.boots == BATCH:
                done.append(batch.number)
            state.boots += booted.boots
            progress.boots += booted.boots
            corpus.save()
        progress.seconds = seconds - deadline.remaining()
        report(progress)
    return progress
