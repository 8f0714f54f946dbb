"""Operations on the chain of heaps, sensible ones and mistakes."""

from __future__ import annotations

from random import Random
from typing import Final

from ringbench.subjects.reference.model.kmalloc import caches
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.vocabulary.constants import (
    DIRECT_MAP_BASE,
    FRAME_SIZE,
    HEAP_HEADER,
    KMALLOC_MAX,
    KMALLOC_SIZES,
)
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.kmalloc import KmallocAlloc, KmallocFree
from ringbench.subjects.reference.workload.buddy import used_blocks
from ringbench.subjects.reference.workload.draws import Maker, crowded, pick
from ringbench.subjects.reference.workload.slabs import objects

OBJECTS: Final = 100
"""Objects of the front to hover about."""

LAST: Final = (1 << 64) - 1


def small_objects(state: KernelState) -> list[int]:
    """Addresses of all live objects of the front's caches."""
    return [each for name in caches(state.chain) for each in objects(state.caches[name])]


def _of_back(state: KernelState) -> list[int]:
    """Addresses of what is in use of the back, whoever took it."""
    if state.chain.buddy:
        return used_blocks(state)
    return [node + HEAP_HEADER for node, facts in state.heap.nodes.items() if facts.used]


def kmalloc_alloc(random: Random, state: KernelState) -> Operation | None:
    """Take a small piece, a larger one now and then; or free one where there are many."""
    small = sum(state.caches[name].used for name in caches(state.chain))
    used = small if state.chain.front else len(_of_back(state))
    if used and crowded(random, used, OBJECTS):
        return kmalloc_free(random, state)
    shape = random.random()
    if shape < 0.3:
        return KmallocAlloc(pick(random, KMALLOC_SIZES) + pick(random, (-1, 0, 0, 1)))
    return KmallocAlloc(random.randint(1, 520) if shape < 0.9 else random.randint(520, 9000))


def kmalloc_free(random: Random, state: KernelState) -> Operation | None:
    """Free a piece of the front or of the back."""
    small, large = small_objects(state), _of_back(state)
    pieces = large if not small or (large and random.random() < 0.2) else small
    return KmallocFree(pick(random, pieces)) if pieces else None


def _alloc_impossible(random: Random, state: KernelState) -> Operation | None:
    return KmallocAlloc(pick(random, (0, KMALLOC_MAX + 1, LAST, 1 << 63)))


def _free_wrong(random: Random, state: KernelState) -> Operation | None:
    """Free NULL, what no chain gave, a piece's inside, a slab's header, another cache's object."""
    pieces = small_objects(state) or _of_back(state)
    others = [each.record for space in state.spaces.values() for each in space.regions]
    outside = (0, LAST, DIRECT_MAP_BASE, state.kernel_root, *others[:1])
    if not pieces or random.random() < 0.3:
        return KmallocFree(pick(random, outside))
    piece = pick(random, pieces)
    return KmallocFree(pick(random, (piece + 1, piece + 8, piece & -FRAME_SIZE, piece + 512)))


KMALLOC_MISUSES: Final[tuple[Maker, ...]] = (_alloc_impossible, _free_wrong, _free_wrong)
"""Mistakes with the chain."""
