"""Drawing what a heap is asked: mostly at the edges of sizes, and what fits what was freed."""

from __future__ import annotations

from random import Random
from typing import Final

from ringbench.config.contracts import HeapCalls
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
from ringbench.subjects.contracts.operation import Operation
from ringbench.subjects.contracts.state import State
from ringbench.subjects.contracts.tendency import gives_back, one_of

FREE: Final = Free

SMALL: Final = (16, 1, 15, 17, 24, 8, 7, 31, 32, 33, 48, 63, 64, 65, 127, 128, 129, 256, 512, 1024)
PAGE: Final = 4096
BESIDE: Final = (0, -1, 1, -8, 8, -16, 16, -24, -32, 32, -48, -64)
"""What a size is off an edge: headers of allocators among them."""

NEAR: Final = (0, 0, 0, 0, -1, 1, -8, 8, -16, 16, -24, 24, -32, 32, -48)
"""What a size is off that of a block that is there, or was."""

ALIGNMENTS: Final = (64, 16, 32, 128, 4096, 256, 1024, 8192)
HUGE: Final = ((1 << 64) - 1, (1 << 64) - 16, (1 << 64) - 4096, 1 << 63, (1 << 63) - 1, 1 << 62)
ROUNDS: Final = 0.004
"""Share of operations that are many rounds; and blocks and bytes that these are in all."""
BLOCKS, BYTES = 1 << 13, 96 << 20

DRAIN: Final = 0.006
"""Share of operations that take all there is; and how small the blocks of these may be."""
LEAST_DRAINED: Final = 200
WEAR, WEAR_AT_FIRST = 0.01, 0.06
"""Share of operations that wear the heap out; and of the first few, while there is much left."""
AT_FIRST: Final = 8

USE_UP, LARGE = 0.02, 0.01
"""Share of operations that write to all that is usable; and that ask for pages, as callers do."""


def draw(random: Random, state: State, calls: HeapCalls) -> Operation:
    """Draw an operation that a caller may ask for."""
    heap, name = state.heap, f"b{state.drawn}"
    if heap.was_freed and random.random() < 0.3:  # exactly what has just become free
        asked = heap.freed[0][1]
        if asked.align and calls.aligned is not None:
            return Aligned(name, asked.size, asked.align)
        if asked.size:
            return Alloc(name, asked.size)
    if gives_back(random, state, heap.live):
        if calls.realloc is not None and random.random() < 0.25:
            old = one_of(random, heap.live)
            return Realloc(old, name, _size_beside(random, state, calls, old))
        return Free(one_of(random, heap.live))
    if random.random() < ROUNDS:
        return _rounds(random, state, calls)
    if calls.exhaust and random.random() < DRAIN:
        size = random.choice((_size(random, state, calls), _up_to(random, calls.largest)))
        return Drain(max(size, min(LEAST_DRAINED, calls.largest)), random.randrange(3))
    wear = WEAR_AT_FIRST if state.drawn <= AT_FIRST else WEAR
    if calls.exhaust and random.random() < wear:
        return Wear(random.choice((256, 1000)), random.randrange(2))
    if calls.usable is not None and heap.live and random.random() < USE_UP:
        return UseUp(one_of(random, heap.live))
    if calls.exhaust and random.random() < LARGE:
        return Alloc(name, min(random.choice((4, 2, 8, 16, 64)) * PAGE, calls.largest))
    size = _size(random, state, calls)
    kind = random.randrange(8)
    if kind == 7 and calls.aligned is not None:
        own = None if "align" in calls.aligned.names else calls.aligned_to
        return Aligned(name, size, own or random.choice(ALIGNMENTS))
    if kind >= 5 and calls.zalloc is not None:
        return Zalloc(name, size)
    return Alloc(name, size)


def draw_mistake(random: Random, state: State, calls: HeapCalls) -> Operation:
    """Draw a mistake that the heap promises to survive; if there is none, what is no mistake."""
    heap = state.heap
    kind = random.choice(calls.misuse) if calls.misuse else ""
    match kind:
        case "double-free" if heap.freed:
            return FreeAgain(random.choice(heap.freed)[0])
        case "foreign-free" if heap.live:
            name = one_of(random, heap.live)
            if heap.live[name].size > 16:
                return FreeInside(name, random.choice((16, 8, 1)))
        case "free-none":
            return FreeNone()
        case "zero-size" if calls.realloc is not None and heap.live and random.random() < 0.5:
            return ToNothing(one_of(random, heap.live))
        case "zero-size":
            return Alloc(f"b{state.drawn}", 0)
        case "huge-size":
            return Huge(random.choice(HUGE))
    return draw(random, state, calls)


def _size(random: Random, state: State, calls: HeapCalls) -> int:
    """Draw a size, from 1 to the largest."""
    choice = random.random()
    if choice < 0.3:
        size = random.choice(SMALL)
    elif choice < 0.55:
        known = [asked.size for _, asked in state.heap.freed]
        if state.heap.live:
            known.append(state.heap.live[one_of(random, state.heap.live)].size)
        size = (random.choice(known) if known else 16) + random.choice(NEAR)
    elif choice < 0.7:
        size = PAGE * random.choice((1, 1, 1, 2, 3, 4, 16)) + random.choice(BESIDE)
    elif choice < 0.9 or not calls.exhaust:
        size = _up_to(random, min(calls.largest, 1 << 14))
    else:
        size = _up_to(random, calls.largest)
    return min(max(size, 1), calls.largest)


def _size_beside(random: Random, state: State, calls: HeapCalls, old: str) -> int:
    """Draw a size to change a block to: beside its own, or any."""
    if random.random() < 0.5:
        return _size(random, state, calls)
    size = state.heap.live[old].size
    size = random.choice((size + random.choice(NEAR), size * 2, size // 2, size + PAGE))
    return min(max(size, 1), calls.largest)


def _up_to(random: Random, most: int) -> int:
    """Draw a size of any magnitude."""
    return random.randrange(1, 2 << random.randrange(most.bit_length())) % most + 1


def _rounds(random: Random, state: State, calls: HeapCalls) -> Rounds:
    """Draw rounds enough that a heap which loses what it was given back is soon empty."""
    size = min(_size(random, state, calls), 1 << 16)
    blocks = random.choice((1, 1, 2, 4)) if calls.exhaust else 1
    rounds = min(BLOCKS // blocks, BYTES // (blocks * size) + 1)
    return Rounds(max(rounds, 2), blocks, size)
