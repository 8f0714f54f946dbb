"""Operations on physical frames. Runs are found from a random frame on."""

from __future__ import annotations

from operator import itemgetter
from random import Random
from typing import Final

from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.vocabulary import operations as op
from ringbench.subjects.reference.vocabulary.constants import BLOCK_FRAMES, FRAME_SIZE
from ringbench.subjects.reference.vocabulary.operations import Operation
from ringbench.subjects.reference.workload.draws import crowded, pick

LENT_RUNS: Final = 24
"""Lent runs to hover about."""

SHORT_OF_FRAMES: Final = 128
"""Free frames below which the longest lent run is likely to be given back."""


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
        return op.PmmAlloc()
    if shape < 0.65:
        return op.PmmAlloc2m()
    if shape < 0.7:
        return _pmm_hoard(random, state)
    count = pick(random, (1, 2, 3, 7, 16, 64, 100, 511, 512, 513, 700))
    align = pick(random, (None, FRAME_SIZE, 8 * FRAME_SIZE, 1 << 16, 2 << 20))
    return op.PmmAlloc(count, align)


def _pmm_hoard(random: Random, state: KernelState) -> Operation:
    """Take the rest of a block, or nearly all there is: what follows meets borders, or the end."""
    free = list(state.pmm.free.runs()) or [(0, 1)]
    if random.random() < 0.5:
        first, count = free[0]
        return op.PmmAlloc(min(count, BLOCK_FRAMES - first % BLOCK_FRAMES), FRAME_SIZE)
    longest = max(count for _, count in free)
    return op.PmmAlloc(max(1, longest - random.randrange(12)), FRAME_SIZE)


def pmm_free(random: Random, state: KernelState) -> Operation | None:
    """Give back a lent run, a part of one, or frames that were never lent."""
    found = lent_run(random, state)
    shape = random.random()
    if found is None or shape < 0.1:
        return op.PmmFree(random.randrange(state.pmm.frame_limit) * FRAME_SIZE)
    if state.pmm.free_count < SHORT_OF_FRAMES and shape < 0.5:
        first, count = max(state.console.lent.runs(), key=itemgetter(1))
        return op.PmmFree(first * FRAME_SIZE, count)
    first, count = found
    if shape < 0.75:
        return op.PmmFree(first * FRAME_SIZE, count)
    start = random.randrange(count)
    return op.PmmFree((first + start) * FRAME_SIZE, random.randint(1, count - start))


def pmm_info(random: Random, state: KernelState) -> Operation | None:
    """Ask for the counts."""
    return op.PmmInfo()
