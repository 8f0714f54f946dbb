"""Undoing everything: one operation at a time until the kernel holds what it held at boot."""

from __future__ import annotations

from ringbench.subjects.reference.model.disk import disk_owns
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.vocabulary import operations as op
from ringbench.subjects.reference.vocabulary.constants import FRAME_SIZE
from ringbench.subjects.reference.vocabulary.handles import cache_number
from ringbench.subjects.reference.vocabulary.operations import Operation
from ringbench.subjects.reference.workload.heap import payloads
from ringbench.subjects.reference.workload.pages import bare_roots
from ringbench.subjects.reference.workload.slabs import objects


def drain(state: KernelState) -> Operation | None:
    """The next operation on the way back to the state after boot; None when there."""
    for root in bare_roots(state):
        return op.PageDelete(root)
    if state.current_task != 0:
        return op.TaskSwitch("t0")
    for task in state.tasks:
        if task.id:
            return op.TaskDelete(task.handle)
    for region in state.spaces["kernel"].regions:
        if not disk_owns(state, region.base):
            return op.VmFree("kernel", region.base)
    for payload in payloads(state):
        return op.HeapFree(payload)
    for name, cache in state.caches.items():
        for vaddr in objects(cache):
            return op.SlabFree(cache_number(name), vaddr)
        return op.SlabDelete(cache_number(name))
    for first, count in state.console.lent.runs():
        return op.PmmFree(first * FRAME_SIZE, count)
    return None
