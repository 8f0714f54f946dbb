"""Address spaces: their ordered regions, and the slabs that hold the regions' records."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from ringbench.arch.x86_64.address import PAGE_SIZE
from ringbench.debuginfo.dwarf import Record
from ringbench.observe.reader import GuestReader, member
from ringbench.subjects.reference.observe.names import SpaceNames
from ringbench.subjects.reference.vocabulary.constants import PADDR_NONE

LAYER = "vmm"


@dataclass(frozen=True, slots=True)
class SeenRegion:
    """One region as the kernel's memory has it, and where its record is.

    Attributes:
        base, length: virtual range in bytes.
        paddr: what `base` maps to, where that is fixed; else None.
        flags: as the kernel stores them.
        kind: "anonymous", "demand", "physical", "guard" or "shared".
        write, user, execute: what the flags permit.
        cache: the flags' index into the PAT.
        slab: physical address of the slab that holds the record.
        slot: which of its records.
        object: the virtual address of the object that a shared region shows; else 0.
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
    slab: int
    slot: int
    object: int = 0
    offset: int = 0

    @property
    def end(self) -> int:
        """The first address after the region."""
        return self.base + self.length


@dataclass(frozen=True, slots=True)
class SeenSlab:
    """A frame of region records: its virtual and physical address; bit i: record i is free."""

    address: int
    paddr: int
    free_slots: int


@dataclass(frozen=True, slots=True)
class SeenSpace:
    """A space as the kernel's memory has it: a window [base, limit) of a root.

    Attributes:
        name: "kernel", "heap", or its task's handle.
        address: where its struct is.
        root: physical address of its PML4.
        base, limit: the window.
        region_count: the kernel's own count.
        regions, slabs: in the order of their lists.
        slots: how many records a slab has.
    """

    name: str
    address: int
    root: int
    base: int
    limit: int
    region_count: int
    regions: tuple[SeenRegion, ...]
    slabs: tuple[SeenSlab, ...]
    slots: int


def read_space(guest: GuestReader, names: SpaceNames, name: str, space: Record) -> SeenSpace:
    """Read a space, given its struct: the window, the list of regions, the list of slabs."""
    slabs = _read_slabs(guest, names, name, member(space, names.slabs))
    _, array = guest.types.offset(guest.struct(names.slab_type), names.slab_regions)
    return SeenSpace(
        name=name,
        address=space.address,
        root=member(space, names.root),
        base=member(space, names.base),
        limit=member(space, names.limit),
        region_count=member(space, names.region_count),
        regions=_read_regions(guest, names, name, member(space, names.first), slabs),
        slabs=slabs,
        slots=array.size // guest.struct(names.region_type).size,
    )


def first_or_after(name: str, what: str, index: int) -> str:
    """Say where the pointer to record `index` of a list of a space is: in the one before."""
    return f"{name}: {what} {index - 1}" if index else f"{name}: first {what}"


def _read_slabs(
    guest: GuestReader, names: SpaceNames, name: str, first: int
) -> tuple[SeenSlab, ...]:
    holder = partial(first_or_after, name, "slab")
    slabs: list[SeenSlab] = []
    for record in guest.chain(LAYER, first, names.slab_type, names.slab_next, holder):
        paddr = guest.paddr_of(record.address)
        if paddr is None or paddr % PAGE_SIZE:
            guest.note(LAYER, f"a slab is at {record.address:#x}", holder(len(slabs)))
            break
        slabs.append(SeenSlab(record.address, paddr, member(record, names.slab_free)))
    return tuple(slabs)


def _read_regions(
    guest: GuestReader, names: SpaceNames, name: str, first: int, slabs: Sequence[SeenSlab]
) -> tuple[SeenRegion, ...]:
    """Follow a space's region list, which must stay inside the space's slabs."""
    place_of = _places(guest, names, slabs)
    values = guest.types.enum(names.kind_enum).values
    kinds = {values[constant]: kind for kind, constant in names.kinds.items()}
    bits = guest.types.enum(names.flag_enum).values
    holder = partial(first_or_after, name, "region")
    regions: list[SeenRegion] = []
    previous = 0
    for record in guest.chain(LAYER, first, names.region_type, names.region_next, holder):
        where = f"{name}: region {len(regions)}"
        place = place_of(record.address)
        if place is None:
            what = f"the list leads to {record.address:#x}, out of the space's slabs"
            guest.note(LAYER, what, holder(len(regions)))
            break
        back, number = member(record, names.region_previous), member(record, names.region_kind)
        if back != previous:
            guest.note(LAYER, f"previous is {back:#x}, not {previous:#x}", where)
        if number not in kinds:
            guest.note(LAYER, f"region kind {number} does not exist", where)
        kind = kinds.get(number, f"kind {number}")
        regions.append(_region(names, record, kind, bits, place))
        previous = record.address
    return tuple(regions)


def _places(
    guest: GuestReader, names: SpaceNames, slabs: Sequence[SeenSlab]
) -> Callable[[int], tuple[int, int] | None]:
    """Return where a region's record is, as a function of its address: the slab's frame, the slot.

    None where no record can be.
    """
    first, array = guest.types.offset(guest.struct(names.slab_type), names.slab_regions)
    size = guest.struct(names.region_type).size
    frames = {slab.address: slab.paddr for slab in slabs}

    def place(address: int) -> tuple[int, int] | None:
        slab = address & -PAGE_SIZE
        slot, rest = divmod(address - slab - first, size)
        if slab not in frames or rest or not 0 <= slot < array.size // size:
            return None
        return frames[slab], slot

    return place


def _region(
    names: SpaceNames, record: Record, kind: str, bits: Mapping[str, int], place: tuple[int, int]
) -> SeenRegion:
    """Return the region of a record; `bits` are the flags' by the names of their enumerators."""
    paddr, flags = member(record, names.region_physical), member(record, names.region_flags)
    cache_mask = bits[names.flag_cache]
    return SeenRegion(
        base=member(record, names.region_base),
        length=member(record, names.region_length),
        paddr=paddr if paddr != PADDR_NONE else None,
        flags=flags,
        kind=kind,
        write=bool(flags & bits[names.flag_write]),
        user=bool(flags & bits[names.flag_user]),
        execute=bool(flags & bits[names.flag_execute]),
        cache=(flags & cache_mask) // (cache_mask & -cache_mask),
        slab=place[0],
        slot=place[1],
        object=member(record, names.region_object),
        offset=member(record, names.region_offset),
    )
