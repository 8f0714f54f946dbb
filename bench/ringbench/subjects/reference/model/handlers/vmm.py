"""Operations on spaces, performed on a state."""

from typing import Final

from ringbench.subjects.reference.model import access, clone, vm_copy, vmm
from ringbench.subjects.reference.model.console import (
    any_root,
    no_registers,
    object_number,
    space_name,
)
from ringbench.subjects.reference.model.handlers.outcome import Outcome, Values
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.vocabulary.constants import BYTES_MAX, PADDR_NONE, VmKind
from ringbench.subjects.reference.vocabulary.flags import flags_text
from ringbench.subjects.reference.vocabulary.handlers import Handlers
from ringbench.subjects.reference.vocabulary.handles import BOOT_TASK, is_task, object_handle
from ringbench.subjects.reference.vocabulary.operations.vmm import (
    SpaceClone,
    Touch,
    VmAlloc,
    VmAllocAt,
    VmCopy,
    VmFree,
    VmProtect,
    VmQuery,
    VmRead,
    VmResize,
    VmWrite,
)
from ringbench.subjects.reference.vocabulary.status import Refused, Status

HANDLERS: Final = Handlers[KernelState, Outcome]()


@HANDLERS.performs(VmAlloc)
def _vm_alloc(state: KernelState, op: VmAlloc) -> Outcome:
    name, kind = space_name(state, op.space), VmKind.named(op.kind)
    state, status, base = vmm.vm_alloc(
        state, name, op.length, op.flags, kind, *_place(state, op.place, op.offset)
    )
    return state, status, () if status else (base,)


@HANDLERS.performs(VmAllocAt)
def _vm_alloc_at(state: KernelState, op: VmAllocAt) -> Outcome:
    name, kind = space_name(state, op.space), VmKind.named(op.kind)
    state, status, _ = vmm.vm_alloc_at(
        state, name, op.vaddr, op.length, op.flags, kind, *_place(state, op.place, op.offset)
    )
    return state, status, ()


def _place(
    state: KernelState, place: int | str | None, offset: int | None
) -> tuple[int, int | None]:
    """Return a physical address, or an offset and an object's id; refuse one that is not there."""
    if isinstance(place, str):
        return offset or 0, object_number(state, place)
    return PADDR_NONE if place is None else place, None


@HANDLERS.performs(VmFree)
def _vm_free(state: KernelState, op: VmFree) -> Outcome:
    name = _changeable(state, op.space, op.vaddr)
    state, status, _ = vmm.vm_free(state, name, op.vaddr)
    return state, status, ()


@HANDLERS.performs(VmProtect)
def _vm_protect(state: KernelState, op: VmProtect) -> Outcome:
    name = _changeable(state, op.space, op.vaddr)
    state, status, _ = vmm.vm_protect(state, name, op.vaddr, op.flags)
    return state, status, ()


@HANDLERS.performs(VmResize)
def _vm_resize(state: KernelState, op: VmResize) -> Outcome:
    name = _changeable(state, op.space, op.vaddr)
    state, status, _ = vmm.vm_resize(state, name, op.vaddr, op.length)
    return state, status, ()


def _changeable(state: KernelState, handle: str, va: int) -> str:
    """Return the name of a space whose region at an address is not a disk's registers."""
    name = space_name(state, handle)
    no_registers(state, va, name)
    return name


@HANDLERS.performs(VmQuery)
def _vm_query(state: KernelState, op: VmQuery) -> Outcome:
    state, status, region = vmm.vm_query(state, space_name(state, op.space), op.vaddr)
    if region is None:
        return state, status, ()
    kind = VmKind(region.kind)
    values: Values = (region.base, region.length, kind.text, flags_text(region.flags))
    if region.object is not None:
        values = (*values, object_handle(region.object), region.offset)
    return state, status, (*values, region.paddr) if kind is VmKind.PHYSICAL else values


@HANDLERS.performs(VmRead)
def _vm_read(state: KernelState, op: VmRead) -> Outcome:
    name = space_name(state, op.space)
    if not 1 <= op.length <= BYTES_MAX:
        raise Refused(Status.INVALID)
    state, status, data = vm_copy.vm_read(state, name, op.vaddr, op.length)
    return state, status, () if status else (data.hex(),)


@HANDLERS.performs(VmWrite)
def _vm_write(state: KernelState, op: VmWrite) -> Outcome:
    state, status, _ = vm_copy.vm_write(state, space_name(state, op.space), op.vaddr, op.data)
    return state, status, ()


@HANDLERS.performs(VmCopy)
def _vm_copy(state: KernelState, op: VmCopy) -> Outcome:
    to, source = space_name(state, op.to), space_name(state, op.source)
    state, status, _ = vm_copy.vm_copy(state, to, op.to_vaddr, source, op.source_vaddr, op.length)
    return state, status, ()


@HANDLERS.performs(Touch)
def _touch(state: KernelState, op: Touch) -> Outcome:
    root = any_root(state, op.root)
    no_registers(state, op.vaddr)
    space = op.root if is_task(op.root) and op.root != BOOT_TASK else None
    state, status, fault = access.touch(state, root, space, op.vaddr, op.mode)
    if fault is None:
        return state, status, ()
    return state, status, (fault.vector.text, fault.error, fault.cause.text)


@HANDLERS.performs(SpaceClone)
def _space_clone(state: KernelState, op: SpaceClone) -> Outcome:
    to, source = space_name(state, op.to), space_name(state, op.source)
    state, status, _ = clone.vm_space_clone(state, to, source)
    return state, status, ()
