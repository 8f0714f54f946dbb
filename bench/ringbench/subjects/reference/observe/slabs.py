"""Slab caches: the list of all, and each cache's rings: of all its slabs, of those with room."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from ringbench.arch.x86_64.address import PAGE_SIZE
from ringbench.debuginfo.dwarf import Record
from ringbench.observe.reader import GuestReader, c_string, member
from ringbench.subjects.reference.observe.names import SlabNames
from ringbench.subjects.reference.vocabulary.constants import DIRECT_MAP_BASE

LAYER: Final = "slab"

OBJECTS_MAX: Final = 512
"""More than any slab has, whatever its cache says."""


class Ring(NamedTuple):
    """A link of a ring: the virtual addresses of the links after and before it, 0 being NULL."""

    next: int
    previous: int


class Rings(NamedTuple):
    """The links that a slab, or a cache, has in the two rings."""

    room: Ring
    all: Ring


@dataclass(frozen=True, slots=True)
class SeenObjectSlab:
    """A slab of a cache.

    Attributes:
        frame: its physical address.
        rings: its links.
        cache: the virtual address of the cache whose it is, as it says.
        used: how many of its objects live, as it counts them.
        words: bit w: word w of the free bits has an object's bit set, as it says.
        free_bits: bit n: object n is free; the words past the last object's are ones.
    """

    frame: int
    rings: Rings
    cache: int
    used: int
    words: int
    free_bits: int


@dataclass(frozen=True, slots=True)
class SeenCache:
    """A cache of objects of `size` bytes at multiples of `alignment`.

    Attributes:
        address: the virtual address of its struct.
        first, stride, count: where a slab's objects are: bytes to the first, from one to the next,
            and how many there are.
        inverse, shift: what the kernel divides by the stride with.
        new: of a new slab: its words, the number of the last of its free words, and that word.
        rings: its own links.
        slabs: all of its slabs, and `room` the frames of those with room, in the rings' order.
        heads: the virtual addresses of its links, for room and for all.
        offsets: how many bytes into a slab its links are, likewise.
    """

    name: str
    address: int
    size: int
    alignment: int
    first: int
    stride: int
    count: int
    inverse: int
    shift: int
    new: tuple[int, int, int]
    rings: Rings
    slabs: tuple[SeenObjectSlab, ...]
    room: tuple[int, ...]
    heads: tuple[int, int]
    offsets: tuple[int, int]


@dataclass(frozen=True, slots=True)
class SeenSlabs:
    """All caches, oldest first, and the RAM that needs no second look: virtual address, bytes."""

    caches: tuple[SeenCache, ...]
    ram: tuple[int, int]

    def live(self, name: str) -> set[int]:
        """Return the virtual addresses of all live objects of a cache."""
        return {
            DIRECT_MAP_BASE + slab.frame + cache.first + number * cache.stride
            for cache in self.caches
            if cache.name == name
            for slab in cache.slabs
            for number in range(min(cache.count, OBJECTS_MAX))
            if not slab.free_bits >> number & 1
        }


def read_slabs(guest: GuestReader, names: SlabNames) -> SeenSlabs:
    """Read all caches."""
    found: list[SeenCache] = []

    def holder(index: int) -> str:
        return found[index - 1].name if index else names.caches

    first = guest.integer(names.caches)
    for record in guest.chain(LAYER, first, names.cache_type, names.next, holder):
        cache = _read_cache(guest, names, record)
        found.append(cache)
    ram = [guest.integer(f"{names.ram}.{each}") for each in (names.ram_base, names.ram_length)]
    return SeenSlabs(tuple(found), (ram[0], ram[1]))


def _read_cache(guest: GuestReader, names: SlabNames, record: Record) -> SeenCache:
    name = c_string(record[names.name])
    slabs = []
    for frame in _frames(guest, names, name, record, names.all):
        slab = guest.record(DIRECT_MAP_BASE + frame, names.slab_type)
        if slab is None:
            break
        slabs.append(
            SeenObjectSlab(
                frame=frame,
                rings=_rings(names, slab),
                cache=member(slab, names.cache),
                used=member(slab, names.used),
                words=member(slab, names.words),
                free_bits=sum(int(w) << 64 * n for n, w in enumerate(slab[names.free_bits])),
            )
        )
    new = (names.new_words, names.last, names.last_word)
    return SeenCache(
        name=name,
        address=record.address,
        size=member(record, names.size),
        alignment=member(record, names.alignment),
        first=member(record, names.first),
        stride=member(record, names.stride),
        count=member(record, names.count),
        inverse=member(record, names.inverse),
        shift=member(record, names.shift),
        new=(member(record, new[0]), member(record, new[1]), member(record, new[2])),
        rings=_rings(names, record),
        slabs=tuple(slabs),
        room=tuple(_frames(guest, names, name, record, names.room)),
        heads=(_link(record, names.room).address, _link(record, names.all).address),
        offsets=(_offset(guest, names, names.room), _offset(guest, names, names.all)),
    )


def _rings(names: SlabNames, record: Record) -> Rings:
    links = (_link(record, each) for each in (names.room, names.all))
    return Rings(
        *(Ring(member(each, names.link_next), member(each, names.link_previous)) for each in links)
    )


def _link(record: Record, ring: str) -> Record:
    link = record[ring]
    assert isinstance(link, Record)
    return link


def _offset(guest: GuestReader, names: SlabNames, ring: str) -> int:
    return guest.types.offset(guest.struct(names.slab_type), ring)[0]


def _frames(
    guest: GuestReader, names: SlabNames, name: str, cache: Record, ring: str
) -> Iterator[int]:
    """Follow a cache's ring; the frames of its slabs."""
    offset, head = _offset(guest, names, ring), _link(cache, ring)
    found: list[int] = []

    def holder(index: int) -> str:
        return slab_place(name, found[index - 1]) if index else name

    first = member(head, names.link_next)
    for link in guest.chain(
        LAYER, first, names.link_type, names.link_next, holder, end=head.address
    ):
        slab = link.address - offset
        frame = guest.paddr_of(slab)
        if frame is None or slab != DIRECT_MAP_BASE + frame or frame % PAGE_SIZE:
            guest.note(LAYER, f"a slab is at {slab:#x}", holder(len(found)))
            return
        found.append(frame)
        yield frame


def rings_of(cache: SeenCache, slabs: Sequence[int], room: Sequence[int]) -> dict[int, Rings]:
    """Return the links that all must have where these slabs are in the cache's rings.

    By the slab's frame, and by 0 the cache's own. A slab without room is in one ring only, and what
    led to the cache when it left the other does so still.
    """
    ring_of_all = _ring(cache.heads[1], cache.offsets[1], slabs)
    ring_of_room = _ring(cache.heads[0], cache.offsets[0], room)
    full = Ring(0, cache.heads[0])
    return {each: Rings(ring_of_room.get(each, full), ring_of_all[each]) for each in ring_of_all}


def _ring(head: int, offset: int, slabs: Sequence[int]) -> dict[int, Ring]:
    at = [head, *(DIRECT_MAP_BASE + frame + offset for frame in slabs)]
    links = zip([*at[1:], head], [at[-1], *at], strict=False)
    return dict(zip([0, *slabs], (Ring(*each) for each in links), strict=True))


def slab_place(cache: str, frame: int) -> str:
    """Return what a slab is called in mismatches."""
    return f"{cache}: slab {frame:#x}"
