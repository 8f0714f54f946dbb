"""The kernel heap's headers, links, lists and variables to flip bits of."""

from __future__ import annotations

from collections.abc import Iterator

from ringbench.subjects.reference.flips.site import Site
from ringbench.subjects.reference.flips.structure import BYTE, Spot, Structure, of_spots
from ringbench.subjects.reference.vocabulary.constants import HEAP_HEADER
from ringbench.subjects.reference.vocabulary.heap_encoding import list_place

LAYER = "heap"


def heap_structures(site: Site) -> Iterator[Structure]:
    """Yield all that the heap consists of, as far as there is any."""
    names = site.layout.heap
    for name, spots in (
        ("node headers", _headers(site)),
        ("links of free nodes", _links(site)),
        ("absorbed headers", _absorbed(site)),
    ):
        found = list(spots)
        if found:
            yield of_spots(name, LAYER, found)
    heads: list[Spot] = []
    bitmaps: list[Spot] = []
    variables: list[Spot] = []
    for part, paddr in site.variable(names.record):
        path = f"{names.record}{part.path}"
        if path.startswith(f"{names.free}["):
            first, second = list_place(int(path[len(names.free) + 1 : -1]))
            heads.append(part.spot(paddr, f"free list {first}.{second}", names.record))
        elif path.startswith(names.space):
            continue  # one of the spaces
        else:
            of_bitmap = path.startswith((names.first_bitmap, names.second_bitmap))
            (bitmaps if of_bitmap else variables).append(part.spot(paddr, path, names.record))
    yield of_spots("heads of free lists", LAYER, heads)
    yield of_spots("bitmaps of free lists", LAYER, bitmaps)
    yield of_spots("heap's variables", LAYER, variables)


def _headers(site: Site) -> Iterator[Spot]:
    names = site.layout.heap
    parts = [part for part in site.members(names.node_type) if part.offset < HEAP_HEADER]
    for address in site.state.heap.nodes:
        yield from site.spots(parts, address, f"node {address:#x}")


def _links(site: Site) -> Iterator[Spot]:
    """What a free node's payload holds of its list."""
    names = site.layout.heap
    parts = [part for part in site.members(names.node_type) if part.offset >= HEAP_HEADER]
    for nodes in site.state.heap.free.values():
        for address in nodes:
            yield from site.spots(parts, address, f"node {address:#x}")


def _absorbed(site: Site) -> Iterator[Spot]:
    """Headers that merges left behind, by which a double free is named."""
    for address, held in site.state.heap.stale.items():
        place = f"node {address:#x}"
        yield Spot(f"{place} absorbed", site.paddr_of(address), len(held) * BYTE, place)
