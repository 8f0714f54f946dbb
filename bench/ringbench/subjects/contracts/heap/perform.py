"""How operations of the heap are performed: which calls, and what is looked at around them."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ringbench.config.call_text import CallText
from ringbench.config.contracts import HeapCalls
from ringbench.drive.guest_calls import SKIPPED, Result
from ringbench.drive.reply import Reply
from ringbench.subjects.contracts.batch import Batch, Performance, Planned, first_other
from ringbench.subjects.contracts.heap.mistakes import (
    FreeAgain,
    FreeInside,
    FreeNone,
    Huge,
    ToNothing,
)
from ringbench.subjects.contracts.heap.operations import (
    Aligned,
    Alloc,
    Drain,
    Free,
    Realloc,
    Rounds,
    UseUp,
    Wear,
    Zalloc,
)
from ringbench.subjects.contracts.heap.repeat import drain, rounds, wear
from ringbench.subjects.contracts.heap.rules import DISJOINT, REFUSED, RULES, Seen
from ringbench.subjects.contracts.ledger import Block, byte_of, stretches
from ringbench.subjects.contracts.operation import Operation
from ringbench.subjects.contracts.rule import breach, first_broken, refused

OK: Final = Reply("ok")
LEFT_OUT: Final = Reply("left-out")
"""Of what was to be done with something that the kernel never gave out."""


def perform(operation: Operation, calls: HeapCalls, batch: Batch) -> Performance:
    """Return an operation's performance."""
    match operation:
        case Aligned(name, size, align):
            assert calls.aligned is not None, "the operation is not drawn without"
            align = align if "align" in calls.aligned.names else calls.aligned_to or align
            return _get(calls, batch, calls.aligned, name, size, align=align)
        case Zalloc(name, size):
            assert calls.zalloc is not None, "the operation is not drawn without"
            return _get(calls, batch, calls.zalloc, name, size, zeroed=True)
        case Alloc(name, size):
            return _get(calls, batch, calls.alloc, name, size)
        case Realloc():
            return _realloc(operation, calls, batch)
        case Free(name):
            return _free(name, calls, batch)
        case Rounds():
            return rounds(operation, calls, batch)
        case Wear():
            return wear(operation, calls, batch)
        case Drain(size, order):
            return drain(size, order, calls, batch)
        case UseUp(name):
            return _use_up(name, calls, batch)
        case FreeAgain(name):
            return _free_again(name, calls, batch)
        case FreeInside(name, offset):
            return _free_inside(name, offset, calls, batch)
        case ToNothing(name):
            return _to_nothing(name, calls, batch)
        case FreeNone():
            return _free_at(calls.none, calls, batch)
        case Huge(size):
            return _huge(size, calls, batch)
    raise AssertionError(operation)


def _get(
    calls: HeapCalls,
    batch: Batch,
    call: CallText,
    name: str,
    size: int,
    *,
    align: int = 0,
    zeroed: bool = False,
) -> Performance:
    """Get a block, look at it, and fill it."""
    byte, parts = byte_of(name), stretches(size)
    got = batch.call(call, {"size": size, "align": align}, calls.none)
    at = Result(got)
    zeros = batch.check(at, parts, 0) if zeroed else range(0)
    usable = batch.call(calls.usable, {"block": at}) if calls.usable else None
    batch.fill(at, parts, byte)
    batch.gets(name, Planned(at, size, byte))
    results = yield
    ledger, address = batch.ledger, results[got]
    text = call.shown({"size": size, "align": align})
    block = None
    if address != calls.none:
        block = Block(name, ledger.number, text, address, size, byte, plain=not align)
    seen = Seen(
        text,
        size,
        align or calls.align or 0,
        block,
        plain=not align,
        nonzero=first_other(results, zeros, parts) if zeroed else None,
        usable=None if usable is None or block is None else results[usable],
    )
    if broken := first_broken(RULES, seen, ledger):
        return broken
    if block is None:
        return refused(text)
    ledger.give(block)
    return Reply("ok", (address,))


def _free(name: str, calls: HeapCalls, batch: Batch) -> Performance:
    """Look whether a block is as it was filled, and give it back."""
    planned = batch.gives(name)
    if planned is None:
        yield
        return LEFT_OUT
    parts = stretches(planned.size)
    checks = batch.check(planned.address, parts, planned.byte)
    freed = batch.call(calls.free, {"block": planned.address})
    results = yield
    if results[freed] == SKIPPED:  # what was to be freed was refused within this batch
        return LEFT_OUT
    ledger = batch.ledger
    block = ledger.blocks[name]
    changed = first_other(results, checks, parts)
    seen = Seen(calls.free.shown({"block": block.address}), old=block, changed=changed)
    if broken := first_broken(RULES[:1], seen, ledger):
        return broken
    ledger.take(block)
    ledger.freed = block
    return OK


def _realloc(operation: Realloc, calls: HeapCalls, batch: Batch) -> Performance:
    """Change a block's size: it keeps what it had, up to the lesser size, or stays as it was."""
    assert calls.realloc is not None, "the operation is not drawn without"
    old, name, size = operation.old, operation.name, operation.size
    planned = batch.gives(old)
    if planned is None:
        yield
        return LEFT_OUT
    before, after, byte = stretches(planned.size), stretches(size), byte_of(name)
    least = min(planned.size, size)
    kept = tuple((at, min(length, least - at)) for at, length in before if at < least)
    checks = batch.check(planned.address, before, planned.byte)
    got = batch.call(calls.realloc, {"block": planned.address, "size": size}, calls.none)
    at = Result(got)
    keeps = batch.check(at, kept, planned.byte)
    batch.fill(at, after, byte)
    batch.gets(name, Planned(at, size, byte))
    results = yield
    if results[got] == SKIPPED:
        return LEFT_OUT
    ledger = batch.ledger
    was = ledger.blocks[old]
    text = calls.realloc.shown({"block": was.address, "size": size})
    block = None
    if results[got] != calls.none:
        block = Block(name, ledger.number, text, results[got], size, byte, plain=False)
    seen = Seen(
        text,
        size,
        calls.align or 0,
        block,
        was,
        changed=first_other(results, checks, before),
        lost=first_other(results, keeps, kept),
    )
    if broken := first_broken(RULES, seen, ledger):
        return broken
    ledger.take(was)
    if block is None:  # C17 7.22.3.5: the old block is not freed, and its value is unchanged
        ledger.give(replace(was, name=name))
        return refused(text)
    ledger.give(block)
    return Reply("ok", (block.address,))


def _use_up(name: str, calls: HeapCalls, batch: Batch) -> Performance:
    """Write to what a block has beyond its size: nobody minds, if it is usable."""
    block = batch.ledger.blocks.get(name)
    if block is None or calls.usable is None:
        yield
        return LEFT_OUT
    step = batch.call(calls.usable, {"block": block.address})
    results = yield
    more = results[step] - block.size
    if more <= 0:
        return OK
    text = calls.usable.shown({"block": block.address})
    if other := batch.ledger.over(block.end, more):
        return breach(
            DISJOINT,
            f"{text} = {results[step]}: expected memory that no other block has, seen that "
            f"{block} would have bytes of {other}",
        )
    batch.fill(block.end, stretches(more), block.byte)
    yield
    return OK


def _to_nothing(name: str, calls: HeapCalls, batch: Batch) -> Performance:
    """Change a block's size to zero, and give back what comes of it, if anything does."""
    assert calls.realloc is not None, "the operation is not drawn without"
    planned = batch.gives(name)
    if planned is None:
        yield
        return LEFT_OUT
    values = {"block": planned.address, "size": 0}
    left = batch.call(calls.realloc, values, calls.none)
    batch.call(calls.free, {"block": Result(left)})
    yield
    ledger = batch.ledger
    ledger.take(ledger.blocks[name])
    ledger.freed = None  # whether it was given back, a heap need not say
    return OK


def _free_again(name: str, calls: HeapCalls, batch: Batch) -> Performance:
    """Give back what was given back, unless the address is another block's by now."""
    ledger = batch.ledger
    gone = ledger.gone.get(name)
    if not isinstance(gone, Block) or ledger.over(gone.address, 1) or ledger.begins(gone.address):
        return _nothing()
    return _free_at(gone.address, calls, batch)


def _free_inside(name: str, offset: int, calls: HeapCalls, batch: Batch) -> Performance:
    block = batch.ledger.blocks.get(name)
    return _nothing() if block is None else _free_at(block.address + offset, calls, batch)


def _free_at(address: int, calls: HeapCalls, batch: Batch) -> Performance:
    """Give back what is no block; whatever the kernel says, nothing may come of it."""
    batch.call(calls.free, {"block": address})
    yield
    return OK


def _nothing() -> Performance:
    yield
    return LEFT_OUT


def _huge(size: int, calls: HeapCalls, batch: Batch) -> Performance:
    """Ask for more than there is anywhere."""
    got = batch.call(calls.alloc, {"size": size}, calls.none)
    results = yield
    text = calls.alloc.shown({"size": size})
    if results[got] != calls.none:
        return breach(REFUSED, f"{text}: expected that it is refused, seen {results[got]:#x}")
    return refused(text)
