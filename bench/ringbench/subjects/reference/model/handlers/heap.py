"""Operations on the heap, performed on a state."""

from typing import Final

from ringbench.subjects.reference.model import heap
from ringbench.subjects.reference.model.handlers.outcome import Outcome
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.vocabulary.handlers import Handlers
from ringbench.subjects.reference.vocabulary.operations.heap import (
    HeapAlign,
    HeapAlloc,
    HeapCheck,
    HeapFree,
    HeapInfo,
    HeapRealloc,
    HeapZalloc,
)
from ringbench.subjects.reference.vocabulary.status import Status

HANDLERS: Final = Handlers[KernelState, Outcome]()


@HANDLERS.performs(HeapAlloc)
def _heap_alloc(state: KernelState, op: HeapAlloc) -> Outcome:
    return _pointer(heap.heap_alloc(state, op.size))


@HANDLERS.performs(HeapZalloc)
def _heap_zalloc(state: KernelState, op: HeapZalloc) -> Outcome:
    return _pointer(heap.heap_zalloc(state, op.size))


@HANDLERS.performs(HeapAlign)
def _heap_align(state: KernelState, op: HeapAlign) -> Outcome:
    return _pointer(heap.heap_align(state, op.align, op.size))


@HANDLERS.performs(HeapRealloc)
def _heap_realloc(state: KernelState, op: HeapRealloc) -> Outcome:
    return _pointer(heap.heap_realloc(state, op.vaddr, op.size))


@HANDLERS.performs(HeapFree)
def _heap_free(state: KernelState, op: HeapFree) -> Outcome:
    state, status, _ = heap.heap_free(state, op.vaddr)
    return state, status, ()


@HANDLERS.performs(HeapCheck)
def _heap_check(state: KernelState, op: HeapCheck) -> Outcome:
    state, status, _ = heap.heap_check(state)
    return state, status, ()


@HANDLERS.performs(HeapInfo)
def _heap_info(state: KernelState, op: HeapInfo) -> Outcome:
    it = state.heap
    return state, Status.OK, (it.end, it.used_count, it.free_count, it.used_bytes, it.free_bytes)


def _pointer(result: tuple[KernelState, Status, int]) -> Outcome:
    state, status, pointer = result
    return state, status, () if status else (pointer,)
