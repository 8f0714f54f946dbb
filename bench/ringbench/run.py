"""The main job: boot a kernel, perform a seeded workload, and hold all it does against the model.

After every operation the reply and the free-frame count are compared; every so often, and at the
end, the whole picture: each frame's owner, each page-table entry, region and heap node. A run stops
at the first operation that disagrees: from there on model and kernel are in different states, and
the picture taken at that point says more than anything after it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random

from ringbench.check.mismatch import Mismatch
from ringbench.check.result import LAYERS, MACHINE, LayerResult, RunResult
from ringbench.check.whole import Inspector
from ringbench.config import Config
from ringbench.drive.channel import Channel
from ringbench.drive.gdb import GdbChannel
from ringbench.drive.monitor import MonitorChannel
from ringbench.drive.monitor_text import monitor_line
from ringbench.drive.operations import Operation, Reply
from ringbench.machine import Machine
from ringbench.model.kernel import Unpredictable, perform
from ringbench.model.state import KernelState
from ringbench.workload import choose, drain, spoil

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


class Diverged(Exception):
    """Model and kernel have parted. It is recorded already; the run ends here."""


class Session:
    """One machine and the model's state beside it, and the tally of what was compared."""

    def __init__(self, machine: Machine, options: Options, progress: Progress) -> None:
        self.machine = machine
        self.options = options
        self.progress = progress
        self.random = Random(options.seed)
        self.inspector = Inspector(machine)
        self.operations: Counter[str] = Counter()
        self.comparisons: Counter[str] = Counter()
        self.mismatches: list[Mismatch] = []
        self.channels: Counter[str] = Counter()
        self.pictures = 0
        self.state: KernelState = self.inspector.boot_state()

    def run(self) -> None:
        """Everything, in order; a divergence ends it early."""
        self.machine.command("echo off")  # half of the characters on the line are worth having
        try:
            self.look("after boot")
            booted = self.state
            monitor = MonitorChannel(self.machine.command)
            self.workload("monitor", monitor, self.options.operations)
            if self.options.gdb_operations:
                self.workload("gdb", GdbChannel(self.machine.gdb), self.options.gdb_operations)
                self.machine.detach_gdb()
            self.drain(monitor)
            self.look("after giving everything back")
            self.compare_ends(booted)
        except Diverged:
            self.look("after the divergence", may_diverge=True)

    def workload(self, name: str, channel: Channel, count: int) -> None:
        """Perform `count` drawn operations, with whole pictures on the way and at the end."""
        for done in range(count):
            self.progress(name, done, count)
            self.step(name, channel, self.draw(channel))
            if (done + 1) % self.options.picture_every == 0:
                self.look(f"after operation {self.channels.total()}")
        self.progress(name, count, count)
        if count % self.options.picture_every:
            self.look(f"after operation {self.channels.total()}")

    def draw(self, channel: Channel) -> Operation:
        """Draw an operation that the model can predict and the channel perform."""
        while True:
            operation = choose(self.random, self.state, self.options.layers)
            if self.random.random() < HOSTILE_SHARE:
                operation = spoil(self.random, operation)
            if isinstance(channel, GdbChannel) and not channel.supports(operation):
                continue
            try:
                perform(self.state, operation)
            except Unpredictable:
                continue
            return operation

    def step(self, name: str, channel: Channel, operation: Operation) -> None:
        """Perform one operation on both, and compare what is cheap."""
        expected_state, expected = perform(self.state, operation)
        seen = channel.perform(operation)
        self.channels[name] += 1
        self.operations[operation.layer] += 1
        where = (
            f"{name} operation {self.channels.total()}: {monitor_line(operation)} "
            f"(seed {self.options.seed})"
        )
        self.compare_reply(operation.layer, where, expected, seen)
        free = self.inspector.free_frames()
        self.compare("pmm", "free frames", expected_state.pmm.free_count, free, where)
        self.state = expected_state
        if self.mismatches:
            raise Diverged

    def compare_reply(self, layer: str, where: str, expected: Reply, seen: Reply) -> None:
        """Status and each value."""
        self.comparisons[layer] += 1 + len(expected.values)
        if seen != expected:
            self.mismatches.append(
                Mismatch(layer, "reply", reply_text(expected), reply_text(seen), where)
            )

    def compare(self, layer: str, what: str, expected: object, seen: object, where: str) -> None:
        """One fact."""
        self.comparisons[layer] += 1
        if seen != expected:
            self.mismatches.append(Mismatch(layer, what, str(expected), str(seen), where))

    def look(self, when: str, *, may_diverge: bool = False) -> None:
        """Take the whole picture and compare all of it."""
        self.pictures += 1
        for layer, compared, mismatches in self.inspector.inspect(self.state, when):
            self.comparisons[layer] += compared
            self.mismatches.extend(mismatches)
        if self.mismatches and not may_diverge:
            raise Diverged

    def drain(self, channel: Channel) -> None:
        """Give everything back, comparing as ever."""
        while (operation := drain(self.state)) is not None:
            self.step("monitor", channel, operation)

    def compare_ends(self, booted: KernelState) -> None:
        """What the model holds now must be what it held at boot: nothing leaked, in both."""
        where = "after giving everything back"
        for layer, before, after in (
            ("pmm", booted.pmm, self.state.pmm),
            ("paging", booted.tables, self.state.tables),
            ("vmm", booted.spaces, self.state.spaces),
            ("heap", booted.heap.nodes, self.state.heap.nodes),
            ("task", booted.tasks, self.state.tasks),
        ):
            self.comparisons[layer] += 1
            if before != after:
                self.mismatches.append(
                    Mismatch(layer, "state", "as after boot", "something was left", where)
                )

    def layer_results(self) -> Iterable[LayerResult]:
        """The tally as rows."""
        for layer in (*LAYERS, MACHINE):
            yield LayerResult(
                layer,
                self.operations[layer],
                self.comparisons[layer],
                tuple(each for each in self.mismatches if each.layer == layer),
            )


def reply_text(reply: Reply) -> str:
    """A reply as the console would print it, near enough to recognise it there."""
    values = (hex(each) if isinstance(each, int) else each for each in reply.values)
    return " ".join((reply.status, *values))


def run(config: Config, options: Options, progress: Progress) -> RunResult:
    """Boot, perform, compare.

    Raises:
        RingbenchError: the configuration is wrong, or the machine could not start, died or hung.
    """
    started = time.monotonic()
    with Machine.start(config) as machine:
        booted = time.monotonic()
        session = Session(machine, options, progress)
        session.run()
    return RunResult(
        seed=options.seed,
        memory=config.machine.memory,
        cpu=config.machine.cpu,
        boot_seconds=booted - started,
        seconds=time.monotonic() - started,
        channels=dict(session.channels),
        pictures=session.pictures,
        layers=tuple(session.layer_results()),
    )
