"""The two ways to starve a kernel: through the subject's cases, and wherever a workload gets to."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from random import Random

from ringbench.check.mismatch import MACHINE, Mismatch
from ringbench.config import Config
from ringbench.engine.caught import Caught
from ringbench.engine.disturbed import first_line, try_twice
from ringbench.engine.lockstep import Diverged, Lockstep
from ringbench.engine.starve.needed import lacks_memory
from ringbench.engine.starve.result import Starved, StarveResult
from ringbench.engine.starve.starver import Limits, Starver
from ringbench.errors import Ended, MachineError, MalformedReply
from ringbench.machine import Deadline
from ringbench.subject import Case, OperationT, Starvable, StateT, Unpredictable

CHECK = "starve"

OF_A_CASE = Limits(failures=4096, pictures=32)
"""No case needs more units than that, and few more than there are pictures."""

OF_A_DRAWN_ONE = Limits(failures=128, pictures=8)
"""Some that are drawn need thousands of units, and they are many."""

SHARE = 0.25
"""Of the drawn operations that need memory, how many run short: the others change the scene."""

Progress = Callable[[str, int, int], None]
"""Called with a case, how many are done, and how many there will be at most."""


def silent(case: str, done: int, total: int) -> None:
    """No progress is wanted."""


def starve(
    subject: Starvable[StateT, OperationT],
    config: Config,
    *,
    cases: Sequence[Case[OperationT]] | None = None,
    stop: bool = False,
    progress: Progress = silent,
) -> StarveResult:
    """Starve each case, by default all, on a kernel that holds nothing else.

    Args:
        subject: whose kernel.
        config: its configuration.
        cases: those of the subject that are wanted.
        stop: end with the first case in which the kernel is caught.
        progress: called before each case.

    Raises:
        RingbenchError: the configuration is wrong, or the kernel did not come up.
    """
    cases = subject.cases if cases is None else cases
    done: list[Starved] = []
    disturbed: dict[int, str] = {}
    operations = 0
    while len(done) < len(cases) and not (stop and done and done[-1].caught is not None):
        try:
            with (
                closing(subject.start(config)) as kernel,
                kernel.channel(subject.channels[0]) as channel,
            ):
                starver = Starver(subject, kernel, channel, OF_A_CASE)
                for case in cases[len(done) :]:
                    progress(case.name, len(done), len(cases))
                    done.append(_case(starver, case, operations))
                    if done[-1].caught is not None:
                        break
                operations += starver.lockstep.steps
        except MachineError as error:
            if not error.outside:
                raise
            if len(done) in disturbed:
                noted = tuple(disturbed.values())
                return StarveResult(tuple(done), operations, noted, first_line(error))
            disturbed[len(done)] = f"{first_line(error)}; tried once more"
    return StarveResult(tuple(done), operations, tuple(disturbed.values()))


def starve_random(
    subject: Starvable[StateT, OperationT],
    config: Config,
    seed: int,
    *,
    count: int,
    seconds: float = math.inf,
    progress: Progress = silent,
) -> StarveResult:
    """Starve `count` operations of a seeded workload, or as many as `seconds` are enough for.

    It ends with the first in which the kernel is caught. If it is disturbed from outside, it begins
    once more.

    Raises:
        RingbenchError: the configuration is wrong, or the kernel did not come up.
    """
    disturbed: list[str] = []

    def attempt() -> StarveResult:
        return _starve_random(subject, config, seed, count, seconds, progress)

    try:
        result = try_twice(attempt, lambda: None, disturbed)
    except MachineError as error:
        if not error.outside:
            raise
        return StarveResult((), 0, tuple(disturbed), first_line(error))
    return replace(result, disturbed=tuple(disturbed))


def _starve_random(
    subject: Starvable[StateT, OperationT],
    config: Config,
    seed: int,
    count: int,
    seconds: float,
    progress: Progress,
) -> StarveResult:
    random, deadline = Random(seed), Deadline(seconds)
    done: list[Starved] = []
    with closing(subject.start(config)) as kernel, kernel.channel(subject.channels[0]) as channel:
        starver = Starver(subject, kernel, channel, OF_A_DRAWN_ONE)
        while len(done) < count and not deadline.expired:
            name = f"seed {seed}, number {len(done) + 1}"
            progress(name, len(done), count)
            done.append(_drawn(starver, random, name))
            if done[-1].caught is not None:
                break
        return StarveResult(tuple(done), starver.lockstep.steps)


def _case(starver: Starver[StateT, OperationT], case: Case[OperationT], before: int) -> Starved:
    note = f" ({case.name})"

    def perform() -> Starved:
        starver.perform(case.before, note)
        starved = starver.starve(case.name, case.operation)
        starver.settle(note)
        return starved

    what = Starved(case.name, str(case.operation))
    return attempted(starver.lockstep, what, before, perform)


def _drawn(starver: Starver[StateT, OperationT], random: Random, name: str) -> Starved:
    def perform() -> Starved:
        operation = _draw(starver, random, f" ({name})")
        # The lowest layer hands out runs of units: what it can do depends on which are free.
        lowest = operation.layer == starver.subject.layers[0]
        return starver.starve(name, operation, None if lowest else random)

    return attempted(starver.lockstep, Starved(name, "drawn"), 0, perform)


def _draw(starver: Starver[StateT, OperationT], random: Random, note: str) -> OperationT:
    """Draw an operation that needs memory; those that are drawn before it are performed."""
    subject = starver.subject
    while True:
        state = starver.lockstep.state
        operation = subject.draw(random, state, subject.layers)
        try:
            if lacks_memory(subject, state, operation, ()) and random.random() < SHARE:
                return operation
            starver.perform((operation,), note)
        except Unpredictable:
            continue


def attempted(
    lockstep: Lockstep[StateT, OperationT],
    what: Starved,
    before: int,
    perform: Callable[[], Starved],
) -> Starved:
    """Perform; where the kernel is wrong, say how. `before`: operations on other kernels."""
    try:
        return perform()
    except Diverged:
        caught = Caught(CHECK, before + lockstep.steps, tuple(lockstep.mismatches))
    except MalformedReply as error:
        where = f"operation {lockstep.steps + 1} ({what.case})"
        wrong = Mismatch(MACHINE, "reply", "one that the operation can have", str(error), where)
        caught = Caught(CHECK, before + lockstep.steps + 1, (wrong,))
    except Ended as error:
        if error.outside:
            raise
        caught = Caught.by_ending(CHECK, before + lockstep.steps + 1, error)
    return replace(what, caught=caught)
