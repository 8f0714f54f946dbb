"""Single frames and frames of 2 MiB on the real kernel: which are handed out, in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ringbench.subjects.reference.vocabulary.operations.pmm import PmmAlloc, PmmAlloc2m
from tests.system.frames import (
    BLOCK,
    FRAME,
    LARGE,
    MEMORY,
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


def test_single_frames_come_lowest_first(kernel: Kernel) -> None:
    managed, before = counts(kernel)
    first = kernel.value(PmmAlloc())
    assert first >= 1 << 20
    taken = [kernel.value(PmmAlloc()) for _ in range(300)]
    assert taken == [first + FRAME * number for number in range(1, 301)]
    assert first // BLOCK < taken[-1] // BLOCK
    assert counts(kernel) == (managed, before - 301)


def test_all_memory_can_be_taken_to_the_last_frame(kernel: Kernel) -> None:
    lowest = kernel.value(PmmAlloc())
    free(kernel, (lowest, 1))
    base, end = take_everything(kernel)
    assert base == lowest
    assert MEMORY - (1 << 20) < end <= MEMORY
    refuse_all_sizes(kernel)
    last = [end - FRAME, base, base + 1000 * FRAME]
    free(kernel, *((frame, 1) for frame in last))
    assert [kernel.value(PmmAlloc()) for _ in last] == sorted(last)
    refuse_all_sizes(kernel)


def test_holes_are_refilled_lowest_first(kernel: Kernel) -> None:
    base, end = take_everything(kernel)
    borders = [10 * BLOCK + WORD, 10 * BLOCK + 2 * WORD, 11 * BLOCK, TREE_WORD, 2 * TREE_WORD]
    holes = [base, base + FRAME, end - FRAME]
    holes += [border + step * FRAME for border in borders for step in (-2, -1, 0, 1)]
    for hole in sorted(holes, key=lambda hole: hole * 2654435761 % (1 << 32)):
        free(kernel, (hole, 1))
    kernel.look("with holes")
    assert [kernel.value(PmmAlloc()) for _ in holes] == sorted(holes)
    refuse_all_sizes(kernel)


def test_a_frame_given_back_is_the_next_handed_out(kernel: Kernel) -> None:
    taken = [kernel.value(PmmAlloc()) for _ in range(5)]
    for frame in (taken[3], taken[0], taken[2]):
        free(kernel, (frame, 1))
        assert kernel.value(PmmAlloc()) == frame
    assert kernel.value(PmmAlloc()) == taken[4] + FRAME


def test_blocks_come_lowest_first_until_there_is_none(kernel: Kernel) -> None:
    base, end = take_everything(kernel)
    free(kernel, (base, (end - base) // FRAME))
    whole = list(range(-(-base // BLOCK) * BLOCK, end - BLOCK + 1, BLOCK))
    assert len(whole) > 128
    assert [kernel.value(PmmAlloc2m()) for _ in whole] == whole
    kernel.refuses(PmmAlloc2m(), "no_memory")
    rest = (end - base - len(whole) * BLOCK) // FRAME
    assert counts(kernel)[1] == rest > 0
    assert kernel.value(PmmAlloc()) == base
    free(kernel, (whole[130], 512), (whole[3], 512), (whole[70], 512))
    assert [kernel.value(PmmAlloc2m()) for _ in range(3)] == [whole[3], whole[70], whole[130]]
    kernel.refuses(PmmAlloc2m(), "no_memory")


@pytest.mark.parametrize("missing", [0, 63, 64, 300, 511])
def test_one_frame_missing_is_no_block(kernel: Kernel, missing: int) -> None:
    take_everything(kernel)
    low, high = 40 * BLOCK, 70 * BLOCK
    hole = low + missing * FRAME
    free(kernel, *((run, n) for run, n in ((low, missing), (hole + FRAME, 511 - missing)) if n))
    kernel.refuses(PmmAlloc2m(), "no_memory")
    free(kernel, (high, 512))
    assert kernel.value(PmmAlloc2m()) == high
    free(kernel, (hole, 1))
    assert kernel.value(PmmAlloc2m()) == low
    refuse_all_sizes(kernel)


def test_blocks_broken_up_and_whole_again(kernel: Kernel) -> None:
    take_everything(kernel)
    low, high = 40 * BLOCK, 41 * BLOCK
    free(kernel, (low, 512), (high, 512))
    assert kernel.value(PmmAlloc()) == low
    assert kernel.value(PmmAlloc2m()) == high
    free(kernel, (low, 1), (high, 512))
    assert kernel.value(PmmAlloc(2, 0x100000)) == low
    assert kernel.value(PmmAlloc2m()) == high
    free(kernel, (low, 2))
    assert kernel.value(PmmAlloc2m()) == low
    # Back in pieces of other sizes than it was taken in, and out again as a run.
    free(kernel, (low + 256 * FRAME, 256), (low, 1), (low + FRAME, 255), (high, 512))
    assert kernel.value(PmmAlloc(1024, BLOCK)) == low
