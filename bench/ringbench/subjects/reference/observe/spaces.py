"""Address spaces and their ordered regions."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from ringbench.debuginfo.dwarf import Record
from ringbench.observe.reader import GuestReader, member
from ringbench.subjects.reference.observe.names import SpaceNames
from ringbench.subjects.reference.vocabulary.constants import PADDR_NONE, VmKind

LAYER = "vmm"
SHOWING = frozenset((VmKind.SHARED.text, VmKind.PRIVATE.text))
"""The kinds of regions that show an object."""


@dataclass(frozen=True, slots=True)
class SeenRegion:
    """One region as the kernel's memory has it, and where its record is.

    Attributes:
        base, length: virtual range in bytes.
        paddr: what `base` maps to, where that is fixed; else None.
        flags: as the kernel stores them.
        kind: "anonymous", "demand", "physical", "guard", "shared" or "private".
        write, user, execute: what the flags permit.
        cache: the flags' index into the PAT.
        record: virtual address of the record.
        object: the virtual address of the object that it shows; 0: none.
        offset: from which of its bytes on; else 0.
    """

    base: int
    length: int
    paddr: int | None
    flags: int
    kind: str
    write: bool
    user: bool
    execute: bool
    cache: int
    record: int
    object: int = 0
    offset: int = 0

    @property
    def end(self) -> int:
        """The first address after the region."""
        return self.base + self.length


@dataclass(frozen=True, slots=True)
class SeenSpace:
    """A space as the kernel's memory has it: a window [base, limit) of a root.

    Attributes:
        name: "kernel", "heap", "buddy", or its task's handle.
        address: where its struct is.
        root: physical address of its PML4.
        base, limit: the window.
        region_count: the kernel's own count.
        regions: in the order of their list.
        kin: the virtual address of the next space of its ring; 0: it has no kin.
    """

    name: str
    address: int
    root: int
    base: int
    limit: int
    region_count: int
    regions: tuple[SeenRegion, ...]
    kin: int


def read_space(guest: GuestReader, names: SpaceNames, name: str, space: Record) -> SeenSpace:
    """Read a space, given its struct: the window and the list of regions."""
    return SeenSpace(
        name=name,
        address=space.address,
        root=member(space, names.root),
        base=member(space, names.base),
        limit=member(space, names.limit),
        region_count=member(space, names.region_count),
        regions=_read_regions(guest, names, name, member(space, names.first)),
        kin=member(space, names.kin),
    )


def first_or_after(name: str, what: str, index: int) -> str:
    """Say where the pointer to record `index` of a list of a space is: in the one before."""
    return f"{name}: {what} {index - 1}" if index else f"{name}: first {what}"


def _read_regions(
    guest: GuestReader, names: SpaceNames, name: str, first: int
) -> tuple[SeenRegion, ...]:
    """Follow a space's region list."""
    values = guest.types.enum(names.kind_enum).values
    kinds = {values[constant]: kind for kind, constant in names.kinds.items()}
    bits = guest.types.enum(names.flag_enum).values
    holder = partial(first_or_after, name, "region")
    regions: list[SeenRegion] = []
    previous = 0
    for record in guest.chain(LAYER, first, names.region_type, names.region_next, holder):
        where = f"{name}: region {len(regions)}"
        back, number = member(record, names.region_previous), member(record, names.region_kind)
        if back != previous:
            guest.note(LAYER, f"previous is {back:#x}, not {previous:#x}", where)
        if number not in kinds:
            guest.note(LAYER, f"region kind {number} does not exist", where)
        kind = kinds.get(number, f"kind {number}")
        regions.append(_region(names, record, kind, bits))
        previous = record.address
    return tuple(regions)


def _region(names: SpaceNames, record: Record, kind: str, bits: Mapping[str, int]) -> SeenRegion:
    """Return the region of a record; `bits` are the flags' by the names of their enumerators."""
    place, flags = member(record, names.region_physical), member(record, names.region_flags)
    shows = kind in SHOWING
    cache_mask = bits[names.flag_cache]
    return SeenRegion(
        base=member(record, names.region_base),
        length=member(record, names.region_length),
        paddr=place if place != PADDR_NONE and not shows else None,
        flags=flags,
        kind=kind,
        write=bool(flags & bits[names.flag_write]),
        user=bool(flags & bits[names.flag_user]),
        execute=bool(flags & bits[names.flag_execute]),
        cache=(flags & cache_mask) // (cache_mask & -cache_mask),
        record=record.address,
        object=member(record, names.region_object),
        offset=place if shows else 0,
    )
