"""Slab caches: the list of all, and each cache's slabs, with room and full."""

from dataclasses import dataclass
from typing import Final

from ringbench.debuginfo.dwarf import Record
from ringbench.observe.reader import GuestReader, c_string, member
from ringbench.subjects.reference.observe.names import SlabNames
from ringbench.subjects.reference.vocabulary.constants import (
    DIRECT_MAP_BASE,
    FRAME_SIZE,
    SLAB_SEAL,
)

LAYER: Final = "slab"


@dataclass(frozen=True, slots=True)
class SeenObjectSlab:
    """A slab of a cache.

    Attributes:
        frame: its physical address.
        used: how many of its objects live, as it counts them.
        words: bit w: word w of the free bits has a bit set, as it says.
        free_bits: bit n: object n is free.
        link: the virtual address of the pointer that leads to it, as it says.
        sealed: whether its seal is that of this slab and cache.
    """

    frame: int
    used: int
    words: int
    free_bits: int
    link: int
    sealed: bool


@dataclass(frozen=True, slots=True)
class SeenCache:
    """A cache of objects of `size` bytes at multiples of `alignment`.

    Attributes:
        address: the virtual address of its struct.
        first, stride, count: where a slab's objects are: bytes to the first, from one to the next,
            and how many there are.
        reciprocal: what the kernel multiplies by to divide by the stride.
        room, full: its slabs in list order.
        links: the virtual addresses of the pointers to the first slabs, and the offset of a slab's
            own pointer to the next.
    """

    name: str
    address: int
    size: int
    alignment: int
    first: int
    stride: int
    count: int
    reciprocal: int
    room: tuple[SeenObjectSlab, ...]
    full: tuple[SeenObjectSlab, ...]
    links: tuple[int, int, int]

    @property
    def slabs(self) -> tuple[SeenObjectSlab, ...]:
        """All of its slabs."""
        return (*self.room, *self.full)


def read_slabs(guest: GuestReader, names: SlabNames) -> tuple[SeenCache, ...]:
    """Read all caches, oldest first."""
    found: list[SeenCache] = []

    def holder(index: int) -> str:
        return found[index - 1].name if index else names.caches

    first = guest.integer(names.caches)
    for record in guest.chain(LAYER, first, names.cache_type, names.next, holder):
        cache = _read_cache(guest, names, record)
        found.append(cache)
    return tuple(found)


def _read_cache(guest: GuestReader, names: SlabNames, record: Record) -> SeenCache:
    name = c_string(record[names.name])
    offset, _ = guest.types.offset(guest.struct(names.slab_type), names.slab_next)
    heads = tuple(
        record.address + guest.types.offset(guest.struct(names.cache_type), each)[0]
        for each in (names.room, names.full)
    )
    room, full = (_read_list(guest, names, name, record, each) for each in (names.room, names.full))
    return SeenCache(
        name=name,
        address=record.address,
        size=member(record, names.size),
        alignment=member(record, names.alignment),
        first=member(record, names.first),
        stride=member(record, names.stride),
        count=member(record, names.count),
        reciprocal=member(record, names.reciprocal),
        room=room,
        full=full,
        links=(heads[0], heads[1], offset),
    )


def _read_list(
    guest: GuestReader, names: SlabNames, name: str, cache: Record, head: str
) -> tuple[SeenObjectSlab, ...]:
    slabs: list[SeenObjectSlab] = []

    def holder(index: int) -> str:
        return slab_place(name, slabs[index - 1].frame) if index else name

    first = member(cache, head)
    for record in guest.chain(LAYER, first, names.slab_type, names.slab_next, holder):
        frame = guest.paddr_of(record.address)
        if frame is None or record.address != DIRECT_MAP_BASE + frame or frame % FRAME_SIZE:
            guest.note(LAYER, f"a slab is at {record.address:#x}", holder(len(slabs)))
            break
        words = enumerate(record[names.free_bits])
        slabs.append(
            SeenObjectSlab(
                frame=frame,
                used=member(record, names.used),
                words=member(record, names.words),
                free_bits=sum(int(word) << 64 * n for n, word in words),
                link=member(record, names.link),
                sealed=member(record, names.seal) == SLAB_SEAL ^ record.address ^ cache.address,
            )
        )
    return tuple(slabs)


def slab_place(cache: str, frame: int) -> str:
    """Return what a slab is called in mismatches."""
    return f"{cache}: slab {frame:#x}"
