"""The main job: boot a kernel, perform a seeded workload, and hold all it does against the model.

A run stops at the first operation that disagrees, and takes one more picture there: what it says of
frames, tables, regions and nodes is the best description of what the operation did wrong.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from random import Random

from ringbench.check.result import LAYERS, RunResult
from ringbench.config import Config
from ringbench.drive.channel import Channel
from ringbench.drive.gdb import GdbChannel
from ringbench.drive.monitor import MonitorChannel
from ringbench.drive.operations import Operation
from ringbench.lockstep import Diverged, Lockstep
from ringbench.machine import Machine
from ringbench.model.kernel import Unpredictable, perform
from ringbench.workload import choose, spoil

HOSTILE_SHARE = 0.12
"""Share of operations with one argument spoiled."""

Progress = Callable[[str, int, int], None]
"""Called with a phase, operations done in it, and operations it will have at most."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to do in a run.

    Attributes:
        seed: the same seed, configuration and kernel give the same run.
        operations: how many over the monitor.
        gdb_operations: how many by calling kernel functions from GDB.
        layers: which layers' operations to draw from.
        picture_every: operations between two whole pictures.
    """

    seed: int = 1
    operations: int = 5000
    gdb_operations: int = 200
    layers: tuple[str, ...] = LAYERS
    picture_every: int = 500


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
    monitor = MonitorChannel(machine.command)
    random = Random(options.seed)
    done: Counter[str] = Counter()

    def workload(name: str, channel: Channel, count: int) -> None:
        for number in range(count):
            progress(name, number, count)
            operation = _draw(random, lockstep, channel, options.layers)
            lockstep.step(channel, operation, f" ({name}, seed {options.seed})")
            done[name] += 1
            if (number + 1) % options.picture_every == 0 or number + 1 == count:
                lockstep.look(f"after operation {lockstep.steps}")

    try:
        lockstep.look("after boot")
        workload("monitor", monitor, options.operations)
        if options.gdb_operations:
            workload("gdb", GdbChannel.at_prompt(machine), options.gdb_operations)
            machine.detach_gdb()
        progress("giving everything back", 0, 1)
        lockstep.drain(monitor)
    except Diverged:
        with suppress(Diverged):
            lockstep.look("after the divergence")
    return done


def _draw(
    random: Random, lockstep: Lockstep, channel: Channel, layers: tuple[str, ...]
) -> Operation:
    """Draw an operation that the model can predict and the channel perform."""
    while True:
        operation = choose(random, lockstep.state, layers)
        if random.random() < HOSTILE_SHARE:
            operation = spoil(random, operation)
        if isinstance(channel, GdbChannel) and not channel.supports(operation):
            continue
        try:
            perform(lockstep.state, operation)
        except Unpredictable:
            continue
        return operation
