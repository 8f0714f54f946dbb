"""Each operation: the console's checks, then the kernel function, then the reply's values."""

from typing import Final
from zlib import crc32

from ringbench.subjects.reference.model import (
    access,
    disk,
    heap,
    paging,
    pmm,
    slab,
    task,
    vm_copy,
    vmm,
)
from ringbench.subjects.reference.model.console import (
    any_root,
    bare_root,
    cache_of,
    disk_number,
    lend,
    lower_half,
    no_registers,
    refuse_record,
    space_name,
    take_back,
    unused_cache,
    with_root,
)
from ringbench.subjects.reference.model.state import KernelState, PmmState, frames_of, replace
from ringbench.subjects.reference.vocabulary import operations as ops
from ringbench.subjects.reference.vocabulary.constants import (
    BLOCK_FRAMES,
    BYTES_MAX,
    DISK_SECTORS_MAX,
    FRAME_SIZE,
    PADDR_NONE,
    SECTOR_SIZE,
    VmKind,
)
from ringbench.subjects.reference.vocabulary.flags import flags_text
from ringbench.subjects.reference.vocabulary.handlers import Handlers
from ringbench.subjects.reference.vocabulary.handles import (
    BOOT_TASK,
    cache_name,
    disk_handle,
    is_task,
    number_of,
    root_handle,
    task_handle,
)
from ringbench.subjects.reference.vocabulary.status import Refused, Status

Values = tuple[int | str, ...]
Outcome = tuple[KernelState, Status, Values]

HANDLERS: Final = Handlers[KernelState, Outcome]()
"""What performs each operation on a state."""


@HANDLERS.performs(ops.PmmAlloc)
def _pmm_alloc(state: KernelState, op: ops.PmmAlloc) -> Outcome:
    count = 1 if op.count is None else op.count
    align = FRAME_SIZE if op.align is None else op.align
    return _lent(state, pmm.pmm_alloc_run(state.pmm, count, align), count)


@HANDLERS.performs(ops.PmmAlloc2m)
def _pmm_alloc_2m(state: KernelState, op: ops.PmmAlloc2m) -> Outcome:
    return _lent(state, pmm.pmm_alloc_2m(state.pmm), BLOCK_FRAMES)


def _lent(state: KernelState, result: tuple[PmmState, Status, int], count: int) -> Outcome:
    frames, status, base = result
    if status:
        return state, status, ()
    return lend(replace(state, pmm=frames), base, count), status, (base,)


@HANDLERS.performs(ops.PmmFree)
def _pmm_free(state: KernelState, op: ops.PmmFree) -> Outcome:
    frames, status, _ = pmm.pmm_free(state.pmm, op.paddr, op.count)
    if status:
        return state, status, ()
    return take_back(replace(state, pmm=frames), op.paddr, op.count), status, ()


@HANDLERS.performs(ops.PmmInfo)
def _pmm_info(state: KernelState, op: ops.PmmInfo) -> Outcome:
    return state, Status.OK, (state.pmm.managed_count, state.pmm.free_count)


@HANDLERS.performs(ops.SlabNew)
def _slab_new(state: KernelState, op: ops.SlabNew) -> Outcome:
    number = unused_cache(state)
    state, status, _ = slab.slab_cache_create(state, cache_name(number), op.size, op.align)
    return state, status, () if status else (number,)


@HANDLERS.performs(ops.SlabDelete)
def _slab_delete(state: KernelState, op: ops.SlabDelete) -> Outcome:
    state, status, _ = slab.slab_cache_destroy(state, cache_of(state, op.cache))
    return state, status, ()


@HANDLERS.performs(ops.SlabAlloc)
def _slab_alloc(state: KernelState, op: ops.SlabAlloc) -> Outcome:
    state, status, address = slab.slab_alloc(state, cache_of(state, op.cache))
    return state, status, () if status else (address,)


@HANDLERS.performs(ops.SlabFree)
def _slab_free(state: KernelState, op: ops.SlabFree) -> Outcome:
    state, status, _ = slab.slab_free(state, cache_of(state, op.cache), op.vaddr)
    return state, status, ()


@HANDLERS.performs(ops.PageNew)
def _page_new(state: KernelState, op: ops.PageNew) -> Outcome:
    if None not in state.console.roots:
        raise Refused(Status.NO_SPACE)
    number = state.console.roots.index(None)
    state, status, root = paging.paging_root_create(state)
    if status:
        return state, status, ()
    return with_root(state, number, root), status, (root_handle(number),)


@HANDLERS.performs(ops.PageDelete)
def _page_delete(state: KernelState, op: ops.PageDelete) -> Outcome:
    root = bare_root(state, op.root)
    state, status, _ = paging.paging_root_destroy(state, root)
    return (state if status else with_root(state, number_of(op.root), None)), status, ()


@HANDLERS.performs(ops.PageMap)
def _page_map(state: KernelState, op: ops.PageMap) -> Outcome:
    root = lower_half(bare_root(state, op.root), op.vaddr)
    state, status, _ = paging.paging_map(
        state, root, op.vaddr, op.paddr, op.length, op.page_size, op.flags
    )
    return state, status, ()


@HANDLERS.performs(ops.PageUnmap)
def _page_unmap(state: KernelState, op: ops.PageUnmap) -> Outcome:
    root = lower_half(bare_root(state, op.root), op.vaddr)
    state, status, _ = paging.paging_unmap(state, root, op.vaddr, op.length)
    return state, status, ()


@HANDLERS.performs(ops.PageProtect)
def _page_protect(state: KernelState, op: ops.PageProtect) -> Outcome:
    root = lower_half(bare_root(state, op.root), op.vaddr)
    state, status, _ = paging.paging_protect(state, root, op.vaddr, op.length, op.flags)
    return state, status, ()


@HANDLERS.performs(ops.PageQuery)
def _page_query(state: KernelState, op: ops.PageQuery) -> Outcome:
    state, status, leaf = paging.paging_query(state, any_root(state, op.root), op.vaddr)
    if leaf is None:
        return state, status, ()
    return state, status, (leaf.vaddr, leaf.paddr, leaf.size, flags_text(leaf.flags))


@HANDLERS.performs(ops.VmAlloc)
def _vm_alloc(state: KernelState, op: ops.VmAlloc) -> Outcome:
    name, kind, paddr = space_name(state, op.space), VmKind.named(op.kind), _physical(op.paddr)
    state, status, base = vmm.vm_alloc(state, name, op.length, op.flags, kind, paddr)
    return state, status, () if status else (base,)


@HANDLERS.performs(ops.VmAllocAt)
def _vm_alloc_at(state: KernelState, op: ops.VmAllocAt) -> Outcome:
    name, kind, paddr = space_name(state, op.space), VmKind.named(op.kind), _physical(op.paddr)
    state, status, _ = vmm.vm_alloc_at(state, name, op.vaddr, op.length, op.flags, kind, paddr)
    return state, status, ()


def _physical(paddr: int | None) -> int:
    return PADDR_NONE if paddr is None else paddr


@HANDLERS.performs(ops.VmFree)
def _vm_free(state: KernelState, op: ops.VmFree) -> Outcome:
    name = _changeable(state, op.space, op.vaddr)
    state, status, _ = vmm.vm_free(state, name, op.vaddr)
    return state, status, ()


@HANDLERS.performs(ops.VmProtect)
def _vm_protect(state: KernelState, op: ops.VmProtect) -> Outcome:
    name = _changeable(state, op.space, op.vaddr)
    state, status, _ = vmm.vm_protect(state, name, op.vaddr, op.flags)
    return state, status, ()


@HANDLERS.performs(ops.VmResize)
def _vm_resize(state: KernelState, op: ops.VmResize) -> Outcome:
    name = _changeable(state, op.space, op.vaddr)
    state, status, _ = vmm.vm_resize(state, name, op.vaddr, op.length)
    return state, status, ()


def _changeable(state: KernelState, handle: str, va: int) -> str:
    """Return the name of a space whose region at an address is not a disk's registers."""
    name = space_name(state, handle)
    no_registers(state, va, name)
    return name


@HANDLERS.performs(ops.VmQuery)
def _vm_query(state: KernelState, op: ops.VmQuery) -> Outcome:
    state, status, region = vmm.vm_query(state, space_name(state, op.space), op.vaddr)
    if region is None:
        return state, status, ()
    kind = VmKind(region.kind)
    values: Values = (region.base, region.length, kind.text, flags_text(region.flags))
    return state, status, (*values, region.paddr) if kind is VmKind.PHYSICAL else values


@HANDLERS.performs(ops.VmRead)
def _vm_read(state: KernelState, op: ops.VmRead) -> Outcome:
    name = space_name(state, op.space)
    if not 1 <= op.length <= BYTES_MAX:
        raise Refused(Status.INVALID)
    state, status, data = vm_copy.vm_read(state, name, op.vaddr, op.length)
    return state, status, () if status else (data.hex(),)


@HANDLERS.performs(ops.VmWrite)
def _vm_write(state: KernelState, op: ops.VmWrite) -> Outcome:
    state, status, _ = vm_copy.vm_write(state, space_name(state, op.space), op.vaddr, op.data)
    return state, status, ()


@HANDLERS.performs(ops.VmCopy)
def _vm_copy(state: KernelState, op: ops.VmCopy) -> Outcome:
    to, source = space_name(state, op.to), space_name(state, op.source)
    state, status, _ = vm_copy.vm_copy(state, to, op.to_vaddr, source, op.source_vaddr, op.length)
    return state, status, ()


@HANDLERS.performs(ops.Touch)
def _touch(state: KernelState, op: ops.Touch) -> Outcome:
    root = any_root(state, op.root)
    no_registers(state, op.vaddr)
    space = op.root if is_task(op.root) and op.root != BOOT_TASK else None
    state, status, fault = access.touch(state, root, space, op.vaddr, op.mode)
    if fault is None:
        return state, status, ()
    return state, status, (fault.vector.text, fault.error, fault.cause.text)


@HANDLERS.performs(ops.HeapAlloc)
def _heap_alloc(state: KernelState, op: ops.HeapAlloc) -> Outcome:
    return _pointer(heap.kmalloc(state, op.size))


@HANDLERS.performs(ops.HeapZalloc)
def _heap_zalloc(state: KernelState, op: ops.HeapZalloc) -> Outcome:
    return _pointer(heap.kzalloc(state, op.size))


@HANDLERS.performs(ops.HeapAlign)
def _heap_align(state: KernelState, op: ops.HeapAlign) -> Outcome:
    return _pointer(heap.kmemalign(state, op.align, op.size))


@HANDLERS.performs(ops.HeapRealloc)
def _heap_realloc(state: KernelState, op: ops.HeapRealloc) -> Outcome:
    refuse_record(state, op.vaddr)
    return _pointer(heap.krealloc(state, op.vaddr, op.size))


@HANDLERS.performs(ops.HeapFree)
def _heap_free(state: KernelState, op: ops.HeapFree) -> Outcome:
    refuse_record(state, op.vaddr)
    state, status, _ = heap.kfree(state, op.vaddr)
    return state, status, ()


@HANDLERS.performs(ops.HeapCheck)
def _heap_check(state: KernelState, op: ops.HeapCheck) -> Outcome:
    state, status, _ = heap.heap_check(state)
    return state, status, ()


@HANDLERS.performs(ops.HeapInfo)
def _heap_info(state: KernelState, op: ops.HeapInfo) -> Outcome:
    it = state.heap
    return state, Status.OK, (it.end, it.used_count, it.free_count, it.used_bytes, it.free_bytes)


def _pointer(result: tuple[KernelState, Status, int]) -> Outcome:
    state, status, pointer = result
    return state, status, () if status else (pointer,)


@HANDLERS.performs(ops.TaskNew)
def _task_new(state: KernelState, op: ops.TaskNew) -> Outcome:
    state, status, number = task.task_create(state)
    return state, status, () if status else (task_handle(number),)


@HANDLERS.performs(ops.TaskSwitch)
def _task_switch(state: KernelState, op: ops.TaskSwitch) -> Outcome:
    state, status, _ = task.task_switch(state, number_of(op.task))
    return state, status, ()


@HANDLERS.performs(ops.TaskDelete)
def _task_delete(state: KernelState, op: ops.TaskDelete) -> Outcome:
    state, status, _ = task.task_destroy(state, number_of(op.task))
    return state, status, ()


@HANDLERS.performs(ops.DiskFind)
def _disk_find(state: KernelState, op: ops.DiskFind) -> Outcome:
    state, status, number = disk.disk_find(state, op.name)
    return state, status, () if status else (disk_handle(number),)


@HANDLERS.performs(ops.DiskInfo)
def _disk_info(state: KernelState, op: ops.DiskInfo) -> Outcome:
    return state, Status.OK, (state.disks[disk_number(state, op.disk)].sectors,)


@HANDLERS.performs(ops.DiskRead)
def _disk_read(state: KernelState, op: ops.DiskRead) -> Outcome:
    number = disk_number(state, op.disk)
    _borrow(state, op.count)
    state, status, data = disk.disk_read(state, number, op.sector, op.count)
    return state, status, () if status else (crc32(data),)


@HANDLERS.performs(ops.DiskWrite)
def _disk_write(state: KernelState, op: ops.DiskWrite) -> Outcome:
    number = disk_number(state, op.disk)
    _borrow(state, op.count)
    rest = (op.data * SECTOR_SIZE)[: SECTOR_SIZE - 8]
    numbers = ((op.sector + n) % (1 << 64) for n in range(op.count))
    data = b"".join(each.to_bytes(8, "little") + rest for each in numbers)
    state, status, _ = disk.disk_write(state, number, op.sector, data)
    return state, status, ()


def _borrow(state: KernelState, sectors: int) -> None:
    """Refuse a transfer of too many sectors, or for which there are too few frames."""
    if not 1 <= sectors <= DISK_SECTORS_MAX:
        raise Refused(Status.INVALID)
    if state.pmm.free_count < frames_of(sectors * SECTOR_SIZE):
        raise Refused(Status.NO_MEMORY)


@HANDLERS.performs(ops.DiskFlush)
def _disk_flush(state: KernelState, op: ops.DiskFlush) -> Outcome:
    state, status, _ = disk.disk_flush(state, disk_number(state, op.disk))
    return state, status, ()
