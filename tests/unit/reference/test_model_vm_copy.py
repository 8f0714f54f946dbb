"""What the model makes of copies, faults and touches."""

from dataclasses import replace

import pytest

from ringbench.subject import Unpredictable
from ringbench.subjects.reference.model.access import AccessFault, touch
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.model.vm_copy import vm_copy, vm_fault, vm_read, vm_write
from ringbench.subjects.reference.model.vmm import vm_alloc, vm_protect
from ringbench.subjects.reference.vocabulary.constants import KERNEL_WINDOW_BASE
from ringbench.subjects.reference.vocabulary.flags import EXEC, USER, WRITE
from ringbench.subjects.reference.vocabulary.status import Status
from tests.unit.reference.booted import with_free
from tests.unit.reference.model_spaces import ANONYMOUS, DEMAND, GUARD, PAGE, booted


def test_copies_that_wrap_overlap_or_are_empty() -> None:
    state, _, base = vm_alloc(booted(), "t1", 2 * PAGE, WRITE, ANONYMOUS)
    state, _, guard = vm_alloc(state, "t1", PAGE, 0, GUARD)
    assert vm_read(state, "t1", base, 0)[1] is Status.INVALID
    assert vm_write(state, "t1", base, b"")[1] is Status.INVALID
    assert vm_copy(state, "t1", base, "t1", base + 9, 10)[1] is Status.INVALID
    assert vm_copy(state, "t1", base, "t1", base + 10, 10)[1] is Status.OK
    assert vm_copy(state, "t1", base, "kernel", base + 9, 10)[1] is Status.NOT_MAPPED
    everything = (1 << 64) - 1
    assert vm_read(state, "t1", guard, everything)[1] is Status.NOT_MAPPED
    assert vm_read(state, "t1", guard, everything - guard)[1] is Status.DENIED


def test_a_copy_larger_than_memory_into_demand_pages() -> None:
    state, _, base = vm_alloc(booted(), "t1", 1 << 40, WRITE, DEMAND)
    state, _, other = vm_alloc(state, "t1", 1 << 40, WRITE, DEMAND)
    assert vm_copy(state, "t1", base, "t1", other, 1 << 40)[:2] == (state, Status.NO_MEMORY)


def test_faults_that_no_page_cures() -> None:
    state, _, base = vm_alloc(booted(), "t1", PAGE, WRITE | USER, DEMAND)
    state, _, guard = vm_alloc(state, "t1", PAGE, 0, GUARD)
    state = replace(state, current_space="t1")
    present, write, user, reserved, fetch = 1, 2, 4, 8, 16
    for error in (present, present | write, reserved, fetch):
        assert vm_fault(state, base, error)[:2] == (state, Status.DENIED)
    assert vm_fault(state, guard, present)[1] is Status.GUARD
    after, status, _ = vm_fault(state, base + 9, write | user)
    assert status is Status.OK
    assert vm_fault(after, base, user)[:2] == (after, Status.OK), "it is there by now"
    nobodys = replace(state, current_space=None)
    assert vm_fault(nobodys, base, 0)[:2] == (nobodys, Status.NOT_MAPPED)
    assert vm_fault(state, KERNEL_WINDOW_BASE - PAGE, 0)[1] is Status.NOT_MAPPED


def fault(state: KernelState, va: int, mode: str) -> tuple[Status, AccessFault | None]:
    return touch(state, state.spaces["t1"].root, "t1", va, mode)[1:]


def test_touches() -> None:
    state, _, demand = vm_alloc(booted(), "t1", 4 * PAGE, WRITE | USER, DEMAND)
    state, _, _ = vm_alloc(state, "t1", PAGE, 0, DEMAND)
    state, _, _ = vm_alloc(state, "t1", PAGE, 0, GUARD)
    state, _, code = vm_alloc(state, "t1", PAGE, WRITE, ANONYMOUS)
    read_only, guard = demand + 4 * PAGE, demand + 5 * PAGE
    root = state.spaces["t1"].root
    for mode in "rw":
        after, status, _ = touch(state, root, "t1", demand + 5, mode)
        assert status is Status.OK
        assert after.pmm.free_count == state.pmm.free_count - 1, "a page"
        assert (after.active_root, after.current_space) == (state.active_root, None)
    page_fault, denied = 14, Status.DENIED
    assert fault(state, read_only, "w") == (Status.FAULT, (page_fault, 2, denied))
    assert fault(state, guard, "r") == (Status.FAULT, (page_fault, 0, Status.GUARD))
    assert fault(state, guard, "x") == (Status.FAULT, (page_fault, 0, Status.GUARD))
    assert fault(state, 0, "w") == (Status.FAULT, (page_fault, 2, Status.NOT_MAPPED))
    assert fault(state, 1 << 47, "w") == (Status.FAULT, (13, 0, Status.NON_CANONICAL))
    after, status, _ = touch(state, root, "t1", demand, "x")
    assert status is Status.DENIED
    assert after.pmm.free_count < state.pmm.free_count, "the byte had to be read"
    assert fault(state, code, "x") == (Status.DENIED, None), "a zero is no RET"
    state, _, _ = vm_write(state, "t1", code + 7, b"\xc3")
    assert fault(state, code + 7, "x") == (Status.FAULT, (page_fault, 0x11, denied))
    state, _, _ = vm_protect(state, "t1", code, EXEC)
    assert fault(state, code + 7, "x") == (Status.OK, None)
    assert fault(state, code + 6, "x") == (Status.DENIED, None)
    assert fault(state, code, "w") == (Status.FAULT, (page_fault, 3, denied))
    bare = touch(state, state.kernel_root, None, demand, "r")
    assert bare[1:] == (Status.FAULT, (page_fault, 0, Status.NOT_MAPPED))
    empty = with_free(state, 3)
    assert fault(empty, demand + PAGE, "r") == (Status.OK, None), "its tables are there"
    with pytest.raises(Unpredictable):
        fault(state, 0xFFFF800000100000, "x")
