"""One round of the hunt: sequences of both kinds on one machine, for a time or a number of them.

    result = round_(config, seed=1, seconds=10)
    for caught in result.caught: ...

Sequences come in chunks, one of hypothesis and one of the long random ones in turn. A chunk is
made from the seed and its number alone, so that rounds of the same seed perform the same sequences
on the same machine, as far as they get.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from hypothesis import Verbosity, errors, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from ringbench.config import Config
from ringbench.engine.caught import Caught
from ringbench.engine.hunt.explore import explore
from ringbench.engine.hunt.state_machine import SETTINGS, Findings, on
from ringbench.engine.reduce import locate, shrink
from ringbench.engine.runner import Coverage, Failure, Operations, Stage, Violation
from ringbench.machine import Deadline

CHUNK: Final = 10
"""Sequences of one kind before it is the other's turn."""


@dataclass(frozen=True, slots=True)
class RoundResult:
    """What a round did and found.

    Attributes:
        operations: performed in all sequences, those of shrinking included.
        sequences: from boot on, those of shrinking included.
        failures: one for each cause, the smallest sequence of each.
        interesting: sequences that ran code which none before had.
        covered: addresses of the code that ran, if that was asked for.
        complete: whether it came to its end, and not only to that of its time.
    """

    operations: int
    sequences: int
    failures: tuple[Failure, ...] = ()
    interesting: tuple[Operations, ...] = ()
    covered: frozenset[int] = frozenset()
    complete: bool = True

    @property
    def examples(self) -> int:
        """Another word for sequences."""
        return self.sequences

    @property
    def caught(self) -> tuple[Caught, ...]:
        """What was seen, one of each cause."""
        return tuple(failure.caught for failure in self.failures)


def round_(
    config: Config,
    seed: object,
    seconds: float,
    *,
    chunks: int | None = None,
    shrink: bool = True,
    first: Iterable[Operations] = (),
    known: Iterable[str] = (),
    coverage: Coverage | None = None,
    covered: Iterable[int] = (),
) -> RoundResult:
    """Perform sequences until the time is over, or `chunks` are done.

    Args:
        config: the machine.
        seed: with the same one, a round performs the same sequences.
        seconds: after which no sequence is begun; shrinking may take longer.
        chunks: how many of ten sequences each.
        shrink: make what fails smaller; if not, the round ends with the first failure.
        first: sequences to begin with.
        known: keys of failures that are not to be made smaller any more.
        coverage: where to learn which code ran.
        covered: addresses of code that has run in earlier rounds.

    Raises:
        RingbenchError: the machine cannot be started.
    """
    with Stage(config, coverage or set, covered) as stage:
        hunter = _Hunter(stage, str(seed), Deadline(seconds), known, shrink=shrink)
        hunter.play(first)
        number = 0
        while number != chunks and not hunter.finished:
            hunter.chunk(number)
            number += 1
        stage.note_coverage()
        return RoundResult(
            stage.performed,
            stage.sequences,
            tuple(hunter.failures.values()),
            tuple(stage.interesting),
            frozenset(stage.covered),
            complete=number == chunks and not hunter.cut,
        )


class _Hunter:
    """A round under way.

    Attributes:
        failures: cause -> the smallest sequence that shows it.
        cut: whether time was over before the round was.
    """

    def __init__(
        self, stage: Stage, seed: str, deadline: Deadline, known: Iterable[str], *, shrink: bool
    ) -> None:
        self.failures: dict[str, Failure] = {}
        self.cut = False
        self._stage = stage
        self._seed = seed
        self._deadline = deadline
        self._known = set(known)
        self._shrink = shrink

    @property
    def finished(self) -> bool:
        """Whether no sequence may be begun any more."""
        return (bool(self.failures) and not self._shrink) or self._expired()

    def _expired(self) -> bool:
        self.cut = self.cut or self._deadline.expired
        return self.cut

    def play(self, sequences: Iterable[Operations]) -> None:
        """Perform given sequences."""
        for operations in sequences:
            if self.finished:
                break
            failure = self._stage.play(operations)
            if failure is not None:
                self._found(failure)

    def chunk(self, number: int) -> None:
        """Perform the sequences of a chunk: even ones random, odd ones of hypothesis."""
        random = Random(f"{self._seed}:{number}")
        if number % 2:
            self._hypothesize(random.getrandbits(64))
            return
        for _ in range(CHUNK):
            if self.finished:
                break
            try:
                explore(self._stage, random, self._expired)
            except Violation as violation:
                self._found(violation.failure)

    def _hypothesize(self, number: int) -> None:
        findings = Findings(self._known)
        with suppress(Violation, errors.Flaky):  # what came first is in the findings
            run_state_machine_as_test(
                seed(number)(on(self._stage, findings, self._expired)),
                settings=settings(SETTINGS, max_examples=CHUNK, verbosity=Verbosity.quiet),
            )
        if findings.first is not None:
            self._found(findings.first)

    def _found(self, failure: Failure) -> None:
        """Keep a failure, under the name of the first thing that goes wrong, as small as it gets.

        What is seen first is often a late effect, which has many faces.
        """
        if not self._shrink:
            self.failures.setdefault(failure.key, failure)
            return
        if failure.key in self._known:
            return
        self._known.add(failure.key)
        located = locate(self._stage, failure)
        if located.key in self.failures:
            return
        smallest = shrink(self._stage, located)
        caught = replace(smallest.caught, after=failure.caught.after)
        self.failures[located.key] = replace(smallest, caught=caught)
        self._known.add(located.key)
