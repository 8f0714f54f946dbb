"""The buddy allocator's variables, map and rings, and the chain's choice, to flip bits of."""

from __future__ import annotations

from collections.abc import Iterator

from ringbench.subjects.reference.flips.site import Site
from ringbench.subjects.reference.flips.structure import BYTE, Spot, Structure, of_spots
from ringbench.subjects.reference.observe.buddy import block_place, ring_place
from ringbench.subjects.reference.vocabulary.constants import (
    BUDDY_BASE,
    BUDDY_MAPPED,
    BUDDY_ORDER_MIN,
)

LAYER = "buddy"


def buddy_structures(site: Site) -> Iterator[Structure]:
    """Yield all that the allocator consists of, as far as there is any."""
    names = site.layout.buddy
    heads: list[Spot] = []
    variables: list[Spot] = []
    for part, paddr in site.variable(names.record):
        path = f"{names.record}{part.path}"
        if path.startswith(f"{names.free}["):
            order = int(path[len(names.free) + 1 :].partition("]")[0])
            heads.append(part.spot(paddr, ring_place(order), names.record))
        elif not path.startswith(names.space):  # which is one of the spaces
            place = names.maps if path.startswith(names.maps) else path
            variables.append(part.spot(paddr, place, names.record))
    yield of_spots("heads of free blocks", LAYER, heads)
    yield of_spots("buddy's variables", LAYER, variables)
    for name, spots in (("map of blocks", _map(site)), ("links of free blocks", _links(site))):
        found = list(spots)
        if found:
            yield of_spots(name, LAYER, found)


def _map(site: Site) -> Iterator[Spot]:
    """The bytes of the map where blocks begin; a byte inside of a block begins one when flipped."""
    for offset in site.state.buddy.blocks:
        frame = site.state.buddy.maps[offset // BUDDY_MAPPED]
        paddr = frame + (offset % BUDDY_MAPPED >> BUDDY_ORDER_MIN)
        yield Spot("byte of the map", paddr, BYTE, block_place(offset))


def _links(site: Site) -> Iterator[Spot]:
    parts = site.members(site.layout.buddy.link_type)
    for offsets in site.state.buddy.free.values():
        for offset in offsets:
            yield from site.spots(parts, BUDDY_BASE + offset, block_place(offset))


def chain_structures(site: Site) -> Iterator[Structure]:
    """Yield what kmalloc is made of; its caches are among all the slab caches."""
    names = site.layout.chain
    spots = [
        part.spot(paddr, f"{names.record}{part.path}", names.record)
        for part, paddr in site.variable(names.record)
        if not f"{names.record}{part.path}".startswith(names.caches)
    ]
    yield of_spots("chain of heaps", "kmalloc", spots)
