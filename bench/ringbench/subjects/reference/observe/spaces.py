"""Address spaces: their ordered regions, and the slabs that hold the regions' records."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from ringbench.arch.x86_64.address import PAGE_SIZE
from ringbench.debuginfo.dwarf import Record
from ringbench.observe.reader import Guest, member
from ringbench.subjects.reference.constants import PADDR_NONE

LAYER = "vmm"


@dataclass(frozen=True, slots=True)
class Region:
    """One region, and where its record is.

    Attributes:
        base, length: virtual range in bytes.
        paddr: what `base` maps to, where that is fixed; else None.
        flags: as the kernel stores them.
        kind: "anonymous", "demand", "physical" or "guard".
        write, user, execute: what the flags permit.
        cache: the flags' index into the PAT.
        slab: physical address of the slab that holds the record.
        slot: which of its records.
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

    @property
    def end(self) -> int:
        """The first address after the region."""
        return self.base + self.length


@dataclass(frozen=True, slots=True)
class Slab:
    """A frame of region records: its virtual and physical address; bit i: record i is free."""

    address: int
    paddr: int
    free_slots: int


@dataclass(frozen=True, slots=True)
class Space:
    """A window [base, limit) of a root, its regions in list order, its slabs in list order.

    `address` is where its struct is, `region_count` the kernel's own count, `slots` the records of
    a slab.
    """

    name: str
    address: int
    root: int
    base: int
    limit: int
    region_count: int
    regions: tuple[Region, ...]
    slabs: tuple[Slab, ...]
    slots: int


def read_space(guest: Guest, name: str, space: Record) -> Space:
    """Read what hangs off a space's struct."""
    names = guest.layout.spaces
    slab_type = guest.struct(names.slab_type)
    region_type = guest.struct(names.region_type)
    kinds = guest.types.enum(names.kind_enum).values
    slabs = _read_slabs(guest, name, member(space, names.slabs))
    first_slot, array = guest.types.offset(slab_type, names.slab_regions)
    reader = _RegionReader(
        guest=guest,
        name=name,
        slabs={slab.address: slab for slab in slabs},
        slab_size=slab_type.size,
        first_slot=first_slot,
        slot_size=region_type.size,
        kinds={kinds[constant]: kind for kind, constant in names.kinds.items()},
        flag_bits=guest.types.enum(names.flag_enum).values,
    )
    return Space(
        name=name,
        address=space.address,
        root=member(space, names.root),
        base=member(space, names.base),
        limit=member(space, names.limit),
        region_count=member(space, names.region_count),
        regions=reader.read(member(space, names.first)),
        slabs=slabs,
        slots=array.size // region_type.size,
    )


def first_or_after(name: str, what: str, index: int) -> str:
    """Say where the pointer to record `index` of a list of a space is: in the one before."""
    return f"{name}: {what} {index - 1}" if index else f"{name}: first {what}"


def _read_slabs(guest: Guest, name: str, first: int) -> tuple[Slab, ...]:
    names = guest.layout.spaces
    holder = partial(first_or_after, name, "slab")
    slabs: list[Slab] = []
    for record in guest.chain(LAYER, first, names.slab_type, names.slab_next, holder):
        paddr = guest.paddr_of(record.address)
        if paddr is None or paddr % PAGE_SIZE:
            guest.note(LAYER, f"a slab is at {record.address:#x}", holder(len(slabs)))
            break
        slabs.append(Slab(record.address, paddr, member(record, names.slab_free)))
    return tuple(slabs)


@dataclass(frozen=True, slots=True)
class _RegionReader:
    """Follows one space's region list, which must stay inside the space's slabs."""

    guest: Guest
    name: str
    slabs: Mapping[int, Slab]
    slab_size: int
    first_slot: int
    slot_size: int
    kinds: Mapping[int, str]
    flag_bits: Mapping[str, int]

    def read(self, first: int) -> tuple[Region, ...]:
        guest, names = self.guest, self.guest.layout.spaces
        regions: list[Region] = []
        previous = 0
        holder = partial(first_or_after, self.name, "region")
        for record in guest.chain(LAYER, first, names.region_type, names.region_next, holder):
            where = f"{self.name}: region {len(regions)}"
            place = self.place(record.address)
            if place is None:
                what = f"the list leads to {record.address:#x}, out of the space's slabs"
                guest.note(LAYER, what, holder(len(regions)))
                break
            if member(record, names.region_previous) != previous:
                seen = member(record, names.region_previous)
                guest.note(LAYER, f"previous is {seen:#x}, not {previous:#x}", where)
            regions.append(self.region(record, *place, where))
            previous = record.address
        return tuple(regions)

    def place(self, address: int) -> tuple[int, int] | None:
        """Return the slab's physical address and the slot of a region record."""
        start = address - address % self.slab_size
        slot, rest = divmod(address - start - self.first_slot, self.slot_size)
        if start not in self.slabs or slot < 0 or rest:
            return None
        return self.slabs[start].paddr, slot

    def region(self, record: Record, slab: int, slot: int, where: str) -> Region:
        guest, names = self.guest, self.guest.layout.spaces
        kinds, bits = self.kinds, self.flag_bits
        number, flags = member(record, names.region_kind), member(record, names.region_flags)
        if number not in kinds:
            guest.note(LAYER, f"region kind {number} does not exist", where)
        paddr = member(record, names.region_physical)
        cache_mask = bits[names.flag_cache]
        return Region(
            base=member(record, names.region_base),
            length=member(record, names.region_length),
            paddr=paddr if paddr != PADDR_NONE else None,
            flags=flags,
            kind=kinds.get(number, f"kind {number}"),
            write=bool(flags & bits[names.flag_write]),
            user=bool(flags & bits[names.flag_user]),
            execute=bool(flags & bits[names.flag_execute]),
            cache=(flags & cache_mask) // (cache_mask & -cache_mask),
            slab=slab,
            slot=slot,
        )
