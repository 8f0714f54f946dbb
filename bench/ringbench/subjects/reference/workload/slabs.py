"""Operations on slab caches, sensible ones and mistakes."""

from __future__ import annotations

from random import Random
from typing import Final

from ringbench.subjects.reference.model.state import Cache, KernelState
from ringbench.subjects.reference.vocabulary.constants import (
    CONSOLE_CACHES,
    DIRECT_MAP_BASE,
    FRAME_SIZE,
    HEAP_BASE,
    KERNEL_WINDOW_BASE,
)
from ringbench.subjects.reference.vocabulary.handles import cache_name, cache_number
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.slab import (
    SlabAlloc,
    SlabDelete,
    SlabFree,
    SlabNew,
)
from ringbench.subjects.reference.workload.draws import Maker, crowded, pick

CACHES: Final = 3
SLABS: Final = 3
"""Caches, and slabs of each, to hover about."""

SIZES: Final = (8, 9, 16, 24, 56, 64, 100, 248, 256, 496, 512, 1000, 1024, 1984, 2040, 2048)
ALIGNMENTS: Final = (8, 8, 8, 16, 64, 128, 256, 1024, 2048)
LAST: Final = (1 << 64) - 1


def caches(state: KernelState) -> list[str]:
    """The caches that the console made."""
    return [cache_name(n) for n in range(CONSOLE_CACHES) if cache_name(n) in state.caches]


def objects(cache: Cache) -> list[int]:
    """Addresses of all live objects of a cache, slab by slab."""
    return [
        cache.address(frame, number)
        for frame, free in cache.slabs.items()
        for number in range(cache.count)
        if not free >> number & 1
    ]


def slab_new(random: Random, state: KernelState) -> Operation | None:
    """Make a cache, mostly of small objects; or delete an empty one where there are many."""
    there = caches(state)
    empty = [each for each in there if not state.caches[each].slabs]
    if empty and crowded(random, len(there), CACHES):
        return SlabDelete(cache_number(pick(random, empty)))
    size = pick(random, SIZES) if random.random() < 0.7 else random.randint(8, 2048)
    return SlabNew(size, pick(random, ALIGNMENTS))


def slab_change(random: Random, state: KernelState) -> Operation | None:
    """Take an object, or free one of any slab where there are many."""
    there = caches(state)
    if not there:
        return None
    name = pick(random, there)
    cache = state.caches[name]
    if not cache.slabs or not crowded(random, cache.used, min(cache.count, 64) * SLABS):
        return SlabAlloc(cache_number(name))
    return SlabFree(cache_number(name), pick(random, objects(cache)))


def slab_empty(random: Random, state: KernelState) -> Operation | None:
    """Free an object of the slab with fewest, so that slabs and caches become empty."""
    there = [each for each in caches(state) if state.caches[each].room]
    if not there:
        return None
    name = pick(random, there)
    cache = state.caches[name]
    fewest = max(cache.room, key=lambda frame: cache.slabs[frame].bit_count())
    lowest = ~cache.slabs[fewest] & (cache.slabs[fewest] + 1)
    return SlabFree(cache_number(name), cache.address(fewest, lowest.bit_length() - 1))


def _new_impossible(random: Random, state: KernelState) -> Operation | None:
    sizes, aligns = (0, 7, 2049, 1 << 32, LAST, 8, 2048), (0, 1, 4, 24, 4096, 1 << 63, 8)
    return SlabNew(pick(random, sizes), pick(random, aligns))


def _cache_gone(random: Random, state: KernelState) -> Operation | None:
    number = pick(random, (*range(CONSOLE_CACHES), CONSOLE_CACHES, 1 << 32, LAST))
    shape = pick(random, (0, 1, 2))
    if shape == 0 or cache_name(number) in state.caches:
        return SlabDelete(number)
    return SlabAlloc(number) if shape == 1 else SlabFree(number, DIRECT_MAP_BASE)


def _free_wrong(random: Random, state: KernelState) -> Operation | None:
    """Free what is no object: within one, free, another cache's, a header, no slab at all."""
    there = caches(state)
    if not there:
        return None
    name, other = pick(random, there), pick(random, there)
    slabs = tuple(state.caches[other].slabs)
    outside = (0, HEAP_BASE, KERNEL_WINDOW_BASE, LAST, DIRECT_MAP_BASE, state.kernel_root)
    cache = state.caches[other]
    if not slabs or random.random() < 0.2:
        free = state.pmm.free.edges[0] if state.pmm.free else 0
        within = DIRECT_MAP_BASE + pick(random, (free, state.pmm.frame_limit)) * FRAME_SIZE
        return SlabFree(cache_number(name), pick(random, (*outside, within + cache.first)))
    base = DIRECT_MAP_BASE + pick(random, slabs)
    number = random.randrange(cache.count + 1)
    off = pick(random, (0, 0, 0, 1, 8, cache.size - 1, cache.stride // 2))
    place = pick(random, (0, cache.first - 8, *(cache.first + number * cache.stride + off,) * 6))
    return SlabFree(cache_number(name), base + place)


SLAB_MISUSES: Final[tuple[Maker, ...]] = (_new_impossible, _cache_gone, _free_wrong, _free_wrong)
"""Mistakes with caches and objects."""
