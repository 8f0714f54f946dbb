"""Operations that make sense in a state: they name frames, regions and nodes that are there.

A generator holds no state of its own: everything is drawn from the random source and from the
model's state, so a seed and a sequence of states give the same operations. Populations hover about
a target: the more there are of a thing, the likelier the next operation takes one away.

Drawing costs the same however much there is: nothing is listed to draw one of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final

from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.workload import (
    buddy,
    disks,
    files,
    frames,
    heap,
    kmalloc,
    objects,
    pages,
    slabs,
    spaces,
    tasks,
)
from ringbench.subjects.reference.workload.draws import Maker, pick


def choose(random: Random, state: KernelState, layers: Sequence[str]) -> Operation:
    """Draw the next operation of one of `layers`, all layers being equally likely.

    Raises:
        KeyError: a layer that has no operations.
    """
    while True:
        makers = MAKERS[pick(random, layers)]
        operation = pick(random, makers)(random, state)
        if operation is not None:
            return operation


WEIGHTS: Final[dict[str, dict[Maker, int]]] = {
    "pmm": {frames.pmm_alloc: 8, frames.pmm_free: 4, frames.pmm_info: 1},
    "slab": {slabs.slab_new: 1, slabs.slab_change: 8, slabs.slab_empty: 2},
    "paging": {
        pages.page_new: 2,
        pages.page_map: 8,
        pages.page_unmap: 4,
        pages.page_protect: 3,
        pages.page_query: 3,
        pages.page_touch: 3,
    },
    "object": {objects.object_new: 2, objects.object_show: 4, objects.object_touch: 4},
    "vmm": {
        spaces.vm_alloc: 5,
        spaces.vm_free: 1,
        spaces.vm_change: 3,
        spaces.vm_query: 1,
        spaces.vm_data: 5,
        spaces.touch: 6,
        spaces.space_clone: 1,
        spaces.kin_touch: 2,
    },
    "heap": {heap.heap_alloc: 10, heap.heap_free: 2, heap.heap_realloc: 4, heap.heap_look: 1},
    "buddy": {buddy.buddy_alloc: 8, buddy.buddy_free: 3, buddy.buddy_info: 1},
    "kmalloc": {kmalloc.kmalloc_alloc: 8, kmalloc.kmalloc_free: 3},
    "task": {tasks.task_new: 2, tasks.task_switch: 3},
    "file": {files.file_open: 3, files.file_data: 8, files.file_sync: 2},
    "disk": {disks.disk_transfer: 6, disks.disk_look: 1, disks.disk_flush: 1},
}
"""Layer -> its makers and how often each is drawn."""

MAKERS: Final = {
    layer: tuple(maker for maker, weight in weights.items() for _ in range(weight))
    for layer, weights in WEIGHTS.items()
}
"""The same with each maker as often as it is drawn."""
