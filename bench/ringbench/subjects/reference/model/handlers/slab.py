"""Operations on slab caches, performed on a state."""

from typing import Final

from ringbench.subjects.reference.model import slab
from ringbench.subjects.reference.model.console import cache_of, unused_cache
from ringbench.subjects.reference.model.handlers.outcome import Outcome
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.vocabulary.handlers import Handlers
from ringbench.subjects.reference.vocabulary.handles import cache_name
from ringbench.subjects.reference.vocabulary.operations.slab import (
    SlabAlloc,
    SlabDelete,
    SlabFree,
    SlabNew,
)

HANDLERS: Final = Handlers[KernelState, Outcome]()


@HANDLERS.performs(SlabNew)
def _slab_new(state: KernelState, op: SlabNew) -> Outcome:
    number = unused_cache(state)
    state, status, _ = slab.slab_cache_create(state, cache_name(number), op.size, op.align)
    return state, status, () if status else (number,)


@HANDLERS.performs(SlabDelete)
def _slab_delete(state: KernelState, op: SlabDelete) -> Outcome:
    state, status, _ = slab.slab_cache_destroy(state, cache_of(state, op.cache))
    return state, status, ()


@HANDLERS.performs(SlabAlloc)
def _slab_alloc(state: KernelState, op: SlabAlloc) -> Outcome:
    state, status, address = slab.slab_alloc(state, cache_of(state, op.cache))
    return state, status, () if status else (address,)


@HANDLERS.performs(SlabFree)
def _slab_free(state: KernelState, op: SlabFree) -> Outcome:
    state, status, _ = slab.slab_free(state, cache_of(state, op.cache), op.vaddr)
    return state, status, ()
