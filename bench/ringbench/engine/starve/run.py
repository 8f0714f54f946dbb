"""The two ways to starve a kernel: through the table of cases, and wherever a workload gets to."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from ringbench.check.mismatch import Mismatch
from ringbench.config import Config
from ringbench.engine.caught import Caught
from ringbench.engine.lockstep import Diverged
from ringbench.engine.result import LAYERS, MACHINE
from ringbench.engine.starve.result import Starved, StarveResult
from ringbench.engine.starve.starver import Limits, Starver
from ringbench.errors import Ended, MalformedReply
from ringbench.machine import Deadline, Machine
from ringbench.subjects.reference.model.kernel import Unpredictable
from ringbench.subjects.reference.operations import Operation
from ringbench.subjects.reference.starve.cases import ALL, Case
from ringbench.subjects.reference.starve.shortage import needs_memory
from ringbench.subjects.reference.workload import choose

CHECK = "starve"

OF_A_CASE = Limits(failures=4096, pictures=32)
"""No case needs more frames than that, and few more than there are pictures."""

OF_A_DRAWN_ONE = Limits(failures=128, pictures=8)
"""Some that are drawn need thousands of frames, and they are many."""

SHARE = 0.25
"""Of the drawn operations that need memory, how many run short: the others change the scene."""

Progress = Callable[[str, int, int], None]
"""Called with a case, how many are done, and how many there will be at most."""


def _silent(case: str, done: int, total: int) -> None:
    """No progress is wanted."""


def starve(
    config: Config,
    *,
    cases: Sequence[Case] = ALL,
    stop: bool = False,
    progress: Progress = _silent,
) -> StarveResult:
    """Starve each case on a kernel that holds nothing else; if `stop`, until one is caught.

    Raises:
        RingbenchError: the configuration is wrong, or the machine could not start or did not boot.
    """
    done: list[Starved] = []
    operations = 0
    while len(done) < len(cases):
        with Machine.start(config) as machine:
            starver = Starver(machine, OF_A_CASE)
            for case in cases[len(done) :]:
                progress(case.name, len(done), len(cases))
                done.append(_case(starver, case, operations))
                if done[-1].caught is not None:
                    break
            operations += starver.lockstep.steps
        if stop and done[-1].caught is not None:
            break
    return StarveResult(tuple(done), operations)


def starve_random(
    config: Config,
    seed: int,
    *,
    count: int,
    seconds: float = math.inf,
    progress: Progress = _silent,
) -> StarveResult:
    """Starve `count` operations of a seeded workload, or as many as `seconds` are enough for.

    It ends with the first that is caught.

    Raises:
        RingbenchError: the configuration is wrong, or the machine could not start or did not boot.
    """
    random, deadline = Random(seed), Deadline(seconds)
    done: list[Starved] = []
    with Machine.start(config) as machine:
        starver = Starver(machine, OF_A_DRAWN_ONE)
        while len(done) < count and not deadline.expired:
            name = f"seed {seed}, number {len(done) + 1}"
            progress(name, len(done), count)
            done.append(_drawn(starver, random, name))
            if done[-1].caught is not None:
                break
        return StarveResult(tuple(done), starver.lockstep.steps)


def _case(starver: Starver, case: Case, before: int) -> Starved:
    note = f" ({case.name})"

    def perform() -> Starved:
        starver.perform(case.before, note)
        starved = starver.starve(case.name, case.operation)
        starver.settle(note)
        return starved

    return _attempt(starver, Starved(case.name, str(case.operation)), before, perform)


def _drawn(starver: Starver, random: Random, name: str) -> Starved:
    def perform() -> Starved:
        operation = _draw(starver, random, f" ({name})")
        return starver.starve(name, operation, None if operation.layer == "pmm" else random)

    return _attempt(starver, Starved(name, "drawn"), 0, perform)


def _draw(starver: Starver, random: Random, note: str) -> Operation:
    """Draw an operation that needs memory; those that are drawn before it are performed."""
    while True:
        state = starver.lockstep.state
        operation = choose(random, state, LAYERS)
        try:
            if needs_memory(state, operation) and random.random() < SHARE:
                return operation
            starver.perform((operation,), note)
        except Unpredictable:
            continue


def _attempt(
    starver: Starver, attempted: Starved, before: int, perform: Callable[[], Starved]
) -> Starved:
    """Perform; where the kernel is wrong, say how. `before`: operations on other machines."""
    lockstep = starver.lockstep
    try:
        return perform()
    except Diverged:
        caught = Caught(CHECK, before + lockstep.steps, tuple(lockstep.mismatches))
    except MalformedReply as error:
        where = f"operation {lockstep.steps + 1} ({attempted.case})"
        what = Mismatch(MACHINE, "reply", "one that the operation can have", str(error), where)
        caught = Caught(CHECK, before + lockstep.steps + 1, (what,))
    except Ended as error:
        caught = Caught.by_ending(CHECK, before + lockstep.steps + 1, error)
    return replace(attempted, caught=caught)
