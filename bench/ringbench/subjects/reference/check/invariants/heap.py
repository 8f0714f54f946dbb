"""Invariants of the kernel heap."""

from collections.abc import Iterator
from itertools import pairwise

from ringbench.check.mismatch import Mismatch
from ringbench.subjects.reference.observe.picture import Picture
from ringbench.subjects.reference.vocabulary.heap_encoding import size_class

LAYER = "heap"


def nodes_tile_the_heap(picture: Picture) -> Iterator[Mismatch]:
    """Nodes lie end to end over all of the heap's region, and each knows the one before."""
    heap, space = picture.heap, picture.heap.space
    covered = heap.nodes[-1].end if heap.nodes else space.base
    if covered != heap.end:
        yield Mismatch(LAYER, "nodes", f"reach the end {heap.end:#x}", f"{covered:#x}", "the end")
    last = heap.nodes[-1].address if heap.nodes else 0
    if last != heap.last:
        yield Mismatch(LAYER, "last node", f"{last:#x}", f"{heap.last:#x}", "the end")
    if heap.nodes and heap.nodes[-1].used:
        yield Mismatch(LAYER, "last node", "free", "in use", "the end")
    previous = 0
    for node in heap.nodes:
        if node.previous != previous:
            where = f"node {node.address:#x}"
            seen = f"{node.previous:#x}"
            yield Mismatch(LAYER, "previous node", f"{previous:#x}", seen, where)
        previous = node.address
    expected = [(space.base, heap.end)] if heap.end > space.base else []
    regions = [(region.base, region.end) for region in space.regions]
    if regions != expected:
        yield Mismatch(LAYER, "regions", _ranges(expected), _ranges(regions), "the heap's space")


def neighbours_are_merged(picture: Picture) -> Iterator[Mismatch]:
    """No two free nodes are adjacent."""
    for lower, upper in pairwise(picture.heap.nodes):
        if not lower.used and not upper.used:
            seen = f"{lower.address:#x} and {upper.address:#x} are free"
            where = f"node {upper.address:#x}"
            yield Mismatch(LAYER, "free neighbours", "merged", seen, where)


def headers_are_intact(picture: Picture) -> Iterator[Mismatch]:
    """Every node's guard fits its header."""
    for node in picture.heap.nodes:
        if not node.guard_right:
            where = f"node {node.address:#x}"
            yield Mismatch(LAYER, "guard of the header", "fits the header", "does not", where)


def free_lists_hold_the_free_nodes(picture: Picture) -> Iterator[Mismatch]:
    """Every free node but the last is on the list of its size's class, once; so say the bitmaps."""
    heap = picture.heap
    expected = {
        node.address: [size_class(node.size)]
        for node in heap.nodes
        if not node.used and node.end != heap.end
    }
    listed: dict[int, list[tuple[int, int]]] = {}
    for place, nodes in heap.free_lists.items():
        for address in nodes:
            listed.setdefault(address, []).append(place)
    for address in sorted(expected.keys() | listed.keys()):
        right, seen = expected.get(address, []), listed.get(address, [])
        if right != seen:
            where = f"node {address:#x}"
            yield Mismatch(LAYER, "free list", _list(right), _list(seen), where)
    second = [0] * len(heap.second_bitmaps)
    for first, level in heap.free_lists:
        second[first] |= 1 << level
    bitmaps = (*second, sum(1 << level for level, bits in enumerate(second) if bits))
    kept = (*heap.second_bitmaps, heap.first_bitmap)
    for level, (bits, seen_bits) in enumerate(zip(bitmaps, kept, strict=True)):
        if bits != seen_bits:
            where = f"second level of {level}" if level < len(second) else "first level"
            yield Mismatch(LAYER, "bitmap of the lists", f"{bits:#x}", f"{seen_bits:#x}", where)


def _list(places: list[tuple[int, int]]) -> str:
    return "on list " + " and ".join(f"{f}.{s}" for f, s in places) if places else "on no list"


def _ranges(ranges: list[tuple[int, int]]) -> str:
    return ", ".join(f"{start:#x}..{end:#x}" for start, end in ranges) or "none"
