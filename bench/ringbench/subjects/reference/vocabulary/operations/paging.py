"""Operations on page tables: bare roots, and the mappings in them."""

from dataclasses import dataclass

from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.values import ValueKind


@dataclass(frozen=True, slots=True)
class PageNew(Operation):
    """Make a bare root: page tables that map the kernel and belong to no task."""

    layer = "paging"
    command = "page new"
    values = ((ValueKind.ROOT,),)


@dataclass(frozen=True, slots=True)
class PageDelete(Operation):
    """Free a bare root and all of its own tables."""

    layer = "paging"
    command = "page delete"
    root: str


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class PageUnmap(Operation):
    """Take away what is mapped in a range of a bare root."""

    layer = "paging"
    command = "page unmap"
    root: str
    vaddr: int
    length: int


@dataclass(frozen=True, slots=True)
class PageProtect(Operation):
    """Give all that is mapped in a range of a bare root other page flags."""

    layer = "paging"
    command = "page protect"
    root: str
    vaddr: int
    length: int
    flags: int


@dataclass(frozen=True, slots=True)
class PageQuery(Operation):
    """Ask for the leaf that maps an address: its own address, where it leads, size and flags."""

    layer = "paging"
    command = "page query"
    values = ((ValueKind.ADDRESS, ValueKind.ADDRESS, ValueKind.ADDRESS, ValueKind.FLAGS),)
    root: str
    vaddr: int
