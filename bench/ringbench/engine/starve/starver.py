"""One kernel whose operations run short of memory, in lockstep with the model.

Operations go over the plainest channel: the kernel rests while the model works and pictures are
taken, and those take far longer than an operation does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from random import Random
from typing import Generic, NamedTuple

from ringbench.drive.channel import Channel
from ringbench.engine.lockstep import Lockstep
from ringbench.engine.starve.needed import spread, units_needed
from ringbench.engine.starve.result import Starved
from ringbench.subject import Kernel, OperationT, Starvable, StateT

DRAWN_UNITS = 1024
"""Units in an order that is drawn; what needs more gets them from the lowest on."""


class Limits(NamedTuple):
    """How thoroughly an operation is starved.

    Attributes:
        failures: how often it fails for want of a unit, at most; where it needs more units than
            that, the numbers of free ones are spread over those that are too few.
        pictures: after how many of these failures the whole picture is compared; after the others
            it is the reply and the counts.
    """

    failures: int
    pictures: int


class Starver(Generic[StateT, OperationT]):
    """Performs operations on both sides, with the memory that they need or without.

    All that performs something raises Diverged where it is not as predicted, and RingbenchError
    where the kernel ended or did not answer.
    """

    def __init__(
        self,
        subject: Starvable[StateT, OperationT],
        kernel: Kernel[StateT, OperationT],
        channel: Channel[OperationT],
        limits: Limits,
    ) -> None:
        self.subject = subject
        self.lockstep = Lockstep(subject, kernel)
        self._channel = channel
        self._limits = limits

    def perform(self, operations: Iterable[OperationT], note: str) -> None:
        """Perform operations that do not run short."""
        for operation in operations:
            self.lockstep.step(self._channel, operation, note)

    def settle(self, note: str) -> None:
        """Give everything back, and compare the whole picture."""
        while (operation := self.subject.drain(self.lockstep.state)) is not None:
            self.perform((operation,), note)
        self.lockstep.glance(f"after giving everything back{note}")

    def starve(self, name: str, operation: OperationT, order: Random | None = None) -> Starved:
        """Make an operation fail at each point where it can, and then succeed.

        Units become free from the lowest on, or in an order that is drawn, if it needs few.
        """
        subject, lockstep = self.subject, self.lockstep
        note, units = f" ({name})", subject.free_units(lockstep.state)
        before = len(units)
        forced = self._force_failures(operation, note)
        self.perform(subject.hoard(lockstep.state), note)
        all_units, needed = set(units), None
        if order is not None:
            drawn = order.sample(units, min(DRAWN_UNITS, len(units)))
            needed = units_needed(subject, lockstep.state, operation, drawn)
            units = units if needed is None else drawn
        if needed is None:
            needed = units_needed(subject, lockstep.state, operation, units)
        failed = self._fail_units(operation, units[:needed], note)
        if needed is not None:
            self.perform((operation,), f"{note[:-1]}, with the {needed} units that it needs)")
            lockstep.glance(f"after operation {lockstep.steps}{note}")
            rest = sorted(all_units.difference(units[:needed]))
            self.perform(subject.release(rest), note)
        lockstep.glance(f"with all memory again{note}")
        taken = before - len(subject.free_units(lockstep.state))
        return Starved(name, str(operation), taken, failed, forced)

    def _fail_units(self, operation: OperationT, units: Sequence[int], note: str) -> int:
        """With none of these units free, with one, with all but one; how often that was.

        Afterwards all of them are free.
        """
        counts = spread(len(units), self._limits.failures)
        pictured = {counts[place] for place in spread(len(counts), self._limits.pictures)}
        for count, more in pairwise([*counts, len(units)]):
            short = f"{note[:-1]}, {count} units, {len(units)} needed)"
            before = self.lockstep.state
            reply = self.lockstep.step(self._channel, operation, short)
            assert self.subject.lacks_memory(reply), "the fewer units, the less can be done"
            assert self.lockstep.state == before, "what fails changes nothing"
            if count in pictured:
                self.lockstep.glance(f"after operation {self.lockstep.steps}{short}")
            self.perform(self.subject.release(units[count:more]), note)
        return len(counts)

    def _force_failures(self, operation: OperationT, note: str) -> int:
        """Have the operation fail in each way that the subject can force; how often that was."""
        count, lockstep = 0, self.lockstep
        for failure in self.subject.forced_failures(lockstep.kernel, lockstep.state, operation):
            forced = f"{note[:-1]}, {failure.words})"
            lockstep.expect(operation, failure.reply)
            if failure.state is not None:
                lockstep.state = failure.state
            lockstep.catch_up(failure.channel, forced)
            lockstep.glance(f"after operation {lockstep.steps}{forced}")
            count += 1
        return count
