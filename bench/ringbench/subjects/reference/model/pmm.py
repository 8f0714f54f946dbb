"""The frame allocator: lowest free frame first, over two sets of frames."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from ringbench.subjects.reference.model.frame_set import FrameSet
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
_ALL_WORDS: Final = (1 << BLOCK_FRAMES // _WORD) - 1


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
    managed = FrameSet.of_runs(
        (base // FRAME_SIZE, (end - base) // FRAME_SIZE) for base, end in available
    ).without_run(place // FRAME_SIZE, length // FRAME_SIZE)
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
    frame = pmm.free.edges[0]
    return _with_free(pmm, pmm.free.without_run(frame, 1)), Status.OK, frame * FRAME_SIZE


def pmm_alloc_2m(pmm: PmmState) -> tuple[PmmState, Status, int]:
    """Take the lowest wholly free, aligned 2 MiB block; its address."""
    return pmm_alloc_run(pmm, BLOCK_FRAMES, BLOCK_FRAMES * FRAME_SIZE)


def pmm_alloc_run(pmm: PmmState, count: int, align: int) -> tuple[PmmState, Status, int]:
    """Take `count` contiguous frames at the lowest multiple of `align` bytes; their address."""
    if count == 0 or align < FRAME_SIZE or align & (align - 1):
        return pmm, Status.INVALID, 0
    first = pmm.free.lowest_run(count, align // FRAME_SIZE)
    if first is None:
        return pmm, Status.NO_MEMORY, 0
    return _with_free(pmm, pmm.free.without_run(first, count)), Status.OK, first * FRAME_SIZE


def pmm_free(pmm: PmmState, base: int, count: int) -> tuple[PmmState, Status, None]:
    """Give back `count` frames from `base`, all or none."""
    if count == 0:
        return pmm, Status.INVALID, None
    if base % FRAME_SIZE:
        return pmm, Status.MISALIGNED, None
    first = base // FRAME_SIZE
    if not pmm.managed.has_all(first, count):
        return pmm, Status.FOREIGN, None
    if pmm.free.has_any(first, count):
        return pmm, Status.NOT_ALLOCATED, None
    return _with_free(pmm, pmm.free.with_run(first, count)), Status.OK, None


def take(pmm: PmmState, count: int) -> tuple[PmmState, list[int]]:
    """Take the `count` lowest free frames, as that many pmm_alloc would; their addresses.

    The caller has made sure that there are as many.
    """
    frames, free = pmm.free.split_lowest(count)
    return _with_free(pmm, free), [frame * FRAME_SIZE for frame in frames]


def give_back(pmm: PmmState, addresses: Iterable[int]) -> PmmState:
    """Free frames that are known to be allocated."""
    free = pmm.free
    for first, count in _joined(addresses):
        if free.has_any(first, count):
            raise AssertionError(f"a frame of {first * FRAME_SIZE:#x} + {count} is free already")
        free = free.with_run(first, count)
    return _with_free(pmm, free)


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
    blocks = pmm.frame_limit // BLOCK_FRAMES
    block_free, block_words = [0] * blocks, [0] * blocks
    for first, count in pmm.free.runs():
        end = first + count
        head, tail = first // BLOCK_FRAMES, (end - 1) // BLOCK_FRAMES
        inner = max(tail - head - 1, 0)
        block_free[head + 1 : tail] = [BLOCK_FRAMES] * inner
        block_words[head + 1 : tail] = [_ALL_WORDS] * inner
        for block in {head, tail}:
            base = block * BLOCK_FRAMES
            low, high = max(first - base, 0), min(end - base, BLOCK_FRAMES)
            block_free[block] += high - low
            block_words[block] |= (2 << (high - 1) // _WORD) - (1 << low // _WORD)
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


def _with_free(pmm: PmmState, free: FrameSet) -> PmmState:
    return replace(pmm, free=free)


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
