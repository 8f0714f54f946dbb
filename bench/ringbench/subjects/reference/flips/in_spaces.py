"""Spaces, regions, slabs and tasks to flip bits of."""

from __future__ import annotations

from collections.abc import Iterator

from ringbench.subjects.reference.flips.free import FREE_RECORD
from ringbench.subjects.reference.flips.site import Site
from ringbench.subjects.reference.flips.structure import BYTE, Spot, Structure, of_spots
from ringbench.subjects.reference.model.state import Slab, Space
from ringbench.subjects.reference.vocabulary.constants import VM_RECORD_SIZE, VM_SLAB_REGIONS

VMM = "vmm"
TASK = "task"


def space_structures(site: Site) -> Iterator[Structure]:
    """Yield every space's struct, region records and slabs, and which space is current."""
    yield of_spots("spaces", VMM, list(_spaces(site)))
    regions = list(_regions(site))
    if regions:
        yield of_spots("regions", VMM, regions)
    slabs = list(_slab_headers(site))
    if slabs:
        yield of_spots("slab headers", VMM, slabs)
        yield of_spots("free region records", VMM, list(_free_records(site)))
    current = site.layout.spaces.current
    spots = [part.spot(paddr, current, current) for part, paddr in site.variable(current)]
    yield of_spots("current space", VMM, spots)


def task_structures(site: Site) -> Iterator[Structure]:
    """Yield every task's record, less its space, and which task is current."""
    names = site.layout.tasks
    parts = [
        part
        for part in site.members(names.task_type)
        if not part.path.startswith(f".{names.space}")
    ]
    records: list[Spot] = []
    for task in site.state.tasks:
        address = task.record or site.address(names.first)
        records += site.spots(parts, address, task.handle)
    yield of_spots("task records", TASK, records)
    variable = site.variable(names.current)
    yield of_spots(
        "current task", TASK, [part.spot(paddr, names.current, "") for part, paddr in variable]
    )


def _spaces(site: Site) -> Iterator[Spot]:
    names = site.layout.spaces
    places = {
        names.root: "root",
        names.base: "base",
        names.limit: "limit",
        names.first: "first region",
        names.slabs: "first slab",
        names.region_count: "region count",
    }
    parts = site.members(names.space_type)
    for name, address in _space_addresses(site):
        for part in parts:
            place = places.get(part.path[1:], "padding")
            yield part.spot(site.paddr_of(address + part.offset), f"{name}: {place}", name)


def _space_addresses(site: Site) -> Iterator[tuple[str, int]]:
    """Yield every space's name and virtual address, the boot task's unused one among them."""
    yield "kernel", site.address(site.layout.spaces.kernel_space)
    yield "heap", site.address(site.layout.heap.space)
    names = site.layout.tasks
    offset, _ = site.types.offset(site.types.struct(names.task_type), names.space)
    for task in site.state.tasks:
        yield task.handle, (task.record or site.address(names.first)) + offset


def _regions(site: Site) -> Iterator[Spot]:
    parts = site.members(site.layout.spaces.region_type)
    for name, space in site.state.spaces.items():
        for number, region in enumerate(space.regions):
            place = f"{name}: region {number}"
            for part in parts:
                yield part.spot(region.record + part.offset, place, place)


def _slabs(site: Site) -> Iterator[tuple[str, Space, int, Slab]]:
    for name, space in site.state.spaces.items():
        for number, slab in enumerate(space.slabs):
            yield name, space, number, slab


def _slab_headers(site: Site) -> Iterator[Spot]:
    names = site.layout.spaces
    first, _ = site.types.offset(site.types.struct(names.slab_type), names.slab_regions)
    parts = [part for part in site.members(names.slab_type) if part.offset < first]
    for name, _, number, slab in _slabs(site):
        place = f"{name}: slab {number}"
        for part in parts:
            yield part.spot(slab.frame + part.offset, place, place)


def _free_records(site: Site) -> Iterator[Spot]:
    everything = {FREE_RECORD: (1 << VM_RECORD_SIZE * BYTE) - 1}
    for name, _, number, slab in _slabs(site):
        for slot in range(VM_SLAB_REGIONS):
            if slab.free_slots >> slot & 1:
                place = f"{name}: slab {number}"
                paddr = slab.frame + VM_RECORD_SIZE * (1 + slot)
                bits = VM_RECORD_SIZE * BYTE
                yield Spot(f"{place} slot {slot}", paddr, bits, place, free=everything)
