"""Many operations for one extreme: what no mixture of everything comes to by chance.

Hundreds of tasks, thousands of regions, every bare root, heap nodes as large as memory allows,
frames behind the 4th and the 8th GiB. Each is made of operations that need not know what the ones
before it did; what is drawn afterwards meets the state that they leave.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Final

from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.vocabulary.constants import (
    CONSOLE_ROOTS,
    FRAME_SIZE,
    HEAP_ALIGN,
    HEAP_ALLOC_MAX,
    HEAP_HEADER,
    HEAP_TRIM,
    VM_SLAB_REGIONS,
)
from ringbench.subjects.reference.vocabulary.flags import WRITE
from ringbench.subjects.reference.vocabulary.handles import task_handle
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.heap import (
    HeapAlloc,
    HeapCheck,
    HeapFree,
    HeapInfo,
    HeapRealloc,
)
from ringbench.subjects.reference.vocabulary.operations.paging import PageNew
from ringbench.subjects.reference.vocabulary.operations.pmm import PmmAlloc
from ringbench.subjects.reference.vocabulary.operations.task import TaskNew
from ringbench.subjects.reference.vocabulary.operations.vmm import (
    Touch,
    VmAlloc,
    VmAllocAt,
    VmCopy,
    VmFree,
    VmProtect,
    VmQuery,
    VmRead,
    VmWrite,
)
from ringbench.subjects.reference.workload.draws import pick
from ringbench.subjects.reference.workload.edges import GIB_EDGES, HUGE_LENGTHS
from ringbench.subjects.reference.workload.spaces import window_spaces

Extreme = Callable[[Random, KernelState], Iterator[Operation]]

TASKS: Final = 300
"""More than a byte can count."""

REGIONS: Final = (VM_SLAB_REGIONS, VM_SLAB_REGIONS + 1, 200, 300, 600, 600, 600, 5300)
"""Regions of one space: one slab, two, several, more than 64."""

REPLACED: Final = 24
"""Of them, how many are freed, and another one made."""

GIANTS: Final = 5
"""Heap nodes that become one: of the largest size, that is more than 4 GiB."""

LARGE: Final = 16 << 20
"""The largest of them in a run: all of them together are zeroed, page by page."""

RUNS: Final = 150
"""Further runs below that edge which are taken."""

LEFT: Final = (1, 2, 3, 600)
"""Frames that are left free before an edge of memory."""


def go_far(random: Random, state: KernelState, layers: Sequence[str]) -> Iterator[Operation]:
    """Yield the operations of one extreme of some layers; none if these layers have none."""
    found = [extreme for layer in layers for extreme in EXTREMES.get(layer, ())]
    if found:
        yield from pick(random, found)(random, state)


def _climb(random: Random, state: KernelState) -> Iterator[Operation]:
    """Take what is free below an edge of physical memory but for a few frames."""
    edges = [edge // FRAME_SIZE for edge in GIB_EDGES if edge // FRAME_SIZE < state.pmm.frame_limit]
    if not edges:
        return
    edge, left = pick(random, edges), pick(random, LEFT)
    below = [min(count, edge - first) for first, count in state.pmm.free.runs() if first < edge]
    # The longest first: a run goes to the lowest place that holds it.
    longest, *others = sorted(below, reverse=True) or [0]
    if longest > left:
        yield PmmAlloc(longest - left, FRAME_SIZE)
    for count in others[:RUNS]:
        yield PmmAlloc(count, FRAME_SIZE)


def _all_roots(random: Random, state: KernelState) -> Iterator[Operation]:
    """Make bare roots until there is none left."""
    for _ in range(CONSOLE_ROOTS + 1):
        yield PageNew()


def _many_tasks(random: Random, state: KernelState) -> Iterator[Operation]:
    """Make tasks; each tenth gets a region, at the lowest address."""
    for number in range(TASKS - min(len(state.tasks), TASKS)):
        yield TaskNew()
        if number % 10 == 0:
            yield VmAlloc(f"t{number + 1}", FRAME_SIZE, "demand", 0)


def _huge_regions(random: Random, state: KernelState) -> Iterator[Operation]:
    """Use two regions of a task of its own, larger than all memory, at their ends and whole."""
    present = {task.id for task in state.tasks}
    task = task_handle(next(n for n in range(1, len(present) + 1) if n not in present))
    length, base, other = pick(random, HUGE_LENGTHS), 1 << 44, 3 << 45
    end, rest = length - FRAME_SIZE, FRAME_SIZE * 3 // 2
    yield TaskNew()
    for at in (base, other):
        yield VmAllocAt(task, at, length, "demand", WRITE)
        yield VmWrite(task, at + end + FRAME_SIZE - 8, b"\xc3" * 8)
        yield Touch(task, at + length // 2, "w")
    yield VmCopy(task, other, task, base, length)
    yield VmCopy(task, other, task, base + FRAME_SIZE, length - FRAME_SIZE + 1)
    yield VmCopy(task, other, task, base + length - rest, rest)
    yield VmRead(task, other + rest - 8, 8)
    yield VmQuery(task, base + length - 1)
    yield VmProtect(task, base, 0)
    yield Touch(task, base + length - 1, "w")
    yield VmAllocAt(task, base + length, FRAME_SIZE, "guard", 0)
    yield Touch(task, base + length, "r")
    yield VmFree(task, other)
    yield VmRead(task, other + length - 1, 1)


def _many_regions(random: Random, state: KernelState) -> Iterator[Operation]:
    """Make small regions in one space, with gaps between them or without; replace some.

    Where there are many, every slab is full then, so that each new one gets the place of another.
    """
    space, count = pick(random, window_spaces(state)), pick(random, REGIONS)
    if count > 2 * VM_SLAB_REGIONS:
        count += -(count + len(state.spaces[space].regions)) % VM_SLAB_REGIONS
    base, step = state.spaces[space].base + (1 << 31), pick(random, (1, 1, 2)) * FRAME_SIZE
    for number in range(count):
        kind = "demand" if number % 7 == 0 else "guard"
        yield VmAllocAt(space, base + number * step, FRAME_SIZE, kind, 0)
    for _ in range(REPLACED):
        vaddr = base + random.randrange(count) * step
        yield VmFree(space, vaddr)
        yield VmQuery(space, vaddr)
        if random.random() < 0.5:
            yield VmAllocAt(space, vaddr, FRAME_SIZE, "guard", 0)
        else:
            yield VmAlloc(space, FRAME_SIZE, "guard", 0)


def _large_nodes(random: Random, state: KernelState) -> Iterator[Operation]:
    """Make large heap nodes, as `giant_nodes` does, that take no second."""
    return giant_nodes(random, state, LARGE)


def giant_nodes(
    random: Random, state: KernelState, largest: int = HEAP_ALLOC_MAX
) -> Iterator[Operation]:
    """Make heap nodes of the largest size, have them merge, and take from what they became.

    Each comes from where the heap ends, so that it lies right behind the one before; another node
    behind them keeps what they become from being the heap's end.
    """
    free = state.pmm.free_count * FRAME_SIZE
    size = min(largest, free // (GIANTS + 2) // FRAME_SIZE * FRAME_SIZE)
    node, behind = size + HEAP_HEADER, max(HEAP_TRIM, size // 64)
    first = (state.heap.last or state.heap.end) + HEAP_HEADER
    payloads = [first + number * node for number in range(GIANTS)]
    for _ in payloads:
        yield HeapAlloc(size)
    yield HeapAlloc(behind)
    random.shuffle(payloads)
    for payload in payloads:
        yield HeapFree(payload)
    yield HeapCheck()
    yield HeapAlloc(size // 2)
    yield HeapRealloc(first, min(HEAP_ALLOC_MAX, GIANTS * node - HEAP_HEADER))
    yield HeapInfo()
    yield HeapRealloc(first, size - 2 * HEAP_ALIGN)
    yield HeapAlloc(size)
    yield HeapFree(first)
    yield HeapFree(first + node - 2 * HEAP_ALIGN)
    yield HeapFree(first + GIANTS * node)


EXTREMES: Final[dict[str, tuple[Extreme, ...]]] = {
    "pmm": (_climb,),
    "paging": (_all_roots,),
    "vmm": (_many_regions,),
    "heap": (_large_nodes,),
    "task": (_many_tasks, _huge_regions),
}
"""Layer -> what it can be brought to."""
