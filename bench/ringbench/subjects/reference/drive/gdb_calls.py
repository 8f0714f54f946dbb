"""Each operation as calls of the kernel's functions: what is refused, the call, the reply's values.

A function here says what its operation means, independently of the kernel's own dispatcher. What
has none is not for this channel: `Touch` switches roots under the caller, `HeapInfo` is a count
that the console makes itself, and it is the console that has frames and buffers for those of disks
and files.
"""

from struct import pack
from typing import Final

from ringbench.drive.reply import Reply
from ringbench.subjects.reference.drive.gdb_kernel import GdbKernel
from ringbench.subjects.reference.vocabulary.constants import (
    BLOCK_FRAMES,
    BYTES_MAX,
    FRAME_SIZE,
    HEAP_ALIGN_MAX,
    HEAP_ALLOC_MAX,
    KMALLOC_MAX,
    PADDR_NONE,
)
from ringbench.subjects.reference.vocabulary.flags import flags_text
from ringbench.subjects.reference.vocabulary.handlers import Handlers
from ringbench.subjects.reference.vocabulary.handles import (
    cache_name,
    number_of,
    object_handle,
    root_handle,
    task_handle,
)
from ringbench.subjects.reference.vocabulary.operations.buddy import BuddyAlloc, BuddyFree
from ringbench.subjects.reference.vocabulary.operations.disk import DiskFlush, DiskInfo
from ringbench.subjects.reference.vocabulary.operations.file import FileClose, FileEvict, FileSync
from ringbench.subjects.reference.vocabulary.operations.heap import (
    HeapAlign,
    HeapAlloc,
    HeapCheck,
    HeapFree,
    HeapRealloc,
    HeapZalloc,
)
from ringbench.subjects.reference.vocabulary.operations.kmalloc import KmallocAlloc, KmallocFree
from ringbench.subjects.reference.vocabulary.operations.object import ObjectDrop, ObjectNew
from ringbench.subjects.reference.vocabulary.operations.paging import (
    PageDelete,
    PageMap,
    PageNew,
    PageProtect,
    PageQuery,
    PageUnmap,
)
from ringbench.subjects.reference.vocabulary.operations.pmm import (
    PmmAlloc,
    PmmAlloc2m,
    PmmFree,
    PmmInfo,
)
from ringbench.subjects.reference.vocabulary.operations.slab import (
    SlabAlloc,
    SlabDelete,
    SlabFree,
    SlabNew,
)
from ringbench.subjects.reference.vocabulary.operations.task import TaskDelete, TaskNew, TaskSwitch
from ringbench.subjects.reference.vocabulary.operations.vmm import (
    SpaceClone,
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

CALLS: Final = Handlers[GdbKernel, Reply]()
"""What performs each operation that this channel supports."""

_BIT_63: Final = 1 << 63
_MAPPING_FIELDS: Final = ("virtual", "physical", "size")
_BACKING_WORD: Final = 4
"""Word of the scratch space where a struct vm_backing is put to be passed by value."""


@CALLS.performs(PmmAlloc)
def _pmm_alloc(kernel: GdbKernel, op: PmmAlloc) -> Reply:
    if op.count is None:
        return _lend(kernel, kernel.reply("pmm_alloc", kernel.scratch), 1)
    align = FRAME_SIZE if op.align is None else op.align
    reply = kernel.reply("pmm_alloc_run", op.count, align, kernel.scratch)
    return _lend(kernel, reply, op.count)


@CALLS.performs(PmmAlloc2m)
def _pmm_alloc_2m(kernel: GdbKernel, op: PmmAlloc2m) -> Reply:
    return _lend(kernel, kernel.reply("pmm_alloc_2m", kernel.scratch), BLOCK_FRAMES)


def _lend(kernel: GdbKernel, reply: Reply, count: int) -> Reply:
    """Have the console note that the frames are lent that the scratch space names."""
    if not reply.ok:
        return reply
    (base,) = kernel.words()
    kernel.call("console_lend", base, count)
    return Reply("ok", (base,))


@CALLS.performs(PmmFree)
def _pmm_free(kernel: GdbKernel, op: PmmFree) -> Reply:
    if not kernel.may_free(op.paddr, op.count):
        raise Refused(Status.DENIED)
    reply = kernel.reply("pmm_free", op.paddr, op.count)
    if reply.ok:
        kernel.call("console_return", op.paddr, op.count)
    return reply


@CALLS.performs(PmmInfo)
def _pmm_info(kernel: GdbKernel, op: PmmInfo) -> Reply:
    return Reply("ok", (kernel.value("pmm.managed_count"), kernel.value("pmm.free_count")))


@CALLS.performs(SlabNew)
def _slab_new(kernel: GdbKernel, op: SlabNew) -> Reply:
    number = kernel.unused_cache()
    kernel.write_scratch(cache_name(number).encode() + b"\0")
    address = kernel.value(f"(unsigned long)&console.caches[{number}]")
    reply = kernel.reply("slab_cache_create", address, kernel.scratch, op.size, op.align)
    return Reply("ok", (number,)) if reply.ok else reply


@CALLS.performs(SlabDelete)
def _slab_delete(kernel: GdbKernel, op: SlabDelete) -> Reply:
    return kernel.reply("slab_cache_destroy", kernel.cache(op.cache))


@CALLS.performs(SlabAlloc)
def _slab_alloc(kernel: GdbKernel, op: SlabAlloc) -> Reply:
    return kernel.with_word(kernel.reply("slab_alloc", kernel.cache(op.cache), kernel.scratch))


@CALLS.performs(SlabFree)
def _slab_free(kernel: GdbKernel, op: SlabFree) -> Reply:
    return kernel.reply("slab_free", kernel.cache(op.cache), op.vaddr)


@CALLS.performs(PageNew)
def _page_new(kernel: GdbKernel, op: PageNew) -> Reply:
    number = kernel.unused_root()
    reply = kernel.reply("paging_root_create", kernel.scratch)
    if not reply.ok:
        return reply
    (root,) = kernel.words()
    kernel.assign(f"console.roots[{number}]", root)
    return Reply("ok", (root_handle(number),))


@CALLS.performs(PageDelete)
def _page_delete(kernel: GdbKernel, op: PageDelete) -> Reply:
    reply = kernel.reply("paging_root_destroy", kernel.bare_root(op.root))
    if reply.ok:
        kernel.assign(f"console.roots[{number_of(op.root)}]", PADDR_NONE)
    return reply


@CALLS.performs(PageMap)
def _page_map(kernel: GdbKernel, op: PageMap) -> Reply:
    root = _lower_half(kernel, op.root, op.vaddr)
    arguments = (root, op.vaddr, op.paddr, op.length, op.page_size, op.flags)
    return kernel.reply("paging_map", *arguments)


@CALLS.performs(PageUnmap)
def _page_unmap(kernel: GdbKernel, op: PageUnmap) -> Reply:
    root = _lower_half(kernel, op.root, op.vaddr)
    return kernel.reply("paging_unmap", root, op.vaddr, op.length)


@CALLS.performs(PageProtect)
def _page_protect(kernel: GdbKernel, op: PageProtect) -> Reply:
    root = _lower_half(kernel, op.root, op.vaddr)
    return kernel.reply("paging_protect", root, op.vaddr, op.length, op.flags)


def _lower_half(kernel: GdbKernel, handle: str, vaddr: int) -> int:
    """Return a bare root; refuse an address of the upper half, which all roots share."""
    root = kernel.bare_root(handle)
    if vaddr & _BIT_63:
        raise Refused(Status.DENIED)
    return root


@CALLS.performs(PageQuery)
def _page_query(kernel: GdbKernel, op: PageQuery) -> Reply:
    reply = kernel.reply("paging_query", kernel.root(op.root), op.vaddr, kernel.scratch)
    if not reply.ok:
        return reply
    mapping = "(*(struct mapping *)debug_scratch)"
    fields = (kernel.value(f"{mapping}.{name}") for name in _MAPPING_FIELDS)
    return Reply("ok", (*fields, flags_text(kernel.value(f"{mapping}.flags"))))


@CALLS.performs(ObjectNew)
def _object_new(kernel: GdbKernel, op: ObjectNew) -> Reply:
    reply = kernel.reply("object_create", op.length, kernel.scratch)
    return Reply("ok", (object_handle(*kernel.words()),)) if reply.ok else reply


@CALLS.performs(ObjectDrop)
def _object_drop(kernel: GdbKernel, op: ObjectDrop) -> Reply:
    return kernel.reply("object_drop", number_of(op.object))


@CALLS.performs(VmAlloc)
def _vm_alloc(kernel: GdbKernel, op: VmAlloc) -> Reply:
    space = kernel.space(op.space)
    backing = _backing(kernel, op.kind, op.place, op.offset)
    call = f"vm_alloc({space:#x}, {op.length:#x}, {op.flags:#x}, {backing}, debug_scratch)"
    return kernel.with_word(Reply(kernel.status(kernel.value(call))))


@CALLS.performs(VmAllocAt)
def _vm_alloc_at(kernel: GdbKernel, op: VmAllocAt) -> Reply:
    space = kernel.space(op.space)
    backing = _backing(kernel, op.kind, op.place, op.offset)
    call = f"vm_alloc_at({space:#x}, {op.vaddr:#x}, {op.length:#x}, {op.flags:#x}, {backing})"
    return Reply(kernel.status(kernel.value(call)))


def _backing(kernel: GdbKernel, kind: str, place: int | str | None, offset: int | None) -> str:
    """Put a struct vm_backing into the scratch space; the expression for its value."""
    shown = kernel.object(place) if isinstance(place, str) else 0
    where = offset if isinstance(place, str) else place
    kind_number = kernel.value(f"(unsigned)VM_{kind.upper()}")
    backing = pack("<QQQ", kind_number, shown, PADDR_NONE if where is None else where)
    kernel.write_scratch(bytes(8 * _BACKING_WORD) + backing)
    return f"*(struct vm_backing *)&debug_scratch[{_BACKING_WORD}]"


@CALLS.performs(VmFree)
def _vm_free(kernel: GdbKernel, op: VmFree) -> Reply:
    space = kernel.changeable(op.space, op.vaddr)
    return kernel.reply("vm_free", space, op.vaddr)


@CALLS.performs(VmProtect)
def _vm_protect(kernel: GdbKernel, op: VmProtect) -> Reply:
    space = kernel.changeable(op.space, op.vaddr)
    return kernel.reply("vm_protect", space, op.vaddr, op.flags)


@CALLS.performs(VmResize)
def _vm_resize(kernel: GdbKernel, op: VmResize) -> Reply:
    space = kernel.changeable(op.space, op.vaddr)
    return kernel.reply("vm_resize", space, op.vaddr, op.length)


@CALLS.performs(VmQuery)
def _vm_query(kernel: GdbKernel, op: VmQuery) -> Reply:
    reply = kernel.reply("vm_query", kernel.space(op.space), op.vaddr, kernel.scratch)
    if not reply.ok:
        return reply
    region = "(*(struct vm_region *)debug_scratch)"
    kind = kernel.name("vm_kind", kernel.value(f"{region}.kind"))
    base, length = kernel.value(f"{region}.base"), kernel.value(f"{region}.length")
    flags = flags_text(kernel.value(f"{region}.flags"))
    place: tuple[int | str, ...] = ()
    if kind == "physical":
        place = (kernel.value(f"{region}.physical"),)
    elif kind in ("shared", "private"):
        shown = object_handle(kernel.value(f"{region}.object->id"))
        place = (shown, kernel.value(f"{region}.offset"))
    return Reply("ok", (base, length, kind, flags, *place))


@CALLS.performs(VmRead)
def _vm_read(kernel: GdbKernel, op: VmRead) -> Reply:
    space = kernel.space(op.space)
    if not 1 <= op.length <= BYTES_MAX:
        raise Refused(Status.INVALID)
    reply = kernel.reply("vm_read", space, op.vaddr, kernel.scratch, op.length)
    return Reply("ok", (kernel.read_scratch(op.length).hex(),)) if reply.ok else reply


@CALLS.performs(VmWrite)
def _vm_write(kernel: GdbKernel, op: VmWrite) -> Reply:
    space = kernel.space(op.space)
    kernel.write_scratch(op.data)
    return kernel.reply("vm_write", space, op.vaddr, kernel.scratch, len(op.data))


@CALLS.performs(VmCopy)
def _vm_copy(kernel: GdbKernel, op: VmCopy) -> Reply:
    to, source = kernel.space(op.to), kernel.space(op.source)
    return kernel.reply("vm_copy", to, op.to_vaddr, source, op.source_vaddr, op.length)


@CALLS.performs(SpaceClone)
def _space_clone(kernel: GdbKernel, op: SpaceClone) -> Reply:
    to, source = kernel.space(op.to), kernel.space(op.source)
    return kernel.reply("vm_space_clone", to, source)


@CALLS.performs(HeapAlloc)
def _heap_alloc(kernel: GdbKernel, op: HeapAlloc) -> Reply:
    _check_size(op.size)
    return _block(kernel.call("heap_alloc", op.size))


@CALLS.performs(HeapZalloc)
def _heap_zalloc(kernel: GdbKernel, op: HeapZalloc) -> Reply:
    _check_size(op.size)
    return _block(kernel.call("heap_zalloc", op.size))


@CALLS.performs(HeapAlign)
def _heap_align(kernel: GdbKernel, op: HeapAlign) -> Reply:
    if op.align <= 0 or op.align & (op.align - 1) or op.align > HEAP_ALIGN_MAX:
        raise Refused(Status.INVALID)
    _check_size(op.size)
    return _block(kernel.call("heap_align", op.align, op.size))


def _check_size(size: int) -> None:
    if not 0 < size <= HEAP_ALLOC_MAX:
        raise Refused(Status.INVALID)


def _block(vaddr: int) -> Reply:
    """Return the reply that has a block's address, which is 0 for none."""
    return Reply("ok", (vaddr,)) if vaddr else Reply(Status.NO_MEMORY.text)


@CALLS.performs(HeapRealloc)
def _heap_realloc(kernel: GdbKernel, op: HeapRealloc) -> Reply:
    kernel.write_scratch(pack("<Q", op.vaddr))
    return kernel.with_word(kernel.reply("heap_realloc", kernel.scratch, op.size))


@CALLS.performs(HeapFree)
def _heap_free(kernel: GdbKernel, op: HeapFree) -> Reply:
    return kernel.reply("heap_free", op.vaddr)


@CALLS.performs(HeapCheck)
def _heap_check(kernel: GdbKernel, op: HeapCheck) -> Reply:
    reply = kernel.reply("heap_check", kernel.scratch)
    return reply if reply.ok else Reply(reply.status, kernel.words())


@CALLS.performs(BuddyAlloc)
def _buddy_alloc(kernel: GdbKernel, op: BuddyAlloc) -> Reply:
    return kernel.with_word(kernel.reply("buddy_alloc", op.size, kernel.scratch))


@CALLS.performs(BuddyFree)
def _buddy_free(kernel: GdbKernel, op: BuddyFree) -> Reply:
    return kernel.reply("buddy_free", op.vaddr)


@CALLS.performs(KmallocAlloc)
def _kmalloc_alloc(kernel: GdbKernel, op: KmallocAlloc) -> Reply:
    if not 0 < op.size <= KMALLOC_MAX:
        raise Refused(Status.INVALID)
    return _block(kernel.call("kmalloc", op.size))


@CALLS.performs(KmallocFree)
def _kmalloc_free(kernel: GdbKernel, op: KmallocFree) -> Reply:
    return kernel.reply("kfree", op.vaddr)


@CALLS.performs(TaskNew)
def _task_new(kernel: GdbKernel, op: TaskNew) -> Reply:
    reply = kernel.reply("task_create", kernel.scratch)
    return Reply("ok", (task_handle(*kernel.words()),)) if reply.ok else reply


@CALLS.performs(TaskSwitch)
def _task_switch(kernel: GdbKernel, op: TaskSwitch) -> Reply:
    reply = kernel.reply("task_switch", number_of(op.task))
    if reply.ok:
        # gdb puts back every register after a call, CR3 too: the new root is loaded again.
        kernel.assign("$cr3", kernel.root(op.task))
    return reply


@CALLS.performs(TaskDelete)
def _task_delete(kernel: GdbKernel, op: TaskDelete) -> Reply:
    return kernel.reply("task_destroy", number_of(op.task))


@CALLS.performs(DiskInfo)
def _disk_info(kernel: GdbKernel, op: DiskInfo) -> Reply:
    return Reply(
        "ok", (kernel.value(f"((struct disk *){kernel.disk(op.disk):#x})->device.sectors"),)
    )


@CALLS.performs(DiskFlush)
def _disk_flush(kernel: GdbKernel, op: DiskFlush) -> Reply:
    return kernel.reply("disk_flush", kernel.disk(op.disk))


@CALLS.performs(FileClose)
def _file_close(kernel: GdbKernel, op: FileClose) -> Reply:
    return kernel.reply("file_close", kernel.file(op.file))


@CALLS.performs(FileSync)
def _file_sync(kernel: GdbKernel, op: FileSync) -> Reply:
    return kernel.reply("file_sync", kernel.file(op.file))


@CALLS.performs(FileEvict)
def _file_evict(kernel: GdbKernel, op: FileEvict) -> Reply:
    return kernel.with_word(kernel.reply("file_evict", op.count, kernel.scratch))
