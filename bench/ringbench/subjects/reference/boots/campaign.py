"""Many hostile boots from one seed, and what was found."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import count as numbers
from typing import Final

from ringbench.config import Config
from ringbench.engine.caught import NUMBERS, Caught
from ringbench.engine.disturbed import first_line, try_twice
from ringbench.errors import MachineError
from ringbench.subject import BootsDone
from ringbench.subjects.reference.boots.bench import BootBench
from ringbench.subjects.reference.boots.entry import EntryMachine
from ringbench.subjects.reference.boots.generate import HostileBoot, hostile_boot

CHECK: Final = "boots"
THOROUGH_EVERY: Final = 10
"""Boots between two of which QEMU and the kernel are asked as well."""

Progress = Callable[[int, int], None]
"""Called with the boots done, and those that have gone wrong."""


@dataclass(slots=True)
class Tally:
    """What has been seen so far."""

    boots: int = 0
    came_up: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    formats: Counter[int] = field(default_factory=Counter)
    panics: Counter[str] = field(default_factory=Counter)
    failed: list[tuple[HostileBoot, Caught]] = field(default_factory=list)
    disturbed: list[str] = field(default_factory=list)

    def add(self, boot: HostileBoot, caught: Caught | None) -> None:
        """Count one boot."""
        self.boots += 1
        self.kinds.update(boot.kinds)
        self.formats[boot.story.multiboot] += 1
        if boot.prediction.panic:
            self.panics[NUMBERS.sub("#", boot.prediction.panic)] += 1
        else:
            self.came_up += 1
        if caught is not None:
            self.failed.append((boot, caught))


@dataclass(frozen=True, slots=True)
class BootsResult:
    """What a campaign did and found.

    Attributes:
        came_up: boots that were to come up; the others were to panic.
        kinds: how often each kind of hostility was in a boot.
        formats: boots by Multiboot format, 1 and 2.
        panics: how often each panic was predicted, by its words with ``#`` for numbers.
        failed: the boots that went another way, each with how that was seen.
        disturbed: what came from outside, a line each; the boot was tried once more.
        given_up: why the campaign ended early: that was disturbed as well.
    """

    seed: int
    boots: int
    came_up: int
    kinds: Mapping[str, int]
    formats: Mapping[int, int]
    panics: Mapping[str, int]
    failed: tuple[tuple[HostileBoot, Caught], ...]
    disturbed: tuple[str, ...] = ()
    given_up: str = ""

    @property
    def caught(self) -> tuple[Caught, ...]:
        """Each way in which the kernel was seen to be wrong, once, in the order found."""
        by_key = {caught.key: caught for _, caught in reversed(self.failed)}
        return tuple(caught for _, caught in self.failed if by_key[caught.key] is caught)


def hunt_boots(
    config: Config,
    *,
    seed: int,
    count: int | None,
    seconds: float | None = None,
    first: int = 0,
    until_caught: bool = False,
    progress: Progress | None = None,
) -> BootsResult:
    """Perform boots `first`, `first` + 1, ... of a seed and hold each against its prediction.

    Args:
        config: the kernel; the machine's memory is the campaign's own.
        seed: what the boots are made from.
        count: how many; None is until `seconds` have passed.
        seconds: no boot begins later than that.
        first: the number of the first.
        until_caught: stop at the first boot that goes wrong.
        progress: called after each boot.

    Raises:
        ConfigError, ImageError, StartError: no machine can be had.
        MachineError: a machine does not come to its kernel's entry, or two in turn went lost.
    """
    tally, start, given_up = Tally(), time.monotonic(), ""
    bench: BootBench
    with ExitStack() as stack:

        def started() -> BootBench:
            return BootBench(stack.enter_context(EntryMachine(config)))

        def renew() -> None:
            nonlocal bench
            stack.close()
            bench = started()

        def attempt(boot: HostileBoot) -> Caught | None:
            try:
                return judge(bench, boot, tally.boots + 1)
            except MachineError as error:
                if error.outside:
                    raise
                renew()
                return Caught.by_ending(CHECK, tally.boots + 1, error)

        try:
            bench = try_twice(started, stack.close, tally.disturbed)
            for number in numbers(first) if count is None else range(first, first + count):
                if seconds is not None and time.monotonic() - start >= seconds:
                    break
                boot = hostile_boot(seed, number, bench.machine.facts, bench.machine.memory)
                tally.add(boot, try_twice(partial(attempt, boot), renew, tally.disturbed))
                if progress is not None:
                    progress(tally.boots, len(tally.failed))
                if until_caught and tally.failed:
                    break
        except MachineError as error:
            if not error.outside:
                raise
            given_up = first_line(error)
    return BootsResult(
        seed,
        tally.boots,
        tally.came_up,
        tally.kinds,
        tally.formats,
        tally.panics,
        tuple(tally.failed),
        tuple(tally.disturbed),
        given_up,
    )


def judge(bench: BootBench, boot: HostileBoot, after: int) -> Caught | None:
    """Perform one boot, the `after`-th of its campaign; None if it went as predicted.

    Raises:
        MachineError: the machine is of no use any more.
    """
    mismatches = bench.attempt(boot, thorough=after % THOROUGH_EVERY == 1)
    return Caught(CHECK, after, mismatches) if mismatches else None


@dataclass(frozen=True, slots=True)
class ReferenceBoots:
    """Hostile boots of the reference kernel, as `ringbench.subject.HostileBoots` describes them."""

    def perform_boots(
        self, config: Config, *, seed: int, first: int, count: int, seconds: float
    ) -> BootsDone:
        """Perform some boots of a seed, and hold each against the model.

        Raises:
            ConfigError, ImageError, StartError, MachineError: as for `hunt_boots`.
        """
        result = hunt_boots(config, seed=seed, count=count, seconds=seconds, first=first)
        failures = {caught.key: boot.story.to_json() + "\n" for boot, caught in result.failed}
        found = tuple(failures.items())
        return BootsDone(result.boots, found, result.disturbed, result.given_up)


BOOTS: Final = ReferenceBoots()
