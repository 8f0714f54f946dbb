"""Who owns each frame of physical memory: all state claims, and no gap or overlap may be left.

The claims come from different places that know nothing of each other - the memory map, the bits of
the frame allocator, the page tables, the slabs, the leaves under each space's regions, the
console's bits - so a frame that was leaked has no owner, and one that was handed out twice has two.

Claims are runs of frames in arrays. Sorting and comparing them costs what the number of runs costs,
not what the number of frames does; only offenders are looked at one by one.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ringbench.arch.x86_64.address import ADDRESS_END, PAGE_SHIFT, PAGE_SIZE
from ringbench.arch.x86_64.leaves import Leaves
from ringbench.check.mismatch import MACHINE, Mismatch
from ringbench.subjects.reference.check.region_pages import region_pages
from ringbench.subjects.reference.observe.bitmaps import bit_runs
from ringbench.subjects.reference.observe.picture import Picture
from ringbench.subjects.reference.observe.spaces import SeenRegion
from ringbench.subjects.reference.vocabulary.constants import MemoryKind

Runs = NDArray[np.int64]

_BATCH: Final = 1 << 15
"""Runs made into Python values at a time."""


class OwnerKind(StrEnum):
    """What a frame can be."""

    HOLE = "hole"
    RESERVED = "reserved"
    LOW = "low memory"
    BOOT_INFO = "boot info"
    MODULE = "module"
    KERNEL = "kernel image"
    UNMANAGED = "beyond the allocator"
    METADATA = "PMM metadata"
    FREE = "free"
    TABLE = "page table"
    SLAB = "slab of cache"
    NODE = "node of object"
    PAGE = "page of object"
    ANONYMOUS = "anonymous region"
    DEMAND = "demand region"
    PRIVATE = "private region"
    HEAP = "heap"
    BUDDY = "buddy"
    MAP = "map of the buddy"
    LENT = "lent by the console"
    DISK = "queue of a disk"
    INDEX = "index of a file"
    CACHE = "page of a file"
    CONSOLE = "console's bitmap"


ALLOCATED: Final = frozenset(
    {
        OwnerKind.TABLE,
        OwnerKind.SLAB,
        OwnerKind.NODE,
        OwnerKind.PAGE,
        OwnerKind.ANONYMOUS,
        OwnerKind.DEMAND,
        OwnerKind.PRIVATE,
        OwnerKind.HEAP,
        OwnerKind.BUDDY,
        OwnerKind.MAP,
        OwnerKind.LENT,
        OwnerKind.DISK,
        OwnerKind.INDEX,
        OwnerKind.CACHE,
        OwnerKind.CONSOLE,
    }
)
"""What a frame of the allocator is while it is not free."""

_MAP_KINDS: Final[dict[int, OwnerKind]] = {
    MemoryKind.RESERVED: OwnerKind.RESERVED,
    MemoryKind.LOW: OwnerKind.LOW,
    MemoryKind.BOOT_INFO: OwnerKind.BOOT_INFO,
    MemoryKind.MODULE: OwnerKind.MODULE,
    MemoryKind.KERNEL: OwnerKind.KERNEL,
}
_OF_KERNEL: Final = {"heap": OwnerKind.HEAP, "buddy": OwnerKind.BUDDY}
_REGION_KINDS: Final = {
    "anonymous": OwnerKind.ANONYMOUS,
    "demand": OwnerKind.DEMAND,
    "private": OwnerKind.PRIVATE,
}


@dataclass(frozen=True, slots=True)
class Owner:
    """Who owns frames, and what for.

    Attributes:
        kind: what they are.
        of: the root or space that has them; empty where there is none.
        at: for a region, its base; for a table, the first address it serves; for a page of an
            object, its index.
        level: of a table.
    """

    kind: OwnerKind
    of: str = ""
    at: int | None = None
    level: int = 0

    def __str__(self) -> str:
        text = self.kind.value
        if self.level:
            text += f" (level {self.level}, for {self.at:#x})"
        elif self.at is not None:
            text += f" {self.at:#x}"
        return f"{text} of {self.of}" if self.of else text


@dataclass(frozen=True, slots=True, eq=False)
class FrameOwners:
    """All claims, ascending by first frame: frames [starts[i], ends[i]) are owners[ids[i]]'s.

    `limit` is the number of frames that the processor can address; all of them need an owner.
    """

    limit: int
    owners: tuple[Owner, ...]
    starts: Runs
    ends: Runs
    ids: Runs

    def of(self, frame: int) -> tuple[Owner, ...]:
        """Return everybody who claims a frame: one owner, if all is well."""
        claims = np.flatnonzero((self.starts <= frame) & (self.ends > frame))
        return tuple(self.owners[number] for number in self.ids[claims])

    def totals(self) -> dict[tuple[OwnerKind, str], int]:
        """Return the number of frames by kind and by root or space."""
        frames: Counter[tuple[OwnerKind, str]] = Counter()
        counts = np.bincount(self.ids, self.ends - self.starts, len(self.owners))
        for owner, count in zip(self.owners, counts.tolist(), strict=True):
            frames[owner.kind, owner.of] += int(count)
        return dict(frames)

    def merged(self) -> Iterator[tuple[int, int, Owner]]:
        """Yield (first frame, end, owner), neighbours of one kind and root or space joined."""
        firsts, lasts = self._joined()
        rows = (self.starts[firsts], self.ends[lasts], self.ids[firsts])
        for start, end, number in zip(*map(_numbers, rows), strict=True):
            yield start, end, _plain(self.owners[number])

    @property
    def merged_count(self) -> int:
        """How many there are."""
        return len(self._joined()[0])

    def _joined(self) -> tuple[Runs, Runs]:
        """Return the first and the last claim of each row of neighbours."""
        alike: dict[Owner, int] = {}
        of_owners = [alike.setdefault(_plain(owner), len(alike)) for owner in self.owners]
        kinds = np.array(of_owners)[self.ids]
        breaks = (kinds[1:] != kinds[:-1]) | (self.starts[1:] != self.ends[:-1])
        firsts = np.concatenate(([0], np.flatnonzero(breaks) + 1))
        return firsts, np.append(firsts[1:] - 1, len(kinds) - 1)


def _plain(owner: Owner) -> Owner:
    return Owner(owner.kind, owner.of)


def _numbers(column: Runs) -> Iterator[int]:
    """Yield a column as Python integers, a part at a time: there may be a million."""
    for start in range(0, len(column), _BATCH):
        yield from column[start : start + _BATCH].tolist()


@dataclass(slots=True)
class _Claims:
    """Claims as they are being collected."""

    owners: list[Owner] = field(default_factory=list)
    single: list[tuple[int, int, int]] = field(default_factory=list)
    many: list[tuple[Runs, Runs, Runs]] = field(default_factory=list)

    def runs(self, owner: Owner, starts: Runs, ends: Runs) -> None:
        """Claim runs of frames."""
        self.many.append((starts, ends, np.full(len(starts), len(self.owners))))
        self.owners.append(owner)

    def bytes(self, owner: Owner, base: int, length: int) -> None:
        """Claim the frames that a range of bytes touches."""
        if length > 0:
            end = (base + length + PAGE_SIZE - 1) >> PAGE_SHIFT
            self.single.append((base >> PAGE_SHIFT, end, len(self.owners)))
            self.owners.append(owner)

    def leaves(self, owner: Owner, leaves: Leaves) -> None:
        """Claim the frames that leaves map; one that two of them map is claimed twice."""
        if len(leaves) == 0:
            return
        order = np.argsort(leaves.paddr, kind="stable")
        first = (leaves.paddr[order] >> np.uint64(PAGE_SHIFT)).astype(np.int64)
        end = first + (leaves.size[order] >> np.uint64(PAGE_SHIFT)).astype(np.int64)
        cuts = np.flatnonzero(first[1:] != end[:-1]) + 1
        starts = first[np.concatenate(([0], cuts))]
        self.runs(owner, starts, end[np.concatenate((cuts - 1, [len(end) - 1]))])

    def done(self, limit: int) -> FrameOwners:
        single = np.array(self.single, np.int64).reshape(-1, 3)
        parts = [tuple(single.T), *self.many]
        starts, ends, ids = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.argsort(starts, kind="stable")
        return FrameOwners(limit, tuple(self.owners), starts[order], ends[order], ids[order])


@lru_cache(maxsize=1)
def owners(picture: Picture) -> FrameOwners:
    """Collect every claim that a picture has on physical memory; kept for the last picture."""
    claims = _Claims()
    _claim_map(claims, picture)
    _claim_allocator(claims, picture)
    for root in picture.tables.roots:
        for table in root.tables:
            owner = Owner(OwnerKind.TABLE, root.name, table.vaddr, table.level)
            claims.bytes(owner, table.paddr, PAGE_SIZE)
    for frame in filter(None, picture.buddy.maps):
        claims.bytes(Owner(OwnerKind.MAP, ""), frame, PAGE_SIZE)
    for cache in picture.slabs.caches:
        for each in cache.slabs:
            claims.bytes(Owner(OwnerKind.SLAB, cache.name), each.frame, PAGE_SIZE)
    for it in picture.objects:
        of = f"{it.handle}, {it.references} references"
        for node in it.nodes:
            claims.bytes(Owner(OwnerKind.NODE, of), node.frame, PAGE_SIZE)
        for index, frame in it.frames():
            claims.bytes(Owner(OwnerKind.PAGE, of, index), frame, PAGE_SIZE)
    for disk in picture.disks:
        claims.bytes(Owner(OwnerKind.DISK, disk.serial), disk.queue, PAGE_SIZE)
    for file in picture.files.values():
        claims.bytes(Owner(OwnerKind.INDEX, file.name), file.index, PAGE_SIZE)
        for page, entry in file.entries.items():
            owner = Owner(OwnerKind.CACHE, file.name, page << PAGE_SHIFT)
            claims.bytes(owner, entry & -PAGE_SIZE, PAGE_SIZE)
    _claim_regions(claims, picture)
    return claims.done(picture.boot.map.limit >> PAGE_SHIFT)


def _claim_map(claims: _Claims, picture: Picture) -> None:
    """Everything in the memory map but what is available, and the holes between."""
    end = 0
    for each in sorted(picture.boot.map.ranges, key=lambda each: each.base):
        claims.bytes(Owner(OwnerKind.HOLE), end, each.base - end)
        if each.kind in _MAP_KINDS:
            claims.bytes(Owner(_MAP_KINDS[each.kind]), each.base, each.length)
        else:
            managed_end = picture.pmm.frame_limit << PAGE_SHIFT
            base = max(each.base, managed_end)
            claims.bytes(Owner(OwnerKind.UNMANAGED), base, each.end - base)
        end = max(end, each.end)
    claims.bytes(Owner(OwnerKind.HOLE), end, picture.boot.map.limit - end)


def _claim_allocator(claims: _Claims, picture: Picture) -> None:
    pmm, console = picture.pmm, picture.console
    claims.bytes(Owner(OwnerKind.METADATA), pmm.metadata_base, pmm.metadata_length)
    claims.runs(Owner(OwnerKind.FREE), *bit_runs(pmm.free_bits))
    claims.runs(Owner(OwnerKind.LENT), *bit_runs(console.lent_bits))
    claims.bytes(Owner(OwnerKind.CONSOLE), console.lent_base, console.lent_length)


def _claim_regions(claims: _Claims, picture: Picture) -> None:
    """What the leaves under a space's regions map, where the region owns it.

    A page that several kin show, at one address, is the first one's; one of a PRIVATE region that
    is still the object's is that one's.
    """
    shared: dict[int, set[tuple[int, int]]] = {}
    rings = kin_rings(picture)
    for space, region, leaves in region_pages(picture):
        if region.kind in _REGION_KINDS and 0 < region.length <= ADDRESS_END - region.base:
            kind = _OF_KERNEL.get(space.name) or _REGION_KINDS[region.kind]
            of = "" if space.name in _OF_KERNEL else space.name
            own = leaves
            if space.name in rings or region.kind == "private":
                known = shared.setdefault(rings.get(space.name, -1 - space.root), set())
                own = leaves.pick(_new_pages(picture, region, leaves, known))
            claims.leaves(Owner(kind, of, region.base), own)


def _new_pages(
    picture: Picture, region: SeenRegion, leaves: Leaves, known: set[tuple[int, int]]
) -> NDArray[np.intp]:
    """Return which leaves are neither the object's nor known already, and know them from now on."""
    frames = next((dict(it.frames()) for it in picture.objects if it.address == region.object), {})
    found = []
    pages = zip(leaves.vaddr.tolist(), leaves.paddr.tolist(), strict=True)
    for number, (vaddr, paddr) in enumerate(pages):
        index = (region.offset + vaddr - region.base) >> PAGE_SHIFT
        if region.kind == "private" and frames.get(index) == paddr:
            continue
        if (vaddr, paddr) not in known:
            known.add((vaddr, paddr))
            found.append(number)
    return np.array(found, np.intp)


def kin_rings(picture: Picture) -> dict[str, int]:
    """Return the ring of each space that has kin, by its name: the least address of its spaces."""
    by_address = {space.address: space for space in picture.spaces()}
    rings: dict[str, int] = {}
    for space in by_address.values():
        members, kin = {space.address}, space.kin
        while kin in by_address and kin not in members:
            members.add(kin)
            kin = by_address[kin].kin
        if space.kin:
            rings[space.name] = min(members)
    return rings


def check_ownership(picture: Picture) -> list[Mismatch]:
    """Return a mismatch for every run of frames with no owner or with more than one."""
    return conflicts(owners(picture))


def conflicts(claimed: FrameOwners, detailed: int = 100) -> list[Mismatch]:
    """Return what is wrong with a set of claims, ascending: gaps and overlaps.

    The first `detailed` places are named one by one, each with as many who claim it; one more
    mismatch says how many follow.
    """
    reach = np.maximum.accumulate(np.concatenate(([0], claimed.ends)))
    suspects = np.flatnonzero(claimed.starts != reach[:-1])
    found: list[Mismatch] = []
    for index in suspects[:detailed].tolist():
        start, before = int(claimed.starts[index]), int(reach[index])
        if start > before:
            found.append(_mismatch(before, start, ()))
        else:
            found += islice(_overlaps(claimed, index), detailed)
    if len(suspects) > detailed:
        more = f"{len(suspects) - detailed} further places"
        found.append(Mismatch(MACHINE, "frame ownership", "one owner", more, "physical memory"))
    if reach[-1] < claimed.limit:
        found.append(_mismatch(int(reach[-1]), claimed.limit, ()))
    return found


def _overlaps(claimed: FrameOwners, index: int) -> Iterator[Mismatch]:
    """Yield the overlaps of one claim with those that begin no later."""
    start, end = int(claimed.starts[index]), int(claimed.ends[index])
    for other in np.flatnonzero(claimed.ends[:index] > start).tolist():
        pair = claimed.owners[int(claimed.ids[other])], claimed.owners[int(claimed.ids[index])]
        yield _mismatch(start, min(end, int(claimed.ends[other])), pair)


def _mismatch(start: int, end: int, claimants: Sequence[Owner]) -> Mismatch:
    frames = end - start
    return Mismatch(
        layer=MACHINE,
        what="frame ownership" if frames == 1 else f"frame ownership of {frames} frames",
        expected="one owner",
        seen=" and ".join(str(owner) for owner in claimants) or "no owner",
        where=f"physical {start << PAGE_SHIFT:#x}..{end << PAGE_SHIFT:#x}",
    )
