"""A kernel that begins every sequence as just booted, with the model beside it.

The kernel is booted once, frozen, and put back for each sequence, in milliseconds. Operations go
through the subject's fastest channel: the model performs one at once, the kernel many at a time,
while the model goes on. Whatever is seen to be wrong ends the sequence as a `Violation`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Generic, NamedTuple, Self

from ringbench.config import Config
from ringbench.drive.channel import AnyOperation, Channel
from ringbench.engine.caught import Caught
from ringbench.engine.disturbed import first_line, try_twice
from ringbench.engine.lockstep import Diverged, Lockstep
from ringbench.engine.watched import watched
from ringbench.errors import BootTimeout, Ended, MachineError
from ringbench.subject import Kernel, OperationT, StateT, Subject, Unpredictable

CHECK: Final = "hunt"

BATCH: Final = 64
"""Operations that the model is ahead of the kernel, where the channel takes as many at a time."""

Operations = tuple[AnyOperation, ...]
"""A sequence from boot on; of one subject."""

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
        faces: keys of other failures that were met while it was made smaller: by parts of the same
            sequence, so that they are other faces of one cause.
    """

    caught: Caught
    operations: Operations
    whole: bool = False
    repeats: bool = True
    faces: frozenset[str] = frozenset()

    @property
    def key(self) -> str:
        """What is the same for two failures of one cause."""
        return self.caught.key


class Violation(Exception):
    """The kernel was seen to be wrong."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure.caught))
        self.failure = failure


class _Booted(NamedTuple, Generic[StateT, OperationT]):
    """A kernel that was frozen after its boot, and the sequence that is under way on it."""

    kernel: Kernel[StateT, OperationT]
    lockstep: Lockstep[StateT, OperationT]


class Runner(Generic[StateT, OperationT]):
    """Performs sequences on the kernels of one configuration; a context manager.

    Attributes:
        subject, config: what is booted.
        operations: those of the sequence that is under way.
        performed: how many there were in all sequences.
        sequences: how many sequences there were.
        covered: addresses of kernel code that ran.
        interesting: sequences in which code ran that had not run before.
        disturbed: what came from outside, a line each.
    """

    def __init__(
        self,
        subject: Subject[StateT, OperationT],
        config: Config,
        coverage: Coverage = set,
        covered: Iterable[int] = (),
    ) -> None:
        self.subject = subject
        self.config = config
        self.operations: list[OperationT] = []
        self.performed = 0
        self.sequences = 0
        self.covered = set(covered)
        self.interesting: list[Operations] = []
        self.disturbed: list[str] = []
        self._coverage = coverage
        self._booted: _Booted[StateT, OperationT] | None = None
        self._channel: Channel[OperationT] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End the kernel."""
        booted, self._booted, self._channel = self._booted, None, None
        if booted is not None:
            booted.kernel.close()

    @property
    def lockstep(self) -> Lockstep[StateT, OperationT]:
        """Model and kernel; there once a sequence has begun."""
        assert self._booted is not None, "begin comes first"
        return self._booted.lockstep

    @property
    def state(self) -> StateT:
        """What the model says the kernel holds."""
        return self.lockstep.state

    def begin(self) -> None:
        """Start a sequence: the kernel is as just booted.

        Raises:
            Violation: the kernel does not come up, or not as the model has it.
            RingbenchError: no kernel can be started at all.
        """
        self.note_coverage()
        self.operations = []
        self.sequences += 1
        self._channel = None
        try:
            kernel = self._restored()
            # The block is never left: what follows is the next restore.
            self._channel = kernel.channel(self.subject.channels[-1]).__enter__()
        except Ended as error:
            raise self._ended(error) from error

    def renew(self) -> None:
        """Begin on a new kernel; what the sequence under way had is forgotten."""
        self.operations = []
        self.close()

    def note_coverage(self) -> None:
        """Look which code has run; the sequence is `interesting` if it ran any for the first time.

        Raises:
            RingbenchError: coverage cannot be had.
        """
        gained = self._coverage() - self.covered
        self.covered |= gained
        if gained and self.operations:
            self.interesting.append(tuple(self.operations))

    def _restored(self) -> Kernel[StateT, OperationT]:
        """Return the kernel as just booted, with a new lockstep: the one there is, or another."""
        if self._booted is not None:
            kernel = self._booted.kernel
            try:
                kernel.restore()
            except MachineError as error:  # gone, or past restoring: another is booted
                if error.outside:
                    self.disturbed.append(f"{first_line(error)}; another machine was started")
                self.close()
            else:
                self._booted = _Booted(kernel, Lockstep(self.subject, kernel))
                return kernel
        kernel = self._started()
        try:
            lockstep = Lockstep(self.subject, kernel)
            self._see(lockstep, "after boot", whole=True)
            kernel.freeze()
        except BaseException:
            kernel.close()
            raise
        self._booted = _Booted(kernel, lockstep)
        return kernel

    def _started(self) -> Kernel[StateT, OperationT]:
        """Boot a kernel; once more if it takes too long, for the machine may have been busy."""
        try:
            return self.subject.start(self.config)
        except BootTimeout as error:
            self.disturbed.append(f"{first_line(error)}; it was booted once more")
        return self.subject.start(self.config)

    def perform(self, operation: OperationT) -> bool:
        """Perform an operation, on the model at once; whether the model can tell what it does.

        Raises:
            Violation: an operation, this one or one shortly before it, went wrong.
            ValueError: the channel cannot express it.
        """
        try:
            self.lockstep.predict(operation)
        except Unpredictable:
            return False
        self.operations.append(operation)
        self.performed += 1
        assert self._channel is not None, "begin comes first"
        if len(self.lockstep.predicted) >= min(BATCH, self._channel.batch):
            self._through_channel(self.lockstep.hand_over)
        return True

    def compare(self, *, whole: bool = False) -> None:
        """Let the kernel catch up, and compare all of memory; `whole`: with the other witnesses.

        Raises:
            Violation: something is not as predicted.
        """

        def everything(channel: Channel[OperationT]) -> None:
            self.lockstep.hand_over(channel)
            self.lockstep.collect(channel)
            self._see(self.lockstep, f"after operation {len(self.operations)}", whole=whole)

        self._through_channel(everything)

    def drain(self) -> None:
        """Give everything back.

        Raises:
            Violation: as for `perform`.
        """
        while (operation := self.subject.drain(self.state)) is not None:
            self.perform(operation)

    def play(self, operations: Sequence[OperationT], *, whole: bool = False) -> Failure | None:
        """Perform a sequence from boot on; how it fails, if it does.

        What the model cannot predict is left out. If it is disturbed from outside, it is performed
        once more.

        Raises:
            RingbenchError: no kernel can be started, or it was disturbed again.
        """

        def attempt() -> Failure | None:
            try:
                self.begin()
                for operation in operations:
                    self.perform(operation)
                self.compare(whole=whole)
            except Violation as violation:
                return violation.failure
            return None

        return try_twice(attempt, self.renew, self.disturbed)

    def _see(self, lockstep: Lockstep[StateT, OperationT], when: str, *, whole: bool) -> None:
        try:
            if whole:
                lockstep.look(when, self._channel)
            else:
                lockstep.glance(when)
        except Diverged as error:
            raise self._violation(lockstep, len(self.operations), whole=whole) from error

    def _through_channel(self, perform: Callable[[Channel[OperationT]], object]) -> None:
        assert self._channel is not None, "begin comes first"
        try:
            perform(self._channel)
        except Diverged as error:
            raise self._violation(self.lockstep, self.lockstep.steps) from error
        except Ended as error:
            raise self._ended(error) from error

    def _violation(
        self, lockstep: Lockstep[StateT, OperationT], after: int, *, whole: bool = False
    ) -> Violation:
        caught = Caught(CHECK, self.performed, tuple(lockstep.mismatches))
        return Violation(Failure(caught, tuple(self.operations[:after]), whole))

    def _ended(self, error: Ended) -> Violation | Ended:
        """Return what to raise: the kernel is at fault, if the end did not come from outside."""
        if error.outside:
            return error
        caught = Caught.by_ending(CHECK, self.performed, error)
        if self._booted is not None:
            when = f"before {caught.ending}"
            found = watched(self._booted.kernel, self.subject.layers, when)
            caught = replace(caught, mismatches=tuple(found.mismatches)) if found else caught
        return Violation(Failure(caught, tuple(self.operations)))


AnyRunner = Runner[Any, Any]
"""A runner of any subject, for those that look into neither its states nor its operations."""
