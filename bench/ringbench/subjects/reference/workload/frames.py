"""Operations on physical frames. Runs are found from a random frame on."""

from __future__ import annotations

from operator import itemgetter
from random import Random
from typing import Final

from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.vocabulary.constants import BLOCK_FRAMES, FRAME_SIZE
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.pmm import (
    PmmAlloc,
    PmmAlloc2m,
    PmmFree,
    PmmInfo,
)
from ringbench.subjects.reference.workload.draws import crowded, pick
from ringbench.subjects.reference.workload.edges import (
    GIB_EDGES,
    WORD_FRAMES,
    beside,
    index,
    part_of_run,
)

LENT_RUNS: Final = 24
"""Lent runs to hover about."""

SHORT_OF_FRAMES: Final = 128
"""Free frames below which the longest lent run is likely to be given back."""


LONG_RUN: Final = (1 << 30) // FRAME_SIZE
"""Frames of a lent run that is seldom given back whole."""

PARTS_OF_BLOCK: Final = (
    *((0, 1), (BLOCK_FRAMES - 1, 1)),
    *((0, BLOCK_FRAMES - 1), (1, BLOCK_FRAMES - 1)),
    *((0, WORD_FRAMES), (BLOCK_FRAMES - WORD_FRAMES, WORD_FRAMES)),
    (0, BLOCK_FRAMES),
)
"""Frames of a block, (first, count)."""


def lent_run(random: Random, state: KernelState) -> tuple[int, int] | None:
    """A run of lent frames, (first frame, count): the first that ends past a random frame."""
    lent = state.console.lent
    if not lent:
        return None
    return lent.run_past(random.randrange(lent.end))


def pmm_alloc(random: Random, state: KernelState) -> Operation | None:
    """Take frames: one, a 2 MiB frame, a run; or give some back where many are lent."""
    if crowded(random, state.console.lent.run_count, LENT_RUNS):
        return pmm_free(random, state)
    shape = random.random()
    if shape < 0.55:
        return PmmAlloc()
    if shape < 0.65:
        return PmmAlloc2m()
    if shape < 0.7:
        return _pmm_hoard(random, state)
    count = pick(random, (1, 2, 3, 7, 16, 63, 64, 65, 100, 511, 512, 513, 700))
    align = pick(random, (None, FRAME_SIZE, 8 * FRAME_SIZE, 1 << 16, 2 << 20, 4 << 20, 1 << 30))
    return PmmAlloc(count, align)


def _pmm_hoard(random: Random, state: KernelState) -> Operation:
    """Take the rest of a block or word, a whole run, or nearly all there is.

    What follows meets borders, or the end; or frames whose addresses have more bits.
    """
    free = list(state.pmm.free.runs()) or [(0, 1)]
    shape = random.random()
    if shape < 0.4:
        first, count = free[0]
        unit = pick(random, (WORD_FRAMES, BLOCK_FRAMES))
        return PmmAlloc(min(count, unit - first % unit), FRAME_SIZE)
    if shape < 0.6:
        return PmmAlloc(max(1, beside(random, pick(random, free)[1])), FRAME_SIZE)
    first, longest = max(free, key=itemgetter(1))
    edges = [edge // FRAME_SIZE - first for edge in GIB_EDGES]
    ends = [edge for edge in edges if 0 < edge < longest] or [longest]
    return PmmAlloc(max(1, pick(random, ends) - random.randrange(12)), FRAME_SIZE)


def pmm_free(random: Random, state: KernelState) -> Operation | None:
    """Give back a lent run, a part of one, or frames that were never lent."""
    found = lent_run(random, state)
    shape = random.random()
    if found is None or shape < 0.08:
        frame = index(random, state.pmm.frame_limit + 1)
        if shape < 0.02:
            return PmmFree(frame // BLOCK_FRAMES * BLOCK_FRAMES * FRAME_SIZE, BLOCK_FRAMES)
        return PmmFree(frame * FRAME_SIZE)
    if state.pmm.free_count < SHORT_OF_FRAMES and shape < 0.5:
        first, count = max(state.console.lent.runs(), key=itemgetter(1))
        return PmmFree(first * FRAME_SIZE, count)
    first, count = found
    if count > LONG_RUN and shape < 0.6:  # it is there to keep others from its frames
        return PmmFree((first + index(random, count)) * FRAME_SIZE)
    if shape < 0.7:
        return PmmFree(first * FRAME_SIZE, count)
    if shape < 0.8:
        return _free_block(random, first, count)
    start, length = part_of_run(random, first, count)
    return PmmFree(start * FRAME_SIZE, length)


def _free_block(random: Random, first: int, count: int) -> Operation:
    """Give back a 2 MiB block of which a run is lent; or its first or last frame, or all others."""
    whole = -(-first // BLOCK_FRAMES) * BLOCK_FRAMES
    if whole + BLOCK_FRAMES > first + count:
        block = pick(random, (first, first + count - 1)) // BLOCK_FRAMES
        return PmmFree(block * BLOCK_FRAMES * FRAME_SIZE, BLOCK_FRAMES)
    start, length = pick(random, PARTS_OF_BLOCK)
    return PmmFree((whole + start) * FRAME_SIZE, length)


def pmm_info(random: Random, state: KernelState) -> Operation | None:
    """Ask for the counts."""
    return PmmInfo()
