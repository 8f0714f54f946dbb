"""The kernel as a hypothesis state machine: rules perform operations on kernel and model at once.

A step performs several operations, each decided by a few bytes (`byte_random.py`): what hypothesis
draws per step costs it more than the operation costs kernel and model together, so a step does more
than one. Should hypothesis shrink, it takes whole steps away, then operations within a step - bytes
that begin with zero are none - then makes the remaining bytes smaller.

The model performs an operation while the sequence is being drawn, so that every one fits the state
that it meets; the kernel follows some operations behind, and whatever it does differently ends the
sequence.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from functools import partial
from random import Random
from typing import Any, Final

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from ringbench.engine.hunt.byte_random import LENGTH, ByteRandom
from ringbench.engine.runner import AnyRunner, Failure, Violation
from ringbench.errors import MachineError

BURST: Final = 8
"""Operations a step."""

DECISIONS: Final = st.binary(min_size=LENGTH, max_size=LENGTH)
"""What decides one operation."""

BURSTS: Final = st.tuples(*[DECISIONS] * BURST)

SORTS: Final = 7
"""Sorts of steps: five of one or two layers, one of all, one of nothing but mistakes."""

STEPS: Final = st.integers(0, (1 << 16) - 1)
"""Which sort a step is of, and which layers."""

WHOLE: Final = st.sampled_from((False,) * 11 + (True,))
DRAINED: Final = st.sampled_from((False,) * 3 + (True,))

SETTINGS: Final = settings(
    max_examples=30,
    stateful_step_count=30,
    phases=(Phase.generate,),
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
"""How hypothesis runs it: 150 operations a sequence or so, and no shrinking of its own."""

Burst = tuple[bytes, ...]
Stop = Callable[[], bool]
Draw = Callable[[Random, Any, Sequence[str]], Any]


class Findings:
    """The failure that hypothesis runs into; further ones, and those of known causes, do not count.

    Attributes:
        first: the failure, as short as it was seen.
        disturbance: what came from outside, and ended it; no sequence is performed after that.
    """

    def __init__(self, known: Container[str] = ()) -> None:
        self.first: Failure | None = None
        self.disturbance: MachineError | None = None
        self._known = known

    def add(self, failure: Failure) -> bool:
        """Note a failure; whether it counts: one cause at a time is shrunk, and reported."""
        if failure.key in self._known:
            return False
        if self.first is None:
            self.first = failure
        if failure.key == self.first.key:
            self.first = min(self.first, failure, key=lambda each: len(each.operations))
            return True
        return False


def step_of(number: int, layers: Sequence[str]) -> tuple[Sequence[str], bool]:
    """Return which layers a step is of, and whether it has nothing but mistakes."""
    number, sort = divmod(number, SORTS)
    if sort >= SORTS - 2:
        return layers, sort == SORTS - 1
    second, first = divmod(number, len(layers))
    chosen = layers[first], layers[second % len(layers)]
    return tuple(dict.fromkeys(chosen)), False


class KernelMachine(RuleBasedStateMachine):
    """Operations through one runner; `on` makes the class that hypothesis runs."""

    runner: AnyRunner
    findings: Findings
    stop: Stop
    """Says when no sequence is to be performed any more."""
    over = False
    """Whether the sequence has ended: a cause that is known already is not shrunk again."""
    drained = whole = False

    def __init__(self) -> None:
        super().__init__()
        self.over = self.stop() or self.findings.disturbance is not None
        self._stop_if_wrong(self.runner.begin)

    @initialize(drained=DRAINED, whole=WHOLE)
    def finally_(self, drained: bool, whole: bool) -> None:
        """Decide how the sequence ends: all given back first, compared by all witnesses."""
        self.drained, self.whole = drained, whole

    @rule(number=STEPS, burst=BURSTS)
    def step(self, number: int, burst: Burst) -> None:
        """Perform a burst of operations of one layer, of two, or of all; or mistakes alone."""
        subject = self.runner.subject
        layers, mistaken = step_of(number, subject.layers)
        drawn = subject.draw_mistake if mistaken else subject.draw
        for decisions in burst:
            if decisions[0]:
                random = ByteRandom(decisions[1:])
                self._stop_if_wrong(partial(self._perform, random, layers, drawn))

    def teardown(self) -> None:
        """Compare everything."""
        if self.drained:
            self._stop_if_wrong(self.runner.drain)
        self._stop_if_wrong(lambda: self.runner.compare(whole=self.whole))

    def _perform(self, random: Random, layers: Sequence[str], drawn: Draw) -> None:
        self.runner.perform(drawn(random, self.runner.state, layers))

    def _stop_if_wrong(self, perform: Callable[[], object]) -> None:
        if self.over:
            return
        try:
            perform()
        except Violation as violation:
            self.over = True
            if self.findings.add(violation.failure):
                raise
        except MachineError as error:  # raised here, hypothesis would try it again
            if not error.outside:
                raise
            self.over = True
            self.findings.disturbance = error


def never() -> bool:
    """Say no: the default of who may stop."""
    return False


def on(runner: AnyRunner, findings: Findings, stop: Stop = never) -> type[KernelMachine]:
    """Return the state machine for a runner; once `stop` says so, it performs nothing more."""
    given = {"runner": runner, "findings": findings, "stop": staticmethod(stop)}
    return type("Kernel", (KernelMachine,), given)
