"""The frame allocator: lowest free frame first, over two bitmaps that are Python integers.

Big integers make a whole-memory question a handful of shifts: the positions where `n` free frames
begin are the bitmap and-ed with itself shifted, in log2(n) doublings.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from ringbench.subjects.reference.model.state import PmmState, replace
from ringbench.subjects.reference.vocabulary.boot_values import MemoryRange
from ringbench.subjects.reference.vocabulary.constants import (
    BLOCK_FRAMES,
    BOOT_MAP_SIZE,
    DIRECT_MAP_SIZE,
    FRAME_SIZE,
    MemoryKind,
)
from ringbench.subjects.reference.vocabulary.status import Panic, Status

_WORD: Final = 64
_CHUNK: Final = 4096


def pmm_init(memory_map: Iterable[MemoryRange]) -> PmmState:
    """Return the allocator over the AVAILABLE ranges of an ascending map, less its metadata.

    Raises:
        Panic: nothing is available, or no range below 4 GiB holds the metadata.
    """
    available = [
        (each.base, min(each.base + each.length, DIRECT_MAP_SIZE))
        for each in memory_map
        if each.kind == MemoryKind.AVAILABLE and each.base < DIRECT_MAP_SIZE
    ]
    if not available:
        raise Panic("pmm: the memory map has no available memory")
    end = max(end for _, end in available)
    frame_limit = -(-end // (FRAME_SIZE * BLOCK_FRAMES)) * BLOCK_FRAMES
    length = metadata_length(frame_limit)
    place = next(
        (base for base, end in available if min(end, BOOT_MAP_SIZE) - base >= length), None
    )
    if place is None:
        raise Panic(f"pmm: no place for {length:#x} bytes of metadata")
    managed = 0
    for base, end in available:
        managed |= _run(base // FRAME_SIZE, (end - base) // FRAME_SIZE)
    managed &= ~_run(place // FRAME_SIZE, length // FRAME_SIZE)
    return PmmState(frame_limit, managed, managed, place, length)


class MetadataArrays(NamedTuple):
    """Where the allocator's arrays are in its metadata: (offset, length) of each, in bytes."""

    free_bits: tuple[int, int]
    managed_bits: tuple[int, int]
    any_bottom: tuple[int, int]
    whole_bottom: tuple[int, int]
    block_free: tuple[int, int]
    block_words: tuple[int, int]


def metadata_arrays(frame_limit: int) -> MetadataArrays:
    """Return the arrays for that many frames: in order, each at a multiple of 8 bytes."""
    blocks = frame_limit // BLOCK_FRAMES
    bottom = -(-blocks // _WORD) * 8
    places = []
    offset = 0
    for length in (frame_limit // 8, frame_limit // 8, bottom, bottom, 2 * blocks, blocks):
        places.append((offset, length))
        offset += -(-length // 8) * 8
    return MetadataArrays(*places)


def metadata_length(frame_limit: int) -> int:
    """Return the bytes, whole frames, of the allocator's arrays for that many frames."""
    offset, length = metadata_arrays(frame_limit).block_words
    return -(-(offset + length) // FRAME_SIZE) * FRAME_SIZE


def pmm_alloc(pmm: PmmState) -> tuple[PmmState, Status, int]:
    """Take the lowest free frame; its address."""
    if not pmm.free:
        return pmm, Status.NO_MEMORY, 0
    lowest = pmm.free & -pmm.free
    frame = lowest.bit_length() - 1
    return _with_free(pmm, pmm.free ^ lowest), Status.OK, frame * FRAME_SIZE


def pmm_alloc_2m(pmm: PmmState) -> tuple[PmmState, Status, int]:
    """Take the lowest wholly free, aligned 2 MiB block; its address."""
    return pmm_alloc_run(pmm, BLOCK_FRAMES, BLOCK_FRAMES * FRAME_SIZE)


def pmm_alloc_run(pmm: PmmState, count: int, align: int) -> tuple[PmmState, Status, int]:
    """Take `count` contiguous frames at the lowest multiple of `align` bytes; their address."""
    if count == 0 or align < FRAME_SIZE or align & (align - 1):
        return pmm, Status.INVALID, 0
    if count > pmm.frame_limit:
        return pmm, Status.NO_MEMORY, 0
    starts = _starts(pmm.free, count) & _every(align // FRAME_SIZE, pmm.frame_limit)
    if not starts:
        return pmm, Status.NO_MEMORY, 0
    first = (starts & -starts).bit_length() - 1
    return _with_free(pmm, pmm.free ^ _run(first, count)), Status.OK, first * FRAME_SIZE


def pmm_free(pmm: PmmState, base: int, count: int) -> tuple[PmmState, Status, None]:
    """Give back `count` frames from `base`, all or none."""
    if count == 0:
        return pmm, Status.INVALID, None
    if base % FRAME_SIZE:
        return pmm, Status.MISALIGNED, None
    first = base // FRAME_SIZE
    if first + count > pmm.frame_limit:
        return pmm, Status.FOREIGN, None
    run = _run(first, count)
    if run & ~pmm.managed:
        return pmm, Status.FOREIGN, None
    if run & pmm.free:
        return pmm, Status.NOT_ALLOCATED, None
    return _with_free(pmm, pmm.free | run), Status.OK, None


def take(pmm: PmmState, count: int) -> tuple[PmmState, list[int]]:
    """Take the `count` lowest free frames, as that many pmm_alloc would; their addresses.

    The caller has made sure that there are as many.
    """
    taken: list[int] = []
    free = pmm.free
    while len(taken) < count:
        first = (free & -free).bit_length() - 1
        window = (free >> first) & ((1 << min(_CHUNK, 2 * count)) - 1)
        mask = 0
        while window and len(taken) < count:
            lowest = window & -window
            window ^= lowest
            mask |= lowest
            taken.append((first + lowest.bit_length() - 1) * FRAME_SIZE)
        free ^= mask << first
    return _with_free(pmm, free), taken


def give_back(pmm: PmmState, addresses: Iterable[int]) -> PmmState:
    """Free frames that are known to be allocated."""
    free = pmm.free
    for first, count in _joined(addresses):
        run = _run(first, count)
        if free & run:
            raise AssertionError(f"a frame of {first * FRAME_SIZE:#x} + {count} is free already")
        free |= run
    return _with_free(pmm, free)


def frames(bitmap: int) -> Iterator[int]:
    """Yield the numbers of the set bits, ascending."""
    for first, count in runs(bitmap):
        yield from range(first, first + count)


def runs(bitmap: int) -> Iterator[tuple[int, int]]:
    """Yield each run of set bits as (first, count), ascending."""
    position = 0
    while bitmap:
        skip = (bitmap & -bitmap).bit_length() - 1
        bitmap >>= skip
        count = (~bitmap & (bitmap + 1)).bit_length() - 1
        yield position + skip, count
        bitmap >>= count
        position += skip + count


@dataclass(frozen=True, slots=True)
class Tree:
    """A bit per block, summarised 64 to 1, twice (struct pmm_tree)."""

    top: int
    middle: list[int]
    bottom: list[int]


@dataclass(frozen=True, slots=True)
class Summary:
    """What must stand above the bitmap: all of it follows from the free bits."""

    block_free: list[int]
    block_words: list[int]
    any: Tree
    whole: Tree


def summary(pmm: PmmState) -> Summary:
    """Return the counters, masks and trees that belong to a state's free bits."""
    block_bytes = BLOCK_FRAMES // 8
    image = pmm.free.to_bytes(pmm.frame_limit // 8, "little")
    blocks = [image[at : at + block_bytes] for at in range(0, len(image), block_bytes)]
    block_free = [int.from_bytes(block, "little").bit_count() for block in blocks]
    block_words = [
        sum(1 << word for word in range(8) if any(block[8 * word : 8 * word + 8]))
        for block in blocks
    ]
    return Summary(
        block_free,
        block_words,
        _tree([count > 0 for count in block_free]),
        _tree([count == BLOCK_FRAMES for count in block_free]),
    )


def _tree(blocks: list[bool]) -> Tree:
    bottom = _summarise(blocks)
    middle = _summarise([word != 0 for word in bottom])
    middle += [0] * (_WORD - len(middle))
    (top,) = _summarise([word != 0 for word in middle])
    return Tree(top, middle, bottom)


def _summarise(bits: list[bool]) -> list[int]:
    return [
        sum(1 << bit for bit, value in enumerate(bits[at : at + _WORD]) if value)
        for at in range(0, len(bits), _WORD)
    ]


def _with_free(pmm: PmmState, free: int) -> PmmState:
    return replace(pmm, free=free)


def _run(first: int, count: int) -> int:
    """Return `count` set bits from bit `first`."""
    return ((1 << count) - 1) << first


def _starts(bitmap: int, count: int) -> int:
    """Return the positions where at least `count` set bits begin."""
    length = 1
    while length < count and bitmap:
        shift = min(length, count - length)
        bitmap &= bitmap >> shift
        length += shift
    return bitmap


@lru_cache(maxsize=64)
def _every(step: int, limit: int) -> int:
    """Return a bitmap of `limit` bits with each multiple of `step` set."""
    bitmap, length = 1, step
    while length < limit:
        bitmap |= bitmap << length
        length *= 2
    return bitmap


def _joined(addresses: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield the frames of some addresses as runs (first frame, count)."""
    first, count = 0, 0
    for frame in sorted(address // FRAME_SIZE for address in addresses):
        if count and frame == first + count:
            count += 1
            continue
        if count:
            yield first, count
        first, count = frame, 1
    if count:
        yield first, count
