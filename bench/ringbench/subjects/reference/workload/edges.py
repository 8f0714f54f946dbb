"""Numbers that are worth drawing: where something begins or ends, and right beside that.

A mistake at an edge is met by one number of millions, and uniform draws miss it. Every maker takes
its numbers from here where the state at hand has an edge.
"""

from __future__ import annotations

from random import Random
from typing import Final

from ringbench.arch.x86_64.address import ENTRIES, SIZE_1G, SIZE_2M, UPPER_HALF_SLOT, entry_shift
from ringbench.subjects.reference.vocabulary.constants import (
    BLOCK_FRAMES,
    FRAME_SIZE,
    HEAP_ALIGN,
    HEAP_HEADER,
    HEAP_LINEAR,
    HEAP_NODE_MIN,
)
from ringbench.subjects.reference.workload.draws import pick

WORD_FRAMES: Final = 64
"""Frames that a word of a bitmap has."""

GIB_EDGES: Final = (4 * SIZE_1G, 8 * SIZE_1G, 16 * SIZE_1G)
"""Physical addresses that need a bit more than those below them."""


def beside(random: Random, number: int, step: int = 1) -> int:
    """The number itself, as a rule; or one step before or behind it."""
    return number + pick(random, (0, 0, -step, step))


def index(random: Random, count: int) -> int:
    """One of 0 .. count - 1: the first, the last, or any."""
    shape = random.random()
    if shape < 0.25:
        return 0
    return count - 1 if shape < 0.5 else int(random.random() * count)


def up_to(random: Random, most: int) -> int:
    """One of 1 .. most: the most that is allowed, or any."""
    return most if random.random() < 0.3 else 1 + int(random.random() * most)


def part_of_run(random: Random, first: int, count: int) -> tuple[int, int]:
    """A part of a run of frames, (first, count), that often begins or ends at its ends.

    Or it lies between borders of words or of 2 MiB blocks.
    """
    start = index(random, count)
    length = up_to(random, count - start)
    if random.random() < 0.3:
        unit = pick(random, (WORD_FRAMES, BLOCK_FRAMES))
        aligned = -(first + start) % unit
        if start + aligned + unit <= count:
            start += aligned
            length = beside(random, unit) if start + aligned + unit < count else unit
            length = min(length, count - start)
    return first + start, length


def far_address(random: Random) -> int:
    """An address of the lower half whose tables have it in their first or their last entries."""
    address = pick(random, (0, 1, UPPER_HALF_SLOT - 2, UPPER_HALF_SLOT - 1)) << entry_shift(4)
    for level in (3, 2, 1):
        address += pick(random, (0, 1, ENTRIES - 2, ENTRIES - 1)) << entry_shift(level)
    return address


def entries_to_end(vaddr: int, size: int) -> int:
    """How many pages of a size there are from an address on to the end of its table."""
    return ENTRIES - vaddr // size % ENTRIES


def payload_of(random: Random, node: int) -> int:
    """The size of a request that gets a node of so many bytes: the most, the least; or one more."""
    return max(1, node - HEAP_HEADER - pick(random, (0, 0, HEAP_ALIGN - 1, -1)))


def rest_of_node(random: Random, node: int) -> int:
    """The size of a node to be taken from one that is free: all of it, a little more, or less.

    What it leaves is nothing, a bare header, the smallest node, or something larger.
    """
    left = (0, 0, HEAP_HEADER, HEAP_NODE_MIN, HEAP_NODE_MIN + HEAP_ALIGN, -HEAP_ALIGN)
    return max(HEAP_NODE_MIN, node - pick(random, left))


def class_edge(random: Random, highest: int) -> int:
    """A node's size with which a class of sizes begins, below 2 to the power of `highest`."""
    power = 12 + int(random.random() * (highest - 12))
    if random.random() < 0.3:
        return beside(random, HEAP_LINEAR, HEAP_ALIGN)
    edge = (64 + int(random.random() * 64)) << (power - 6)
    return beside(random, edge, HEAP_ALIGN)


HUGE_LENGTHS: Final = (
    *(SIZE_1G, 4 * SIZE_1G - FRAME_SIZE, 4 * SIZE_1G, 4 * SIZE_1G + FRAME_SIZE),
    *(300 * SIZE_1G, 511 * SIZE_1G, 512 * SIZE_1G, 512 * SIZE_1G + SIZE_2M),
    *((1 << 44) - FRAME_SIZE, 1 << 44, (1 << 44) + FRAME_SIZE, 100 << 40),
)
"""Of regions that need no memory: more than 32 bits, a PML4 entry, 2^32 pages, most of a window."""
