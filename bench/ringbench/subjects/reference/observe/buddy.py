"""The buddy allocator: its blocks, out of the map, and the ring of each order's free ones."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from ringbench.arch.x86_64.address import PAGE_SIZE
from ringbench.debuginfo.dwarf import Record
from ringbench.observe.reader import GuestReader, member
from ringbench.subjects.reference.observe.names import BuddyNames, Layout
from ringbench.subjects.reference.observe.spaces import SeenSpace, read_space
from ringbench.subjects.reference.vocabulary.constants import (
    BUDDY_MAPPED,
    BUDDY_ORDER_MIN,
    DIRECT_MAP_BASE,
)

LAYER: Final = "buddy"


@dataclass(frozen=True, slots=True)
class SeenBuddy:
    """The allocator as the kernel's memory has it.

    Attributes:
        length: bytes of its region.
        nonempty: bit o: the ring of order o has a block, as it says.
        used_count, used_bytes: of the blocks in use, as it counts them.
        blocks: the map: by the offset into the region, the byte of each block.
        free: the offsets in each order's ring, those that are not empty.
        backwards: the same rings, followed by the links back.
        maps: the frames of the map, one for each 128 KiB of the region, 0 where there is none.
        past: how many pointers to frames of the map there are past the region's end.
        space: the space whose one region it is.
    """

    length: int
    nonempty: int
    used_count: int
    used_bytes: int
    blocks: Mapping[int, int]
    free: Mapping[int, tuple[int, ...]]
    backwards: Mapping[int, tuple[int, ...]]
    maps: tuple[int, ...]
    past: int
    space: SeenSpace


def read_buddy(guest: GuestReader, layout: Layout) -> SeenBuddy:
    """Read the allocator's variables, its map and its rings."""
    names = layout.buddy
    record = guest.types.value(guest.virtual, names.space)
    assert isinstance(record, Record)
    space = read_space(guest, layout.spaces, "buddy", record)
    length = guest.integer(names.length)
    if length > space.limit - space.base or length % PAGE_SIZE:
        guest.note(LAYER, f"a length of {length:#x} cannot be", names.length)
        length = 0
    pointers = guest.integers(names.maps)
    served = -(-length // BUDDY_MAPPED)
    maps = [each - DIRECT_MAP_BASE if each else 0 for each in pointers[:served]]
    return SeenBuddy(
        length=length,
        nonempty=guest.integer(names.nonempty),
        used_count=guest.integer(names.used_count),
        used_bytes=guest.integer(names.used_bytes),
        blocks=dict(_blocks(guest, names, pointers[:served])),
        free=_rings(guest, names, space.base, names.next),
        backwards=_rings(guest, names, space.base, names.previous),
        maps=tuple(maps),
        past=sum(1 for each in pointers[served:] if each),
        space=space,
    )


def _blocks(
    guest: GuestReader, names: BuddyNames, pointers: tuple[int, ...]
) -> Iterator[tuple[int, int]]:
    for number, pointer in enumerate(pointers):
        data = guest.bytes(pointer, PAGE_SIZE)
        if data is None:
            guest.note(LAYER, f"it leads to {pointer:#x}", f"{names.maps}[{number}]")
            return
        if not guest.notebook.spend(LAYER, f"{names.maps}[{number}]", PAGE_SIZE):
            return
        for unit, byte in enumerate(data):
            if byte:
                yield number * BUDDY_MAPPED + (unit << BUDDY_ORDER_MIN), byte


def _rings(
    guest: GuestReader, names: BuddyNames, base: int, way: str
) -> dict[int, tuple[int, ...]]:
    """Follow the ring of each order from its head, one way."""
    heads = guest.types.value(guest.virtual, names.free)
    assert isinstance(heads, list)
    found: dict[int, tuple[int, ...]] = {}
    for order, head in enumerate(heads):
        assert isinstance(head, Record)
        first, offsets = member(head, way), list[int]()

        def holder(index: int, order: int = order, offsets: list[int] = offsets) -> str:
            return block_place(offsets[index - 1]) if index else ring_place(order)

        chain = guest.chain(LAYER, first, names.link_type, way, holder, end=head.address)
        for link in chain:
            offsets.append(link.address - base)
        if offsets:
            found[order] = tuple(offsets)
    return found


def ring_place(order: int) -> str:
    """Return what the ring of an order is called in mismatches."""
    return f"free blocks of order {order}"


def block_place(offset: int) -> str:
    """Return what a block is called in mismatches."""
    return f"block {offset:#x}"
