"""Invariants of the buddy allocator."""

from collections.abc import Iterator

from ringbench.check.mismatch import Mismatch
from ringbench.subjects.reference.observe.buddy import block_place, ring_place
from ringbench.subjects.reference.observe.picture import Picture
from ringbench.subjects.reference.vocabulary.constants import (
    BUDDY_ORDER_MAX,
    BUDDY_ORDER_MIN,
    BUDDY_USED,
)

LAYER = "buddy"


def blocks_tile_the_region(picture: Picture) -> Iterator[Mismatch]:
    """Blocks lie side by side at multiples of their sizes; no two free ones are whole buddies."""
    buddy, at = picture.buddy, 0
    for offset in sorted(buddy.blocks):
        order = buddy.blocks[offset] & (BUDDY_USED - 1)
        where = block_place(offset)
        if offset != at:
            yield Mismatch(LAYER, "where a block begins", f"{at:#x}", f"{offset:#x}", where)
            return
        if not BUDDY_ORDER_MIN <= order <= BUDDY_ORDER_MAX or offset % (1 << order):
            yield Mismatch(LAYER, "order", "one that fits there", str(order), where)
            return
        other = buddy.blocks.get(offset | 1 << order) if order < BUDDY_ORDER_MAX else None
        if buddy.blocks[offset] == order == other and not offset >> order & 1:
            yield Mismatch(LAYER, "free buddies", "merged", f"two of order {order}", where)
        at = offset + (1 << order)
    if at != buddy.length:
        yield Mismatch(LAYER, "end of the blocks", f"{buddy.length:#x}", f"{at:#x}", "the last")


def rings_hold_the_free_blocks(picture: Picture) -> Iterator[Mismatch]:
    """Every free block is in its order's ring, which leads back as on; counts are right."""
    buddy = picture.buddy
    free: dict[int, set[int]] = {}
    used = [byte & (BUDDY_USED - 1) for byte in buddy.blocks.values() if byte & BUDDY_USED]
    for offset, byte in buddy.blocks.items():
        if not byte & BUDDY_USED:
            free.setdefault(byte, set()).add(offset)
    for order in sorted(free.keys() | buddy.free.keys()):
        listed, where = buddy.free.get(order, ()), ring_place(order)
        if set(listed) != free.get(order, set()):
            yield Mismatch(LAYER, "ring", "the free blocks of the map", "others", where)
        if buddy.backwards.get(order, ()) != listed[::-1]:
            yield Mismatch(LAYER, "links back", "as the links on", "others", where)
    nonempty = sum(1 << order for order in free)
    counted = (nonempty, len(used), sum(1 << order for order in used))
    seen = (buddy.nonempty, buddy.used_count, buddy.used_bytes)
    if counted != seen:
        yield Mismatch(LAYER, "orders, blocks, bytes", str(counted), str(seen), "the counts")
