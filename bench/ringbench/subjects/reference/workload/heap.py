"""Operations on the kernel heap."""

from __future__ import annotations

from random import Random
from typing import Final

from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.vocabulary.constants import (
    FRAME_SIZE,
    HEAP_ALIGN_MAX,
    HEAP_ALLOC_MAX,
    HEAP_HEADER,
    HEAP_TRIM,
)
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.heap import (
    HeapAlign,
    HeapAlloc,
    HeapCheck,
    HeapFree,
    HeapInfo,
    HeapRealloc,
    HeapZalloc,
)
from ringbench.subjects.reference.workload.draws import crowded, pick
from ringbench.subjects.reference.workload.edges import class_edge, payload_of, rest_of_node

NODES: Final = 160
"""Nodes in use to hover about."""

PAYLOAD_DRAWS: Final = 8
"""How often a heap node is drawn to find one that can be freed."""


def payloads(state: KernelState) -> list[int]:
    """Addresses of all blocks in use."""
    return [node + HEAP_HEADER for node, facts in state.heap.nodes.items() if facts.used]


def _some_payload(random: Random, state: KernelState) -> int | None:
    """One of the `payloads`, or none if some draws are in vain: little is in use."""
    nodes = list(state.heap.nodes)
    for _ in range(PAYLOAD_DRAWS if nodes else 0):
        node = pick(random, nodes)
        if state.heap.nodes[node].used:
            return node + HEAP_HEADER
    return None


def _draw_size(random: Random) -> int:
    """Mostly small, sometimes pages, with the edges of size classes among them."""
    shape = random.random()
    if shape < 0.08:
        return pick(random, (1, 15, 16, 17, 32, 495, 496, 497, 1008, 4080, 4096, 65536))
    if shape < 0.16:
        return payload_of(random, class_edge(random, 15))
    base = 16 << random.randrange(9)
    return base + random.randrange(base)


def _edge_size(random: Random, state: KernelState) -> int:
    """Such that the last node then begins with a page, or what makes the heap shrink later."""
    shape = random.random()
    if shape < 0.3:
        return HEAP_TRIM + random.randrange(HEAP_TRIM)
    if shape < 0.6:
        return HEAP_TRIM - 2 * HEAP_HEADER - random.randrange(FRAME_SIZE // 2)
    return HEAP_TRIM + -(state.heap.last + HEAP_HEADER) % FRAME_SIZE


def _fitting_node(random: Random, state: KernelState) -> int:
    """The size of a node that takes one of the free ones exactly, or nearly."""
    heap = state.heap
    if not heap.last:
        return HEAP_TRIM
    if heap.free and random.random() < 0.7:
        return rest_of_node(random, heap.nodes[heap.free[pick(random, list(heap.free))][0]].size)
    return rest_of_node(random, heap.nodes[heap.last].size)


def heap_alloc(random: Random, state: KernelState) -> Operation | None:
    """Allocate, zeroed or aligned perhaps; or free where there is much."""
    if crowded(random, state.heap.used_count, NODES):
        return heap_free(random, state)
    shape = random.random()
    if shape < 0.1:
        return HeapAlloc(_edge_size(random, state))
    if shape < 0.2:
        return HeapAlloc(payload_of(random, _fitting_node(random, state)))
    if shape < 0.6:
        return HeapAlloc(_draw_size(random))
    if shape < 0.8:
        return HeapZalloc(_draw_size(random))
    if shape < 0.84:
        align = 32 << random.randrange(8)
        room = _fitting_node(random, state) - align - HEAP_HEADER
        return HeapAlign(align, payload_of(random, room))
    if shape < 0.85:
        return HeapAlign(HEAP_ALIGN_MAX >> random.randrange(2), _draw_size(random))
    return HeapAlign(1 << random.randrange(14), _draw_size(random))


def heap_free(random: Random, state: KernelState) -> Operation | None:
    """Free a payload: any, or the highest, before which the heap may then end."""
    if state.heap.last and random.random() < 0.1:
        return HeapFree(state.heap.nodes[state.heap.last].previous + HEAP_HEADER)
    payload = _some_payload(random, state)
    return HeapFree(payload) if payload else None


def heap_realloc(random: Random, state: KernelState) -> Operation | None:
    """Resize a payload: anyhow, hardly, or to the largest size there is, if memory is less."""
    payload = _some_payload(random, state)
    if payload is None:
        return None
    if random.random() < 0.02 and state.pmm.free_count * FRAME_SIZE < HEAP_ALLOC_MAX:
        return HeapRealloc(payload, HEAP_ALLOC_MAX + random.randint(0, 1))
    shape = random.random()
    if shape < 0.2:  # about the size that it has
        size = state.heap.nodes[payload - HEAP_HEADER].size - HEAP_HEADER
        return HeapRealloc(payload, max(1, size + random.randint(-3, 3) * 8))
    if shape < 0.5:  # about what it has with the node after it
        return HeapRealloc(payload, payload_of(random, _with_next(random, state, payload)))
    return HeapRealloc(payload, _draw_size(random))


def _with_next(random: Random, state: KernelState, payload: int) -> int:
    """The size of a node that takes all of the free one behind it, or nearly; else of its own."""
    nodes, node = state.heap.nodes, payload - HEAP_HEADER
    size = nodes[node].size
    following = nodes[node + size]
    return rest_of_node(random, size if following.used else size + following.size)


def heap_look(random: Random, state: KernelState) -> Operation | None:
    """Have the heap checked, or ask for its counts."""
    return random.choice((HeapCheck(), HeapInfo()))
