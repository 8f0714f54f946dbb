"""Extremes and edges of the workload, on the model alone: that they are reached."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from ringbench.arch.x86_64.features import Features
from ringbench.subject import Unpredictable
from ringbench.subjects.reference.model.kernel import boot, perform
from ringbench.subjects.reference.model.state import KernelState, Sizes
from ringbench.subjects.reference.vocabulary.boot_values import MemoryRange
from ringbench.subjects.reference.vocabulary.constants import (
    BLOCK_FRAMES,
    CONSOLE_ROOTS,
    FRAME_SIZE,
    HEAP_ALLOC_MAX,
    VM_SLAB_REGIONS,
    MemoryKind,
)
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.heap import HeapAlign, HeapRealloc
from ringbench.subjects.reference.vocabulary.operations.paging import PageMap
from ringbench.subjects.reference.vocabulary.operations.pmm import PmmFree
from ringbench.subjects.reference.vocabulary.operations.table import LAYERS
from ringbench.subjects.reference.vocabulary.operations.vmm import VmAllocAt, VmResize
from ringbench.subjects.reference.workload import choose, draw_steps, giant_nodes, go_far
from ringbench.subjects.reference.workload.edges import (
    beside,
    far_address,
    index,
    part_of_run,
    up_to,
)
from tests.unit.reference.booted import IMAGE, MEMORY, booted

GIB = 1 << 30


def large() -> KernelState:
    """A kernel with 30 MiB below 4 GiB, and 6 GiB above."""
    above = MemoryRange(4 * GIB, 6 * GIB, MemoryKind.AVAILABLE)
    return boot((*MEMORY, above), IMAGE, Features(physical_bits=40), Sizes())


def states(seed: int, state: KernelState, layer: str) -> Iterator[tuple[Operation, KernelState]]:
    """The operations of an extreme, and the states that they lead to."""
    for operation in go_far(Random(seed), state, (layer,)):
        state, _ = perform(state, operation)
        yield operation, state


def last(seed: int, state: KernelState, layer: str) -> KernelState:
    """The state at the end of an extreme."""
    *_, (_, after) = states(seed, state, layer)
    return after


def test_more_tasks_than_a_byte_counts() -> None:
    after = last(1, booted(), "task")
    assert len(after.tasks) > 256
    assert len(after.spaces["t1"].regions) == 1


def test_every_bare_root_and_none_more() -> None:
    assert None not in last(1, booted(), "paging").console.roots
    statuses = [perform(state, op)[1].status for op, state in states(1, booted(), "paging")]
    assert len(statuses) == CONSOLE_ROOTS + 1


def test_regions_of_one_slab_and_of_more_than_64() -> None:
    counts = {asked_regions(seed) for seed in range(60)}
    assert {VM_SLAB_REGIONS, VM_SLAB_REGIONS + 1} <= counts
    assert max(counts) > 64 * VM_SLAB_REGIONS
    few = next(seed for seed in range(60) if asked_regions(seed) == 5 * VM_SLAB_REGIONS)
    assert len(last(few, booted(), "vmm").caches["region"].slabs) == 5


def asked_regions(seed: int) -> int:
    """How many regions an extreme makes at their places before it begins to replace some."""
    drawn = list(go_far(Random(seed), booted(), ("vmm",)))
    return next(number for number, each in enumerate(drawn) if not isinstance(each, VmAllocAt))


def test_large_nodes_become_one_and_are_given_back() -> None:
    sizes = [
        max(n.size for n in state.heap.nodes.values())
        for _, state in states(1, booted(), "heap")
        if state.heap.nodes
    ]
    assert max(sizes) == 5 * sizes[0]
    assert last(1, booted(), "heap").heap.nodes == {}


def test_giants_are_as_large_as_they_can_be() -> None:
    asked = list(giant_nodes(Random(1), large()))
    assert all(getattr(each, "size", 0) <= HEAP_ALLOC_MAX for each in asked)
    small = list(giant_nodes(Random(1), booted()))
    assert len(asked) == len(small)


@pytest.mark.parametrize("seed", range(6))
def test_what_is_free_lies_right_before_an_edge(seed: int) -> None:
    free = last(seed, large(), "pmm").pmm.free
    edges = [edge * GIB // FRAME_SIZE for edge in (4, 8)]
    assert sum(frame < edges[0] for frame in free.frames()) <= 1200
    assert free.edges[0] < edges[1]


def test_a_layer_without_an_extreme_has_none() -> None:
    assert list(go_far(Random(1), booted(), ())) == []


def test_steps_go_for_extremes_as_often_as_is_asked() -> None:
    never = [list(draw_steps(Random(n), booted(), LAYERS, 0.0)) for n in range(50)]
    always = [list(draw_steps(Random(n), booted(), LAYERS, 1.0)) for n in range(20)]
    assert max(map(len, never)) <= 4
    assert sum(len(each) > 10 for each in always) > 10


# --- edges ----------------------------------------------------------------------------------------


def test_numbers_beside_an_edge() -> None:
    random = Random(1)
    assert {beside(random, 7, 2) for _ in range(99)} == {5, 7, 9}
    assert {0, 999} < {index(random, 1000) for _ in range(99)} <= set(range(1000))
    assert 1000 in {up_to(random, 1000) for _ in range(99)} <= set(range(1, 1001))
    assert index(random, 1) == 0
    assert up_to(random, 1) == 1
    parts = [part_of_run(random, 100, 2000) for _ in range(2000)]
    assert all(first >= 100 and first + count <= 2100 and count for first, count in parts)
    assert any(first == 100 and count == 2000 for first, count in parts)
    assert any(first % BLOCK_FRAMES == 0 and count == BLOCK_FRAMES for first, count in parts)
    assert {part_of_run(random, 5, 1) for _ in range(99)} == {(5, 1)}


def test_addresses_at_the_ends_of_tables() -> None:
    random = Random(1)
    found = {far_address(random) for _ in range(4000)}
    assert {0, (1 << 47) - FRAME_SIZE} < found


def test_what_is_there_decides_what_is_drawn() -> None:
    """Blocks of which a part is free, nodes with what is behind them, the next region, the end."""
    random, state = Random(3), booted()
    seen = set()
    for _ in range(25_000):
        operation = choose(random, state, LAYERS)
        match operation:
            case PmmFree(paddr, count) if count == BLOCK_FRAMES and not paddr % (2 << 20):
                free, block = state.pmm.free, (paddr // FRAME_SIZE, BLOCK_FRAMES)
                part = free.has_any(*block) and not free.has_all(*block)
                seen.add("part of a block" if part else "block")
            case HeapRealloc(vaddr, size) if vaddr - 16 in state.heap.nodes:
                nodes, node = state.heap.nodes, vaddr - 16
                own = nodes[node].size
                following = nodes.get(node + own)
                if following and not following.used and node + own != state.heap.last:
                    rest = own + following.size - -(-(size + 16) // 16) * 16
                    seen.add(f"leaves {rest}" if rest in (0, 16, 32) else "")
            case HeapAlign(align, _) if align == 2 << 20:
                seen.add("largest alignment")
            case VmAllocAt(space, vaddr, length) if space in state.spaces:
                limit = state.spaces[space].limit
                seen.add("to the window's end" if vaddr + length == limit else "")
            case VmResize(space, vaddr, length) if space in state.spaces:
                ends = {each.base for each in state.spaces[space].regions}
                seen.add("to the next region" if vaddr + length in ends else "")
            case PageMap(_, vaddr, _, length) if vaddr + length == 1 << 47:
                seen.add("to the half's end")
            case _:
                pass
        state = try_on(state, operation)
    assert seen >= {
        *("part of a block", "block", "leaves 0", "leaves 16", "leaves 32", "largest alignment"),
        *("to the window's end", "to the next region", "to the half's end"),
    }


def try_on(state: KernelState, operation: Operation) -> KernelState:
    """The state after an operation; the same if the model cannot tell."""
    try:
        return perform(state, operation)[0]
    except Unpredictable:
        return state
