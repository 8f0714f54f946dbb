"""Slab caches against the model: caches, slabs in their lists' order, every object's bit."""

from ringbench.check.comparison import Comparison, hexadecimal
from ringbench.subjects.reference.model.state import Cache, KernelState, Slab
from ringbench.subjects.reference.observe.picture import Picture
from ringbench.subjects.reference.observe.slabs import SeenCache, SeenObjectSlab, slab_place
from ringbench.subjects.reference.vocabulary.constants import DIRECT_MAP_BASE


def compare_slab(picture: Picture, state: KernelState) -> Comparison:
    """Compare the list of caches, what each says of itself, and its slabs."""
    tally, names = Comparison("slab"), picture.layout.slabs
    expected, seen = list(state.caches), [cache.name for cache in picture.caches]

    def holder(index: int) -> str:
        return expected[index - 1] if index else names.caches

    tally.links("next cache", expected, seen, holder)
    for cache in picture.caches:
        if cache.name in state.caches:
            _compare_cache(tally, state.caches[cache.name], cache)
    return tally


def _compare_cache(tally: Comparison, model: Cache, seen: SeenCache) -> None:
    name = seen.name
    tally.equal("size", model.size, seen.size, name, hex)
    tally.equal("alignment", model.alignment, seen.alignment, name, hex)
    tally.equal("first object", model.first, seen.first, name, hex)
    tally.equal("distance of objects", model.stride, seen.stride, name, hex)
    tally.equal("objects of a slab", model.count, seen.count, name)
    tally.equal("reciprocal", (1 << 32) // model.stride + 1, seen.reciprocal, name, hex)
    lists = (("room", model.room, seen.room), ("full", model.full, seen.full))
    for head, (what, slabs, found) in zip(seen.links, lists, strict=False):
        frames = [slab.frame for slab in slabs]

        def holder(index: int, frames: list[int] = frames) -> str:
            return slab_place(name, frames[index - 1]) if index else name

        tally.links(f"next slab, {what}", frames, [each.frame for each in found], holder, hex)
        link = head
        for slab, it in zip(slabs, found, strict=False):
            if slab.frame != it.frame:
                break
            _compare_slab(tally, model, slab, it, slab_place(name, slab.frame), link)
            link = DIRECT_MAP_BASE + slab.frame + seen.links[2]


def _compare_slab(
    tally: Comparison, cache: Cache, slab: Slab, seen: SeenObjectSlab, where: str, link: int
) -> None:
    used = cache.count - slab.free_slots.bit_count()
    words = sum(1 << n for n in range(8) if slab.free_slots >> 64 * n & (1 << 64) - 1)
    tally.equal("seal", True, seen.sealed, where, lambda right: "right" if right else "wrong")
    tally.equal("live objects", used, seen.used, where)
    tally.equal("words with a free object", words, seen.words, where, hex)
    tally.equal("free objects", slab.free_slots, seen.free_bits, where, hex)
    tally.equal("pointer to it", link, seen.link, where, hexadecimal)
