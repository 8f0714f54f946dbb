"""What a heap owes that `[layout.heap]` describes: nodes that do not overlap, lists that agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from ringbench.arch.x86_64.address import ADDRESS_END
from ringbench.check.mismatch import Mismatch
from ringbench.observe.layout.heap import SeenHeap
from ringbench.observe.layout.pages import pages_behind
from ringbench.observe.layout.picture import LayoutPicture

LAYER: Final = "heap"


def check_heap(picture: LayoutPicture) -> Iterator[Mismatch]:
    """Nodes are in memory, apart from each other, and linked; lists hold the free ones, once."""
    heap = picture.heap
    if heap is None:
        return
    leaves = picture.tables[picture.root].leaves
    previous = 0
    for node in heap.nodes:
        where = f"node {node.address:#x}"
        if node.intact is False:
            yield Mismatch(LAYER, "header", "intact", "is not", where)
        if node.previous is not None and node.previous not in (previous, _last(heap, previous)):
            yield Mismatch(LAYER, "previous", f"{previous:#x}", f"{node.previous:#x}", where)
        previous = node.address
        if not 0 < node.size <= ADDRESS_END - node.address:
            yield Mismatch(LAYER, "size", "that of a node", f"{node.size:#x}", where)
        elif pages_behind(leaves, node.address, node.end).mapped < node.size:
            yield Mismatch(LAYER, "memory of the node", "mapped", "in part or not", where)
    ordered = sorted(heap.nodes, key=lambda node: node.address)
    for lower, upper in pairwise(ordered):
        where = f"node {upper.address:#x}"
        if upper.address < lower.end:
            seen = f"overlaps node {lower.address:#x}, which ends at {lower.end:#x}"
            yield Mismatch(LAYER, "node", "apart from others", seen, where)
        elif heap.merges and upper.address == lower.end and not (upper.used or lower.used):
            seen = f"{lower.address:#x} and {upper.address:#x} are free"
            yield Mismatch(LAYER, "free neighbours", "merged", seen, where)
    if heap.end is not None and ordered and ordered[-1].end != heap.end:
        yield Mismatch(LAYER, "end", f"{ordered[-1].end:#x}", f"{heap.end:#x}", "the last node")
    yield from _lists(heap)


def _last(heap: SeenHeap, previous: int) -> int:
    """Return what the first node of a list that is a ring has as its previous: the last."""
    return heap.nodes[-1].address if previous == 0 else previous


def _lists(heap: SeenHeap) -> Iterator[Mismatch]:
    if heap.listed is None:
        return
    known = {node.address: node for node in heap.nodes}
    times = Counter(address for nodes in heap.listed.values() for address in nodes)
    last = max(known, default=0)
    for address, count in times.items():
        where = f"node {address:#x}"
        if address not in known:
            yield Mismatch(LAYER, "free list", "nodes of the heap", "another address", where)
        elif known[address].used:
            yield Mismatch(LAYER, "free list", "free nodes", "a used one", where)
        elif count > 1:
            yield Mismatch(LAYER, "free list", "each once", f"{count} times", where)
    for node in heap.nodes:
        # What is left at a heap's end is on no list in many of them.
        if not node.used and node.address not in times and node.address != last:
            where = f"node {node.address:#x}"
            yield Mismatch(LAYER, "free list", "has every free node", "lacks it", where)
