"""Operations on the chain of heaps, performed on a state."""

from typing import Final

from ringbench.subjects.reference.model import kmalloc
from ringbench.subjects.reference.model.handlers.outcome import Outcome
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.vocabulary.constants import KMALLOC_MAX
from ringbench.subjects.reference.vocabulary.handlers import Handlers
from ringbench.subjects.reference.vocabulary.operations.kmalloc import KmallocAlloc, KmallocFree
from ringbench.subjects.reference.vocabulary.status import Refused, Status

HANDLERS: Final = Handlers[KernelState, Outcome]()


@HANDLERS.performs(KmallocAlloc)
def _kmalloc_alloc(state: KernelState, op: KmallocAlloc) -> Outcome:
    if not 0 < op.size <= KMALLOC_MAX:
        raise Refused(Status.INVALID)
    state, status, address = kmalloc.kmalloc(state, op.size)
    return state, status, () if status else (address,)


@HANDLERS.performs(KmallocFree)
def _kmalloc_free(state: KernelState, op: KmallocFree) -> Outcome:
    state, status, _ = kmalloc.kfree(state, op.vaddr)
    return state, status, ()
