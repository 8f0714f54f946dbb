"""Slab caches: objects of one size in frames, the lowest free one of the first slab with room.

Each function of the kernel's has its name and returns (state, status, value).
"""

from collections.abc import Sequence
from operator import itemgetter

from ringbench.subjects.reference.model import pmm
from ringbench.subjects.reference.model.state import Cache, KernelState, replace
from ringbench.subjects.reference.vocabulary.boot_values import MemoryRange
from ringbench.subjects.reference.vocabulary.constants import (
    BOOT_MAP_SIZE,
    DIRECT_MAP_BASE,
    FRAME_SIZE,
    SLAB_ALIGN_MAX,
    SLAB_ALIGN_MIN,
    SLAB_SIZE_MAX,
    SLAB_SIZE_MIN,
    MemoryKind,
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
    if state.caches[name].slabs:
        return state, Status.BUSY, None
    caches = {each: state.caches[each] for each in state.caches if each != name}
    return replace(state, caches=caches), Status.OK, None


def slab_alloc(state: KernelState, name: str) -> tuple[KernelState, Status, int]:
    """Take an object; its virtual address."""
    cache, frames = state.caches[name], state.pmm
    slabs, room = dict(cache.slabs), cache.room
    if not room:
        frames, status, frame = pmm.pmm_alloc(frames)
        if status:
            return state, status, 0
        slabs[frame], room = (1 << cache.count) - 1, (frame,)
    free = slabs[room[0]]
    address = cache.address(room[0], (free & -free).bit_length() - 1)
    slabs[room[0]] = free & (free - 1)
    if not slabs[room[0]]:
        room = room[1:]
    cache = replace(cache, slabs=slabs, room=room)
    return _with_cache(replace(state, pmm=frames), name, cache), Status.OK, address


def slab_frames_for(state: KernelState, name: str, count: int) -> int:
    """Count the frames that the next `count` of slab_alloc take."""
    cache = state.caches[name]
    room = sum(cache.slabs[frame].bit_count() for frame in cache.room)
    return -(-max(0, count - room) // cache.count)


def slab_free(state: KernelState, name: str, address: int) -> tuple[KernelState, Status, None]:
    """Free an object, and its slab with the last one."""
    cache = state.caches[name]
    frame = (address - DIRECT_MAP_BASE) & -FRAME_SIZE
    if frame not in cache.slabs:
        return state, Status.FOREIGN, None
    number, rest = divmod(address % FRAME_SIZE - cache.first, cache.stride)
    if rest or not 0 <= number < cache.count:
        return state, Status.INTERIOR, None
    was = cache.slabs[frame]
    if was >> number & 1:
        return state, Status.DOUBLE_FREE, None
    slabs, room = {**cache.slabs, frame: was | 1 << number}, cache.room
    if slabs[frame] == (1 << cache.count) - 1:
        del slabs[frame]
        room = tuple(each for each in room if each != frame)
        state = replace(state, pmm=pmm.give_back(state.pmm, [frame]))
    elif not was:
        room = (frame, *room)
    return _with_cache(state, name, replace(cache, slabs=slabs, room=room)), Status.OK, None


def ram_below_4_gib(memory_map: Sequence[MemoryRange]) -> tuple[int, int]:
    """Return the longest AVAILABLE range below 4 GiB: virtual address, bytes; of two, the lower."""
    found = [(DIRECT_MAP_BASE + each.base, each.length) for each in memory_map if _is_below(each)]
    return max(found, key=itemgetter(1), default=(0, 0))


def _is_below(memory: MemoryRange) -> bool:
    return memory.kind == MemoryKind.AVAILABLE and memory.base + memory.length <= BOOT_MAP_SIZE


def _with_cache(state: KernelState, name: str, cache: Cache) -> KernelState:
    return replace(state, caches={**state.caches, name: cache})
