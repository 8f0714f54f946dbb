"""Operations that must fail, each a mistake that a caller makes: what it names is there, but wrong.

Where `spoil` replaces an argument by any number that hurts, these know the state: what was freed
already, what is somebody else's, what lies inside of something, what is gone. A few are no mistakes
at all in some states; that is the model's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final

from ringbench.arch.x86_64.address import LOWER_HALF_END
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.vocabulary.constants import (
    BLOCK_FRAMES,
    DIRECT_MAP_BASE,
    FRAME_SIZE,
    HEAP_ALIGN,
    HEAP_ALLOC_MAX,
    HEAP_BASE,
    HEAP_HEADER,
    KERNEL_WINDOW_BASE,
)
from ringbench.subjects.reference.vocabulary.handles import task_handle
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.heap import (
    HeapAlign,
    HeapAlloc,
    HeapFree,
    HeapRealloc,
    HeapZalloc,
)
from ringbench.subjects.reference.vocabulary.operations.pmm import PmmAlloc, PmmFree
from ringbench.subjects.reference.vocabulary.operations.task import TaskDelete, TaskSwitch
from ringbench.subjects.reference.workload.buddy import BUDDY_MISUSES
from ringbench.subjects.reference.workload.disks import DISK_MISUSES
from ringbench.subjects.reference.workload.draws import Maker, pick
from ringbench.subjects.reference.workload.files import FILE_MISUSES
from ringbench.subjects.reference.workload.frames import lent_run
from ringbench.subjects.reference.workload.kmalloc import KMALLOC_MISUSES
from ringbench.subjects.reference.workload.misuse_pages import LAST, PAGE_MISUSES
from ringbench.subjects.reference.workload.misuse_spaces import SPACE_MISUSES, gone_task
from ringbench.subjects.reference.workload.objects import OBJECT_MISUSES
from ringbench.subjects.reference.workload.slabs import SLAB_MISUSES


def misuse(random: Random, state: KernelState, layers: Sequence[str]) -> Operation:
    """Draw a mistake in one of `layers`.

    Raises:
        KeyError: a layer that has no operations.
    """
    while True:
        operation = pick(random, MISUSES[pick(random, layers)])(random, state)
        if operation is not None:
            return operation


# --- frames ---------------------------------------------------------------------------------------


def _free_free(random: Random, state: KernelState) -> Operation | None:
    """Free a frame that is free: mostly one that was lent before."""
    free = state.pmm.free
    if not free:
        return None
    frame = pick(random, (free.edges[0], random.randrange(free.end)))
    return PmmFree(frame * FRAME_SIZE)


def _free_of_others(random: Random, state: KernelState) -> Operation | None:
    """Free what the kernel holds: a root, the console's own bitmap, the allocator's."""
    roots = list(state.roots().values())
    held = (*roots, state.console.lent_base, state.pmm.metadata_base)
    return PmmFree(pick(random, held), pick(random, (1, 1, 2)))


def _free_too_much(random: Random, state: KernelState) -> Operation | None:
    found = lent_run(random, state)
    if found is None:
        return None
    first, count = found
    shape = pick(random, (0, 1, 2))
    if shape == 0:
        return PmmFree(first * FRAME_SIZE, count + 1)
    if shape == 1:
        return PmmFree(max(0, first - 1) * FRAME_SIZE, count)
    return PmmFree(first * FRAME_SIZE + pick(random, (1, 8, FRAME_SIZE - 1)), count)


def _free_outside(random: Random, state: KernelState) -> Operation | None:
    end = state.pmm.frame_limit
    frames = (0, end - 1, end - BLOCK_FRAMES, end, (1 << 52) - 1, LOWER_HALF_END // FRAME_SIZE)
    frame = pick(random, frames)
    counts = (1, 0, 2, BLOCK_FRAMES, 1 << 32, 1 << 40, 1 << 52, LAST)
    return PmmFree(frame * FRAME_SIZE, pick(random, counts))


def _alloc_impossible(random: Random, state: KernelState) -> Operation | None:
    count = pick(random, (0, state.pmm.free_count + 1, 1 << 40, 1 << 52, LAST, 1))
    aligns = (None, 0, 1, 3 * FRAME_SIZE, 1 << 63, FRAME_SIZE // 2, FRAME_SIZE + 1, 1 << 32)
    return PmmAlloc(count, pick(random, aligns))


# --- heap -----------------------------------------------------------------------------------------


def _some_pointer(random: Random, state: KernelState) -> int:
    """A pointer that is not to be freed: free already, merged away, within, outside, a record."""
    heap = state.heap
    edges = [0, HEAP_BASE, HEAP_BASE + HEAP_HEADER, heap.end, heap.end + HEAP_HEADER]
    edges += [KERNEL_WINDOW_BASE, DIRECT_MAP_BASE, FRAME_SIZE, LAST, LAST - HEAP_ALIGN + 1]
    shape = random.random()
    if shape < 0.25 and heap.stale:
        return pick(random, list(heap.stale)) + HEAP_HEADER
    if shape < 0.8 and heap.nodes:
        node = pick(random, list(heap.nodes))
        size = heap.nodes[node].size
        return node + HEAP_HEADER + pick(random, (0, HEAP_ALIGN, 8, 1, size, size // 32 * 16))
    if shape < 0.9:
        return pick(random, state.tasks).record
    return pick(random, edges)


def _free_pointer(random: Random, state: KernelState) -> Operation | None:
    return HeapFree(_some_pointer(random, state))


def _resize_pointer(random: Random, state: KernelState) -> Operation | None:
    size = pick(random, (16, 1, 0, 4096, (1 << 30) + 1, LAST, state.pmm.free_count * FRAME_SIZE))
    return HeapRealloc(_some_pointer(random, state), size)


def _alloc_too_much(random: Random, state: KernelState) -> Operation | None:
    free = state.pmm.free_count * FRAME_SIZE
    sizes = [0, HEAP_ALLOC_MAX + 1, 1 << 32, LAST, LAST - 15]
    if free < HEAP_ALLOC_MAX:  # where there is more, it would not be too much, and take long
        sizes += [free, max(0, free - 16 * FRAME_SIZE), HEAP_ALLOC_MAX]
    size = pick(random, sizes)
    shape = pick(random, (0, 1, 2))
    if shape == 0:
        return HeapAlloc(size)
    if shape == 1:
        return HeapZalloc(size)
    return HeapAlign(pick(random, (0, 3, 1, 2 << 20, 4 << 20, 1 << 63)), pick(random, (1, size)))


# --- tasks ----------------------------------------------------------------------------------------


def _task_gone(random: Random, state: KernelState) -> Operation | None:
    task = gone_task(random, state)
    return TaskDelete(task) if random.random() < 0.5 else TaskSwitch(task)


def _task_current(random: Random, state: KernelState) -> Operation | None:
    return TaskDelete(task_handle(state.current_task))


MISUSES: Final[dict[str, tuple[Maker, ...]]] = {
    "pmm": (_free_free, _free_of_others, _free_too_much, _free_outside, _alloc_impossible),
    "slab": SLAB_MISUSES,
    "paging": PAGE_MISUSES,
    "object": OBJECT_MISUSES,
    "vmm": SPACE_MISUSES,
    "buddy": BUDDY_MISUSES,
    "kmalloc": KMALLOC_MISUSES,
    "heap": (_free_pointer, _resize_pointer, _alloc_too_much),
    "task": (_task_gone, _task_current),
    "disk": DISK_MISUSES,
    "file": FILE_MISUSES,
}
"""Layer -> its mistakes, all drawn equally often."""
