"""The kernel as a hypothesis state machine: rules perform operations on kernel and model at once.

A rule performs several operations, each decided by a few bytes (`genes.py`): what hypothesis draws
per step costs it more than the operation costs kernel and model together, so a step does more than
one. Should hypothesis shrink, it takes whole steps away, then operations within a step - a gene
that begins with zero is none - then makes the remaining bytes smaller.

The model performs an operation while the sequence is being drawn, so that every one fits the state
that it meets; the kernel follows some operations behind, and whatever it does differently ends the
sequence.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from functools import partial
from random import Random
from typing import Final

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from ringbench.engine.hunt.byte_random import LENGTH, Genes
from ringbench.engine.result import LAYERS
from ringbench.engine.runner import Failure, Stage, Violation
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.operations import Operation
from ringbench.subjects.reference.workload.misuse import misuse
from ringbench.subjects.reference.workload.mixture import draw

BURST: Final = 8
"""Operations a step."""

GENE: Final = st.binary(min_size=LENGTH, max_size=LENGTH)
GENES: Final = st.tuples(*[GENE] * BURST)

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
Draw = Callable[[Random, KernelState, Sequence[str]], Operation]


class Findings:
    """The failure that hypothesis runs into; further ones, and those of known causes, do not count.

    Attributes:
        first: the failure, as short as it was seen.
    """

    def __init__(self, known: Container[str] = ()) -> None:
        self.first: Failure | None = None
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


class KernelMachine(RuleBasedStateMachine):
    """Operations on one stage; `on` makes the class that hypothesis runs."""

    stage: Stage
    findings: Findings
    stop: Stop
    """Says when no sequence is to be performed any more."""
    over = False
    """Whether the sequence has ended: a cause that is known already is not shrunk again."""
    drained = whole = False

    def __init__(self) -> None:
        super().__init__()
        self.over = self.stop()
        self._stop_if_wrong(self.stage.begin)

    @initialize(drained=DRAINED, whole=WHOLE)
    def finally_(self, drained: bool, whole: bool) -> None:
        """Decide how the sequence ends: all given back first, compared by all witnesses."""
        self.drained, self.whole = drained, whole

    @rule(genes=GENES)
    def pmm(self, genes: Burst) -> None:
        """Physical frames."""
        self._perform(genes, ("pmm",))

    @rule(genes=GENES)
    def paging(self, genes: Burst) -> None:
        """Bare roots."""
        self._perform(genes, ("paging",))

    @rule(genes=GENES)
    def vmm(self, genes: Burst) -> None:
        """Regions of all spaces, and what is in their pages."""
        self._perform(genes, ("vmm",))

    @rule(genes=GENES)
    def heap(self, genes: Burst) -> None:
        """The kernel heap."""
        self._perform(genes, ("heap",))

    @rule(genes=GENES)
    def task(self, genes: Burst) -> None:
        """Tasks, and what their spaces hold."""
        self._perform(genes, ("task", "vmm"))

    @rule(genes=GENES)
    def all_layers(self, genes: Burst) -> None:
        """Everything mixed."""
        self._perform(genes, LAYERS)

    @rule(genes=GENES)
    def mistakes(self, genes: Burst) -> None:
        """Nothing but misuse."""
        self._perform(genes, LAYERS, misuse)

    def teardown(self) -> None:
        """Compare everything."""
        if self.drained:
            self._stop_if_wrong(self.stage.drain)
        self._stop_if_wrong(lambda: self.stage.compare(whole=self.whole))

    def _perform(self, genes: Burst, layers: tuple[str, ...], drawn: Draw = draw) -> None:
        for gene in genes:
            if gene[0]:
                self._stop_if_wrong(partial(self._one, Genes(gene[1:]), layers, drawn))

    def _one(self, random: Random, layers: tuple[str, ...], drawn: Draw) -> None:
        self.stage.perform(drawn(random, self.stage.state, layers))

    def _stop_if_wrong(self, perform: Callable[[], object]) -> None:
        if self.over:
            return
        try:
            perform()
        except Violation as violation:
            self.over = True
            if self.findings.add(violation.failure):
                raise


def never() -> bool:
    """Say no: the default of who may stop."""
    return False


def on(stage: Stage, findings: Findings, stop: Stop = never) -> type[KernelMachine]:
    """Return the state machine for a stage; once `stop` says so, it performs nothing more."""
    given = {"stage": stage, "findings": findings, "stop": staticmethod(stop)}
    return type("Kernel", (KernelMachine,), given)
