"""Spaces, regions and tasks to flip bits of."""

from __future__ import annotations

from collections.abc import Iterator

from ringbench.subjects.reference.flips.site import Site
from ringbench.subjects.reference.flips.structure import Spot, Structure, of_spots

VMM = "vmm"
TASK = "task"


def space_structures(site: Site) -> Iterator[Structure]:
    """Yield every space's struct, region records, and which space is current."""
    yield of_spots("spaces", VMM, list(_spaces(site)))
    regions = list(_regions(site))
    if regions:
        yield of_spots("regions", VMM, regions)
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
        names.region_count: "region count",
        names.kin: "kin",
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
    yield "buddy", site.address(site.layout.buddy.space)
    names = site.layout.tasks
    offset, _ = site.types.offset(site.types.struct(names.task_type), names.space)
    for task in site.state.tasks:
        yield task.handle, (task.record or site.address(names.first)) + offset


def _regions(site: Site) -> Iterator[Spot]:
    parts = site.members(site.layout.spaces.region_type)
    for name, space in site.state.spaces.items():
        for number, region in enumerate(space.regions):
            place = f"{name}: region {number}"
            yield from site.spots(parts, region.record, place)
