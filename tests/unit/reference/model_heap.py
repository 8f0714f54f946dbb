"""What the tests of the heap's model share: an empty heap, and what must hold of any."""

from collections import defaultdict

from ringbench.subjects.reference.model.heap_search import in_order
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.vocabulary.constants import HEAP_BASE, HEAP_HEADER, HEAP_NODE_MIN
from ringbench.subjects.reference.vocabulary.heap_encoding import size_class
from tests.unit.reference.booted import bare

PAGE = 4096
FIRST = HEAP_BASE + 16


def booted() -> KernelState:
    return bare(0x6A0000)


def check(state: KernelState) -> None:
    """Everything that must hold of a heap, whatever was done to it."""
    heap = state.heap
    nodes = in_order(heap)
    assert len(nodes) == len(heap.nodes)
    assert heap.last == (nodes[-1][0] if nodes else 0)
    assert heap.end == (nodes[-1][0] + nodes[-1][1].size if nodes else HEAP_BASE)
    lists = defaultdict(set)
    previous = 0
    for address, node in nodes:
        assert node.previous == previous
        assert node.size % 16 == 0
        assert node.size >= (HEAP_HEADER if address == heap.last else HEAP_NODE_MIN)
        if not node.used:
            assert not previous or heap.nodes[previous].used, "two free neighbours"
            if address != heap.last:
                lists[size_class(node.size)].add(address)
        previous = address
    assert {key: set(addresses) for key, addresses in heap.free.items()} == lists
    assert not nodes or not nodes[-1][1].used, "the last node is free"
    assert sum(map(len, heap.free.values())) == heap.free_count - (1 if nodes else 0)
    used = [node.size for _, node in nodes if node.used]
    assert (heap.used_count, heap.used_bytes) == (len(used), sum(used))
    assert heap.free_bytes == sum(node.size for _, node in nodes if not node.used)
    assert not heap.stale.keys() & heap.nodes.keys()
    assert all(HEAP_BASE < address < heap.end for address in heap.stale)
    regions = state.spaces["heap"].regions
    assert [(each.base, each.end) for each in regions] == ([(HEAP_BASE, heap.end)] if nodes else [])
