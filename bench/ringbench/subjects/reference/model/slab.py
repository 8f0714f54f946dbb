"""Slab caches: objects of one size in frames, the lowest free one of the first slab with room.

Each function has the kernel's name and returns (state, status, value); slabs are in list order.
"""

from ringbench.subjects.reference.model import pmm
from ringbench.subjects.reference.model.state import Cache, KernelState, Slab, replace
from ringbench.subjects.reference.vocabulary.constants import (
    DIRECT_MAP_BASE,
    FRAME_SIZE,
    SLAB_ALIGN_MAX,
    SLAB_ALIGN_MIN,
    SLAB_SIZE_MAX,
    SLAB_SIZE_MIN,
)
from ringbench.subjects.reference.vocabulary.status import Status


def slab_cache_create(
    state: KernelState, name: str, size: int, alignment: int
) -> tuple[KernelState, Status, None]:
    """Make an empty cache, which is the last in the list of all."""
    right = SLAB_SIZE_MIN <= size <= SLAB_SIZE_MAX and SLAB_ALIGN_MIN <= alignment <= SLAB_ALIGN_MAX
    if not right or alignment & (alignment - 1):
        return state, Status.INVALID, None
    caches = {**state.caches, name: Cache(size, alignment)}
    return replace(state, caches=caches), Status.OK, None


def slab_cache_destroy(state: KernelState, name: str) -> tuple[KernelState, Status, None]:
    """Take a cache away that has no objects."""
    cache = state.caches[name]
    if cache.room or cache.full:
        return state, Status.BUSY, None
    caches = {each: state.caches[each] for each in state.caches if each != name}
    return replace(state, caches=caches), Status.OK, None


def slab_alloc(state: KernelState, name: str) -> tuple[KernelState, Status, int]:
    """Take an object; its virtual address."""
    cache, frames = state.caches[name], state.pmm
    room = cache.room
    if not room:
        frames, status, frame = pmm.pmm_alloc(frames)
        if status:
            return state, status, 0
        room = (Slab(frame, (1 << cache.count) - 1),)
    slab, *others = room
    number = (slab.free_slots & -slab.free_slots).bit_length() - 1
    left = Slab(slab.frame, slab.free_slots & (slab.free_slots - 1))
    if left.free_slots:
        cache = replace(cache, room=(left, *others))
    else:
        cache = replace(cache, room=tuple(others), full=(left, *cache.full))
    address = DIRECT_MAP_BASE + slab.frame + cache.first + number * cache.stride
    return _with_cache(replace(state, pmm=frames), name, cache), Status.OK, address


def slab_free(state: KernelState, name: str, address: int) -> tuple[KernelState, Status, None]:
    """Free an object, and its slab with the last one."""
    cache = state.caches[name]
    frame = (address - DIRECT_MAP_BASE) & -FRAME_SIZE
    slab = next((each for each in (*cache.room, *cache.full) if each.frame == frame), None)
    if slab is None:
        return state, Status.FOREIGN, None
    number, rest = divmod(address % FRAME_SIZE - cache.first, cache.stride)
    if rest or not 0 <= number < cache.count:
        return state, Status.INTERIOR, None
    if slab.free_slots >> number & 1:
        return state, Status.DOUBLE_FREE, None
    left = Slab(frame, slab.free_slots | 1 << number)
    if left.free_slots == (1 << cache.count) - 1:
        room = tuple(each for each in cache.room if each is not slab)
        frames = pmm.give_back(state.pmm, [frame])
        state = replace(state, pmm=frames)
    elif slab.free_slots:
        room = tuple(left if each is slab else each for each in cache.room)
    else:
        room = (left, *cache.room)
    full = tuple(each for each in cache.full if each is not slab)
    return _with_cache(state, name, replace(cache, room=room, full=full)), Status.OK, None


def _with_cache(state: KernelState, name: str, cache: Cache) -> KernelState:
    return replace(state, caches={**state.caches, name: cache})
