"""How many operations a second are driven, and how many driven and compared with the model?"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import count

from benchmarks.figure import Figure
from benchmarks.timing import best_of
from ringbench.config import Config
from ringbench.drive.channel import Channel
from ringbench.engine.run import Options, Workload, run
from ringbench.machine import Machine
from ringbench.subjects.reference.drive.console import ConsoleChannel
from ringbench.subjects.reference.drive.gdb import GdbChannel
from ringbench.subjects.reference.drive.ring import RingChannel
from ringbench.subjects.reference.kernel import ReferenceKernel
from ringbench.subjects.reference.lockstep import ReferenceLockstep
from ringbench.subjects.reference.subject import REFERENCE
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.pmm import PmmAlloc, PmmFree

PAIRS = 20
"""Allocations, each with its free, that are timed together on a channel without batches."""

BATCH = 256
GOAL_DRIVEN, GOAL_COMPARED = 100_000, 20_000
COMPARED = 20_000
"""Mixed operations of a run whose rate is taken; a full picture after every half of them."""


def measure(config: Config) -> Iterator[Figure]:
    """Yield frame operations a second on each channel, and the rate of a whole run."""
    with Machine.start(config) as machine:
        machine.command("echo off")
        lockstep = ReferenceLockstep(ReferenceKernel(machine))
        [console] = best_of([partial(_pairs, ConsoleChannel(machine.command))])
        [gdb] = best_of([partial(_pairs, GdbChannel.at_prompt(machine))])
        machine.detach_gdb()
        with RingChannel(machine, *lockstep.kernel.inspector.ring()) as ring:
            [batches] = best_of([partial(_batch, ring)], rounds=40)
    slowest = 2 * PAIRS / console
    yield Figure("channels.console.frames", slowest, "1/s")
    yield Figure("channels.gdb.frames", 2 * PAIRS / gdb, "1/s")
    driven = 2 * BATCH / batches
    yield Figure("channels.ring.frames", driven, "1/s", GOAL_DRIVEN, "at least")
    yield Figure("channels.ring.to_console", driven / slowest, "ratio")
    yield from _whole_runs(config)


def _whole_runs(config: Config) -> Iterator[Figure]:
    """Yield the rate at which a run draws, drives and compares, its pictures included."""
    seeds = count(1)

    def compared(operations: int) -> None:
        options = Options(
            seed=next(seeds),
            workloads={"ring": Workload(operations, COMPARED // 2)},
        )
        assert run(REFERENCE, config, options, lambda phase, done, total: None).passed

    # What a run without operations takes, boot and first picture, is not theirs.
    idle, busy = best_of([partial(compared, 0), partial(compared, COMPARED)], rounds=3)
    rate = COMPARED / (busy - idle)
    yield Figure("channels.ring.compared", rate, "1/s", GOAL_COMPARED, "at least")


def _pairs(channel: Channel[Operation]) -> None:
    for _ in range(PAIRS):
        frame = channel.perform(PmmAlloc()).values[0]
        assert isinstance(frame, int)
        channel.perform(PmmFree(frame))


def _batch(ring: RingChannel) -> None:
    frames = [reply.values[0] for reply in ring.perform_many([PmmAlloc()] * BATCH)]
    ring.perform_many([PmmFree(frame) for frame in frames if isinstance(frame, int)])
