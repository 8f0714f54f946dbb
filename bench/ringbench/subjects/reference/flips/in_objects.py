"""Memory objects and the nodes of their trees, to flip bits of."""

from __future__ import annotations

from collections.abc import Iterator

from ringbench.arch.x86_64.address import PAGE_SIZE
from ringbench.subjects.reference.flips.site import Site
from ringbench.subjects.reference.flips.structure import BYTE, Spot, Structure, of_spots
from ringbench.subjects.reference.observe.objects import LAYER, node_place
from ringbench.subjects.reference.vocabulary.handles import object_handle

ENTRY = 8


def object_structures(site: Site) -> Iterator[Structure]:
    """Yield which object is the first, and, where there are objects, their records and nodes."""
    first = site.layout.objects.first
    spots = [part.spot(paddr, first, first) for part, paddr in site.variable(first)]
    yield of_spots("first object", LAYER, spots)
    for name, found in (
        ("objects", list(_records(site))),
        ("nodes of objects", list(_nodes(site))),
    ):
        if found:
            yield of_spots(name, LAYER, found)


def _records(site: Site) -> Iterator[Spot]:
    parts = site.members(site.layout.objects.object_type)
    for number, it in site.state.objects.items():
        yield from site.spots(parts, it.record, object_handle(number))


def _nodes(site: Site) -> Iterator[Spot]:
    for number, it in site.state.objects.items():
        for frame in it.nodes.values():
            place = node_place(object_handle(number), frame)
            for entry in range(PAGE_SIZE // ENTRY):
                yield Spot(f"entry {entry}", frame + entry * ENTRY, ENTRY * BYTE, place)
