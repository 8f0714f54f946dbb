"""Operations on the buddy allocator, sensible ones and mistakes."""

from __future__ import annotations

from random import Random
from typing import Final

from ringbench.subjects.reference.model.buddy import order_for
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.vocabulary.constants import (
    BUDDY_BASE,
    BUDDY_MAPPED,
    BUDDY_ORDER_MAX,
    BUDDY_ORDER_MIN,
    BUDDY_SIZE,
    BUDDY_TRIM,
    FRAME_SIZE,
    HEAP_BASE,
)
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.buddy import (
    BuddyAlloc,
    BuddyFree,
    BuddyInfo,
)
from ringbench.subjects.reference.workload.draws import Maker, crowded, pick

BLOCKS: Final = 100
"""Blocks in use to hover about."""

LAST: Final = (1 << 64) - 1


def used_blocks(state: KernelState) -> list[int]:
    """Addresses of all blocks in use."""
    return [BUDDY_BASE + at for at, block in state.buddy.blocks.items() if block.used]


def _draw_size(random: Random) -> int:
    """Mostly small, with powers of two and their neighbours; sometimes many pages."""
    shape = random.random()
    if shape < 0.3:
        return (1 << random.randrange(5, 14)) + pick(random, (-1, 0, 0, 1))
    if shape < 0.34:
        return pick(random, (1, BUDDY_TRIM, BUDDY_TRIM + 1, BUDDY_MAPPED, 2 * BUDDY_MAPPED))
    base = 16 << random.randrange(8)
    return base + random.randrange(base)


def buddy_alloc(random: Random, state: KernelState) -> Operation | None:
    """Take a block, or free one where there are many."""
    used = state.buddy.used_count
    if used and crowded(random, used, BLOCKS):
        return buddy_free(random, state)
    return BuddyAlloc(_draw_size(random))


def buddy_free(random: Random, state: KernelState) -> Operation | None:
    """Free a block: any; the highest, so that the region shrinks; one whose buddy is free."""
    blocks = used_blocks(state)
    if not blocks:
        return None
    shape = random.random()
    if shape < 0.1:
        return BuddyFree(max(blocks))
    if shape < 0.4:
        there = state.buddy.blocks
        for vaddr in blocks:
            order = there[vaddr - BUDDY_BASE].order
            other = there.get((vaddr - BUDDY_BASE) ^ 1 << order)
            if other is not None and (other.order, other.used) == (order, False):
                return BuddyFree(vaddr)
    return BuddyFree(pick(random, blocks))


def buddy_info(random: Random, state: KernelState) -> Operation | None:
    """Ask for the counts."""
    return BuddyInfo()


def _alloc_impossible(random: Random, state: KernelState) -> Operation | None:
    """Ask for nothing, for more than the largest block, for more than the window or memory has."""
    largest, memory = 1 << BUDDY_ORDER_MAX, state.pmm.free_count * FRAME_SIZE
    size = pick(random, (0, largest + 1, LAST, 1 << 63, largest, largest // 2, memory))
    if 0 < size <= largest and 1 << order_for(size) <= memory:
        return BuddyAlloc(0)  # it would succeed, and take a second
    return BuddyAlloc(size)


def _free_wrong(random: Random, state: KernelState) -> Operation | None:
    """Free what is no block in use: a free one, within one, the end, outside."""
    buddy, shape = state.buddy, random.random()
    outside = (0, LAST, HEAP_BASE, BUDDY_BASE - 1, BUDDY_BASE + BUDDY_SIZE)
    if not buddy.blocks or shape < 0.15:
        return BuddyFree(pick(random, (*outside, BUDDY_BASE + buddy.length)))
    offset = pick(random, list(buddy.blocks))
    block = buddy.blocks[offset]
    if not block.used and shape < 0.5:
        return BuddyFree(BUDDY_BASE + offset)
    half = 1 << max(block.order - 1, BUDDY_ORDER_MIN - 1)
    return BuddyFree(BUDDY_BASE + offset + pick(random, (1, 8, 16, half, (1 << block.order) - 32)))


BUDDY_MISUSES: Final[tuple[Maker, ...]] = (_alloc_impossible, _free_wrong, _free_wrong)
"""Mistakes with blocks."""
