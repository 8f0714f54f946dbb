"""What does it take to check a kernel after one bit of it has flipped?"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from random import Random

from benchmarks.figure import Figure
from ringbench.config import Config
from ringbench.observe.processor import read_registers
from ringbench.subjects.reference.flips.prepare import prepare
from ringbench.subjects.reference.flips.run import flipped, structures_of
from ringbench.subjects.reference.flips.site import Site
from ringbench.subjects.reference.kernel import ReferenceKernel
from ringbench.subjects.reference.lockstep import ReferenceLockstep
from ringbench.subjects.reference.observe.scope import Noted, Scope, Short

ROUNDS = 5
"""Flips of each structure."""

GOAL_TIMES = 10


def measure(config: Config) -> Iterator[Figure]:
    """Yield milliseconds a flip, by looking at all of memory and at what can have changed."""
    spent = {"whole": 0.0, "short": 0.0}
    with closing(ReferenceKernel.start(config)) as kernel:
        lockstep, random, noted = ReferenceLockstep(kernel), Random(1), Noted()
        with kernel.channel("ring") as ring:
            prepare(lockstep, ring, random)
        machine, inspector = kernel.machine, kernel.inspector
        boot = inspector.picture().boot
        site = Site(machine.memory, lockstep.state, inspector.types, inspector.layout, boot)
        structures = structures_of(site)
        with machine.stopped():
            cr3 = read_registers(machine).cr3
            assert not [each for each in inspector.in_memory(lockstep.state, cr3, noted) if each[2]]
            for flip in (each.draw(random) for _ in range(ROUNDS) for each in structures):
                scopes = {"whole": Scope(), "short": Short(noted, flip.address)}
                with flipped(machine.memory, flip):
                    for name, scope in scopes.items():
                        start = time.process_time()
                        list(inspector.in_memory(lockstep.state, cr3, scope))
                        spent[name] += time.process_time() - start
    flips = ROUNDS * len(structures)
    yield Figure("flips.whole", spent["whole"] / flips * 1e3, "ms")
    yield Figure("flips.short", spent["short"] / flips * 1e3, "ms")
    yield Figure(
        "flips.whole_to_short", spent["whole"] / spent["short"], "times", GOAL_TIMES, "at least"
    )
