"""The main job: boot a kernel, perform a seeded workload, and hold all it does against the model.

A run stops at the first operation that disagrees, and takes one more picture there: what it says of
frames, tables, regions and nodes is the best description of what the operation did wrong.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from random import Random

from ringbench.config import Config
from ringbench.drive.channel import Channel
from ringbench.engine.lockstep import Diverged, Lockstep
from ringbench.engine.result import LAYERS, RunResult
from ringbench.machine import Machine
from ringbench.subjects.reference.drive.console import ConsoleChannel
from ringbench.subjects.reference.drive.gdb import GdbChannel
from ringbench.subjects.reference.drive.ring import RingChannel
from ringbench.subjects.reference.model.kernel import Unpredictable
from ringbench.subjects.reference.operations import Operation
from ringbench.subjects.reference.workload import between_touches, choose, spoil

HOSTILE_SHARE = 0.12
"""Share of operations with one argument spoiled."""

RING_BATCH = 128
"""Operations that the model is ahead of the kernel in the ring."""

Progress = Callable[[str, int, int], None]
"""Called with a phase, operations done in it, and operations it will have at most."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to do in a run.

    Attributes:
        seed: the same seed, configuration and kernel give the same run.
        operations: how many over the monitor.
        gdb_operations: how many by calling kernel functions from GDB.
        ring_operations: how many through the ring in guest memory.
        layers: which layers' operations to draw from.
        picture_every: operations between two whole pictures.
        ring_picture_every: the same in the ring, where operations cost far less than a picture.
    """

    seed: int = 1
    operations: int = 5000
    gdb_operations: int = 200
    ring_operations: int = 20_000
    layers: tuple[str, ...] = LAYERS
    picture_every: int = 500
    ring_picture_every: int = 10_000


def run(config: Config, options: Options, progress: Progress) -> RunResult:
    """Boot, perform, compare.

    Raises:
        RingbenchError: the configuration is wrong, or the machine could not start, died or hung.
    """
    started = time.monotonic()
    with Machine.start(config) as machine:
        booted = time.monotonic()
        machine.command("echo off")  # half of the characters on the line are worth having
        lockstep = Lockstep(machine)
        channels = _perform_all(lockstep, options, progress)
    return RunResult(
        seed=options.seed,
        memory=config.machine.memory,
        cpu=config.machine.cpu,
        boot_seconds=booted - started,
        seconds=time.monotonic() - started,
        channels=dict(channels),
        pictures=lockstep.looks,
        layers=tuple(lockstep.results()),
    )


def _perform_all(lockstep: Lockstep, options: Options, progress: Progress) -> Counter[str]:
    """Everything, in order; operations per channel. A divergence ends it early."""
    machine = lockstep.machine
    monitor = ConsoleChannel(machine.command)
    random = Random(options.seed)
    done: Counter[str] = Counter()

    def workload(
        name: str, channel: Channel[Operation], count: int, picture_every: int, batch: int = 1
    ) -> None:
        note = f" ({name}, seed {options.seed})"
        ring = channel if isinstance(channel, RingChannel) else None
        stream = operations(random, lockstep, options.layers)
        for number in range(1, count + 1):
            _predict_one(stream, lockstep, channel)
            picture = number % picture_every == 0 or number == count
            if picture or len(lockstep.predicted) == batch:
                progress(name, number, count)
                done[name] += len(lockstep.predicted)
                if ring is not None:
                    lockstep.hand_over(ring, note)
                else:
                    lockstep.catch_up(channel, note)
            if picture:
                if ring is not None:
                    lockstep.collect(ring)
                lockstep.look(f"after operation {lockstep.steps}", channel)

    try:
        lockstep.look("after boot")
        workload("monitor", monitor, options.operations, options.picture_every)
        if options.gdb_operations:
            gdb = GdbChannel.at_prompt(machine)
            workload("gdb", gdb, options.gdb_operations, options.picture_every)
            machine.detach_gdb()
        if options.ring_operations:
            with RingChannel(machine, *lockstep.inspector.ring()) as ring:
                every = options.ring_picture_every
                workload("ring", ring, options.ring_operations, every, RING_BATCH)
        progress("giving everything back", 0, 1)
        lockstep.drain(monitor)
    except Diverged:
        with suppress(Diverged):
            lockstep.look("after the divergence")
    return done


def operations(random: Random, lockstep: Lockstep, layers: tuple[str, ...]) -> Iterator[Operation]:
    """Draw operations for ever, each for the state that the model is in when it is asked for."""
    while True:
        operation = choose(random, lockstep.state, layers)
        if random.random() < HOSTILE_SHARE:
            operation = spoil(random, operation)
        yield from between_touches(random, lockstep.state, operation, layers)


def _predict_one(
    stream: Iterator[Operation], lockstep: Lockstep, channel: Channel[Operation]
) -> None:
    """Have the model perform the next operation that the channel can perform, and it as well."""
    for operation in stream:
        if isinstance(channel, GdbChannel) and not channel.supports(operation):
            continue
        with suppress(Unpredictable):
            lockstep.predict(operation)
            return
