"""The main job: boot a kernel, perform a seeded workload, and hold all it does against the model.

A run stops at the first operation that disagrees, and takes one more picture there: what it says of
frames, tables, regions and nodes is the best description of what the operation did wrong.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from random import Random
from typing import Generic

from ringbench.config import Config
from ringbench.drive.channel import Channel
from ringbench.engine.lockstep import Diverged, Lockstep
from ringbench.engine.result import RunResult
from ringbench.subject import OperationT, StateT, Subject, Unpredictable

BATCH = 128
"""Operations that the model is ahead of the kernel, where the channel takes as many at a time."""

Progress = Callable[[str, int, int], None]
"""Called with a phase, operations done in it, and operations it will have at most."""


@dataclass(frozen=True, slots=True)
class Workload:
    """What to perform on one channel: how many operations, and how many between two pictures."""

    operations: int
    picture_every: int


@dataclass(frozen=True, slots=True)
class Options:
    """What to do in a run.

    Attributes:
        seed: the same seed, configuration and kernel give the same run.
        workloads: by channel; of the subject's channels that are not named here, none is used.
        layers: which layers' operations to draw from; empty for all.
    """

    seed: int
    workloads: Mapping[str, Workload]
    layers: Sequence[str] = ()


def run(
    subject: Subject[StateT, OperationT], config: Config, options: Options, progress: Progress
) -> RunResult:
    """Boot, perform, compare.

    Raises:
        RingbenchError: the configuration is wrong, or the kernel did not come up, died or hung.
    """
    started = time.monotonic()
    with closing(subject.start(config)) as kernel:
        booted = time.monotonic()
        under_way = _Run(Lockstep(subject, kernel), options, progress)
        under_way.perform()
    return RunResult(
        seed=options.seed,
        memory=config.machine.memory,
        cpu=config.machine.cpu,
        boot_seconds=booted - started,
        seconds=time.monotonic() - started,
        channels=dict(under_way.performed),
        pictures=under_way.lockstep.looks,
        layers=tuple(under_way.lockstep.results()),
    )


class _Run(Generic[StateT, OperationT]):
    """A run under way; `performed` counts the operations on each channel."""

    def __init__(
        self, lockstep: Lockstep[StateT, OperationT], options: Options, progress: Progress
    ) -> None:
        self.lockstep = lockstep
        self.performed: Counter[str] = Counter()
        self._options = options
        self._layers = tuple(options.layers) or lockstep.subject.layers
        self._progress = progress
        self._random = Random(options.seed)

    def perform(self) -> None:
        """Do everything, in order; a divergence ends it early."""
        lockstep, channels = self.lockstep, self.lockstep.subject.channels
        try:
            lockstep.look("after boot")
            for name in channels:
                workload = self._options.workloads.get(name)
                if workload is not None and workload.operations:
                    with lockstep.kernel.channel(name) as channel:
                        self._perform_on(channel, name, workload)
            self._progress("giving everything back", 0, 1)
            with lockstep.kernel.channel(channels[0]) as channel:
                lockstep.drain(channel)
        except Diverged:
            with suppress(Diverged):
                lockstep.look("after the divergence")

    def _perform_on(self, channel: Channel[OperationT], name: str, workload: Workload) -> None:
        """Perform a workload; the kernel may be a batch behind, and has caught up at a picture."""
        lockstep, count = self.lockstep, workload.operations
        note, batch = f" ({name}, seed {self._options.seed})", min(BATCH, channel.batch)
        stream = self._operations()
        for number in range(1, count + 1):
            self._predict_one(stream, channel)
            picture = number % workload.picture_every == 0 or number == count
            if picture or len(lockstep.predicted) == batch:
                self._progress(name, number, count)
                self.performed[name] += len(lockstep.predicted)
                lockstep.hand_over(channel, note)
            if picture or batch == 1:
                lockstep.collect(channel)
            if picture:
                lockstep.look(f"after operation {lockstep.steps}", channel)

    def _operations(self) -> Iterator[OperationT]:
        """Draw operations for ever, for the state that the model is in when they are asked for."""
        lockstep = self.lockstep
        while True:
            yield from lockstep.subject.draw_steps(self._random, lockstep.state, self._layers)

    def _predict_one(self, stream: Iterator[OperationT], channel: Channel[OperationT]) -> None:
        """Have the model perform the next operation that it and the channel can perform."""
        for operation in stream:
            if channel.supports(operation):
                with suppress(Unpredictable):
                    self.lockstep.predict(operation)
                    return
