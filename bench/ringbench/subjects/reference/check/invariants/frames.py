"""Invariants of physical memory: one owner a frame, and an allocator that agrees with itself."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ringbench.check.mismatch import Mismatch
from ringbench.subjects.reference.check.ownership import ALLOCATED, check_ownership, owners
from ringbench.subjects.reference.observe.bitmaps import describe_bits
from ringbench.subjects.reference.observe.picture import Picture
from ringbench.subjects.reference.observe.pmm import SeenTree
from ringbench.subjects.reference.vocabulary.constants import BLOCK_FRAMES

LAYER = "pmm"
WORD = 64

_SET_BITS = np.array([byte.bit_count() for byte in range(256)], np.uint8)
"""How many bits of a byte are set."""


def every_frame_has_one_owner(picture: Picture) -> Iterator[Mismatch]:
    """Every frame that the processor can address is owned, and by one."""
    yield from check_ownership(picture)


def allocated_frames_are_owned(picture: Picture) -> Iterator[Mismatch]:
    """Used + free = total, where used is what the owners say."""
    totals = owners(picture).totals()
    used = sum(frames for (kind, _), frames in totals.items() if kind in ALLOCATED)
    expected = picture.pmm.managed_count - picture.pmm.free_count
    if used != expected:
        yield Mismatch(LAYER, "frames in use", str(expected), f"{used} with an owner", "managed")


def counts_match_bits(picture: Picture) -> Iterator[Mismatch]:
    """Managed and free counts are the numbers of bits, and every free frame is managed."""
    pmm = picture.pmm
    if pmm.free_bits.bit_count() != pmm.free_count:
        bits = f"{pmm.free_bits.bit_count()} bits"
        yield Mismatch(LAYER, "free frames", bits, str(pmm.free_count), "free_count")
    if pmm.managed_bits.bit_count() != pmm.managed_count:
        bits = f"{pmm.managed_bits.bit_count()} bits"
        yield Mismatch(LAYER, "managed frames", bits, str(pmm.managed_count), "managed_count")
    foreign = pmm.free_bits & ~pmm.managed_bits
    if foreign:
        where = f"frames {describe_bits(foreign)}"
        yield Mismatch(LAYER, "free frames", "managed", "free and not managed", where)


def summaries_match_bits(picture: Picture) -> Iterator[Mismatch]:
    """Counters and trees say of each block what its bits say."""
    pmm = picture.pmm
    blocks = len(pmm.block_free)
    if blocks == 0 or pmm.free_bits >> (blocks * BLOCK_FRAMES):
        yield Mismatch(LAYER, "blocks", "cover all free bits", f"{blocks} blocks", "block_free")
        return
    data = np.frombuffer(pmm.free_bits.to_bytes(blocks * BLOCK_FRAMES // 8, "little"), np.uint8)
    free = _SET_BITS[data].reshape(blocks, -1).sum(axis=1, dtype=np.int64)
    words = data.view("<u8").reshape(blocks, BLOCK_FRAMES // WORD)
    yield from _differing("free frames", free, pmm.block_free)
    masks = np.packbits(words != 0, axis=1, bitorder="little")[:, 0]
    yield from _differing("mask of words", masks.astype(np.int64), pmm.block_words)
    yield from _tree("any", pmm.any_free, free > 0)
    yield from _tree("whole", pmm.whole, free == BLOCK_FRAMES)


def _differing(what: str, expected: NDArray[np.int64], seen: Sequence[int]) -> Iterator[Mismatch]:
    if len(expected) != len(seen):
        yield Mismatch(LAYER, what, f"{len(expected)} blocks", f"{len(seen)} blocks", "blocks")
        return
    for block in np.flatnonzero(expected != np.array(seen, np.int64)).tolist():
        yield Mismatch(LAYER, what, str(expected[block]), str(seen[block]), f"block {block}")


def _tree(name: str, tree: SeenTree, blocks: NDArray[np.bool_]) -> Iterator[Mismatch]:
    """Compare a tree's three levels with what its lowest must be."""
    bottom = int.from_bytes(np.packbits(blocks, bitorder="little").tobytes(), "little")
    if tree.bottom != bottom:
        wrong = describe_bits(tree.bottom ^ bottom)
        yield Mismatch(LAYER, f"tree {name}", "bits of the blocks", "others", f"blocks {wrong}")
    middle = _summary(tree.bottom)
    words = sum(word << (WORD * index) for index, word in enumerate(tree.middle))
    if words != middle:
        wrong = describe_bits(words ^ middle)
        what = f"tree {name}, middle"
        yield Mismatch(LAYER, what, "words that are not 0", "others", f"words {wrong}")
    if tree.top != _summary(words):
        top = f"{_summary(words):#x}"
        yield Mismatch(LAYER, f"tree {name}, top", top, f"{tree.top:#x}", "top")


def _summary(bits: int) -> int:
    """Return the bitmap whose bit n says that 64-bit word n of `bits` is not 0."""
    length = (bits.bit_length() + WORD - 1) // WORD
    words = np.frombuffer(bits.to_bytes(length * 8, "little"), "<u8")
    return int.from_bytes(np.packbits(words != 0, bitorder="little").tobytes(), "little")
