"""Slab caches and the headers of their slabs, to flip bits of."""

from __future__ import annotations

from collections.abc import Iterator

from ringbench.subjects.reference.flips.free import FREE_RECORD
from ringbench.subjects.reference.flips.site import Site
from ringbench.subjects.reference.flips.structure import BYTE, Spot, Structure, of_spots
from ringbench.subjects.reference.model.kmalloc import caches as kmalloc_caches
from ringbench.subjects.reference.model.object import OBJECT_CACHE
from ringbench.subjects.reference.model.task import TASK_CACHE
from ringbench.subjects.reference.model.vmm import REGION_CACHE
from ringbench.subjects.reference.observe.slabs import slab_place
from ringbench.subjects.reference.vocabulary.constants import DIRECT_MAP_BASE
from ringbench.subjects.reference.vocabulary.handles import cache_number

LAYER = "slab"


def slab_structures(site: Site) -> Iterator[Structure]:
    """Yield the caches that there are, their slabs' headers, and the free records in them."""
    yield of_spots("slab caches", LAYER, list(_caches(site)))
    headers, free = list(_headers(site)), list(_free_records(site))
    if headers:
        yield of_spots("headers of slabs", LAYER, headers)
    if free:
        yield of_spots("free records", LAYER, free)
    ram = site.layout.slabs.ram
    yield of_spots(
        "RAM of slabs", LAYER, [part.spot(paddr, ram, ram) for part, paddr in site.variable(ram)]
    )


def _caches(site: Site) -> Iterator[Spot]:
    names = site.layout.slabs
    parts = [part for part in site.members(names.cache_type) if names.name not in part.path]
    of_kernel = {
        OBJECT_CACHE: site.layout.objects.cache,
        REGION_CACHE: site.layout.spaces.cache,
        TASK_CACHE: site.layout.tasks.cache,
    }
    for number, name in enumerate(kmalloc_caches(site.state.chain)):
        of_kernel[name] = f"{site.layout.chain.caches}[{number}]"
    for name in site.state.caches:
        variable = of_kernel.get(name) or f"{names.of_console}[{cache_number(name)}]"
        yield from site.spots(parts, site.address(variable), name)


def _headers(site: Site) -> Iterator[Spot]:
    parts = site.members(site.layout.slabs.slab_type)
    for name, cache in site.state.caches.items():
        for frame in cache.slabs:
            yield from site.spots(parts, DIRECT_MAP_BASE + frame, slab_place(name, frame))


def _free_records(site: Site) -> Iterator[Spot]:
    for name in (REGION_CACHE, TASK_CACHE):
        cache = site.state.caches[name]
        bits = cache.size * BYTE
        for frame, free in cache.slabs.items():
            place = slab_place(name, frame)
            for number in range(cache.count):
                if free >> number & 1:
                    paddr = site.paddr_of(cache.address(frame, number))
                    everything = {FREE_RECORD: (1 << bits) - 1}
                    yield Spot(f"{place} record {number}", paddr, bits, place, free=everything)
