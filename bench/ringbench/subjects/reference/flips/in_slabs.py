"""Slab caches and the headers of their slabs, to flip bits of."""

from __future__ import annotations

from collections.abc import Iterator

from ringbench.subjects.reference.flips.site import Site
from ringbench.subjects.reference.flips.structure import Spot, Structure, of_spots
from ringbench.subjects.reference.observe.slabs import slab_place
from ringbench.subjects.reference.vocabulary.constants import DIRECT_MAP_BASE
from ringbench.subjects.reference.vocabulary.handles import cache_number

LAYER = "slab"


def slab_structures(site: Site) -> Iterator[Structure]:
    """Yield the caches that there are, and their slabs' headers."""
    for name, spots in (("slab caches", _caches(site)), ("headers of slabs", _headers(site))):
        found = list(spots)
        if found:
            yield of_spots(name, LAYER, found)
    ram = site.layout.slabs.ram
    yield of_spots(
        "RAM of slabs", LAYER, [part.spot(paddr, ram, ram) for part, paddr in site.variable(ram)]
    )


def _caches(site: Site) -> Iterator[Spot]:
    names = site.layout.slabs
    parts = [part for part in site.members(names.cache_type) if names.name not in part.path]
    for name in site.state.caches:
        address = site.address(f"{names.of_console}[{cache_number(name)}]")
        yield from site.spots(parts, address, name)


def _headers(site: Site) -> Iterator[Spot]:
    parts = site.members(site.layout.slabs.slab_type)
    for name, cache in site.state.caches.items():
        for frame in cache.slabs:
            yield from site.spots(parts, DIRECT_MAP_BASE + frame, slab_place(name, frame))
