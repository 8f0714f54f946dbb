"""Invariants of slab caches."""

from collections.abc import Iterator

from ringbench.check.mismatch import Mismatch
from ringbench.subjects.reference.observe.picture import Picture
from ringbench.subjects.reference.observe.slabs import slab_place
from ringbench.subjects.reference.vocabulary.constants import DIRECT_MAP_BASE

LAYER = "slab"


def slabs_are_their_caches(picture: Picture) -> Iterator[Mismatch]:
    """Every slab is sealed as its cache's, and the pointer to it is where it says."""
    for cache in picture.caches:
        for head, slabs in zip(cache.links, (cache.room, cache.full), strict=False):
            link = head
            for slab in slabs:
                where = slab_place(cache.name, slab.frame)
                if not slab.sealed:
                    yield Mismatch(LAYER, "seal", "right", "wrong", where)
                if slab.link != link:
                    yield Mismatch(LAYER, "pointer to it", f"{link:#x}", f"{slab.link:#x}", where)
                link = DIRECT_MAP_BASE + slab.frame + cache.links[2]


def slabs_count_their_objects(picture: Picture) -> Iterator[Mismatch]:
    """A slab has a live object; its counts follow from its bits, and its list from its counts."""
    for cache in picture.caches:
        for slab in cache.slabs:
            where, bits = slab_place(cache.name, slab.frame), slab.free_bits
            used = cache.count - bits.bit_count()
            if bits >> cache.count or used == 0:
                yield Mismatch(LAYER, "free objects", "of a slab that lives", f"{bits:#x}", where)
            if slab.used != used:
                yield Mismatch(LAYER, "live objects", str(used), str(slab.used), where)
            words = sum(1 << n for n in range(8) if bits >> 64 * n & (1 << 64) - 1)
            if slab.words != words:
                yield Mismatch(LAYER, "words", f"{words:#x}", f"{slab.words:#x}", where)
            if (slab in cache.room) != (bits != 0):
                yield Mismatch(LAYER, "list", "by its free objects", "the other", where)
