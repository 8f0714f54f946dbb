"""A search by sequences of both kinds on one machine, for a time or a number of them.

    result = search(subject, config, seed=1, seconds=10)
    for caught in result.caught: ...

Sequences come in chunks, one of hypothesis and one of the long random ones in turn. A chunk is
made from the seed and its number alone, so that searches of the same seed perform the same
sequences on the same machine, as far as they get.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import Any, Final

from hypothesis import Verbosity, errors, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from ringbench.config import Config
from ringbench.engine.caught import Caught
from ringbench.engine.disturbed import first_line, try_twice
from ringbench.engine.hunt.explore import explore
from ringbench.engine.hunt.state_machine import SETTINGS, Findings, on
from ringbench.engine.reduce import locate, shrink
from ringbench.engine.runner import (
    AnyRunner,
    Coverage,
    Failure,
    Operations,
    Runner,
    Violation,
)
from ringbench.errors import MachineError
from ringbench.machine import Deadline
from ringbench.subject import OperationT, StateT, Subject

CHUNK: Final = 10
"""Sequences of one kind before it is the other's turn."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search did and found.

    Attributes:
        operations: performed in all sequences, those of shrinking included.
        sequences: from boot on, those of shrinking included.
        failures: one for each cause, the smallest sequence of each.
        interesting: sequences that ran code which none before had.
        covered: addresses of the code that ran, if that was asked for.
        complete: whether it came to its end, and not only to that of its time.
        disturbed: what came from outside, a line each; what was under way was tried once more.
        given_up: why the search ended early: that was disturbed as well.
    """

    operations: int
    sequences: int
    failures: tuple[Failure, ...] = ()
    interesting: tuple[Operations, ...] = ()
    covered: frozenset[int] = frozenset()
    complete: bool = True
    disturbed: tuple[str, ...] = ()
    given_up: str = ""

    @property
    def caught(self) -> tuple[Caught, ...]:
        """What was seen, one of each cause."""
        return tuple(failure.caught for failure in self.failures)


def search(
    subject: Subject[StateT, OperationT],
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
) -> SearchResult:
    """Perform sequences until the time is over, or `chunks` are done.

    Args:
        subject: whose kernel.
        config: its machine.
        seed: with the same one, a search performs the same sequences.
        seconds: after which no sequence is begun; shrinking may take longer.
        chunks: how many of ten sequences each.
        shrink: make what fails smaller; if not, the search ends with the first failure.
        first: sequences to begin with.
        known: keys of failures that are not to be made smaller any more.
        coverage: where to learn which code ran.
        covered: addresses of code that has run in earlier searches.

    Raises:
        RingbenchError: no kernel can be started.
    """
    with Runner(subject, config, coverage or set, covered) as runner:
        under_way = _Search(runner, str(seed), Deadline(seconds), known, shrink=shrink)
        number, given_up = 0, ""
        try:
            under_way.play(first)
            while number != chunks and not under_way.finished:
                under_way.chunk(number)
                number += 1
        except MachineError as error:
            if not error.outside:
                raise
            given_up = first_line(error)
            runner.operations = []
        runner.note_coverage()
        return SearchResult(
            runner.performed,
            runner.sequences,
            tuple(under_way.failures.values()),
            tuple(runner.interesting),
            frozenset(runner.covered),
            complete=number == chunks and not under_way.cut,
            disturbed=tuple(runner.disturbed),
            given_up=given_up,
        )


class _Search:
    """A search under way.

    Attributes:
        failures: cause -> the smallest sequence that shows it.
        cut: whether time was over before the search was.
    """

    def __init__(
        self,
        runner: AnyRunner,
        seed: str,
        deadline: Deadline,
        known: Iterable[str],
        *,
        shrink: bool,
    ) -> None:
        self.failures: dict[str, Failure] = {}
        self.cut = False
        self._runner = runner
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
            failure = self._runner.play(operations)
            if failure is not None:
                self._found(failure)

    def chunk(self, number: int) -> None:
        """Perform the sequences of a chunk: even ones random, odd ones of hypothesis."""
        random = Random(f"{self._seed}:{number}")
        if number % 2:
            failure = self._twice(partial(self._hypothesize, random.getrandbits(64)))
            if failure is not None:
                self._found(failure)
            return
        for _ in range(CHUNK):
            if self.finished:
                break
            failure = self._twice(partial(self._explore, random, random.getstate()))
            if failure is not None:
                self._found(failure)

    def _twice(self, attempt: Callable[[], Failure | None]) -> Failure | None:
        return try_twice(attempt, self._runner.renew, self._runner.disturbed)

    def _explore(self, random: Random, state: Any) -> Failure | None:
        """Perform a random sequence, the one of this state of the random source."""
        random.setstate(state)
        try:
            explore(self._runner, random, self._expired)
        except Violation as violation:
            return violation.failure
        return None

    def _hypothesize(self, number: int) -> Failure | None:
        """Perform hypothesis's sequences, those of a number."""
        findings = Findings(self._known)
        with suppress(Violation, errors.Flaky):  # what came first is in the findings
            run_state_machine_as_test(
                seed(number)(on(self._runner, findings, self._expired)),
                settings=settings(SETTINGS, max_examples=CHUNK, verbosity=Verbosity.quiet),
            )
        if findings.first is None and findings.disturbance is not None:
            raise findings.disturbance
        return findings.first

    def _found(self, failure: Failure) -> None:
        """Keep a failure, under the name of the first thing that goes wrong, as small as it gets.

        What is seen first is often a late effect, which has many faces: each cause is made smaller
        once, and what is seen of it meanwhile is not taken for another one.
        """
        if not self._shrink:
            self.failures.setdefault(failure.key, failure)
            return
        if failure.key in self._known:
            return
        located = locate(self._runner, failure)
        is_known = located.key in self._known
        self._known |= {failure.key, located.key}
        if is_known:
            return
        smallest = shrink(self._runner, located)
        caught = replace(smallest.caught, after=failure.caught.after)
        self.failures[located.key] = replace(smallest, caught=caught)
        self._known |= smallest.faces
