"""Runs of frames on the real kernel: the lowest gap that fits, whatever lies in between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ringbench.subjects.reference.vocabulary.operations.pmm import PmmAlloc, PmmAlloc2m
from tests.system.frames import (
    ADDRESS_END,
    BLOCK,
    FRAME,
    LARGE,
    TREE_WORD,
    WORD,
    counts,
    free,
    refuse_all_sizes,
    take_everything,
)

if TYPE_CHECKING:
    from tests.system.conftest import Kernel

MACHINE = LARGE


def test_a_run_takes_the_lowest_gap_that_fits_not_the_best(kernel: Kernel) -> None:
    base, _ = take_everything(kernel)
    two, five, three, eight = (base + at * FRAME for at in (10, 100, 200, 300))
    free(kernel, (eight, 8), (two, 2), (five, 5), (three, 3))
    kernel.refuses(PmmAlloc(9), "no_memory")
    assert kernel.value(PmmAlloc(3)) == five
    assert kernel.value(PmmAlloc(3)) == three
    assert kernel.value(PmmAlloc(2)) == two
    assert kernel.value(PmmAlloc(2)) == five + 3 * FRAME
    assert kernel.value(PmmAlloc(8)) == eight
    refuse_all_sizes(kernel)


def test_gaps_one_frame_apart(kernel: Kernel) -> None:
    """The end of one gap that is too small says nothing about the next."""
    base, _ = take_everything(kernel)
    sizes, at = (1, 2, 3, 4, 5), base + 7 * FRAME
    starts = [at + (sum(sizes[:number]) + number) * FRAME for number in range(len(sizes))]
    free(kernel, *zip(starts, sizes, strict=True))
    for size, start in reversed(list(zip(sizes, starts, strict=True))):
        kernel.refuses(PmmAlloc(size + 1), "no_memory")
        assert kernel.value(PmmAlloc(size)) == start
    refuse_all_sizes(kernel)


def test_frames_enough_but_no_two_together(kernel: Kernel) -> None:
    take_everything(kernel)
    holes = range(20 * BLOCK - WORD, 20 * BLOCK + WORD, 2 * FRAME)
    free(kernel, *((hole, 1) for hole in holes))
    for operation in (PmmAlloc(2), PmmAlloc(len(holes)), PmmAlloc2m()):
        kernel.refuses(operation, "no_memory")
    assert kernel.value(PmmAlloc(1)) == holes[0]
    free(kernel, (holes[7] + FRAME, 1))
    assert kernel.value(PmmAlloc(3)) == holes[7]


@pytest.mark.parametrize("border", [9 * BLOCK + 3 * WORD, 9 * BLOCK, TREE_WORD, 2 * TREE_WORD])
def test_runs_cross_borders(kernel: Kernel, border: int) -> None:
    """Of a word of the bitmap, of a block, of a word of the trees."""
    take_everything(kernel)
    gap = border - 3 * FRAME
    free(kernel, (border, 2), (gap, 3))
    kernel.refuses(PmmAlloc(6), "no_memory")
    assert kernel.value(PmmAlloc(5)) == gap
    refuse_all_sizes(kernel)


def test_runs_longer_than_blocks(kernel: Kernel) -> None:
    """Three whole blocks and parts of both neighbours; a word of the trees ends in between."""
    take_everything(kernel)
    first = TREE_WORD - BLOCK
    gap, count = first - 100 * FRAME, 100 + 3 * 512 + 37
    free(kernel, (gap, count))
    kernel.look("with the gap")
    kernel.refuses(PmmAlloc(count + 1), "no_memory")
    assert kernel.value(PmmAlloc(count)) == gap
    kernel.look("without the gap")
    refuse_all_sizes(kernel)
    free(kernel, (gap, count))
    assert [kernel.value(PmmAlloc2m()) for _ in range(3)] == [
        first, first + BLOCK, first + 2 * BLOCK
    ]  # fmt: skip
    kernel.refuses(PmmAlloc2m(), "no_memory")
    kernel.refuses(PmmAlloc(101), "no_memory")
    assert kernel.value(PmmAlloc(37)) == gap
    assert kernel.value(PmmAlloc(37)) == gap + 37 * FRAME
    assert kernel.value(PmmAlloc(37)) == first + 3 * BLOCK
    assert kernel.value(PmmAlloc(26)) == gap + 74 * FRAME
    refuse_all_sizes(kernel)


def test_a_run_at_its_alignment(kernel: Kernel) -> None:
    """Gaps: 7 frames from 64 MiB + 4 KiB, 16 from 80 MiB + 12 KiB, one at 96 MiB."""
    take_everything(kernel)
    free(kernel, (0x4001000, 7), (0x5003000, 16), (0x6000000, 1))
    for count, align, expected in (
        (1, 0x1000, 0x4001000),
        (7, 0x1000, 0x4001000),
        (1, 0x2000, 0x4002000),
        (4, 0x4000, 0x4004000),
        (5, 0x4000, 0x5004000),
        (8, 0x1000, 0x5003000),
        (16, 0x1000, 0x5003000),
        (1, 0x8000, 0x5008000),
        (3, 0x10000, 0x5010000),
        (1, 0x200000, 0x6000000),
        (1, 0x2000000, 0x6000000),
    ):
        assert kernel.value(PmmAlloc(count, align)) == expected
        free(kernel, (expected, count))
    for count, align in (
        (17, 0x1000), (16, 0x2000), (4, 0x10000), (2, 0x200000), (1, 0x4000000), (1, 1 << 40),
        (1, 1 << 63), (25, 0x1000),
    ):  # fmt: skip
        kernel.refuses(PmmAlloc(count, align), "no_memory")


def test_counts_and_alignments_without_meaning(kernel: Kernel) -> None:
    invalid = [PmmAlloc(0), PmmAlloc(0, 0x2000), PmmAlloc(0, 0), PmmAlloc(ADDRESS_END - 1, 0)]
    invalid += [
        PmmAlloc(1, align)
        for align in (0, 1, 2, 0x800, 0xFFF, 0x1001, 0x3000, 0x1800, (1 << 63) + 0x1000,
                      ADDRESS_END - 1, ADDRESS_END - 0x1000)
    ]  # fmt: skip
    for operation in invalid:
        kernel.refuses(operation, "invalid")
    managed, available = counts(kernel)
    for count in (available + 1, managed, 1 << 32, 1 << 52, 1 << 63, ADDRESS_END - 1):
        kernel.refuses(PmmAlloc(count), "no_memory")
        kernel.refuses(PmmAlloc(count, 0x200000), "no_memory")
    take_everything(kernel)
    for operation in invalid:
        kernel.refuses(operation, "invalid")
