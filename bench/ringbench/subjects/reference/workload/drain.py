"""Undoing everything: one operation at a time until the kernel holds what it held at boot."""

from __future__ import annotations

from ringbench.subjects.reference.model.disk import disk_owns
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.vocabulary.constants import FRAME_SIZE
from ringbench.subjects.reference.vocabulary.handles import cache_number, file_handle, object_handle
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.buddy import BuddyFree
from ringbench.subjects.reference.vocabulary.operations.file import FileClose
from ringbench.subjects.reference.vocabulary.operations.heap import HeapFree
from ringbench.subjects.reference.vocabulary.operations.kmalloc import KmallocFree
from ringbench.subjects.reference.vocabulary.operations.object import ObjectDrop
from ringbench.subjects.reference.vocabulary.operations.paging import PageDelete
from ringbench.subjects.reference.vocabulary.operations.pmm import PmmFree
from ringbench.subjects.reference.vocabulary.operations.slab import SlabDelete, SlabFree
from ringbench.subjects.reference.vocabulary.operations.task import TaskDelete, TaskSwitch
from ringbench.subjects.reference.vocabulary.operations.vmm import VmFree
from ringbench.subjects.reference.workload.buddy import used_blocks
from ringbench.subjects.reference.workload.heap import payloads
from ringbench.subjects.reference.workload.kmalloc import small_objects
from ringbench.subjects.reference.workload.objects import handles
from ringbench.subjects.reference.workload.pages import bare_roots
from ringbench.subjects.reference.workload.slabs import caches, objects


def drain(state: KernelState) -> Operation | None:
    """The next operation on the way back to the state after boot; None when there."""
    for number in state.files:
        return FileClose(file_handle(number))
    for root in bare_roots(state):
        return PageDelete(root)
    if state.current_task != 0:
        return TaskSwitch("t0")
    for task in state.tasks:
        if task.id:
            return TaskDelete(task.handle)
    for region in state.spaces["kernel"].regions:
        if not disk_owns(state, region.base):
            return VmFree("kernel", region.base)
    for payload in payloads(state):
        return HeapFree(payload)
    for number in handles(state):
        return ObjectDrop(object_handle(number))
    for small in small_objects(state):
        return KmallocFree(small)
    for block in used_blocks(state):
        return BuddyFree(block)
    for name in caches(state):
        for vaddr in objects(state.caches[name]):
            return SlabFree(cache_number(name), vaddr)
        return SlabDelete(cache_number(name))
    for first, count in state.console.lent.runs():
        return PmmFree(first * FRAME_SIZE, count)
    return None
