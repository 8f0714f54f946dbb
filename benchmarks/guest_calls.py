"""How many calls of a kernel's own functions are made a second, and how many by GDB meanwhile?"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from benchmarks.figure import Figure
from benchmarks.timing import best_of
from ringbench.config import Config, override
from ringbench.drive.guest_calls import (
    Call,
    Check,
    Fill,
    GuestCalls,
    Result,
    Step,
    function_address,
)
from ringbench.machine import Gdb, Machine

GOAL_CALLS = 300_000
SIZE = 64
PAIRS = 500
"""Allocations, each with its free, of a batch: a millisecond, which a busy machine can spare."""

GDB_PAIRS = 20
ROUNDS = 100


def measure(config: Config) -> Iterator[Figure]:
    """Yield heap calls a second: in batches, with the block filled and checked between, by GDB."""
    take, give = (function_address(config.kernel.elf, name) for name in ("kmalloc", "kfree"))
    with Machine.start(override(config, {"machine.guest_calls": True})) as machine:
        with GuestCalls(machine) as calls:
            [kept] = calls.perform([Call(take, (SIZE,))])  # the heap is not given back each time
            bare, checked = batch(take, give), batch(take, give, fill=True)
            driven = [partial(calls.perform, bare), partial(calls.perform, checked)]
            plain, filled = best_of(driven, rounds=ROUNDS)
            calls.perform([Call(give, (kept,))])
        machine.gdb.interrupt()
        [slow] = best_of([partial(by_gdb, machine.gdb)])
    rate, gdb = 2 * PAIRS / plain, 2 * GDB_PAIRS / slow
    yield Figure("guest_calls.heap", rate, "1/s", GOAL_CALLS, "at least")
    yield Figure("guest_calls.heap.filled", 2 * PAIRS / filled, "1/s")
    yield Figure("guest_calls.gdb", gdb, "1/s")
    yield Figure("guest_calls.heap.to_gdb", rate / gdb, "ratio")


def batch(take: int, give: int, *, fill: bool = False) -> list[Step]:
    """Return pairs of an allocation and its free; with `fill`, the block is written and read."""
    steps: list[Step] = []
    for _ in range(PAIRS):
        block = Result(len(steps))
        steps.append(Call(take, (SIZE,)))
        if fill:
            steps += [Fill(block, SIZE, 0xA5), Check(block, SIZE, 0xA5)]
        steps.append(Call(give, (block,), none=()))
    return steps


def by_gdb(gdb: Gdb) -> None:
    """Perform pairs of an allocation and its free by GDB's calls."""
    for _ in range(GDB_PAIRS):
        gdb.call("kfree", gdb.call("kmalloc", SIZE))
