"""The virtual memory manager: spaces and their regions, whose records are in a slab cache.

A space is named: "kernel", "heap", or a task's handle. Frames are taken in the kernel's order: the
slab of records if one is needed; then per page, ascending, the page, then its missing tables.
"""

from bisect import bisect_right
from collections.abc import Mapping
from operator import attrgetter
from typing import Final

from ringbench.arch.x86_64.address import SIZE_4K
from ringbench.subjects.reference.model import pmm as frames
from ringbench.subjects.reference.model.object import object_hold, object_release
from ringbench.subjects.reference.model.paging import (
    flags_are_valid,
    leaf_bits,
    paging_clear,
    paging_reflag,
    paging_root_create,
    paging_root_destroy,
    paging_tables_missing,
    populate,
)
from ringbench.subjects.reference.model.private import PRIVATE, borrowed, kin_of, may_borrow
from ringbench.subjects.reference.model.slab import slab_alloc, slab_free
from ringbench.subjects.reference.model.state import (
    KernelState,
    Region,
    Space,
    frames_of,
    replace,
)
from ringbench.subjects.reference.model.tables import TableEditor
from ringbench.subjects.reference.vocabulary import flags as page
from ringbench.subjects.reference.vocabulary.constants import (
    KERNEL_HALF,
    PADDR_NONE,
    TASK_WINDOW_BASE,
    TASK_WINDOW_END,
    VmKind,
)
from ringbench.subjects.reference.vocabulary.status import Status

REGION_CACHE: Final = "region"
"""The slab cache of the records."""

_BASE: Final = attrgetter("base")
HELD: Final = frozenset((VmKind.ANONYMOUS, VmKind.DEMAND, VmKind.SHARED, VmKind.PRIVATE))
"""The kinds of regions whose pages have contents that the kernel reads and writes."""
SHOWING: Final = frozenset((VmKind.SHARED, VmKind.PRIVATE))
"""The kinds of regions that show an object."""
PERMISSIONS: Final = page.WRITE | page.USER | page.EXEC


def vm_space_create(state: KernelState, name: str) -> tuple[KernelState, Status, None]:
    """Make a task's space under a name: a new root, no regions."""
    state, status, root = paging_root_create(state)
    if status:
        return state, status, None
    space = Space(root, TASK_WINDOW_BASE, TASK_WINDOW_END)
    return with_space(state, name, space), Status.OK, None


def vm_space_destroy(state: KernelState, name: str) -> tuple[KernelState, Status, None]:
    """Free the regions and the root of a task's space."""
    root = state.spaces[name].root
    if root == state.active_root:
        return state, Status.BUSY, None
    for region in state.spaces[name].regions:
        state, _, _ = vm_free(state, name, region.base)
    state = leave_kin(state, name)
    state, status, _ = paging_root_destroy(state, root)
    spaces = {other: space for other, space in state.spaces.items() if other != name}
    return replace(state, spaces=spaces), status, None


def vm_alloc(
    state: KernelState,
    name: str,
    length: int,
    flags: int,
    kind: int,
    where: int = PADDR_NONE,
    object: int | None = None,
) -> tuple[KernelState, Status, int]:
    """Make a region in the lowest gap that holds it; its base.

    `where` is the physical address of a PHYSICAL region, the offset in the object of one that shows
    an object.
    """
    space = state.spaces[name]
    status = _arguments_status(state, space, length, flags, kind, where, object)
    if status:
        return state, status, 0
    base = _lowest_gap(space, length)
    if base is None:
        return state, Status.NO_SPACE, 0
    state, status = _insert(state, name, base, length, flags, kind, where, object)
    return state, status, base


def vm_alloc_at(
    state: KernelState,
    name: str,
    base: int,
    length: int,
    flags: int,
    kind: int,
    where: int = PADDR_NONE,
    object: int | None = None,
) -> tuple[KernelState, Status, None]:
    """Make a region at exactly `base`."""
    space = state.spaces[name]
    status = _arguments_status(state, space, length, flags, kind, where, object)
    if status:
        return state, status, None
    if base % SIZE_4K:
        return state, Status.MISALIGNED, None
    if base < space.base or base + length > space.limit:
        return state, Status.OUT_OF_RANGE, None
    if any(each.base < base + length and base < each.end for each in space.regions):
        return state, Status.MAPPED, None
    state, status = _insert(state, name, base, length, flags, kind, where, object)
    return state, status, None


def vm_free(state: KernelState, name: str, base: int) -> tuple[KernelState, Status, None]:
    """Free the region that starts at `base`, its frames and its record."""
    space = state.spaces[name]
    region = region_at(space, base)
    if region is None or region.base != base:
        return state, Status.NOT_MAPPED, None
    state = _unmap_part(state, name, region, base, region.length)
    if region.object is not None:
        state = object_release(state, region.object)
    state, _, _ = slab_free(state, REGION_CACHE, region.record)
    regions = tuple(each for each in space.regions if each is not region)
    return with_space(state, name, replace(space, regions=regions)), Status.OK, None


def _unmap_part(
    state: KernelState, name: str, region: Region, base: int, length: int
) -> KernelState:
    """Unmap what a part of a region has mapped; frames that the region owns are freed."""
    root = state.spaces[name].root
    stay = set(borrowed(state, name, region, base, base + length).values())
    release = region.kind in PRIVATE
    return paging_clear(state, root, base, length, release=release, stay=stay)


def vm_protect(
    state: KernelState, name: str, base: int, flags: int
) -> tuple[KernelState, Status, None]:
    """Change WRITE, USER and EXEC of the region that starts at `base`."""
    space = state.spaces[name]
    if flags & ~PERMISSIONS or not flags_are_valid(flags) or _is_kernel_user(space, flags):
        return state, Status.INVALID, None
    region = region_at(space, base)
    if region is None or region.base != base:
        return state, Status.NOT_MAPPED, None
    if region.kind == VmKind.GUARD:
        return state, Status.DENIED, None
    new = replace(region, flags=region.flags & ~PERMISSIONS | flags)
    # Where pages may be borrowed, they get WRITE at their next write only.
    now = new.flags & ~page.WRITE if may_borrow(space, region) else new.flags
    state = paging_reflag(state, space.root, base, region.length, now)
    return _with_region(state, name, region, new), Status.OK, None


def vm_resize(
    state: KernelState, name: str, base: int, length: int
) -> tuple[KernelState, Status, None]:
    """Move the end of the ANONYMOUS, SHARED or PRIVATE region that starts at `base`."""
    space = state.spaces[name]
    if length == 0:
        return state, Status.INVALID, None
    if length % SIZE_4K:
        return state, Status.MISALIGNED, None
    region = region_at(space, base)
    if region is None or region.base != base:
        return state, Status.NOT_MAPPED, None
    if region.kind not in (VmKind.ANONYMOUS, *SHOWING):
        return state, Status.DENIED, None
    if base + length > space.limit:
        return state, Status.OUT_OF_RANGE, None
    following = bisect_right(space.regions, base, key=_BASE)
    if following < len(space.regions) and base + length > space.regions[following].base:
        return state, Status.MAPPED, None
    if length < region.length:
        surplus = region.length - length
        state = _unmap_part(state, name, region, base + length, surplus)
    elif length > region.length and region.kind == VmKind.ANONYMOUS:
        grown = length - region.length
        needed = frames_of(grown)
        if needed <= state.pmm.free_count:
            needed += paging_tables_missing(state, space.root, region.end, grown)
        if needed > state.pmm.free_count:
            return state, Status.NO_MEMORY, None
        pmm, taken = frames.take(state.pmm, needed)
        pages = ((va, region.flags) for va in range(region.end, base + length, SIZE_4K))
        state = populate(replace(state, pmm=pmm), space.root, pages, taken)
    return _with_region(state, name, region, replace(region, length=length)), Status.OK, None


def vm_query(state: KernelState, name: str, va: int) -> tuple[KernelState, Status, Region | None]:
    """Return the region that contains `va`."""
    region = region_at(state.spaces[name], va)
    return state, Status.OK if region else Status.NOT_MAPPED, region


def region_at(space: Space, va: int) -> Region | None:
    """Return the region that contains an address, or None."""
    position = bisect_right(space.regions, va, key=_BASE)
    if position == 0:
        return None
    region = space.regions[position - 1]
    return region if va < region.end else None


def leave_kin(state: KernelState, name: str) -> KernelState:
    """Take a space out of its ring of kin."""
    kin = state.spaces[name].kin
    if kin is None:
        return state
    before = name
    for before in kin_of(state, name):  # noqa: B007 - the last one
        pass
    left = replace(state.spaces[before], kin=None if kin == before else kin)
    state = with_space(state, before, left)
    return with_space(state, name, replace(state.spaces[name], kin=None))


def with_space(state: KernelState, name: str, space: Space) -> KernelState:
    """Return the state with a space replaced or added."""
    spaces: Mapping[str, Space] = {**state.spaces, name: space}
    return replace(state, spaces=spaces)


def _with_region(state: KernelState, name: str, old: Region, new: Region) -> KernelState:
    space = state.spaces[name]
    regions = tuple(new if each is old else each for each in space.regions)
    return with_space(state, name, replace(space, regions=regions))


def _is_kernel_user(space: Space, flags: int) -> bool:
    return bool(flags & page.USER) and space.base >= KERNEL_HALF


def _arguments_status(
    state: KernelState,
    space: Space,
    length: int,
    flags: int,
    kind: int,
    where: int,
    object: int | None,
) -> Status:
    """Judge what vm_alloc and vm_alloc_at judge first."""
    if (
        length == 0
        or flags & page.GLOBAL
        or not flags_are_valid(flags)
        or _is_kernel_user(space, flags)
        or kind not in VmKind.__members__.values()
        or (flags & page.CACHE_MASK and kind != VmKind.PHYSICAL)
        or (flags and kind == VmKind.GUARD)
        or (object is None and kind in SHOWING)
    ):
        return Status.INVALID
    is_physical = kind == VmKind.PHYSICAL
    if length % SIZE_4K or ((is_physical or kind in SHOWING) and where % SIZE_4K):
        return Status.MISALIGNED
    if is_physical and where + length > 1 << state.features.physical_bits:
        return Status.OUT_OF_RANGE
    if object is not None and where // SIZE_4K >= state.objects[object].pages:
        return Status.OUT_OF_RANGE
    return Status.OK


def _lowest_gap(space: Space, length: int) -> int | None:
    base = space.base
    for region in space.regions:
        if region.base - base >= length:
            return base
        base = region.end
    return base if space.limit - base >= length else None


def _insert(
    state: KernelState,
    name: str,
    base: int,
    length: int,
    flags: int,
    kind: int,
    where: int,
    object: int | None,
) -> tuple[KernelState, Status]:
    """Make a region whose place is known to be free, or find too few frames."""
    space = state.spaces[name]
    new_slab = not state.caches[REGION_CACHE].room
    pages = range(base, base + length, SIZE_4K) if kind == VmKind.ANONYMOUS else range(0)
    needed = new_slab + len(pages)
    if kind in (VmKind.ANONYMOUS, VmKind.PHYSICAL) and needed <= state.pmm.free_count:
        needed += paging_tables_missing(state, space.root, base, length)
    if needed > state.pmm.free_count:
        return state, Status.NO_MEMORY
    state, _, record = slab_alloc(state, REGION_CACHE)
    pmm, taken = frames.take(state.pmm, needed - new_slab)
    state = replace(state, pmm=pmm)
    if pages:
        state = populate(state, space.root, ((va, flags) for va in pages), taken)
    elif kind == VmKind.PHYSICAL:
        editor = TableEditor(state.tables)
        bits = leaf_bits(flags, 1)
        raws = [bits | frame for frame in range(where, where + length, SIZE_4K)]
        editor.fill(space.root, base, 1, raws, iter(taken).__next__)
        state = replace(state, tables=editor.result)
    paddr = where if kind == VmKind.PHYSICAL else PADDR_NONE
    region = Region(base, length, paddr, flags, kind, record)
    if object is not None:
        region = replace(region, object=object, offset=where)
        state = object_hold(state, object)
    position = bisect_right(space.regions, base, key=_BASE)
    regions = (*space.regions[:position], region, *space.regions[position:])
    return with_space(state, name, replace(space, regions=regions)), Status.OK
