"""Operations on memory objects and the regions that show them, sensible ones and mistakes."""

from __future__ import annotations

from random import Random
from typing import Final

from ringbench.subjects.reference.model.state import KernelState, Region, VmObject
from ringbench.subjects.reference.vocabulary.constants import FRAME_SIZE, OBJECT_SIZE_MAX
from ringbench.subjects.reference.vocabulary.handles import object_handle
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.object import ObjectDrop, ObjectNew
from ringbench.subjects.reference.vocabulary.operations.vmm import (
    Touch,
    VmAlloc,
    VmAllocAt,
    VmWrite,
)
from ringbench.subjects.reference.workload.draws import Maker, crowded, draw_flags, pick, turned
from ringbench.subjects.reference.workload.edges import index

OBJECTS: Final = 5
SHOWN: Final = 6
"""Objects, and regions of a space that show one, to hover about."""

WRITTEN_SHARE: Final = 0.4
"""Share of accesses to what regions show that write something there."""

LENGTHS: Final = (1, 1, 2, 3, 5, 9, 16, 40, 512, 513, 1000, 1 << 18, (1 << 18) + 1, 1 << 27)
"""Pages of objects: few, and those at which the tree becomes higher."""

LAST: Final = (1 << 64) - 1


def handles(state: KernelState) -> list[int]:
    """Ids of the objects that have a handle."""
    return [number for number, it in state.objects.items() if it.has_handle]


def object_new(random: Random, state: KernelState) -> Operation | None:
    """Make an object, or drop a handle where there are many."""
    found = handles(state)
    if found and crowded(random, len(found), OBJECTS):
        return ObjectDrop(object_handle(pick(random, found)))
    return ObjectNew(pick(random, LENGTHS) * FRAME_SIZE)


def object_show(random: Random, state: KernelState) -> Operation | None:
    """Have a region show part of an object, perhaps more than there is of it."""
    found = handles(state)
    spaces = [name for name in state.spaces if name not in ("heap", "buddy")]
    if not found:
        return None
    number, space = pick(random, found), pick(random, spaces)
    it, window = state.objects[number], state.spaces[space]
    if crowded(random, sum(each.object is not None for each in window.regions), SHOWN):
        return None
    first = _some_page(random, it)
    left = it.pages - first
    pages = pick(random, (1, 2, 3, 16, left, left, left + 1, left + 3))
    flags, place = draw_flags(random, user=space != "kernel"), object_handle(number)
    kind, length = pick(random, ("shared", "private")), pages * FRAME_SIZE
    if random.random() < 0.7:
        return VmAlloc(space, length, kind, flags, place, first * FRAME_SIZE)
    vaddr = window.base + random.randrange(256) * FRAME_SIZE
    return VmAllocAt(space, vaddr, length, kind, flags, place, first * FRAME_SIZE)


def _some_page(random: Random, it: VmObject) -> int:
    """The index of a page: one of the first, of the last, of those where a node begins."""
    edge = pick(random, (0, 0, 0, it.pages, 512, 1 << 18)) + random.randint(-2, 2)
    return min(max(edge, 0), it.pages - 1)


def object_touch(random: Random, state: KernelState) -> Operation | None:
    """Touch or write what a region shows: at its edges, at the object's end, or anywhere."""
    for space in turned(random, [name for name in state.spaces if name not in ("heap", "buddy")]):
        shown = [each for each in state.spaces[space].regions if each.object is not None]
        if shown:
            region = pick(random, shown)
            vaddr = _some_address(random, state, region)
            if random.random() < WRITTEN_SHARE:
                return VmWrite(space, vaddr, random.randbytes(8))
            return Touch(space, vaddr, pick(random, "rrwwx"))
    return None


def _some_address(random: Random, state: KernelState, region: Region) -> int:
    assert region.object is not None
    end = state.objects[region.object].pages * FRAME_SIZE - region.offset
    places = (0, region.length - 1, end - 1, end, index(random, region.length), 0x1000)
    return region.base + min(pick(random, places), region.length)


def _new_impossible(random: Random, state: KernelState) -> Operation | None:
    lengths = (0, 1, FRAME_SIZE - 1, FRAME_SIZE + 8, OBJECT_SIZE_MAX + FRAME_SIZE)
    return ObjectNew(pick(random, (*lengths, LAST, LAST - FRAME_SIZE + 1)))


def _gone(random: Random, state: KernelState) -> Operation | None:
    """Name an object whose handle is dropped, or that never was."""
    without = [number for number, it in state.objects.items() if not it.has_handle]
    number = pick(random, (*without * 3, len(state.objects) + 3, 1 << 32, 10**17))
    if random.random() < 0.5:
        return ObjectDrop(object_handle(number))
    kind = pick(random, ("shared", "private"))
    return VmAlloc("kernel", FRAME_SIZE, kind, 0, object_handle(number), 0)


def _show_wrong(random: Random, state: KernelState) -> Operation | None:
    """Show an object from where it has nothing, or from within a page."""
    found = handles(state)
    if not found:
        return None
    number = pick(random, found)
    end = state.objects[number].pages * FRAME_SIZE
    offsets = (end, end + FRAME_SIZE, 1, end - 1, LAST, LAST - FRAME_SIZE + 1, 1 << 63)
    lengths = (FRAME_SIZE, end, 0, 1, 1 << 47, LAST - FRAME_SIZE + 1)
    space = pick(random, [name for name in state.spaces if name not in ("heap", "buddy")])
    place = object_handle(number)
    kind = pick(random, ("shared", "private"))
    return VmAlloc(space, pick(random, lengths), kind, 0, place, pick(random, offsets))


OBJECT_MISUSES: Final[tuple[Maker, ...]] = (_new_impossible, _gone, _show_wrong, _show_wrong)
"""Mistakes with objects."""
