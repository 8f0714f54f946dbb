"""Operations of the heap that are many calls: the same over and over, and all there is at once."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from ringbench.config.contracts import HeapCalls
from ringbench.drive.guest_calls import Result
from ringbench.drive.reply import Reply
from ringbench.subjects.contracts.batch import Batch, Performance, Results, first_other, in_order
from ringbench.subjects.contracts.frames.rules import ONCE
from ringbench.subjects.contracts.heap.operations import Rounds, Wear
from ringbench.subjects.contracts.heap.rules import (
    ALL_BACK,
    CONTENTS,
    DISJOINT,
    FREED,
    MERGED,
    ROUNDS,
)
from ringbench.subjects.contracts.ledger import PAGE
from ringbench.subjects.contracts.rule import breach, refused

OK: Final = Reply("ok")

AT_ONCE: Final = 1024
"""Blocks of a drain that are got at once."""

MOST: Final = 1 << 14
"""Blocks of a drain: a heap that has more is not drained."""

WORN, LEAST_WORN = 1000, 64
"""Rounds of wear at most; and blocks that there must be, so that a loss is told from a cache."""

GROWTH: Final = 64
"""Sizes of a block before an aligned one, in multiples of 16: up to 1 KiB."""

EDGE: Final = 32
"""Bytes at both ends of a block of a drain that are filled, and checked."""


def rounds(operation: Rounds, calls: HeapCalls, batch: Batch) -> Performance:
    """Get and give back, a batch of rounds at a time; what worked once has to work always."""
    blocks, size, left = operation.blocks, operation.size, operation.rounds
    text = calls.alloc.shown({"size": size})
    at_once, done = max(1, 4096 // (2 * blocks)), 0
    while done < left:
        rounds = min(at_once, left - done) if done else 1
        steps = [_round(blocks, size, calls, batch) for _ in range(rounds)]
        results = yield
        for number, asked in enumerate(steps):
            got = [results[step] for step in asked]
            for address in got:
                other = None if address == calls.none else batch.ledger.over(address, size)
                if other is not None:
                    return breach(
                        DISJOINT,
                        f"{text} in round {done + 1}: expected memory that no other block has, "
                        f"seen {address:#x}, which has bytes of {other}",
                    )
            lacking = sum(address == calls.none for address in got)
            if lacking and not done + number:
                return refused(text)
            if lacking:
                return breach(
                    ROUNDS,
                    f"round {done + number + 1} of getting {blocks} blocks by {text} and giving "
                    f"them back: expected what the rounds before it got, seen that {lacking} were "
                    "refused",
                )
        done += rounds
    return OK


def _round(blocks: int, size: int, calls: HeapCalls, batch: Batch) -> list[int]:
    """Plan to get blocks and give them back; return the steps that get them."""
    steps = [batch.call(calls.alloc, {"size": size}, calls.none) for _ in range(blocks)]
    for step in steps:
        batch.call(calls.free, {"block": Result(step)})
    return steps


class _Out(NamedTuple):
    """A block of a drain, and what its ends are filled with."""

    address: int
    byte: int


def drain(size: int, order: int, calls: HeapCalls, batch: Batch) -> Performance:
    """Get all there is, have some exactly filled holes, give all back; twice, for as much."""
    text = calls.alloc.shown({"size": size})
    counts: list[int] = []
    for _ in range(2):
        out: list[_Out] = []
        broken = yield from _take_all(out, size, calls, batch)
        if broken is None and out:
            broken = yield from _refill(out, size, calls, batch)
        if broken is None:
            broken = yield from _give_all(in_order(out, order), size, calls, batch)
        if broken is not None:
            return broken
        counts.append(len(out))
    if counts[1] < counts[0]:
        return breach(
            ALL_BACK,
            f"{text} until there are none: expected {counts[0]} blocks, as many as were given back "
            f"before, seen {counts[1]}",
        )
    if calls.merges and counts[1] < MOST:
        broken = yield from _merge(counts[1], size, order, calls, batch)
        if broken is not None:
            return broken
    return Reply("ok", (counts[1],))


def _merge(
    most: int, size: int, order: int, calls: HeapCalls, batch: Batch
) -> Generator[None, Results, Reply | None]:
    """Have all there is in small blocks for once; then there must be as much in large ones."""
    small, text = max(size // 7, 16), calls.alloc.shown({"size": size})
    for each in (small, size):
        out: list[_Out] = []
        broken = yield from _take_all(out, each, calls, batch)
        if broken is None:
            broken = yield from _give_all(in_order(out, order), each, calls, batch)
        if broken is not None:
            return broken
    if len(out) < most:
        return breach(
            MERGED,
            f"{text} until there are none: expected {most} blocks, as many as before everything "
            f"was got in blocks of {small} bytes and given back, seen {len(out)}",
        )
    return None


def wear(operation: Wear, calls: HeapCalls, batch: Batch) -> Performance:
    """Do the same many times; what is left must not be less by as many blocks."""
    size, text = operation.size, calls.alloc.shown({"size": operation.size})
    counts: list[int] = []
    for last in (False, True):
        out: list[_Out] = []
        broken = yield from _take_all(out, size, calls, batch)
        if broken is None:
            broken = yield from _give_all(out, size, calls, batch)
        if broken is not None:
            return broken
        counts.append(len(out))
        if last:
            break
        rounds = min(len(out) // 2, WORN)
        used = [_wear_once(operation, number, calls, batch) for number in range(rounds)]
        results = yield
        for first, changed in used:
            is_there = results[first] != calls.none
            if is_there and results[changed] == calls.none:  # it could not be changed
                batch.call(calls.free, {"block": results[first]})
        yield
    # A cache for each size may keep some blocks, but not more with every round.
    if MOST > counts[0] >= LEAST_WORN and counts[1] < counts[0] - rounds // 4:
        what = "getting, perhaps changing, and giving back one block"
        return breach(
            ROUNDS,
            f"{text} until there are none: expected about {counts[0]} blocks, as before {rounds} "
            f"rounds of {what}, seen {counts[1]}",
        )
    return OK


def _wear_once(operation: Wear, number: int, calls: HeapCalls, batch: Batch) -> tuple[int, int]:
    """Plan to get a block, to get another from it or beside it, and to give back what is there.

    Before an aligned block, the first one grows from round to round where free blocks are merged:
    what has to be cut off in front of the aligned one is then never there already.

    Returns the steps that get the first, which is given back only if the second is got, and the
    second.
    """
    size = before = operation.size
    if operation.kind == Wear.ALIGNED and calls.merges:
        before = 16 * (1 + number % GROWTH)
    first = batch.call(calls.alloc, {"size": before}, calls.none)
    if operation.kind == Wear.REALLOC and calls.realloc is not None:
        behind = batch.call(calls.alloc, {"size": size}, calls.none)  # so that it has to move
        values: dict[str, int | Result] = {"block": Result(first), "size": 2 * size}
        second = batch.call(calls.realloc, values, calls.none)
        batch.call(calls.free, {"block": Result(behind)})
        batch.call(calls.free, {"block": Result(second)})
        return first, second
    if calls.aligned is not None:
        second = batch.call(calls.aligned, {"size": size, "align": PAGE}, calls.none)
    else:
        second = batch.call(calls.alloc, {"size": size}, calls.none)
    batch.call(calls.free, {"block": Result(first)})
    batch.call(calls.free, {"block": Result(second)})
    return first, first


def _take_all(
    out: list[_Out], size: int, calls: HeapCalls, batch: Batch
) -> Generator[None, Results, Reply | None]:
    """Get blocks until there are none, and fill their ends; if one is wrong, the breach."""
    while len(out) < MOST:
        steps = []
        for number in range(len(out), len(out) + AT_ONCE):
            byte = 1 + number % 251
            steps.append((batch.call(calls.alloc, {"size": size}, calls.none), byte))
            batch.fill(Result(steps[-1][0]), _ends(size), byte)
        results = yield
        new = [_Out(results[at], byte) for at, byte in steps if results[at] != calls.none]
        out += new
        broken = _wrong(out, size, calls, batch)
        if broken is not None or len(new) < AT_ONCE:
            return broken
    return None


def _wrong(out: Sequence[_Out], size: int, calls: HeapCalls, batch: Batch) -> Reply | None:
    """Return the breach if some blocks are not disjoint, from one another or from others."""
    ledger, text = batch.ledger, calls.alloc.shown({"size": size})
    pages = batch.guest.pages() if ledger.owners else None
    ordered = sorted(each.address for each in out)
    for one, other in pairwise(ordered):
        if one + size > other:
            return breach(
                DISJOINT,
                f"{text} until there are none: expected memory that no other block has, seen "
                f"{one:#x} and {other:#x} of {size} bytes each",
            )
    for address in ordered:
        if block := ledger.over(address, size):
            return breach(
                DISJOINT,
                f"{text} = {address:#x}: expected memory that no other block has, seen bytes of "
                f"{block} with its {block.size} bytes",
            )
        for vaddr in range(address & -PAGE, address + size, PAGE) if pages else ():
            paddr = pages.translate(vaddr) if pages else None
            if paddr is not None and (run := ledger.owners.get(paddr // PAGE)):
                return breach(
                    ONCE,
                    f"{text} = {address:#x}: expected memory that nobody has, seen frame "
                    f"{paddr & -PAGE:#x}, which is of {run}",
                )
    return None


def _refill(
    out: list[_Out], size: int, calls: HeapCalls, batch: Batch
) -> Generator[None, Results, Reply | None]:
    """Give one back and get another of its size, at some places of those that are out."""
    text = calls.alloc.shown({"size": size})
    for place in sorted({0, len(out) // 2, len(out) - 1}):
        address, byte = out[place]
        batch.call(calls.free, {"block": address})
        again = batch.call(calls.alloc, {"size": size}, calls.none)
        batch.fill(Result(again), _ends(size), byte)
        results = yield
        if results[again] == calls.none:
            return breach(
                FREED,
                f"{text}: expected a block, for one of the same size, {address:#x}, was given back "
                f"just before, seen that there is no memory ({len(out) - 1} more were out)",
            )
        out[place] = _Out(results[again], byte)
    return _wrong(out, size, calls, batch)


def _give_all(
    out: Sequence[_Out], size: int, calls: HeapCalls, batch: Batch
) -> Generator[None, Results, Reply | None]:
    """See that nobody has written to the blocks' ends, and give them back."""
    parts = _ends(size)
    for start in range(0, len(out), AT_ONCE):
        here = out[start : start + AT_ONCE]
        checks = []
        for address, byte in here:
            checks.append(batch.check(address, parts, byte))
            batch.call(calls.free, {"block": address})
        results = yield
        for (address, byte), steps in zip(here, checks, strict=True):
            offset = first_other(results, steps, parts)
            if offset is not None:
                return breach(
                    CONTENTS,
                    f"{calls.free.shown({'block': address})}: expected {byte:#04x} in all of the "
                    f"block as it was written, seen another at offset {offset} of {size}",
                )
    return None


def _ends(size: int) -> tuple[tuple[int, int], ...]:
    if size <= 2 * EDGE:
        return ((0, size),)
    return ((0, EDGE), (size - EDGE, EDGE))
