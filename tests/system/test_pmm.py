"""Physical frames on the real kernel: which are handed out, in which order, what comes back.

Most tests first take all of memory in one run and then cut the holes they need. So what must be
handed out next is known from the test alone, whatever the model thinks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ringbench.drive.gdb import GdbChannel
from ringbench.drive.operations import (
    Operation,
    PageDelete,
    PageNew,
    PmmAlloc,
    PmmAlloc2m,
    PmmFree,
    PmmInfo,
)

if TYPE_CHECKING:
    from tests.system.conftest import Kernel

MEMORY = 320 << 20  # 160 blocks: more than two words of 64 in the trees' bottom level
MACHINE = {"machine.memory": "320M"}

FRAME = 0x1000
BLOCK = 512 * FRAME
WORD = 64 * FRAME  # what a word of the bitmap covers
TREE_WORD = 64 * BLOCK  # what a word of a tree's bottom level covers
ADDRESS_END = 1 << 64


def counts(kernel: Kernel) -> tuple[int, int]:
    """What the kernel says: frames managed, frames free."""
    managed, free = kernel.values(PmmInfo())
    assert isinstance(managed, int)
    assert isinstance(free, int)
    return managed, free


def take_everything(kernel: Kernel) -> tuple[int, int]:
    """Take all free frames, which are one run, and return where it begins and ends."""
    _, free = counts(kernel)
    base = kernel.value(PmmAlloc(free))
    assert counts(kernel)[1] == 0
    return base, base + free * FRAME


def free(kernel: Kernel, *runs: tuple[int, int]) -> None:
    """Give back each (address, count), exactly so many frames."""
    for base, count in runs:
        before = counts(kernel)[1]
        assert kernel.values(PmmFree(base, count)) == ()
        assert counts(kernel)[1] == before + count


def refuse_all_sizes(kernel: Kernel) -> None:
    for operation in (PmmAlloc(), PmmAlloc(1), PmmAlloc(2, BLOCK), PmmAlloc2m()):
        kernel.refuses(operation, "no_memory")


# --- single frames -------------------------------------------------------------------------------


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


# --- runs ----------------------------------------------------------------------------------------


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


# --- 2 MiB ---------------------------------------------------------------------------------------


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


# --- giving back ---------------------------------------------------------------------------------


def test_parts_of_a_run_and_several_runs_at_once(kernel: Kernel) -> None:
    base, _ = take_everything(kernel)
    free(kernel, (base + 100 * FRAME, 1000))
    run = kernel.value(PmmAlloc(1000))
    assert run == base + 100 * FRAME
    middle = run + 400 * FRAME
    free(kernel, (middle, 200))
    assert kernel.value(PmmAlloc(150)) == middle
    # A piece that was never one allocation: the rest of the run, the new one, a gap taken singly.
    singles = [kernel.value(PmmAlloc()) for _ in range(50)]
    assert singles[0] == middle + 150 * FRAME
    free(kernel, (middle - 10 * FRAME, 220))
    assert kernel.value(PmmAlloc(220)) == middle - 10 * FRAME
    refuse_all_sizes(kernel)


def test_frees_that_are_refused(kernel: Kernel) -> None:
    """By the console, which looks first, and by pmm_free itself, which only gdb gets to see.

    One frame, one aligned block and any other run each have their own way through pmm_free.
    """
    managed, available = counts(kernel)
    base, end = take_everything(kernel)
    kernels_own = managed - available
    managed_base = base - kernels_own * FRAME
    holed, empty = TREE_WORD, TREE_WORD + BLOCK
    hole, last = holed + 5 * FRAME, end - FRAME
    free(kernel, (hole, 1), (empty, 512), (last, 1))
    metadata = managed_base - FRAME
    top_block = end // BLOCK * BLOCK
    assert top_block < end < top_block + BLOCK
    refused = {
        "invalid": [(base, 0), (base + 1, 0), (0, 0), (empty, 0), (ADDRESS_END - 1, 0)],
        "misaligned": [
            (base + 1, 1), (base + 0x800, 1), (base + 0xFFF, 1), (1, 1), (ADDRESS_END - 1, 1),
            (1, 2), (MEMORY + 1, 2), (ADDRESS_END - 1, 2), (hole + 1, 1 << 52), (MEMORY + 8, 512),
            (hole + 8, 1), (base + 1, 2), (end + 1, 2), (empty + 8, 512), (BLOCK + 0x10, 512),
        ],
        "foreign": [
            *((frame, 1) for frame in (0, 0x1000, 0x9F000, 0xB8000, 0x100000, metadata, end)),
            *((frame, 1) for frame in (MEMORY, 1 << 32, 1 << 40, 1 << 63, ADDRESS_END - FRAME)),
            (0, 512), (top_block, 512), (MEMORY, 512), (1 << 40, 512), (ADDRESS_END - BLOCK, 512),
            (metadata, 2), (metadata, 1 + kernels_own), (0x100000, 300), (end, 3), (MEMORY, 2),
            (MEMORY - FRAME, 2), (base, 1 << 52), (base, ADDRESS_END - 1), (ADDRESS_END - FRAME, 2),
            (1 << 63, 1 << 51), (0, managed), (base, MEMORY // FRAME),
            # and a frame that is free already as well
            (last, 2), (last - FRAME, 3), (empty, (end - empty) // FRAME + 1),
        ],
        "not_allocated": [
            (hole, 1), (empty, 1), (empty + 511 * FRAME, 1), (last, 1),
            (holed, 512), (empty, 512),
            (holed, 6), (hole, 2), (hole - FRAME, 2), (hole - FRAME, 3), (empty - FRAME, 2),
            (empty + 511 * FRAME, 2), (holed, 1024), (empty - WORD, 512), (last - FRAME, 2),
            (base, available), (managed_base, managed),
        ],
        "denied": [
            (managed_base, 1), (base - FRAME, 1), (base - FRAME, 2), (managed_base, kernels_own),
            (managed_base, kernels_own + 5),
        ],
    }  # fmt: skip
    for status, runs in refused.items():
        for run in runs:
            kernel.refuses(PmmFree(*run), status)
    kernel.look("after the refusals of the console")
    gdb = GdbChannel.at_prompt(kernel.machine)
    for status, runs in refused.items():
        for run in runs:
            assert kernel.lockstep.step(gdb, PmmFree(*run)).status == status, run
    kernel.machine.detach_gdb()
    kernel.look("after the refusals of pmm_free")
    # What was refused because of its neighbours goes without them.
    free(kernel, (holed, 5), (hole + FRAME, 506), (last - FRAME, 1), (base, 1))


def test_the_second_free_is_refused(kernel: Kernel) -> None:
    """Whatever the first one was."""
    take_everything(kernel)
    low = 40 * BLOCK
    for base, count in ((low, 1), (low + 3 * FRAME, 7), (low + BLOCK, 512), (low + 2 * BLOCK, 700)):
        free(kernel, (base, count))
        kernel.refuses(PmmFree(base, count), "not_allocated")
        for frame in (base, base + (count - 1) * FRAME):
            kernel.refuses(PmmFree(frame), "not_allocated")


def test_only_lent_frames_go_back(kernel: Kernel) -> None:
    below = kernel.value(PmmAlloc())
    assert kernel.handle(PageNew()) == "r0"  # one frame, the lowest
    root, above = below + FRAME, below + 2 * FRAME
    assert kernel.value(PmmAlloc()) == above
    for base, count in ((root, 1), (below, 2), (below, 3), (root, 2)):
        kernel.refuses(PmmFree(base, count), "denied")
    free(kernel, (above, 1))
    kernel.refuses(PmmFree(root, 2), "not_allocated")
    kernel.values(PageDelete("r0"))
    kernel.refuses(PmmFree(root), "not_allocated")
    # Lent, given back, the kernel's: now it is the kernel's. And lent again.
    free(kernel, (below, 1))
    assert kernel.handle(PageNew()) == "r0"
    kernel.refuses(PmmFree(below), "denied")
    kernel.values(PageDelete("r0"))
    assert kernel.value(PmmAlloc(3)) == below
    free(kernel, (below, 3))


def test_gdb_and_console_share_one_memory(kernel: Kernel) -> None:
    """What one takes, the other has not, and may give back."""
    first = kernel.value(PmmAlloc())
    gdb = GdbChannel.at_prompt(kernel.machine)

    def value(operation: Operation) -> int:
        (value,) = kernel.lockstep.step(gdb, operation).values
        assert isinstance(value, int)
        return value

    assert value(PmmAlloc()) == first + FRAME
    assert value(PmmAlloc(5)) == first + 2 * FRAME
    block = value(PmmAlloc2m())
    assert block % BLOCK == 0
    assert value(PmmAlloc(2, 0x400000)) % 0x400000 == 0
    assert kernel.lockstep.step(gdb, PmmAlloc(0)).status == "invalid"
    assert kernel.lockstep.step(gdb, PmmAlloc(1 << 40)).status == "no_memory"
    assert kernel.lockstep.step(gdb, PmmFree(first)).status == "ok"
    kernel.machine.detach_gdb()
    assert kernel.value(PmmAlloc()) == first
    free(kernel, (first, 7), (block, 512))
