"""Kernel operations as plain values, one per monitor command that acts, and their replies.

Addresses, lengths and sizes are bytes; `flags` are page flags (drive/flags.py); spaces, roots and
tasks are the monitor's handles: `kernel`, `t1`, `r0`. `kind` is the monitor's word for a backing,
`mode` one of `r`, `w`, `x`.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Final

from ringbench.subjects.reference.flags import flags_text

LAYERS: Final = ("pmm", "paging", "vmm", "heap", "task")


PAGE_SIZE_WORDS: Final = {1 << 12: "4k", 1 << 21: "2m", 1 << 30: "1g"}

_SHOWN: Final[dict[str, Callable[[Any], str]]] = {
    "count": str,
    "flags": flags_text,
    "data": bytes.hex,
    "page_size": PAGE_SIZE_WORDS.__getitem__,
}
"""Field -> how its value is written; numbers are in hexadecimal, all else is a word as it is."""


class Requestable:
    """What all operations have in common: a layer, and a command of the kernel's console.

    `str` gives the console's line for the operation: `vm alloc t1 0x3000 demand rwu`.
    """

    __slots__ = ()

    layer: ClassVar[str]
    command: ClassVar[str]

    def __str__(self) -> str:
        words = [self.command]
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if value is not None:
                words.append(_word(field.name, value))
        return " ".join(words)


def _word(name: str, value: object) -> str:
    if name == "page_size" and value not in PAGE_SIZE_WORDS:
        raise ValueError(f"the console has no word for a page size of {value}")
    if name in _SHOWN:
        return _SHOWN[name](value)
    return hex(value) if isinstance(value, int) else str(value)


@dataclass(frozen=True, slots=True)
class PmmAlloc(Requestable):
    """Take `count` contiguous frames, 1 if None, at a multiple of `align`: lent to the caller."""

    layer: ClassVar[str] = "pmm"
    command: ClassVar[str] = "pmm alloc"
    count: int | None = None
    align: int | None = None

    def __post_init__(self) -> None:
        if self.count is None and self.align is not None:
            raise ValueError("an alignment needs a count")


@dataclass(frozen=True, slots=True)
class PmmAlloc2m(Requestable):
    """Take a 2 MiB frame."""

    layer: ClassVar[str] = "pmm"
    command: ClassVar[str] = "pmm alloc2m"


@dataclass(frozen=True, slots=True)
class PmmFree(Requestable):
    """Give frames back."""

    layer: ClassVar[str] = "pmm"
    command: ClassVar[str] = "pmm free"
    paddr: int
    count: int = 1


@dataclass(frozen=True, slots=True)
class PmmInfo(Requestable):
    """Ask for the managed and the free frames."""

    layer: ClassVar[str] = "pmm"
    command: ClassVar[str] = "pmm info"


@dataclass(frozen=True, slots=True)
class PageNew(Requestable):
    """Make a bare root."""

    layer: ClassVar[str] = "paging"
    command: ClassVar[str] = "page new"


@dataclass(frozen=True, slots=True)
class PageDelete(Requestable):
    """Free a bare root and its tables."""

    layer: ClassVar[str] = "paging"
    command: ClassVar[str] = "page delete"
    root: str


@dataclass(frozen=True, slots=True)
class PageMap(Requestable):
    """Map a range in a bare root."""

    layer: ClassVar[str] = "paging"
    command: ClassVar[str] = "page map"
    root: str
    vaddr: int
    paddr: int
    length: int
    page_size: int
    flags: int


@dataclass(frozen=True, slots=True)
class PageUnmap(Requestable):
    """Unmap a range in a bare root."""

    layer: ClassVar[str] = "paging"
    command: ClassVar[str] = "page unmap"
    root: str
    vaddr: int
    length: int


@dataclass(frozen=True, slots=True)
class PageProtect(Requestable):
    """Change the flags of a range in a bare root."""

    layer: ClassVar[str] = "paging"
    command: ClassVar[str] = "page protect"
    root: str
    vaddr: int
    length: int
    flags: int


@dataclass(frozen=True, slots=True)
class PageQuery(Requestable):
    """Ask for the leaf that maps an address."""

    layer: ClassVar[str] = "paging"
    command: ClassVar[str] = "page query"
    root: str
    vaddr: int


@dataclass(frozen=True, slots=True)
class VmAlloc(Requestable):
    """Make a region in the lowest gap; `physical` if and only if the kind is `paddr`."""

    layer: ClassVar[str] = "vmm"
    command: ClassVar[str] = "vm alloc"
    space: str
    length: int
    kind: str
    flags: int
    paddr: int | None = None

    def __post_init__(self) -> None:
        _check_backing(self.kind, self.paddr)


@dataclass(frozen=True, slots=True)
class VmAllocAt(Requestable):
    """Make a region at an address."""

    layer: ClassVar[str] = "vmm"
    command: ClassVar[str] = "vm at"
    space: str
    vaddr: int
    length: int
    kind: str
    flags: int
    paddr: int | None = None

    def __post_init__(self) -> None:
        _check_backing(self.kind, self.paddr)


@dataclass(frozen=True, slots=True)
class VmFree(Requestable):
    """Free a region."""

    layer: ClassVar[str] = "vmm"
    command: ClassVar[str] = "vm free"
    space: str
    vaddr: int


@dataclass(frozen=True, slots=True)
class VmProtect(Requestable):
    """Change a region's flags."""

    layer: ClassVar[str] = "vmm"
    command: ClassVar[str] = "vm protect"
    space: str
    vaddr: int
    flags: int


@dataclass(frozen=True, slots=True)
class VmResize(Requestable):
    """Move a region's end."""

    layer: ClassVar[str] = "vmm"
    command: ClassVar[str] = "vm resize"
    space: str
    vaddr: int
    length: int


@dataclass(frozen=True, slots=True)
class VmQuery(Requestable):
    """Ask for the region that contains an address."""

    layer: ClassVar[str] = "vmm"
    command: ClassVar[str] = "vm query"
    space: str
    vaddr: int


@dataclass(frozen=True, slots=True)
class VmRead(Requestable):
    """Read bytes of a space."""

    layer: ClassVar[str] = "vmm"
    command: ClassVar[str] = "vm read"
    space: str
    vaddr: int
    length: int


@dataclass(frozen=True, slots=True)
class VmWrite(Requestable):
    """Write bytes, 1 to 64, to a space."""

    layer: ClassVar[str] = "vmm"
    command: ClassVar[str] = "vm write"
    space: str
    vaddr: int
    data: bytes


@dataclass(frozen=True, slots=True)
class VmCopy(Requestable):
    """Copy between two spaces."""

    layer: ClassVar[str] = "vmm"
    command: ClassVar[str] = "vm copy"
    to: str
    to_vaddr: int
    source: str
    source_vaddr: int
    length: int


@dataclass(frozen=True, slots=True)
class Touch(Requestable):
    """Access one byte through a root."""

    layer: ClassVar[str] = "vmm"
    command: ClassVar[str] = "touch"
    root: str
    vaddr: int
    mode: str


@dataclass(frozen=True, slots=True)
class HeapAlloc(Requestable):
    """kmalloc."""

    layer: ClassVar[str] = "heap"
    command: ClassVar[str] = "heap alloc"
    size: int


@dataclass(frozen=True, slots=True)
class HeapZalloc(Requestable):
    """kzalloc."""

    layer: ClassVar[str] = "heap"
    command: ClassVar[str] = "heap zalloc"
    size: int


@dataclass(frozen=True, slots=True)
class HeapAlign(Requestable):
    """kmemalign."""

    layer: ClassVar[str] = "heap"
    command: ClassVar[str] = "heap align"
    align: int
    size: int


@dataclass(frozen=True, slots=True)
class HeapRealloc(Requestable):
    """krealloc; an address of 0 is NULL."""

    layer: ClassVar[str] = "heap"
    command: ClassVar[str] = "heap realloc"
    vaddr: int
    size: int


@dataclass(frozen=True, slots=True)
class HeapFree(Requestable):
    """kfree."""

    layer: ClassVar[str] = "heap"
    command: ClassVar[str] = "heap free"
    vaddr: int


@dataclass(frozen=True, slots=True)
class HeapCheck(Requestable):
    """Let the kernel check its heap."""

    layer: ClassVar[str] = "heap"
    command: ClassVar[str] = "heap check"


@dataclass(frozen=True, slots=True)
class HeapInfo(Requestable):
    """Ask for the heap's end, node counts and bytes."""

    layer: ClassVar[str] = "heap"
    command: ClassVar[str] = "heap info"


@dataclass(frozen=True, slots=True)
class TaskNew(Requestable):
    """Make a task."""

    layer: ClassVar[str] = "task"
    command: ClassVar[str] = "task new"


@dataclass(frozen=True, slots=True)
class TaskSwitch(Requestable):
    """Make a task the current one."""

    layer: ClassVar[str] = "task"
    command: ClassVar[str] = "task switch"
    task: str


@dataclass(frozen=True, slots=True)
class TaskDelete(Requestable):
    """Destroy a task."""

    layer: ClassVar[str] = "task"
    command: ClassVar[str] = "task delete"
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
