"""What does it cost to watch heap and frames, in time and in memory?

    .venv/bin/python -m benchmarks.watched_heap

It takes a minute, so that `make perf` leaves it out. Processor time of QEMU, so that a busy machine
says the same. What a guest does is bound by the guest: the kernel's own benchmarks, and random heap
operations that are called in batches.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

from benchmarks.figure import Figure
from benchmarks.instructions import ICOUNT
from benchmarks.waiting import children_seconds
from ringbench.config import Config, load, override
from ringbench.drive.guest_calls import Call, GuestCalls, Result, Step, function_address
from ringbench.machine import Machine
from ringbench.microscope import layout

GOAL_TIMES: Final = 4
GOAL_SHADOW: Final = 0.25
BENCHMARKS: Final = "perf=map,query,fault,space,heap"
OPERATIONS: Final = 200_000
"""Random heap operations; ten million of them have the same proportions."""

BATCH: Final = 8_000
SLOTS: Final = 1_000
BOOT_SECONDS: Final = 300.0
LOADED: Final = "loaded"
"""The plugin is there, and nothing is on."""

KINDS: Final = ("", LOADED, "heap", "frames", "heap,frames")


def measure(config: Config) -> Iterator[Figure]:
    """Yield how many times as long guest-bound work takes, and what the shadow takes of memory."""
    plain = dict.fromkeys(("kernel", "heap"), 0.0)
    for kind in KINDS:
        name = kind.replace(",", "_and_")
        kernel, shadow = kernel_benchmarks(config, kind)
        found = {"kernel": kernel, "heap": heap_operations(config, kind)}
        for work, seconds in found.items():
            if not kind:
                plain[work] = seconds
            else:
                goal = GOAL_TIMES if kind == KINDS[-1] else None
                yield Figure(f"watched.{name}.{work}", seconds / plain[work], "ratio", goal)
        if kind == KINDS[-1]:
            yield Figure("watched.shadow_to_ram", shadow, "ratio", GOAL_SHADOW)


def watching(config: Config, kind: str, changes: dict[str, object]) -> Machine:
    """Start a machine on which something is watched."""
    names = ["writes"] if kind == LOADED else [each for each in kind.split(",") if each]
    memory = {"machine.watch": names, "machine.memory": "512M", "deadlines.boot": BOOT_SECONDS}
    machine = Machine.launch(override(config, {**memory, **changes}))
    if kind == LOADED:
        struct.pack_into("<Q", machine.microscope.mapping, layout.INSTRUMENTS_AT, 0)
    return machine


def kernel_benchmarks(config: Config, kind: str) -> tuple[float, float]:
    """Return QEMU's processor time for the kernel's benchmarks; and what the shadow is of RAM."""
    arguments = [*config.machine.arguments, *ICOUNT]
    changes: dict[str, object] = {
        "kernel.command_line": BENCHMARKS,
        "machine.arguments": arguments,
    }
    share = 0.0

    def boot() -> None:
        nonlocal share
        with watching(config, kind, changes) as machine:
            machine.boot()
            share = touched("ringbench-microscope") / touched("ringbench-ram")

    return children_seconds(boot), share


def heap_operations(config: Config, kind: str) -> float:
    """Return QEMU's processor time for heap operations at random: sizes up to 1 KiB, any order."""
    take, give = (function_address(config.kernel.elf, name) for name in ("kmalloc", "kfree"))

    def perform(batches: int) -> None:
        random = Random(1)
        with watching(config, kind, {"machine.guest_calls": True}) as machine:
            machine.boot()
            with GuestCalls(machine) as calls:
                for _ in range(batches):
                    calls.perform(batch(random, take, give), BOOT_SECONDS)

    whole, none = (partial(perform, count) for count in (OPERATIONS // BATCH, 0))
    return children_seconds(whole) - children_seconds(none)


def batch(random: Random, take: int, give: int) -> list[Step]:
    """Return allocations and frees at random, after which nothing is left."""
    steps: list[Step] = []
    live: list[int] = []
    while len(steps) + len(live) < BATCH:
        if live and (len(live) >= SLOTS or random.random() < 0.5):
            where = random.randrange(len(live))
            steps.append(Call(give, (Result(live.pop(where)),), none=()))
        else:
            live.append(len(steps))
            steps.append(Call(take, (random.randint(1, 1024),)))
    return steps + [Call(give, (Result(each),), none=()) for each in live]


def touched(name: str) -> int:
    """Return how many bytes there are of a file in memory that this process has, but for holes."""
    for link in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            if name in os.readlink(link):
                return os.stat(link).st_blocks * 512
    return 0


if __name__ == "__main__":
    for figure in measure(load()):
        print(f"{figure.name:36} {figure.value:.2f}")
