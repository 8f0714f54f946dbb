"""Invariants of spaces: regions in order, their records, and page tables that agree both ways."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ringbench.arch.x86_64.address import PAGE_SHIFT, PAGE_SIZE, UPPER_HALF
from ringbench.arch.x86_64.leaves import Leaves
from ringbench.arch.x86_64.records import permissions
from ringbench.check.mismatch import Mismatch
from ringbench.subjects.reference.check.ownership import kin_rings
from ringbench.subjects.reference.check.region_pages import inside, region_pages, rooted
from ringbench.subjects.reference.model.task import TASK_CACHE
from ringbench.subjects.reference.model.vmm import REGION_CACHE
from ringbench.subjects.reference.observe.picture import Picture
from ringbench.subjects.reference.observe.spaces import SeenRegion, SeenSpace

LAYER = "vmm"

PRIVATE = frozenset(("anonymous", "demand", "private"))
PAGED = PRIVATE | {"physical", "shared"}
AT_FIRST_TOUCH = frozenset(("demand", "shared", "private"))
"""The kinds of regions whose pages are their own or borrowed, those that have pages at all, and
those whose pages come one by one."""

SHOWN = 20
"""Numbers of tasks that a mismatch lists."""


def regions_are_ordered(picture: Picture) -> Iterator[Mismatch]:
    """Regions are whole pages, ascend without overlap, lie in the window, and are counted."""
    for space in picture.spaces():
        for region in space.regions:
            inside = space.base <= region.base and region.end <= space.limit
            whole = region.base % PAGE_SIZE == region.length % PAGE_SIZE == 0 < region.length
            if not inside or not whole:
                window = f"pages in {space.base:#x}..{space.limit:#x}"
                yield Mismatch(LAYER, "region", window, _range(region), _where(space, region))
        for lower, upper in pairwise(space.regions):
            if upper.base < lower.end:
                expected = f"at or above {lower.end:#x}"
                where = _where(space, upper)
                yield Mismatch(LAYER, "order of regions", expected, f"{upper.base:#x}", where)
        if space.region_count != len(space.regions):
            listed = f"{len(space.regions)} in the list"
            yield Mismatch(LAYER, "region count", listed, str(space.region_count), space.name)


def records_are_the_regions(picture: Picture) -> Iterator[Mismatch]:
    """Each live object of the cache of regions is the record of one region, and the other way."""
    live = picture.slabs.live(REGION_CACHE)
    found = Counter(region.record for space in picture.spaces() for region in space.regions)
    for record in sorted(live ^ found.keys()):
        words = ("a region's record", "free") if record in found else ("free", "in use")
        yield Mismatch(LAYER, "record", *words, f"{REGION_CACHE}: {record:#x}")
    for record, count in found.items():
        if count > 1:
            where = f"{REGION_CACHE}: {record:#x}"
            yield Mismatch(LAYER, "record", "of one region", f"of {count}", where)


def regions_are_mapped(picture: Picture) -> Iterator[Mismatch]:
    """Pages of a region are 4 KiB leaves with its flags; all there, or one by one as touched."""
    for space, region, leaves in region_pages(picture):
        if region.kind not in PAGED or region.length == 0:
            continue
        if region.kind not in AT_FIRST_TOUCH and len(leaves) * PAGE_SIZE != region.length:
            pages = f"{region.length // PAGE_SIZE} pages"
            where = _where(space, region)
            yield Mismatch(LAYER, "pages of the region", pages, f"{len(leaves)} pages", where)
        yield from _flags(space, region, leaves)
        if region.paddr is not None:
            offset = leaves.vaddr - np.uint64(region.base)
            wrong = leaves.paddr != np.uint64(region.paddr) + offset
            for index in np.flatnonzero(wrong).tolist():
                yield Mismatch(
                    LAYER,
                    "physical address",
                    f"{region.paddr + int(offset[index]):#x}",
                    f"{int(leaves.paddr[index]):#x}",
                    f"{space.name}: {int(leaves.vaddr[index]):#x}",
                )


def _flags(space: SeenSpace, region: SeenRegion, leaves: Leaves) -> Iterator[Mismatch]:
    lacks_write = (leaves.write != region.write) & (leaves.write | (region.kind not in PRIVATE))
    wrong: NDArray[np.bool_] = (
        lacks_write
        | (leaves.user != region.user)
        | (leaves.execute != region.execute)
        | (leaves.cache != region.cache)
        | (leaves.size != PAGE_SIZE)
    )
    expected = permissions(region.write, region.user, region.execute)
    for index in np.flatnonzero(wrong).tolist():
        seen = permissions(
            bool(leaves.write[index]), bool(leaves.user[index]), bool(leaves.execute[index])
        )
        yield Mismatch(
            LAYER,
            "page of the region",
            f"{expected} cache {region.cache} size {PAGE_SIZE:#x}",
            f"{seen} cache {leaves.cache[index]} size {int(leaves.size[index]):#x}",
            f"{space.name}: {int(leaves.vaddr[index]):#x}",
        )


def mapped_pages_are_in_regions(picture: Picture) -> Iterator[Mismatch]:
    """A page in a space's window, or anywhere in a task's half, belongs to a region."""
    for space, root in rooted(picture):
        kernels = space.base >= UPPER_HALF
        low, high = (space.base, space.limit) if kernels else (0, UPPER_HALF)
        leaves = root.leaves.between(low, high)
        for index in np.flatnonzero(~inside(leaves, space.regions)).tolist():
            paddr = f"{int(leaves.paddr[index]):#x}"
            where = f"{space.name}: {int(leaves.vaddr[index]):#x}"
            yield Mismatch(LAYER, "page outside all regions", "none", paddr, where)


def borrowed_pages_are_not_writable(picture: Picture) -> Iterator[Mismatch]:
    """A private page that an object has, or that a kin shows too, cannot be written to."""
    rings, objects = kin_rings(picture), {it.address: dict(it.frames()) for it in picture.objects}
    showing: dict[tuple[int, int, int], list[tuple[str, bool]]] = defaultdict(list)
    for space, region, leaves in region_pages(picture):
        if region.kind not in PRIVATE or (space.name not in rings and region.kind != "private"):
            continue
        frames = objects.get(region.object, {})
        columns = (leaves.vaddr.tolist(), leaves.paddr.tolist(), leaves.write.tolist())
        for vaddr, paddr, write in zip(*columns, strict=True):
            if write and frames.get((region.offset + vaddr - region.base) >> PAGE_SHIFT) == paddr:
                where = f"{space.name}: {vaddr:#x}"
                yield Mismatch(LAYER, "page of an object", "read-only", "writable", where)
            if space.name in rings:
                showing[rings[space.name], vaddr, paddr].append((space.name, write))
    for (_, vaddr, _), found in showing.items():
        for name, write in found if len(found) > 1 else ():
            if write:
                where = f"{name}: {vaddr:#x}"
                yield Mismatch(LAYER, "page that kin share", "read-only", "writable", where)


def kin_are_rings(picture: Picture) -> Iterator[Mismatch]:
    """The kin of a space leads, over other spaces of tasks, back to it."""
    kin = {space.address: space.kin for space in picture.spaces()}
    for space in picture.spaces():
        at, steps = space.kin, 0
        while at in kin and at != space.address and steps < len(kin):
            at, steps = kin[at], steps + 1
        if space.kin and (at != space.address or steps == 0):
            yield Mismatch(LAYER, "kin", "a ring", f"{space.kin:#x}", f"{space.name}: kin")


def guards_map_nothing(picture: Picture) -> Iterator[Mismatch]:
    """No page is mapped in a guard region."""
    for space, region, leaves in region_pages(picture):
        if region.kind == "guard" and region.length:
            for page in leaves.vaddr.tolist():
                where = f"{space.name}: {page:#x}"
                yield Mismatch(LAYER, "page in a guard", "none", "mapped", where)


def tasks_are_ordered(picture: Picture) -> Iterator[Mismatch]:
    """Task ids ascend from 0, one is current, and their records are the live ones of the cache."""
    tasks = picture.tasks
    ids = [task.id for task in tasks.all]
    if ids[:1] != [0] or any(lower >= upper for lower, upper in pairwise(ids)):
        seen = str(ids[:SHOWN])[:-1] + (", ...]" if len(ids) > SHOWN else "]")
        yield Mismatch("task", "ids", "ascending from 0", seen, "the list of tasks")
    if tasks.current is None:
        yield Mismatch("task", "current task", "one of the list", "none", "the list of tasks")
    live = picture.slabs.live(TASK_CACHE)
    for record in sorted(live ^ {task.address for task in tasks.all[1:]}):
        words = ("free", "in use") if record in live else ("a task's record", "free")
        yield Mismatch("task", "record", *words, f"{TASK_CACHE}: {record:#x}")


def _range(region: SeenRegion) -> str:
    return f"{region.base:#x} + {region.length:#x}"


def _where(space: SeenSpace, region: SeenRegion) -> str:
    return f"{space.name}: {region.kind} region {_range(region)}"
