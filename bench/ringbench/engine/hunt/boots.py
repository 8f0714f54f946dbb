"""Hostile boots, batch after batch, by several workers, into a corpus, until the time is over."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path
from typing import Final

from ringbench.config import Config
from ringbench.engine.hunt.campaign import performed
from ringbench.engine.hunt.corpus import Corpus
from ringbench.machine import Deadline
from ringbench.subject import BootsDone, HostileBoots

BATCH: Final = 100
"""Boots that one worker performs at a time, on one machine."""


@dataclass(frozen=True, slots=True)
class BootBatch:
    """Boots to be performed: the `number`-th hundred of a seed."""

    subject: HostileBoots
    config: Config
    seed: int
    number: int
    seconds: float


@dataclass(slots=True)
class BootProgress:
    """How far a hunt is; `found` has the files of the failures, with whether they are new.

    `disturbed` and `given_up` are as for a hunt by sequences.
    """

    boots: int = 0
    seconds: float = 0.0
    found: dict[Path, bool] = field(default_factory=dict)
    disturbed: list[str] = field(default_factory=list)
    given_up: str = ""


def work(batch: BootBatch) -> BootsDone:
    """Perform a batch, in whatever process.

    Raises:
        RingbenchError: the machine cannot be started.
    """
    return batch.subject.perform_boots(
        batch.config,
        seed=batch.seed,
        first=batch.number * BATCH,
        count=BATCH,
        seconds=batch.seconds,
    )


def hunt_by_boots(
    subject: HostileBoots,
    config: Config,
    corpus: Corpus,
    seed: int,
    executor: Executor,
    jobs: int,
    seconds: float,
    report: Callable[[BootProgress], None],
    batches: int | None = None,
) -> BootProgress:
    """Perform the batches of a seed that are not done yet until the time is over, or so many.

    It ends early if a boot was disturbed from outside twice, as the progress says.

    Raises:
        RingbenchError: a machine cannot be started, or the corpus not be written.
    """
    deadline, progress, state = Deadline(seconds), BootProgress(), corpus.state
    done = state.boot_batches.setdefault(str(seed), [])

    open_ = (number for number in count() if number not in done)
    tasks = (
        BootBatch(subject, config, seed, number, deadline.remaining())
        for number in islice(open_, batches)
    )
    for batch, booted in performed(executor, jobs, work, tasks, deadline):
        if batch is not None and booted is not None:
            for key, story in booted.failures:
                path, is_new = corpus.keep_boot(key, story)
                progress.found.setdefault(path, is_new)
            if booted.boots == BATCH:
                done.append(batch.number)
            state.boots += booted.boots
            progress.boots += booted.boots
            progress.disturbed += booted.disturbed
            progress.given_up = progress.given_up or booted.given_up
            corpus.save()
        progress.seconds = seconds - deadline.remaining()
        report(progress)
        if progress.given_up:
            break
    return progress
