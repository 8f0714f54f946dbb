"""Everything that the reference kernel can be asked to do: one class an operation.

Addresses, lengths and sizes are bytes; `flags` are page flags (`flags`); spaces, roots and tasks
are the console's handles (`handles`): `kernel`, `t1`, `r0`. `kind` is the console's word for a
backing, `mode` one of `r`, `w`, `x`.

To add one, write its class here, how the model performs it (`model.handlers`), and what draws it
(`workload`); the GDB channel performs it if it has a function for it (`drive.gdb_calls`).
"""

from typing import Final

from ringbench.subjects.reference.vocabulary.operation_base import Operation as Operation
from ringbench.subjects.reference.vocabulary.operation_base import defined, operation
from ringbench.subjects.reference.vocabulary.values import Shape, ValueKind

LAYERS: Final = ("pmm", "slab", "paging", "vmm", "heap", "task", "disk")
"""The kernel's layers, bottom first: the order of every table."""

_ADDRESS: Final[tuple[Shape, ...]] = ((ValueKind.ADDRESS,),)
_REGION: Final[Shape] = (
    ValueKind.ADDRESS,
    ValueKind.ADDRESS,
    ValueKind.BACKING,
    ValueKind.FLAGS,
)
_FAULT: Final[dict[str, Shape]] = {"fault": (ValueKind.VECTOR, ValueKind.ERROR, ValueKind.CAUSE)}
_SMASHED: Final[dict[str, Shape]] = {"corrupt": (ValueKind.ADDRESS,)}
"""Which node of the heap is smashed."""


@operation
class PmmAlloc(Operation):
    """Take `count` contiguous frames, one if None, at a multiple of `align` bytes.

    They are lent to the caller, who alone may give them back; the reply has where they begin.
    """

    layer = "pmm"
    command = "pmm alloc"
    values = _ADDRESS
    count: int | None = None
    align: int | None = None

    def __post_init__(self) -> None:
        if self.count is None and self.align is not None:
            raise ValueError("an alignment needs a count")


@operation
class PmmAlloc2m(Operation):
    """Take the 512 frames of a free and aligned block of 2 MiB; the reply has its address."""

    layer = "pmm"
    command = "pmm alloc2m"
    values = _ADDRESS


@operation
class PmmFree(Operation):
    """Give back `count` frames from `paddr` on, which must have been lent."""

    layer = "pmm"
    command = "pmm free"
    paddr: int
    count: int = 1


@operation
class PmmInfo(Operation):
    """Ask how many frames the allocator manages, and how many of them are free."""

    layer = "pmm"
    command = "pmm info"
    values = ((ValueKind.COUNT, ValueKind.COUNT),)


@operation
class SlabNew(Operation):
    """Make a slab cache of objects of `size` bytes at multiples of `align`; its number."""

    layer = "slab"
    command = "slab new"
    values = ((ValueKind.COUNT,),)
    size: int
    align: int


@operation
class SlabDelete(Operation):
    """Take a slab cache away that has no objects."""

    layer = "slab"
    command = "slab delete"
    cache: int


@operation
class SlabAlloc(Operation):
    """Take an object of a slab cache; the reply has its address."""

    layer = "slab"
    command = "slab alloc"
    values = _ADDRESS
    cache: int


@operation
class SlabFree(Operation):
    """Give an object back to its slab cache."""

    layer = "slab"
    command = "slab free"
    cache: int
    vaddr: int


@operation
class PageNew(Operation):
    """Make a bare root: page tables that map the kernel and belong to no task."""

    layer = "paging"
    command = "page new"
    values = ((ValueKind.ROOT,),)


@operation
class PageDelete(Operation):
    """Free a bare root and all of its own tables."""

    layer = "paging"
    command = "page delete"
    root: str


@operation
class PageMap(Operation):
    """Map `length` bytes from `vaddr` on to those from `paddr` on, with leaves of one size."""

    layer = "paging"
    command = "page map"
    root: str
    vaddr: int
    paddr: int
    length: int
    page_size: int
    flags: int


@operation
class PageUnmap(Operation):
    """Take away what is mapped in a range of a bare root."""

    layer = "paging"
    command = "page unmap"
    root: str
    vaddr: int
    length: int


@operation
class PageProtect(Operation):
    """Give all that is mapped in a range of a bare root other page flags."""

    layer = "paging"
    command = "page protect"
    root: str
    vaddr: int
    length: int
    flags: int


@operation
class PageQuery(Operation):
    """Ask for the leaf that maps an address: its own address, where it leads, size and flags."""

    layer = "paging"
    command = "page query"
    values = ((ValueKind.ADDRESS, ValueKind.ADDRESS, ValueKind.ADDRESS, ValueKind.FLAGS),)
    root: str
    vaddr: int


@operation
class VmAlloc(Operation):
    """Make a region in the lowest gap of a space that is wide enough; the reply has its address.

    There is a `paddr` if and only if the kind is `physical`.
    """

    layer = "vmm"
    command = "vm alloc"
    values = _ADDRESS
    space: str
    length: int
    kind: str
    flags: int
    paddr: int | None = None

    def __post_init__(self) -> None:
        _check_backing(self.kind, self.paddr)


@operation
class VmAllocAt(Operation):
    """Make a region of a space at an address.

    There is a `paddr` if and only if the kind is `physical`.
    """

    layer = "vmm"
    command = "vm at"
    space: str
    vaddr: int
    length: int
    kind: str
    flags: int
    paddr: int | None = None

    def __post_init__(self) -> None:
        _check_backing(self.kind, self.paddr)


@operation
class VmFree(Operation):
    """Free the region that begins at an address, and its pages."""

    layer = "vmm"
    command = "vm free"
    space: str
    vaddr: int


@operation
class VmProtect(Operation):
    """Give the region that begins at an address other page flags."""

    layer = "vmm"
    command = "vm protect"
    space: str
    vaddr: int
    flags: int


@operation
class VmResize(Operation):
    """Move the end of the region that begins at an address."""

    layer = "vmm"
    command = "vm resize"
    space: str
    vaddr: int
    length: int


@operation
class VmQuery(Operation):
    """Ask for the region that contains an address; its `paddr` too if it is a `physical` one."""

    layer = "vmm"
    command = "vm query"
    values = (_REGION, (*_REGION, ValueKind.ADDRESS))
    space: str
    vaddr: int


@operation
class VmRead(Operation):
    """Read 1 to 64 bytes of a space."""

    layer = "vmm"
    command = "vm read"
    values = ((ValueKind.BYTES,),)
    space: str
    vaddr: int
    length: int


@operation
class VmWrite(Operation):
    """Write 1 to 64 bytes to a space."""

    layer = "vmm"
    command = "vm write"
    space: str
    vaddr: int
    data: bytes


@operation
class VmCopy(Operation):
    """Copy bytes from one space to another, or within one."""

    layer = "vmm"
    command = "vm copy"
    to: str
    to_vaddr: int
    source: str
    source_vaddr: int
    length: int


@operation
class Touch(Operation):
    """Access one byte with a root active, and a task's space current; what faults says how."""

    layer = "vmm"
    command = "touch"
    failures = _FAULT
    root: str
    vaddr: int
    mode: str


@operation
class HeapAlloc(Operation):
    """Take `size` bytes of the kernel heap (kmalloc); the reply has their address."""

    layer = "heap"
    command = "heap alloc"
    values = _ADDRESS
    size: int


@operation
class HeapZalloc(Operation):
    """Take `size` bytes of the kernel heap, all zero (kzalloc); the reply has their address."""

    layer = "heap"
    command = "heap zalloc"
    values = _ADDRESS
    size: int


@operation
class HeapAlign(Operation):
    """Take `size` bytes of the kernel heap at a multiple of `align` (kmemalign)."""

    layer = "heap"
    command = "heap align"
    values = _ADDRESS
    align: int
    size: int


@operation
class HeapRealloc(Operation):
    """Give a block of the kernel heap another size, moving it if need be (krealloc).

    The reply has its address. A `vaddr` of 0 is NULL, which makes a block.
    """

    layer = "heap"
    command = "heap realloc"
    values = _ADDRESS
    vaddr: int
    size: int


@operation
class HeapFree(Operation):
    """Give a block of the kernel heap back (kfree)."""

    layer = "heap"
    command = "heap free"
    vaddr: int


@operation
class HeapCheck(Operation):
    """Let the kernel check every node of its heap; it names the first that is smashed."""

    layer = "heap"
    command = "heap check"
    failures = _SMASHED


@operation
class HeapInfo(Operation):
    """Ask for the heap's end, its used and free nodes, and its used and free bytes."""

    layer = "heap"
    command = "heap info"
    values = ((ValueKind.ADDRESS, *(ValueKind.COUNT,) * 4),)
    failures = _SMASHED


@operation
class TaskNew(Operation):
    """Make a task with an empty space; the reply has its handle."""

    layer = "task"
    command = "task new"
    values = ((ValueKind.TASK,),)


@operation
class TaskSwitch(Operation):
    """Make a task the current one: its root becomes active."""

    layer = "task"
    command = "task switch"
    task: str


@operation
class TaskDelete(Operation):
    """Destroy a task that is not the current one, and its space."""

    layer = "task"
    command = "task delete"
    task: str


@operation
class DiskFind(Operation):
    """Ask for the disk with a serial string; the reply has its handle."""

    layer = "disk"
    command = "disk find"
    values = ((ValueKind.DISK,),)
    name: str


@operation
class DiskInfo(Operation):
    """Ask how many sectors of 512 bytes a disk has."""

    layer = "disk"
    command = "disk info"
    values = ((ValueKind.COUNT,),)
    disk: str


@operation
class DiskRead(Operation):
    """Read `count` sectors of a disk; the reply has the CRC-32 of all their bytes."""

    layer = "disk"
    command = "disk read"
    values = _ADDRESS
    disk: str
    sector: int
    count: int


@operation
class DiskWrite(Operation):
    """Fill `count` sectors of a disk: each with its number, 8 bytes, and `data` over and over."""

    layer = "disk"
    command = "disk write"
    disk: str
    sector: int
    count: int
    data: bytes


@operation
class DiskFlush(Operation):
    """Have what was written to a disk reach what keeps it."""

    layer = "disk"
    command = "disk flush"
    disk: str


OPERATIONS: Final = defined()
"""Every operation there is."""


def _check_backing(kind: str, paddr: int | None) -> None:
    if (kind == "physical") != (paddr is not None):
        raise ValueError(f"a region of kind {kind} with physical address {paddr}")
