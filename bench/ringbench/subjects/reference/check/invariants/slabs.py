"""Invariants of slab caches."""

from collections.abc import Iterator

from ringbench.check.mismatch import Mismatch
from ringbench.subjects.reference.observe.picture import Picture
from ringbench.subjects.reference.observe.slabs import OBJECTS_MAX, rings_of, slab_place

LAYER = "slab"


def slabs_are_their_caches(picture: Picture) -> Iterator[Mismatch]:
    """Every slab names its cache, and the links of both rings lead back as they lead on."""
    for cache in picture.slabs.caches:
        rings = rings_of(cache, [slab.frame for slab in cache.slabs], cache.room)
        if cache.rings != rings[0]:
            yield Mismatch(LAYER, "links", str(rings[0]), str(cache.rings), cache.name)
        for slab in cache.slabs:
            where, expected = slab_place(cache.name, slab.frame), rings[slab.frame]
            if slab.cache != cache.address:
                yield Mismatch(LAYER, "cache", f"{cache.address:#x}", f"{slab.cache:#x}", where)
            if slab.rings != expected:
                yield Mismatch(LAYER, "links", str(expected), str(slab.rings), where)


def slabs_count_their_objects(picture: Picture) -> Iterator[Mismatch]:
    """A slab has a live object; its counts follow from its bits, as does whether it has room."""
    for cache in picture.slabs.caches:
        room, last = set(cache.room), (min(cache.count, OBJECTS_MAX) - 1) // 64
        for slab in cache.slabs:
            where = slab_place(cache.name, slab.frame)
            bits = slab.free_bits & (1 << 64 * (last + 1)) - 1
            used = cache.count - bits.bit_count()
            if bits >> cache.count or used == 0:
                yield Mismatch(LAYER, "free objects", "of a slab that lives", f"{bits:#x}", where)
            if slab.used != used:
                yield Mismatch(LAYER, "live objects", str(used), str(slab.used), where)
            words = sum(1 << n for n in range(last + 1) if bits >> 64 * n & (1 << 64) - 1)
            if slab.words != words:
                yield Mismatch(LAYER, "words", f"{words:#x}", f"{slab.words:#x}", where)
            if (slab.frame in room) != (bits != 0):
                yield Mismatch(LAYER, "ring", "by its free objects", "the other", where)
