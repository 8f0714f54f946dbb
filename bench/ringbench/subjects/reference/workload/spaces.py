"""Operations on the regions of spaces, and on what their pages hold."""

from __future__ import annotations

from bisect import bisect_right
from operator import attrgetter
from random import Random
from typing import Final

from ringbench.arch.x86_64.address import SIZE_2M
from ringbench.subjects.reference.model.state import KernelState, Region, Space
from ringbench.subjects.reference.model.tables import find, leaf_address
from ringbench.subjects.reference.model.vmm import HELD
from ringbench.subjects.reference.vocabulary.constants import (
    BYTES_MAX,
    FRAME_SIZE,
    VmKind,
)
from ringbench.subjects.reference.vocabulary.flags import WRITE
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.vmm import (
    SpaceClone,
    Touch,
    VmAlloc,
    VmAllocAt,
    VmCopy,
    VmFree,
    VmProtect,
    VmQuery,
    VmRead,
    VmResize,
    VmWrite,
)
from ringbench.subjects.reference.workload.draws import crowded, draw_flags, pick, turned
from ringbench.subjects.reference.workload.edges import HUGE_LENGTHS, beside, index, up_to

UNSHARED: Final = (VmKind.ANONYMOUS, VmKind.DEMAND, VmKind.PHYSICAL, VmKind.GUARD)
"""The kinds of regions that need no object."""

REGIONS: Final = 24
"""Regions a space to hover about."""

DATA_DRAWS: Final = 8
"""How often a page is drawn to find one that holds something, or one that can be written."""

FITTING_SHARE: Final = 0.75
"""Share of copies that mean to succeed."""

WHOLE_SHARE: Final = 0.2
"""Of the other copies, share of those of a whole region, however large."""

ACTIVE_SHARE: Final = 0.6
"""Share of touches through the active root."""

VACANT_SHARE: Final = 0.4
"""Of these, share of touches wherever a region may be, or may have been a moment ago."""

HUGE_SHARE: Final = 0.06
"""Share of regions that need no memory which are larger than all memory."""

BESIDE_SHARE: Final = 0.5
"""Share of regions at a given place that begin or end where another, or the window, does."""

VACANT_PAGES: Final = 96
"""Pages at the bottom of a window, where regions come and go most."""


def window_spaces(state: KernelState) -> list[str]:
    """Spaces whose regions the console may change."""
    return [name for name in state.spaces if name not in ("heap", "buddy")]


def some_region(random: Random, state: KernelState) -> tuple[str, Region] | None:
    """A space and one of its regions."""
    for name in turned(random, window_spaces(state)):
        if regions := state.spaces[name].regions:
            return name, pick(random, regions)
    return None


def vm_alloc(random: Random, state: KernelState) -> Operation | None:
    """Make a region of any backing, or free one where there are many."""
    space = pick(random, window_spaces(state))
    window = state.spaces[space]
    if crowded(random, len(window.regions), REGIONS):
        return vm_free(random, state)
    if window.regions and window.regions[-1].end == window.limit and random.random() < 0.5:
        return VmFree(space, window.regions[-1].base)  # else there is hardly room for others
    kind = random.choices(UNSHARED, (4, 5, 2, 1))[0]
    length = FRAME_SIZE * pick(random, (1, 1, 2, 3, 5, 16, 40))
    paddr = None
    flags = draw_flags(random, user=space != "kernel", cached=kind is not VmKind.PHYSICAL)
    if kind is VmKind.PHYSICAL:
        paddr = index(random, state.pmm.frame_limit) * FRAME_SIZE
        if random.random() < HUGE_SHARE:
            paddr, length = 0, _too_long_to_map(random, state, length)
    if kind is VmKind.GUARD:
        flags = 0
    if kind in (VmKind.DEMAND, VmKind.GUARD) and random.random() < 0.2:
        length *= 1024
        if random.random() < HUGE_SHARE:
            length = pick(random, HUGE_LENGTHS)
    shape = random.random()
    if shape < 0.7:
        return VmAlloc(space, length, kind.text, flags, paddr)
    if random.random() < BESIDE_SHARE:
        vaddr, length = _beside(random, window, length, cheap=length > FRAME_SIZE * 40)
    else:
        vaddr = window.base + random.randrange(256) * FRAME_SIZE
        vaddr += pick(random, (0, 0, 2 << 20, 5 << 30))
    return VmAllocAt(space, vaddr, length, kind.text, flags, paddr)


def _too_long_to_map(random: Random, state: KernelState, length: int) -> int:
    """A length that needs more tables than there are frames; the one given if that is no table."""
    huge = pick(random, (*HUGE_LENGTHS, 128 << 30, 256 << 30))
    return huge if huge // SIZE_2M > state.pmm.free_count else length


def _beside(random: Random, window: Space, length: int, *, cheap: bool) -> tuple[int, int]:
    """A place, (address, length), in a gap: at its start, at its end, or all of it.

    Or a page more than that. Long gaps are filled only by what needs no memory: `cheap`.
    """
    regions = window.regions
    number = index(random, len(regions) + 1)
    start = regions[number - 1].end if number else window.base
    limit = regions[number].base if number < len(regions) else window.limit
    if limit - start <= (1 << 64 if cheap else length) and random.random() < 0.5:
        return start, max(FRAME_SIZE, beside(random, limit - start, FRAME_SIZE))
    if random.random() < 0.5:
        return start, length
    return max(0, beside(random, limit - length, FRAME_SIZE)), length


def space_clone(random: Random, state: KernelState) -> Operation | None:
    """Clone a task's space into one that is empty; where none is, empty one by a region."""
    tasks = [name for name in window_spaces(state) if name != "kernel"]
    empty = [name for name in tasks if not state.spaces[name].regions]
    if len(tasks) < 2:
        return None
    if not empty:
        name = min(tasks, key=lambda each: len(state.spaces[each].regions))
        return VmFree(name, state.spaces[name].regions[0].base)
    return SpaceClone(pick(random, empty), pick(random, tasks))


def kin_touch(random: Random, state: KernelState) -> Operation | None:
    """Touch or write a page in a space that has kin."""
    for space in turned(random, [name for name in state.spaces if state.spaces[name].kin]):
        regions = [each for each in state.spaces[space].regions if each.kind in HELD]
        if regions:
            region = pick(random, regions)
            vaddr = region.base + index(random, min(region.length, 16 * FRAME_SIZE))
            if random.random() < 0.5:
                return Touch(space, vaddr, pick(random, "rwwx"))
            return VmWrite(space, vaddr, random.randbytes(up_to(random, BYTES_MAX)))
    return None


def vm_free(random: Random, state: KernelState) -> Operation | None:
    """Free a region."""
    found = some_region(random, state)
    return None if found is None else VmFree(found[0], found[1].base)


def vm_change(random: Random, state: KernelState) -> Operation | None:
    """Protect a region, or move its end."""
    found = some_region(random, state)
    if found is None:
        return None
    space, region = found
    if random.random() < 0.5:
        return VmProtect(space, region.base, draw_flags(random, user=space != "kernel"))
    pages = region.length // FRAME_SIZE
    window = state.spaces[space]
    if random.random() < 0.25:  # to the next region, or about as far as the window goes
        most = limit_of(window, region) - region.base
        return VmResize(space, region.base, max(0, beside(random, most, FRAME_SIZE)))
    return VmResize(space, region.base, FRAME_SIZE * random.randint(1, 2 * min(pages, 64)))


def limit_of(window: Space, region: Region) -> int:
    """Where the next region begins, or the window ends."""
    following = bisect_right(window.regions, region.base, key=attrgetter("base"))
    return window.regions[following].base if following < len(window.regions) else window.limit


def vm_query(random: Random, state: KernelState) -> Operation | None:
    """Ask in a region, or behind it."""
    found = some_region(random, state)
    if found is None:
        return None
    space, region = found
    return VmQuery(space, region.base + index(random, 2 * region.length))


def _within(random: Random, region: Region, longest: int) -> tuple[int, int]:
    """An address in the region and a length that may run past its end, or come to exactly that."""
    length = up_to(random, longest)
    if random.random() < 0.2:
        return max(region.base, beside(random, region.end - length)), length
    return region.base + index(random, region.length), length


def vm_data(random: Random, state: KernelState) -> Operation | None:
    """Read, write or copy, from a region's edge or middle on, perhaps past its end."""
    found, other = some_region(random, state), some_region(random, state)
    if found is None or other is None:
        return None
    shape = random.random()
    if 0.3 <= shape < 0.5:  # not only what is refused
        found = _some_writable(random, state) or found
    space, region = found
    vaddr, length = _within(random, region, BYTES_MAX)
    if shape < 0.3:
        return VmRead(space, vaddr, length)
    if shape < 0.6:
        # A page that starts with RET can be executed: now and then one does.
        data = b"\xc3" * length if random.random() < 0.3 else random.randbytes(length)
        return VmWrite(space, vaddr, data)
    return _vm_copy(random, state, found, other)


def _vm_copy(
    random: Random, state: KernelState, found: tuple[str, Region], other: tuple[str, Region]
) -> Operation:
    """Copy from anywhere to anywhere; or, mostly, what is something to where it fits."""
    space, vaddr = found[0], _within(random, found[1], 1)[0]
    to, to_region = other
    to_vaddr, length = _within(random, to_region, 3 * FRAME_SIZE)
    if random.random() < FITTING_SHARE:
        space, vaddr = _some_data(random, state) or (space, vaddr)
        to, to_region = _some_writable(random, state) or other
        offset = random.randrange(to_region.length)
        to_vaddr = to_region.base + offset
        length = up_to(random, min(to_region.length - offset, 3 * FRAME_SIZE))
    elif random.random() < WHOLE_SHARE:
        vaddr, to_vaddr = found[1].base, to_region.base
        length = beside(random, min(found[1].length, to_region.length))
    return VmCopy(to, to_vaddr, space, vaddr, length)


def _some_writable(random: Random, state: KernelState) -> tuple[str, Region] | None:
    """A space and a region that can be copied into, or none if draws are in vain."""
    for _ in range(DATA_DRAWS):
        found = some_region(random, state)
        if found and found[1].flags & WRITE and found[1].kind in HELD:
            return found
    return None


def _some_data(random: Random, state: KernelState) -> tuple[str, int] | None:
    """A space and an address not far before a byte that is not zero, or none if draws are in vain.

    Most pages hold nothing, and a copy of nothing looks like any other.
    """
    for _ in range(DATA_DRAWS if state.contents else 0):
        found = some_region(random, state)
        if found is None:
            return None
        space, region = found
        page = region.base + random.randrange(min(region.length // FRAME_SIZE, 64)) * FRAME_SIZE
        slot = find(state.tables, state.spaces[space].root, page)
        if data := state.contents.get(leaf_address(slot.raw, slot.level)):
            first = len(data) - len(data.lstrip(b"\0"))
            before = pick(random, (0, 8, random.randrange(2 * FRAME_SIZE)))
            return space, max(region.base, page + first - before)
    return None


def touch(random: Random, state: KernelState) -> Operation | None:
    """Access a byte in a region, or just behind it.

    Mostly through the root that is active: any other is loaded for it, which empties the TLB, so
    that a translation that should have been flushed is never met.
    """
    active = state.current_space or "kernel"
    if random.random() < ACTIVE_SHARE:
        if random.random() < VACANT_SHARE:
            page = min(random.randrange(VACANT_PAGES), random.randrange(VACANT_PAGES))
            vaddr = state.spaces[active].base + page * FRAME_SIZE
            return Touch(active, vaddr, pick(random, "rw"))
        regions = state.spaces[active].regions
        found = (active, pick(random, regions)) if regions else None
    else:
        found = some_region(random, state)
    if found is None:
        return None
    space, region = found
    last = min(region.length + FRAME_SIZE, pick(random, (64, 64, 64, 1 << 40)) * FRAME_SIZE)
    offset = pick(random, (0, region.length - 1, region.length, int(random.random() * last)))
    return Touch(space, region.base + offset, pick(random, "rrwwx"))
