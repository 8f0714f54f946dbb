"""Slab caches against the model: caches, slabs in their rings' order, every object's bit."""

from ringbench.check.comparison import Comparison
from ringbench.subjects.reference.model.slab import ram_below_4_gib
from ringbench.subjects.reference.model.state import Cache, KernelState
from ringbench.subjects.reference.observe.picture import Picture
from ringbench.subjects.reference.observe.slabs import (
    Ring,
    Rings,
    SeenCache,
    SeenObjectSlab,
    rings_of,
    slab_place,
)


def compare_slab(picture: Picture, state: KernelState) -> Comparison:
    """Compare the list of caches, what each says of itself, and its slabs."""
    tally, names = Comparison("slab"), picture.layout.slabs
    ram, found = ram_below_4_gib(state.memory_map), picture.slabs.ram
    tally.equal("RAM below 4 GiB", ram, found, names.ram, lambda it: f"{it[0]:#x} + {it[1]:#x}")
    expected, seen = list(state.caches), [cache.name for cache in picture.slabs.caches]

    def holder(index: int) -> str:
        return expected[index - 1] if index else names.caches

    tally.links("next cache", expected, seen, holder)
    for cache in picture.slabs.caches:
        if cache.name in state.caches:
            _compare_cache(tally, state.caches[cache.name], cache)
    return tally


def _compare_cache(tally: Comparison, model: Cache, seen: SeenCache) -> None:
    name, shift = seen.name, (model.stride & -model.stride).bit_length() - 1
    tally.equal("size", model.size, seen.size, name, hex)
    tally.equal("alignment", model.alignment, seen.alignment, name, hex)
    tally.equal("first object", model.first, seen.first, name, hex)
    tally.equal("distance of objects", model.stride, seen.stride, name, hex)
    tally.equal("objects of a slab", model.count, seen.count, name)
    tally.equal("zero bits of the distance", shift, seen.shift, name)
    inverse = pow(model.stride >> shift, -1, 1 << 64)
    tally.equal("inverse of its odd part", inverse, seen.inverse, name, hex)
    tally.equal("words of a new slab", _new(model), seen.new, name, str)
    slabs, found = list(reversed(model.slabs)), [slab.frame for slab in seen.slabs]

    def holder(index: int) -> str:
        return slab_place(name, slabs[index - 1]) if index else name

    tally.links("next slab", slabs, found, holder, hex)
    tally.links("next slab with room", model.room, seen.room, lambda n: _holder(model, name, n))
    rings = rings_of(seen, slabs, model.room)
    tally.equal("links", rings[0], seen.rings, name, _shown)
    for slab in seen.slabs:
        if slab.frame in model.slabs:
            where = slab_place(name, slab.frame)
            tally.equal("links", rings[slab.frame], slab.rings, where, _shown)
            tally.equal("cache", seen.address, slab.cache, where, hex)
            _compare_objects(tally, model, slab, where)


def _holder(model: Cache, name: str, index: int) -> str:
    return slab_place(name, model.room[index - 1]) if index else name


def _new(cache: Cache) -> tuple[int, int, int]:
    """What a new slab has, of which object 0 is taken: its words, the last one's number, that."""
    free, last = (1 << cache.count) - 2, (cache.count - 1) // 64
    return (0 if cache.count == 1 else (2 << last) - 1, last, free >> 64 * last)


def _compare_objects(tally: Comparison, cache: Cache, seen: SeenObjectSlab, where: str) -> None:
    free, last = cache.slabs[seen.frame], (cache.count - 1) // 64
    tally.equal("live objects", cache.count - free.bit_count(), seen.used, where)
    words = sum(1 << n for n in range(last + 1) if free >> 64 * n & (1 << 64) - 1)
    tally.equal("words with a free object", words, seen.words, where, hex)
    past = (1 << 512) - (1 << 64 * (last + 1))
    tally.equal("free objects", free | past, seen.free_bits, where, hex)


def _shown(rings: Rings) -> str:
    room, of_all = (_pair(each) for each in rings)
    return f"room {room}, all {of_all}"


def _pair(ring: Ring) -> str:
    return f"{ring.next:#x} {ring.previous:#x}"
