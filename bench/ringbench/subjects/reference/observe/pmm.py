"""The frame allocator: its bits of truth, and every count and summary that it keeps of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ringbench.debuginfo.dwarf import Integer, Pointer, Record
from ringbench.observe.reader import GuestReader, member
from ringbench.subjects.reference.observe.names import PmmNames
from ringbench.subjects.reference.vocabulary.constants import BLOCK_FRAMES

LAYER = "pmm"

FRAMES_MAX = 1 << 27
"""Frames that an allocator may claim to have before the claim counts as broken: 512 GiB."""


@dataclass(frozen=True, slots=True)
class SeenTree:
    """A bit for each block, summarised 64 to 1, twice; `bottom` is an integer, bit b of block b."""

    top: int
    middle: tuple[int, ...]
    bottom: int = field(repr=False)


@dataclass(frozen=True, slots=True)
class SeenPmm:
    """The frame allocator as its memory has it. In the bitmaps, integers, bit f is frame f.

    Attributes:
        frame_limit: frames [0, frame_limit) have bits.
        block_free: free frames of each block.
        block_words: for each block, bit w: word w of its eight has a free frame.
        any_free: the blocks with a free frame.
        whole: the blocks that are wholly free.
        metadata_base, metadata_length: the bytes that hold the bitmaps and summaries.
        arrays: where each of these is, virtual addresses by the names of the pointers to them.
    """

    frame_limit: int
    managed_count: int
    free_count: int
    free_bits: int = field(repr=False)
    managed_bits: int = field(repr=False)
    block_free: tuple[int, ...] = field(repr=False)
    block_words: tuple[int, ...] = field(repr=False)
    any_free: SeenTree
    whole: SeenTree
    metadata_base: int
    metadata_length: int
    arrays: Mapping[str, int] = field(repr=False)


def read_pmm(guest: GuestReader, names: PmmNames) -> SeenPmm:
    """Read the frame allocator: its counts, its bitmaps, and every summary of them."""
    frame_limit = guest.integer(names.frame_limit)
    frames = frame_limit
    if frame_limit > FRAMES_MAX or frame_limit % BLOCK_FRAMES:
        guest.note(LAYER, f"frame limit {frame_limit} cannot be", names.frame_limit)
        frames = 0
    blocks = frames // BLOCK_FRAMES
    return SeenPmm(
        frame_limit=frame_limit,
        managed_count=guest.integer(names.managed_count),
        free_count=guest.integer(names.free_count),
        free_bits=guest.bitmap(LAYER, names.free_bits, frames),
        managed_bits=guest.bitmap(LAYER, names.managed_bits, frames),
        block_free=_per_block(guest, names.block_free, blocks),
        block_words=_per_block(guest, names.block_words, blocks),
        any_free=_read_tree(guest, names, names.any_tree, blocks),
        whole=_read_tree(guest, names, names.whole_tree, blocks),
        metadata_base=guest.integer(names.metadata_base),
        metadata_length=guest.integer(names.metadata_length),
        arrays={path: guest.integer(path) for path in names.arrays},
    )


def _per_block(guest: GuestReader, path: str, blocks: int) -> tuple[int, ...]:
    """Return the array of `blocks` integers that the pointer at `path` leads to."""
    pointer = guest.types.locate(path).type
    assert isinstance(pointer, Pointer)
    assert isinstance(pointer.target, Integer)
    address, size = guest.integer(path), pointer.target.size
    data = guest.bytes(address, blocks * size)
    if data is None:
        guest.note(LAYER, f"the array at {address:#x} is not readable", path)
        return ()
    return tuple(np.frombuffer(data, f"<u{size}").tolist())


def _read_tree(guest: GuestReader, names: PmmNames, path: str, blocks: int) -> SeenTree:
    record = guest.types.value(guest.virtual, path)
    assert isinstance(record, Record)
    return SeenTree(
        top=member(record, names.tree_top),
        middle=tuple(int(word) for word in record[names.tree_middle]),
        bottom=guest.bitmap(LAYER, f"{path}.{names.tree_bottom}", blocks),
    )
