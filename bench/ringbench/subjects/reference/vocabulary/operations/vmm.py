"""Operations on spaces: regions, their bytes, and accesses to them."""

from dataclasses import dataclass
from typing import Final

from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.values import Shape, ValueKind

_REGION: Final[Shape] = (
    ValueKind.ADDRESS,
    ValueKind.ADDRESS,
    ValueKind.BACKING,
    ValueKind.FLAGS,
)
_FAULT: Final[dict[str, Shape]] = {"fault": (ValueKind.VECTOR, ValueKind.ERROR, ValueKind.CAUSE)}


@dataclass(frozen=True, slots=True)
class VmAlloc(Operation):
    """Make a region in the lowest gap of a space that is wide enough; the reply has its address.

    Its `place` is, if and only if the kind is `physical`, a physical address, and if it is `shared`
    or `private` a memory object, which it shows from `offset` on.
    """

    layer = "vmm"
    command = "vm alloc"
    values = ((ValueKind.ADDRESS,),)
    space: str
    length: int
    kind: str
    flags: int
    place: int | str | None = None
    offset: int | None = None

    def __post_init__(self) -> None:
        _check_backing(self.kind, self.place, self.offset)


@dataclass(frozen=True, slots=True)
class VmAllocAt(Operation):
    """Make a region of a space at an address.

    Its `place` is, if and only if the kind is `physical`, a physical address, and if it is `shared`
    or `private` a memory object, which it shows from `offset` on.
    """

    layer = "vmm"
    command = "vm at"
    space: str
    vaddr: int
    length: int
    kind: str
    flags: int
    place: int | str | None = None
    offset: int | None = None

    def __post_init__(self) -> None:
        _check_backing(self.kind, self.place, self.offset)


@dataclass(frozen=True, slots=True)
class VmFree(Operation):
    """Free the region that begins at an address, and its pages."""

    layer = "vmm"
    command = "vm free"
    space: str
    vaddr: int


@dataclass(frozen=True, slots=True)
class VmProtect(Operation):
    """Give the region that begins at an address other page flags."""

    layer = "vmm"
    command = "vm protect"
    space: str
    vaddr: int
    flags: int


@dataclass(frozen=True, slots=True)
class VmResize(Operation):
    """Move the end of the region that begins at an address."""

    layer = "vmm"
    command = "vm resize"
    space: str
    vaddr: int
    length: int


@dataclass(frozen=True, slots=True)
class VmQuery(Operation):
    """Ask for the region that contains an address; if it has a place, for that too."""

    layer = "vmm"
    command = "vm query"
    values = (
        _REGION,
        (*_REGION, ValueKind.ADDRESS),
        (*_REGION, ValueKind.OBJECT, ValueKind.ADDRESS),
    )
    space: str
    vaddr: int


@dataclass(frozen=True, slots=True)
class VmRead(Operation):
    """Read 1 to 64 bytes of a space."""

    layer = "vmm"
    command = "vm read"
    values = ((ValueKind.BYTES,),)
    space: str
    vaddr: int
    length: int


@dataclass(frozen=True, slots=True)
class VmWrite(Operation):
    """Write 1 to 64 bytes to a space."""

    layer = "vmm"
    command = "vm write"
    space: str
    vaddr: int
    data: bytes


@dataclass(frozen=True, slots=True)
class VmCopy(Operation):
    """Copy bytes from one space to another, or within one."""

    layer = "vmm"
    command = "vm copy"
    to: str
    to_vaddr: int
    source: str
    source_vaddr: int
    length: int


@dataclass(frozen=True, slots=True)
class Touch(Operation):
    """Access one byte with a root active, and a task's space current; what faults says how."""

    layer = "vmm"
    command = "touch"
    failures = _FAULT
    root: str
    vaddr: int
    mode: str


@dataclass(frozen=True, slots=True)
class SpaceClone(Operation):
    """Give a space without regions those of another; private pages are copied on write."""

    layer = "vmm"
    command = "space clone"
    to: str
    source: str


def _check_backing(kind: str, place: int | str | None, offset: int | None) -> None:
    shows = kind in ("shared", "private")
    wanted = str if shows else int if kind == "physical" else type(None)
    if type(place) is not wanted or (offset is not None) != shows:
        raise ValueError(f"a region of kind {kind} with place {place} and offset {offset}")
