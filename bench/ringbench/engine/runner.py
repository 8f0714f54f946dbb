"""A machine that begins every sequence as just booted, with the model beside it.

The machine is booted once, frozen, and put back for each sequence, in milliseconds. Operations go
through the ring: the model performs one at once, the kernel many at a time, while the model goes
on. Whatever is seen to be wrong ends the sequence as a `Violation`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

from ringbench.config import Config
from ringbench.engine.caught import Caught
from ringbench.engine.lockstep import Diverged, Lockstep
from ringbench.errors import Ended, MachineError
from ringbench.machine import Machine
from ringbench.machine.snapshot import Snapshot
from ringbench.subjects.reference.drive.ring import RingChannel
from ringbench.subjects.reference.model.kernel import Unpredictable
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.operations import Operation
from ringbench.subjects.reference.workload import drain

CHECK: Final = "hunt"

BATCH: Final = 64
"""Operations that the model is ahead of the kernel."""

Operations = tuple[Operation, ...]

Coverage = Callable[[], set[int]]
"""Returns the addresses of kernel code that ran for the first time since it was last asked."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A sequence of operations that shows a kernel to be wrong.

    Attributes:
        caught: what was seen.
        operations: the sequence from boot on; the last one, as a rule, is the one that went wrong.
        whole: whether it takes a `look`, with the other witnesses, to see it.
        repeats: whether it failed again when it was performed once more.
    """

    caught: Caught
    operations: Operations
    whole: bool = False
    repeats: bool = True

    @property
    def key(self) -> str:
        """What is the same for two failures of one cause."""
        return self.caught.key


class Violation(Exception):
    """The kernel was seen to be wrong."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure.caught))
        self.failure = failure


class _Booted(NamedTuple):
    """What belongs to one boot."""

    machine: Machine
    snapshot: Snapshot
    lockstep: Lockstep
    ring: RingChannel


class Stage:
    """One configuration's machine; a context manager.

    Attributes:
        operations: those of the sequence that is under way.
        performed: how many there were in all sequences.
        sequences: how many sequences there were.
        covered: addresses of kernel code that ran.
        interesting: sequences in which code ran that had not run before.
    """

    def __init__(
        self, config: Config, coverage: Coverage = set, covered: Iterable[int] = ()
    ) -> None:
        self.config = config
        self.operations: list[Operation] = []
        self.performed = 0
        self.sequences = 0
        self.covered = set(covered)
        self.interesting: list[Operations] = []
        self._coverage = coverage
        self._booted: _Booted | None = None
        self._ring: RingChannel | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End the machine."""
        booted, self._booted, self._ring = self._booted, None, None
        if booted is not None:
            booted.machine.close()

    @property
    def lockstep(self) -> Lockstep:
        """Model and machine; there once a sequence has begun."""
        assert self._booted is not None, "begin comes first"
        return self._booted.lockstep

    @property
    def state(self) -> KernelState:
        """What the model says the kernel holds."""
        return self.lockstep.state

    def begin(self) -> None:
        """Start a sequence: the machine is as just booted.

        Raises:
            Violation: the kernel does not come up, or not as the model has it.
            RingbenchError: the machine cannot be started at all.
        """
        self.note_coverage()
        self.operations = []
        self.sequences += 1
        self._ring = None
        try:
            self._restore()
            assert self._booted is not None
            # It is never left: what follows is the next restore.
            self._ring = self._booted.ring.__enter__()
        except Ended as error:
            raise self._ended(error) from error

    def note_coverage(self) -> None:
        """Look which code has run; the sequence is `interesting` if it ran any for the first time.

        Raises:
            RingbenchError: coverage cannot be had.
        """
        gained = self._coverage() - self.covered
        self.covered |= gained
        if gained and self.operations:
            self.interesting.append(tuple(self.operations))

    def _restore(self) -> None:
        if self._booted is not None:
            with suppress(MachineError):  # gone, or past restoring: another is booted
                machine, snapshot, lockstep, _ = self._booted
                machine.restore(snapshot)
                lockstep = Lockstep(machine, lockstep.inspector, lockstep.booted)
                self._booted = self._booted._replace(lockstep=lockstep)
                return
            self.close()
        machine = Machine.start(self.config)
        try:
            machine.command("echo off")
            lockstep = Lockstep(machine)
            self._see(lockstep, "after boot", whole=True)
            ring = RingChannel(machine, *lockstep.inspector.ring())
            self._booted = _Booted(machine, machine.freeze(), lockstep, ring)
        except BaseException:
            machine.close()
            raise

    def perform(self, operation: Operation) -> bool:
        """Perform an operation, on the model at once; whether the model can tell what it does.

        Raises:
            Violation: an operation, this one or one shortly before it, went wrong.
            ValueError: no request can hold it.
        """
        try:
            self.lockstep.predict(operation)
        except Unpredictable:
            return False
        self.operations.append(operation)
        self.performed += 1
        if len(self.lockstep.predicted) >= BATCH:
            self._through_ring(lambda ring: self.lockstep.hand_over(ring))
        return True

    def compare(self, *, whole: bool = False) -> None:
        """Let the kernel catch up, and compare all of memory; `whole`: with the other witnesses.

        Raises:
            Violation: something is not as predicted.
        """

        def everything(ring: RingChannel) -> None:
            self.lockstep.hand_over(ring)
            self.lockstep.collect(ring)
            self._see(self.lockstep, f"after operation {len(self.operations)}", whole=whole)

        self._through_ring(everything)

    def drain(self) -> None:
        """Give everything back.

        Raises:
            Violation: as for `perform`.
        """
        while (operation := drain(self.state)) is not None:
            self.perform(operation)

    def play(self, operations: Iterable[Operation], *, whole: bool = False) -> Failure | None:
        """Perform a sequence from boot on; how it fails, if it does.

        What the model cannot predict is left out.

        Raises:
            RingbenchError: the machine cannot be started.
        """
        try:
            self.begin()
            for operation in operations:
                self.perform(operation)
            self.compare(whole=whole)
        except Violation as violation:
            return violation.failure
        return None

    def _see(self, lockstep: Lockstep, when: str, *, whole: bool) -> None:
        try:
            if whole:
                lockstep.look(when, self._ring)
            else:
                lockstep.glance(when)
        except Diverged as error:
            raise self._violation(lockstep, len(self.operations), whole=whole) from error

    def _through_ring(self, perform: Callable[[RingChannel], object]) -> None:
        assert self._ring is not None, "begin comes first"
        try:
            perform(self._ring)
        except Diverged as error:
            raise self._violation(self.lockstep, self.lockstep.steps) from error
        except Ended as error:
            raise self._ended(error) from error

    def _violation(self, lockstep: Lockstep, after: int, *, whole: bool = False) -> Violation:
        caught = Caught(CHECK, self.performed, tuple(lockstep.mismatches))
        return Violation(Failure(caught, tuple(self.operations[:after]), whole))

    def _ended(self, error: Ended) -> Violation:
        caught = Caught.by_ending(CHECK, self.performed, error)
        return Violation(Failure(caught, tuple(self.operations)))
