"""Operations on page tables, performed on a state."""

from typing import Final

from ringbench.subjects.reference.model import paging
from ringbench.subjects.reference.model.console import any_root, bare_root, lower_half, with_root
from ringbench.subjects.reference.model.handlers.outcome import Outcome
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.vocabulary.flags import flags_text
from ringbench.subjects.reference.vocabulary.handlers import Handlers
from ringbench.subjects.reference.vocabulary.handles import number_of, root_handle
from ringbench.subjects.reference.vocabulary.operations.paging import (
    PageDelete,
    PageMap,
    PageNew,
    PageProtect,
    PageQuery,
    PageUnmap,
)
from ringbench.subjects.reference.vocabulary.status import Refused, Status

HANDLERS: Final = Handlers[KernelState, Outcome]()


@HANDLERS.performs(PageNew)
def _page_new(state: KernelState, op: PageNew) -> Outcome:
    if None not in state.console.roots:
        raise Refused(Status.NO_SPACE)
    number = state.console.roots.index(None)
    state, status, root = paging.paging_root_create(state)
    if status:
        return state, status, ()
    return with_root(state, number, root), status, (root_handle(number),)


@HANDLERS.performs(PageDelete)
def _page_delete(state: KernelState, op: PageDelete) -> Outcome:
    root = bare_root(state, op.root)
    state, status, _ = paging.paging_root_destroy(state, root)
    return (state if status else with_root(state, number_of(op.root), None)), status, ()


@HANDLERS.performs(PageMap)
def _page_map(state: KernelState, op: PageMap) -> Outcome:
    root = lower_half(bare_root(state, op.root), op.vaddr)
    state, status, _ = paging.paging_map(
        state, root, op.vaddr, op.paddr, op.length, op.page_size, op.flags
    )
    return state, status, ()


@HANDLERS.performs(PageUnmap)
def _page_unmap(state: KernelState, op: PageUnmap) -> Outcome:
    root = lower_half(bare_root(state, op.root), op.vaddr)
    state, status, _ = paging.paging_unmap(state, root, op.vaddr, op.length)
    return state, status, ()


@HANDLERS.performs(PageProtect)
def _page_protect(state: KernelState, op: PageProtect) -> Outcome:
    root = lower_half(bare_root(state, op.root), op.vaddr)
    state, status, _ = paging.paging_protect(state, root, op.vaddr, op.length, op.flags)
    return state, status, ()


@HANDLERS.performs(PageQuery)
def _page_query(state: KernelState, op: PageQuery) -> Outcome:
    state, status, leaf = paging.paging_query(state, any_root(state, op.root), op.vaddr)
    if leaf is None:
        return state, status, ()
    return state, status, (leaf.vaddr, leaf.paddr, leaf.size, flags_text(leaf.flags))
