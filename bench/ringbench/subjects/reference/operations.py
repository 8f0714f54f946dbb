"""Kernel operations as plain values, one per monitor command that acts, and their replies.

Addresses, lengths and sizes are bytes; `flags` are page flags (drive/flags.py); spaces, roots and
tasks are the monitor's handles: `kernel`, `t1`, `r0`. `kind` is the monitor's word for a backing,
`mode` one of `r`, `w`, `x`.
"""

from dataclasses import dataclass
from typing import ClassVar, Final

LAYERS: Final = ("pmm", "paging", "vmm", "heap", "task")


@dataclass(frozen=True, slots=True)
class Reply:
    """What an operation answers: `ok` or the name of an error, and its values.

    Numbers are ints, whatever base they were printed in; handles, kinds, flags, bytes (as hex
    digits), and the vector and cause of a fault are strings.
    """

    status: str
    values: tuple[int | str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the operation was performed."""
        return self.status == "ok"

    def __str__(self) -> str:
        values = (f"{value:#x}" if isinstance(value, int) else value for value in self.values)
        return " ".join((self.status, *values))


@dataclass(frozen=True, slots=True)
class PmmAlloc:
    """Take `count` contiguous frames, 1 if None, at a multiple of `align`: lent to the caller."""

    layer: ClassVar[str] = "pmm"
    count: int | None = None
    align: int | None = None

    def __post_init__(self) -> None:
        if self.count is None and self.align is not None:
            raise ValueError("an alignment needs a count")


@dataclass(frozen=True, slots=True)
class PmmAlloc2m:
    """Take a 2 MiB frame."""

    layer: ClassVar[str] = "pmm"


@dataclass(frozen=True, slots=True)
class PmmFree:
    """Give frames back."""

    layer: ClassVar[str] = "pmm"
    paddr: int
    count: int = 1


@dataclass(frozen=True, slots=True)
class PmmInfo:
    """Ask for the managed and the free frames."""

    layer: ClassVar[str] = "pmm"


@dataclass(frozen=True, slots=True)
class PageNew:
    """Make a bare root."""

    layer: ClassVar[str] = "paging"


@dataclass(frozen=True, slots=True)
class PageDelete:
    """Free a bare root and its tables."""

    layer: ClassVar[str] = "paging"
    root: str


@dataclass(frozen=True, slots=True)
class PageMap:
    """Map a range in a bare root."""

    layer: ClassVar[str] = "paging"
    root: str
    vaddr: int
    paddr: int
    length: int
    page_size: int
    flags: int


@dataclass(frozen=True, slots=True)
class PageUnmap:
    """Unmap a range in a bare root."""

    layer: ClassVar[str] = "paging"
    root: str
    vaddr: int
    length: int


@dataclass(frozen=True, slots=True)
class PageProtect:
    """Change the flags of a range in a bare root."""

    layer: ClassVar[str] = "paging"
    root: str
    vaddr: int
    length: int
    flags: int


@dataclass(frozen=True, slots=True)
class PageQuery:
    """Ask for the leaf that maps an address."""

    layer: ClassVar[str] = "paging"
    root: str
    vaddr: int


@dataclass(frozen=True, slots=True)
class VmAlloc:
    """Make a region in the lowest gap; `physical` if and only if the kind is `paddr`."""

    layer: ClassVar[str] = "vmm"
    space: str
    length: int
    kind: str
    flags: int
    paddr: int | None = None

    def __post_init__(self) -> None:
        _check_backing(self.kind, self.paddr)


@dataclass(frozen=True, slots=True)
class VmAllocAt:
    """Make a region at an address."""

    layer: ClassVar[str] = "vmm"
    space: str
    vaddr: int
    length: int
    kind: str
    flags: int
    paddr: int | None = None

    def __post_init__(self) -> None:
        _check_backing(self.kind, self.paddr)


@dataclass(frozen=True, slots=True)
class VmFree:
    """Free a region."""

    layer: ClassVar[str] = "vmm"
    space: str
    vaddr: int


@dataclass(frozen=True, slots=True)
class VmProtect:
    """Change a region's flags."""

    layer: ClassVar[str] = "vmm"
    space: str
    vaddr: int
    flags: int


@dataclass(frozen=True, slots=True)
class VmResize:
    """Move a region's end."""

    layer: ClassVar[str] = "vmm"
    space: str
    vaddr: int
    length: int


@dataclass(frozen=True, slots=True)
class VmQuery:
    """Ask for the region that contains an address."""

    layer: ClassVar[str] = "vmm"
    space: str
    vaddr: int


@dataclass(frozen=True, slots=True)
class VmRead:
    """Read bytes of a space."""

    layer: ClassVar[str] = "vmm"
    space: str
    vaddr: int
    length: int


@dataclass(frozen=True, slots=True)
class VmWrite:
    """Write bytes, 1 to 64, to a space."""

    layer: ClassVar[str] = "vmm"
    space: str
    vaddr: int
    data: bytes


@dataclass(frozen=True, slots=True)
class VmCopy:
    """Copy between two spaces."""

    layer: ClassVar[str] = "vmm"
    to: str
    to_vaddr: int
    source: str
    source_vaddr: int
    length: int


@dataclass(frozen=True, slots=True)
class Touch:
    """Access one byte through a root."""

    layer: ClassVar[str] = "vmm"
    root: str
    vaddr: int
    mode: str


@dataclass(frozen=True, slots=True)
class HeapAlloc:
    """kmalloc."""

    layer: ClassVar[str] = "heap"
    size: int


@dataclass(frozen=True, slots=True)
class HeapZalloc:
    """kzalloc."""

    layer: ClassVar[str] = "heap"
    size: int


@dataclass(frozen=True, slots=True)
class HeapAlign:
    """kmemalign."""

    layer: ClassVar[str] = "heap"
    align: int
    size: int


@dataclass(frozen=True, slots=True)
class HeapRealloc:
    """krealloc; an address of 0 is NULL."""

    layer: ClassVar[str] = "heap"
    vaddr: int
    size: int


@dataclass(frozen=True, slots=True)
class HeapFree:
    """kfree."""

    layer: ClassVar[str] = "heap"
    vaddr: int


@dataclass(frozen=True, slots=True)
class HeapCheck:
    """Let the kernel check its heap."""

    layer: ClassVar[str] = "heap"


@dataclass(frozen=True, slots=True)
class HeapInfo:
    """Ask for the heap's end, node counts and bytes."""

    layer: ClassVar[str] = "heap"


@dataclass(frozen=True, slots=True)
class TaskNew:
    """Make a task."""

    layer: ClassVar[str] = "task"


@dataclass(frozen=True, slots=True)
class TaskSwitch:
    """Make a task the current one."""

    layer: ClassVar[str] = "task"
    task: str


@dataclass(frozen=True, slots=True)
class TaskDelete:
    """Destroy a task."""

    layer: ClassVar[str] = "task"
    task: str


Operation = (
    PmmAlloc
    | PmmAlloc2m
    | PmmFree
    | PmmInfo
    | PageNew
    | PageDelete
    | PageMap
    | PageUnmap
    | PageProtect
    | PageQuery
    | VmAlloc
    | VmAllocAt
    | VmFree
    | VmProtect
    | VmResize
    | VmQuery
    | VmRead
    | VmWrite
    | VmCopy
    | Touch
    | HeapAlloc
    | HeapZalloc
    | HeapAlign
    | HeapRealloc
    | HeapFree
    | HeapCheck
    | HeapInfo
    | TaskNew
    | TaskSwitch
    | TaskDelete
)

OPERATIONS: Final[tuple[type[Operation], ...]] = Operation.__args__


def _check_backing(kind: str, paddr: int | None) -> None:
    if (kind == "physical") != (paddr is not None):
        raise ValueError(f"a region of kind {kind} with physical address {paddr}")
