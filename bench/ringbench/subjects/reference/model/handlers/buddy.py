"""Operations on the buddy allocator, performed on a state."""

from typing import Final

from ringbench.subjects.reference.model import buddy
from ringbench.subjects.reference.model.handlers.outcome import Outcome
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.vocabulary.handlers import Handlers
from ringbench.subjects.reference.vocabulary.operations.buddy import (
    BuddyAlloc,
    BuddyFree,
    BuddyInfo,
)
from ringbench.subjects.reference.vocabulary.status import Status

HANDLERS: Final = Handlers[KernelState, Outcome]()


@HANDLERS.performs(BuddyAlloc)
def _buddy_alloc(state: KernelState, op: BuddyAlloc) -> Outcome:
    state, status, address = buddy.buddy_alloc(state, op.size)
    return state, status, () if status else (address,)


@HANDLERS.performs(BuddyFree)
def _buddy_free(state: KernelState, op: BuddyFree) -> Outcome:
    state, status, _ = buddy.buddy_free(state, op.vaddr)
    return state, status, ()


@HANDLERS.performs(BuddyInfo)
def _buddy_info(state: KernelState, op: BuddyInfo) -> Outcome:
    it = state.buddy
    return state, Status.OK, (it.length, it.used_count, it.used_bytes)
