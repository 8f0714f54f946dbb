"""Operations on physical memory, performed on a state."""

from typing import Final

from ringbench.subjects.reference.model import pmm
from ringbench.subjects.reference.model.console import lend, take_back
from ringbench.subjects.reference.model.handlers.outcome import Outcome
from ringbench.subjects.reference.model.state import KernelState, PmmState, replace
from ringbench.subjects.reference.vocabulary.constants import BLOCK_FRAMES, FRAME_SIZE
from ringbench.subjects.reference.vocabulary.handlers import Handlers
from ringbench.subjects.reference.vocabulary.operations.pmm import (
    PmmAlloc,
    PmmAlloc2m,
    PmmFree,
    PmmInfo,
)
from ringbench.subjects.reference.vocabulary.status import Status

HANDLERS: Final = Handlers[KernelState, Outcome]()


@HANDLERS.performs(PmmAlloc)
def _pmm_alloc(state: KernelState, op: PmmAlloc) -> Outcome:
    count = 1 if op.count is None else op.count
    align = FRAME_SIZE if op.align is None else op.align
    return _lent(state, pmm.pmm_alloc_run(state.pmm, count, align), count)


@HANDLERS.performs(PmmAlloc2m)
def _pmm_alloc_2m(state: KernelState, op: PmmAlloc2m) -> Outcome:
    return _lent(state, pmm.pmm_alloc_2m(state.pmm), BLOCK_FRAMES)


def _lent(state: KernelState, result: tuple[PmmState, Status, int], count: int) -> Outcome:
    frames, status, base = result
    if status:
        return state, status, ()
    return lend(replace(state, pmm=frames), base, count), status, (base,)


@HANDLERS.performs(PmmFree)
def _pmm_free(state: KernelState, op: PmmFree) -> Outcome:
    frames, status, _ = pmm.pmm_free(state.pmm, op.paddr, op.count)
    if status:
        return state, status, ()
    return take_back(replace(state, pmm=frames), op.paddr, op.count), status, ()


@HANDLERS.performs(PmmInfo)
def _pmm_info(state: KernelState, op: PmmInfo) -> Outcome:
    return state, Status.OK, (state.pmm.managed_count, state.pmm.free_count)
