"""Starving a kernel of whose memory nobody has a model: an operation meets ever more of it.

With no unit left, with one, with two, until it is done. Each time that it is refused, all that is
held is compared, and then given back. When an operation has been through all of that several
times, as much memory must be there as before: what a refused one may keep, it keeps once.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from random import Random
from typing import Final, Generic

from ringbench.check.mismatch import Mismatch
from ringbench.config import Config
from ringbench.drive.channel import Channel
from ringbench.drive.reply import Reply
from ringbench.engine.disturbed import first_line, try_twice
from ringbench.engine.lockstep import Diverged, Lockstep
from ringbench.engine.starve.result import Starved, StarveResult
from ringbench.engine.starve.run import Progress, attempted, silent
from ringbench.errors import MachineError
from ringbench.subject import Case, Kernel, OperationT, Scarce, StateT, Unpredictable

PASSES: Final = 3
"""How often an operation goes through all that it can lack, for what it loses to be seen."""

ONE_BY_ONE: Final = 16
"""Units left up to which each number is tried; from there on every second one, fourth, ..."""

DRAWN_LEFT: Final = 4
"""Units that are left to an operation of a workload, at most."""


def starve_scarce(
    subject: Scarce[StateT, OperationT],
    config: Config,
    names: Sequence[str],
    *,
    seed: int = 1,
    count: int = 0,
    progress: Progress = silent,
) -> StarveResult:
    """Starve some of the subject's cases, then operations of a seeded workload.

    A kernel that was caught is done with: the next case begins on another one. If it is disturbed
    from outside, a case begins once more.

    Args:
        subject: whose kernel.
        config: its configuration.
        names: those of the cases that are wanted.
        seed: what the workload is drawn from.
        count: operations of the workload that run short, after the cases.
        progress: called before each.

    Raises:
        RingbenchError: the configuration is wrong, or the kernel did not come up.
    """
    done: list[Starved] = []
    disturbed: list[str] = []
    operations = 0
    run: _Run[StateT, OperationT] | None = None

    def renew() -> None:
        nonlocal run, operations
        if run is not None:
            operations += run.operations
            run.close()
        run = None

    def begun() -> _Run[StateT, OperationT]:
        nonlocal run
        run = run or _Run(subject, config)
        return run

    def case(name: str) -> Starved:
        return begun().case(name, operations)

    def drawn(name: str) -> Starved:
        return begun().drawn(name, Random(f"{seed} {name}"), operations)

    def finish(given_up: str = "") -> StarveResult:
        renew()
        return StarveResult(tuple(done), operations, tuple(disturbed), given_up)

    try:
        for name in names:
            progress(name, len(done), len(names) + count)
            done.append(try_twice(partial(case, name), renew, disturbed))
            if done[-1].caught is not None:
                renew()
        for number in range(1, count + 1):
            name = f"seed {seed}, number {number}"
            progress(name, len(done), len(names) + count)
            done.append(try_twice(partial(drawn, name), renew, disturbed))
            if done[-1].caught is not None:
                break
    except MachineError as error:
        if not error.outside:
            raise
        return finish(first_line(error))
    finally:
        if run is not None:
            run.close()
    return finish()


class _Run(Generic[StateT, OperationT]):
    """One kernel that is starved.

    Attributes:
        lockstep: kernel and model since the kernel was last put back to its boot.
        before: operations that the kernel performed until then.
    """

    def __init__(self, subject: Scarce[StateT, OperationT], config: Config) -> None:
        self._subject = subject
        self._kernel: Kernel[StateT, OperationT] = subject.start(config)
        try:
            self._kernel.freeze()
        except BaseException:
            self._kernel.close()
            raise
        self.before = 0
        self._begin()

    def _begin(self) -> None:
        self.lockstep = Lockstep(self._subject, self._kernel)
        # The block is never left: what follows is a restore, or the kernel's end.
        self._channel: Channel[OperationT] = self._kernel.channel(
            self._subject.channels[0]
        ).__enter__()

    def close(self) -> None:
        """End the kernel; may be called twice."""
        self._kernel.close()

    @property
    def operations(self) -> int:
        """How many the kernel has performed."""
        return self.before + self.lockstep.steps

    def case(self, name: str, before: int) -> Starved:
        """Have a case run short of memory at each point where it can, from boot on.

        There were so many operations on kernels `before` this one.
        """
        self.before = self.operations
        self._kernel.restore()
        self._begin()
        what = Starved(name, "")
        return attempted(self.lockstep, what, before + self.before, lambda: self._case(name))

    def drawn(self, name: str, random: Random, before: int) -> Starved:
        """Have an operation of a workload run short, those before it not."""
        what = Starved(name, "drawn")
        return attempted(
            self.lockstep, what, before + self.before, lambda: self._drawn(name, random)
        )

    def _case(self, name: str) -> Starved:
        note = f" ({name})"
        operation, before = str(self._now(name).operation), self._recount(note)
        needed, failed = self._pass(name, before)
        if needed > before:
            return Starved(name, f"{operation}: refused with all memory", 0, failed)
        counts = [self._recount(note)]
        while len(counts) <= PASSES and self._pass(name, before)[0]:
            counts.append(self._recount(note))
        if len(counts) > PASSES and _falls(counts):
            self._tell_which(name, needed, counts)
        return Starved(name, operation, before - counts[0], failed)

    def _pass(self, name: str, most: int) -> tuple[int, int]:
        """Have it fail with 0, 1, 2, ... units left, of `most` that there are.

        Returns the number with which it is done, one that is more than there are if it never is,
        and how often it was refused.
        """
        left, step, failed = 0, 1, 0
        while left <= most:
            reply = self._once(name, left, f" ({name}, {left} units left)")
            if not self._subject.is_refusal(reply):
                break
            failed += 1
            left = most if left < most < left + step else left + step
            step += step if left >= ONE_BY_ONE * step else 0
        return left, failed

    def _once(self, name: str, left: int | None, note: str) -> Reply:
        """Perform a case with so many units left, compare all that is held, and give it back."""
        case = self._now(name)
        for operation in case.before:
            self.lockstep.step(self._channel, operation, note)
        asked = case.operation
        if left is not None:
            starved = self._subject.with_left(asked, left)
            assert starved is not None, "the cases are of operations that need memory"
            asked = starved
        reply = self.lockstep.step(self._channel, asked, note)
        self.lockstep.glance(f"after operation {self.lockstep.steps}{note}")
        while (back := self._subject.drain(self.lockstep.state)) is not None:
            self.lockstep.step(self._channel, back, note)
        return reply

    def _recount(self, note: str) -> int:
        reply = self.lockstep.step(self._channel, self._subject.recount(), note)
        return int(reply.values[0])

    def _tell_which(self, name: str, needed: int, counts: list[int]) -> None:
        """Find the number of units left with which something is lost; always raises Diverged."""
        for left in range(needed + 1):
            note = f" ({name}, {left} units left)"
            seen = []
            for _ in range(PASSES):
                self._once(name, left, note)
                self._once(name, None, note)
                seen.append(self._recount(note))
            if _falls(seen):
                self._lost(f"{left} units left", name, seen)
        self._lost(f"0 to {needed} units left, one after the other", name, counts)

    def _lost(self, left: str, name: str, counts: list[int]) -> None:
        case = self._now(name)
        where = f"operation {self.lockstep.steps}: {case.operation} ({name}), over and over, {left}"
        expected = f"{counts[0]} units of memory each time, when all was given back"
        self.lockstep.mismatches.append(
            Mismatch(case.operation.layer, "lost", expected, ", ".join(map(str, counts)), where)
        )
        raise Diverged(str(self.lockstep.mismatches[-1]))

    def _now(self, name: str) -> Case[OperationT]:
        """Return a case with names that are new now."""
        return self._subject.scarce_case(name, self.lockstep.state)

    def _drawn(self, name: str, random: Random) -> Starved:
        subject, lockstep = self._subject, self.lockstep
        while True:
            operation = subject.draw(random, lockstep.state, subject.layers)
            starved = subject.with_left(operation, random.randrange(DRAWN_LEFT))
            try:
                reply = lockstep.step(self._channel, starved or operation, f" ({name})")
            except Unpredictable:
                continue
            if starved is None:
                continue
            lockstep.glance(f"after operation {lockstep.steps} ({name})")
            return Starved(name, str(starved), 0, int(subject.is_refusal(reply)))


def _falls(counts: list[int]) -> bool:
    """Whether each number is less than the one before it."""
    return all(first > second for first, second in pairwise(counts))
