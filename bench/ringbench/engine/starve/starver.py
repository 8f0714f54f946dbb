"""One machine whose operations run short of memory, in lockstep with the model.

Operations go over the console: the kernel sleeps at its prompt while the model works and pictures
are taken, and those take far longer than a line does.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from random import Random
from typing import NamedTuple

from ringbench.drive.operation import Reply
from ringbench.engine.lockstep import Lockstep
from ringbench.engine.starve.result import Starved
from ringbench.errors import GdbTimeout
from ringbench.machine import Machine
from ringbench.subjects.reference.drive.console import ConsoleChannel
from ringbench.subjects.reference.model.pmm import frames as numbers_of
from ringbench.subjects.reference.operations import Operation
from ringbench.subjects.reference.starve.shortage import (
    NO_MEMORY,
    bitmap_of,
    frames_needed,
    grows_heap,
    hoard,
    lacks_memory,
    release,
    spread,
)
from ringbench.subjects.reference.workload import drain

DRAWN_FRAMES = 1024
"""Frames in an order that is drawn; what needs more gets them from the lowest on."""


class Limits(NamedTuple):
    """How thoroughly an operation is starved.

    Attributes:
        failures: how often it fails for want of a frame, at most; where it needs more frames than
            that, the numbers of free ones are spread over those that are too few.
        pictures: after how many of these failures the whole picture is compared; after the others
            it is the reply and the free frames.
    """

    failures: int
    pictures: int


class Starver:
    """Performs operations on both sides, with the memory that they need or without.

    All that performs something raises Diverged where it is not as predicted, and RingbenchError
    where the machine ended or did not answer.
    """

    def __init__(self, machine: Machine, limits: Limits) -> None:
        machine.command("echo off")
        self.lockstep = Lockstep(machine)
        self._machine = machine
        self._monitor = ConsoleChannel(machine.command)
        self._limits = limits

    def perform(self, operations: Iterable[Operation], note: str) -> None:
        """Perform operations that do not run short."""
        for operation in operations:
            self.lockstep.step(self._monitor, operation, note)

    def settle(self, note: str) -> None:
        """Give everything back, and compare the whole picture."""
        while (operation := drain(self.lockstep.state)) is not None:
            self.perform((operation,), note)
        self.lockstep.glance(f"after giving everything back{note}")

    def starve(self, name: str, operation: Operation, order: Random | None = None) -> Starved:
        """Make an operation fail at each point where it can, and then succeed.

        Frames become free from the lowest on, or in an order that is drawn, if it needs few.
        """
        note, before = f" ({name})", self.lockstep.state.pmm.free_count
        growths = self._fail_growth(operation, note)
        free = self.lockstep.state.pmm.free
        self.perform(hoard(self.lockstep.state), note)
        frames = list(numbers_of(free))
        needed = None
        if order is not None:
            drawn = order.sample(frames, min(DRAWN_FRAMES, len(frames)))
            needed = frames_needed(self.lockstep.state, operation, drawn)
            frames = frames if needed is None else drawn
        if needed is None:
            needed = frames_needed(self.lockstep.state, operation, frames)
        failed = self._fail_frames(operation, frames[:needed], note)
        if needed is not None:
            self.perform((operation,), f"{note[:-1]}, with the {needed} frames that it needs)")
            self.lockstep.glance(f"after operation {self.lockstep.steps}{note}")
            self.perform(release(free & ~bitmap_of(frames[:needed])), note)
        self.lockstep.glance(f"with all memory again{note}")
        taken = before - self.lockstep.state.pmm.free_count
        return Starved(name, str(operation), taken, failed, growths)

    def _fail_frames(self, operation: Operation, frames: list[int], note: str) -> int:
        """With none of these frames free, with one, with all but one; how often that was.

        Afterwards all of them are free.
        """
        counts = spread(len(frames), self._limits.failures)
        pictured = {counts[place] for place in spread(len(counts), self._limits.pictures)}
        for count, more in pairwise([*counts, len(frames)]):
            short = f"{note[:-1]}, {count} frames, {len(frames)} needed)"
            before = self.lockstep.state
            reply = self.lockstep.step(self._monitor, operation, short)
            assert lacks_memory(reply), "the fewer frames, the less can be done"
            assert self.lockstep.state == before, "what fails changes nothing"
            if count in pictured:
                self.lockstep.glance(f"after operation {self.lockstep.steps}{short}")
            self.perform(release(bitmap_of(frames[count:more])), note)
        return len(counts)

    def _fail_growth(self, operation: Operation, note: str) -> int:
        """The heap can't grow, if the operation has it grow; how often that was.

        None grows it twice: what it grows by is enough.
        """
        if not grows_heap(self.lockstep.state, operation):
            return 0
        note = f"{note[:-1]}, the heap can't grow)"
        self.lockstep.expect(operation, Reply(NO_MEMORY))
        self.lockstep.catch_up(ConsoleChannel(self._without_growth), note)
        self.lockstep.glance(f"after operation {self.lockstep.steps}{note}")
        return 1

    def _without_growth(self, line: str) -> str:
        """Type a line; the first time that the heap is about to grow, it can't. The reply."""
        gdb, names = self._machine.gdb, self.lockstep.inspector.layout.heap
        gdb.interrupt()
        gdb.break_(f"*{names.grow}", temporary=True)
        gdb.continue_()
        self._machine.begin(line)
        try:
            gdb.wait_stop(self._machine.config.deadlines.reply)
        except GdbTimeout:  # it never came to that; the reply says how far it came
            return self._machine.finish()
        gdb.return_(names.grow_failed)
        gdb.continue_()
        return self._machine.finish()
