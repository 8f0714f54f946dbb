"""A hunt: batch after batch of sequences, by several workers, into a corpus, until time is over.

The machine changes from batch to batch, as the subject wants it: small memory runs out, other
processors have other page sizes, modules take frames. A batch is made from the seed and its number
alone; what is done is in the corpus, so that the next hunt goes on with the batches that are not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Any, Final, TypeVar

from ringbench.config import Config
from ringbench.coverage.log import TranslationLogs
from ringbench.engine.hunt.corpus import Corpus
from ringbench.engine.hunt.search import SearchResult, search
from ringbench.engine.runner import Operations
from ringbench.engine.script import Script, failure_script, machine_words, with_machine
from ringbench.machine import Deadline
from ringbench.machine.folder import guarded_folder
from ringbench.machine.translations import build_id
from ringbench.subject import Subject

CHUNKS: Final = 2
"""Chunks of a batch: some thousand operations, a few seconds."""

REPLAYED: Final = 200
"""Kept sequences that one worker replays at a time."""

AnyTask = TypeVar("AnyTask")
AnyResult = TypeVar("AnyResult")


@dataclass(frozen=True, slots=True)
class Batch:
    """Sequences to be performed: the `number`-th of a seed; None is a replay of kept ones."""

    subject: Subject[Any, Any]
    config: Config
    seed: str
    number: int | None
    seconds: float
    first: tuple[Operations, ...] = ()
    known: frozenset[str] = frozenset()
    covered: frozenset[int] | None = None


@dataclass(slots=True)
class Progress:
    """How far a hunt is.

    Attributes:
        batches, operations, sequences: done in this hunt.
        seconds: since it began.
        covered, gained: instructions that ran in all hunts; for the first time in this one.
        found: files of the failures seen in this hunt, with whether they are new.
        disturbed: what came from outside, a line each; what was under way was tried once more.
        given_up: why the hunt ended early: that was disturbed as well.
    """

    batches: int = 0
    operations: int = 0
    sequences: int = 0
    seconds: float = 0.0
    covered: int = 0
    gained: int = 0
    found: dict[Path, bool] = field(default_factory=dict)
    disturbed: list[str] = field(default_factory=list)
    given_up: str = ""

    @property
    def per_minute(self) -> float:
        """Operations per minute."""
        return self.operations * 60 / self.seconds if self.seconds else 0.0


def work(task: Batch) -> SearchResult:
    """Perform a batch, in whatever process.

    Raises:
        RingbenchError: the machine cannot be started.
    """
    chunks = 0 if task.number is None else CHUNKS
    seed = f"{task.seed}/{task.number}"
    begin = partial(search, task.subject, chunks=chunks, first=task.first, known=task.known)
    if task.covered is None:
        return begin(task.config, seed, task.seconds)
    with guarded_folder("hunt") as (folder, _):
        machine = replace(task.config.machine, translations=folder, branches=False)
        config = replace(task.config, machine=machine)
        logs = TranslationLogs(folder, config.kernel.elf, discard=True)
        return begin(config, seed, task.seconds, coverage=logs.new, covered=task.covered)


def performed(
    executor: Executor,
    jobs: int,
    work: Callable[[AnyTask], AnyResult],
    tasks: Iterator[AnyTask],
    deadline: Deadline,
) -> Iterator[tuple[AnyTask, AnyResult] | tuple[None, None]]:
    """Yield each task with its result as they come, `jobs` at a time, and None every second.

    No task is begun after the deadline.

    Raises:
        RingbenchError: whatever a task raises.
    """
    under_way: dict[Future[AnyResult], AnyTask] = {}
    while True:
        while len(under_way) < jobs and not deadline.expired:
            task = next(tasks, None)
            if task is None:
                break
            under_way[executor.submit(work, task)] = task
        if not under_way:
            return
        done, _ = wait(under_way, timeout=1.0, return_when=FIRST_COMPLETED)
        for future in done:
            yield under_way.pop(future), future.result()
        yield None, None


class Campaign:
    """A hunt under way."""

    def __init__(
        self,
        subject: Subject[Any, Any],
        config: Config,
        corpus: Corpus,
        seed: int,
        *,
        fixed: Iterable[str] = (),
        coverage: bool = True,
    ) -> None:
        """Make one.

        Args:
            subject: whose kernel.
            config: the machine.
            corpus: where it leaves what it finds.
            seed: what the batches are made from.
            fixed: words of the machine that do not change from batch to batch.
            coverage: whether to look which code runs.
        """
        self.progress = Progress()
        self._subject = subject
        self._config = config
        self._corpus = corpus
        self._seed = str(seed)
        self._fixed = frozenset(fixed)
        self._coverage = coverage
        self._kernel = build_id(config.kernel.elf)
        self._known: set[str] = set()
        state = corpus.state
        if state.kernel != self._kernel:
            state.kernel, state.covered = self._kernel, []
        self._covered = set(state.covered)
        self._covered_before = len(self._covered)

    def run(
        self,
        executor: Executor,
        jobs: int,
        seconds: float,
        report: Callable[[Progress], None],
        batches: int | None = None,
    ) -> Progress:
        """Perform batches until the time is over, or so many; the corpus is up to date after each.

        It ends early if a sequence was disturbed from outside twice, as the progress says.

        Raises:
            RingbenchError: a machine cannot be started, or the corpus not be written.
        """
        deadline = Deadline(seconds)
        for task, result in performed(
            executor, jobs, work, self._tasks(deadline, batches), deadline
        ):
            if task is not None and result is not None:
                self._record(task, result)
            self.progress.seconds = seconds - deadline.remaining()
            report(self.progress)
            if self.progress.given_up:
                break
        return self.progress

    def _tasks(self, deadline: Deadline, batches: int | None) -> Iterator[Batch]:
        """What to do, in order: first all kept sequences, then the batches that are not done."""
        by_machine: dict[tuple[tuple[str, str], ...], list[Operations]] = defaultdict(list)
        for script in self._corpus.scripts():
            by_machine[tuple(script.machine.items())].append(script.operations)
        for machine, sequences in by_machine.items():
            config = with_machine(self._config, dict(machine))
            for start in range(0, len(sequences), REPLAYED):
                first = tuple(sequences[start : start + REPLAYED])
                yield self._task(config, None, deadline, first)
        state, machines = self._corpus.state, self._subject.machines
        open_ = (number for number in count() if not state.done(self._seed, number))
        for number in islice(open_, batches):
            words = machines[number % len(machines)]
            free = {key: word for key, word in words.items() if key not in self._fixed}
            yield self._task(with_machine(self._config, free), number, deadline)

    def _task(
        self,
        config: Config,
        number: int | None,
        deadline: Deadline,
        first: tuple[Operations, ...] = (),
    ) -> Batch:
        covered = frozenset(self._covered) if self._coverage else None
        return Batch(
            self._subject,
            config,
            self._seed,
            number,
            deadline.remaining(),
            first,
            frozenset(self._known),
            covered,
        )

    def _record(self, task: Batch, result: SearchResult) -> None:
        """Put a result into the corpus."""
        corpus, state, progress = self._corpus, self._corpus.state, self.progress
        machine = machine_words(task.config)
        where = "replayed" if task.number is None else f"batch {task.number}"
        note = f"seed {self._seed}, {where}; kernel {self._kernel}"
        for failure in result.failures:
            script = failure_script(failure, machine, note)
            path, is_new = corpus.keep_failure(failure.key, script)
            progress.found.setdefault(path, is_new)
            self._known |= {failure.key, *failure.faces}
        if result.covered - self._covered and task.number is not None:
            about = (f"ran code that had not run before; {note}",)
            corpus.keep_interesting(Script(each, machine, about) for each in result.interesting)
        self._covered |= result.covered
        if task.number is not None and result.complete:
            state.batches.setdefault(self._seed, []).append(task.number)
        state.operations += result.operations
        state.sequences += result.sequences
        state.covered = sorted(self._covered)
        corpus.save()
        progress.disturbed += result.disturbed
        progress.given_up = progress.given_up or result.given_up
        progress.batches += task.number is not None
        progress.operations += result.operations
        progress.sequences += result.sequences
        progress.covered = len(self._covered)
        progress.gained = len(self._covered) - self._covered_before
