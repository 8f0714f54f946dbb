"""The buddy allocator in the live kernel; every look compares each byte of its map."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from ringbench.subjects.reference.vocabulary.constants import BUDDY_BASE
from ringbench.subjects.reference.vocabulary.operations.buddy import (
    BuddyAlloc,
    BuddyFree,
    BuddyInfo,
)

if TYPE_CHECKING:
    from tests.system.conftest import Kernel


def test_blocks_split_and_merge(kernel: Kernel) -> None:
    with kernel.taking(0):
        with kernel.taking(5):  # the map, the record of the region, a page, its two tables
            assert kernel.value(BuddyAlloc(33)) == BUDDY_BASE
        blocks = [kernel.value(BuddyAlloc(size)) for size in (32, 64, 4096, 5000, 70_000)]
        assert [each - BUDDY_BASE for each in blocks] == [64, 128, 0x1000, 0x2000, 0x20000]
        kernel.lockstep.look("with blocks of many orders")
        Random(1).shuffle(blocks)
        for each in blocks:
            kernel.values(BuddyFree(each))
        kernel.lockstep.look("one is left")
        assert kernel.values(BuddyInfo())[1:] == (1, 64)
        kernel.values(BuddyFree(BUDDY_BASE))


def test_what_is_no_block_is_refused(kernel: Kernel) -> None:
    first, second = (kernel.value(BuddyAlloc(32)) for _ in range(2))
    kernel.values(BuddyFree(first))
    kernel.refuses(BuddyFree(first), "double_free")
    kernel.refuses(BuddyFree(second + 8), "interior")
    kernel.refuses(BuddyFree(BUDDY_BASE + 2048 + 64), "interior")
    kernel.refuses(BuddyFree(BUDDY_BASE + 4096), "foreign")
    kernel.refuses(BuddyFree(0), "foreign")
    kernel.lockstep.look("after the mistakes")


def test_what_is_too_large_is_refused(kernel: Kernel) -> None:
    """With a block there, one of the window's size would end beyond it."""
    kernel.refuses(BuddyAlloc(1 << 30), "no_memory")
    kernel.values(BuddyAlloc(32))
    kernel.refuses(BuddyAlloc(1 << 30), "no_space")
    kernel.refuses(BuddyAlloc(1 << 29), "no_memory")
    kernel.refuses(BuddyAlloc((1 << 30) + 1), "invalid")
