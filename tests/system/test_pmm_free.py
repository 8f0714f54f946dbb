"""Giving frames back on the real kernel: what may go, what is refused, and whose it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringbench.subjects.reference.drive.gdb import GdbChannel
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.paging import PageDelete, PageNew
from ringbench.subjects.reference.vocabulary.operations.pmm import PmmAlloc, PmmAlloc2m, PmmFree
from tests.system.frames import (
    ADDRESS_END,
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
