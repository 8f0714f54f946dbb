"""Physical frames above 4 GiB, and above 8 GiB, where the trees of the PMM need their top level.

A PC with 12 GiB has 3 GiB from address 0, where the last 128 KiB are the firmware's, and the rest
from 4 GiB on. The memory costs nothing: what is not touched does not exist.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ringbench.subjects.reference.vocabulary.flags import USER, WRITE
from ringbench.subjects.reference.vocabulary.operations.paging import PageMap, PageNew, PageQuery
from ringbench.subjects.reference.vocabulary.operations.pmm import (
    PmmAlloc,
    PmmAlloc2m,
    PmmFree,
    PmmInfo,
)
from ringbench.subjects.reference.vocabulary.operations.vmm import Touch

if TYPE_CHECKING:
    from tests.system.conftest import Kernel

MACHINE = {"machine.memory": "12G"}

FRAME = 0x1000
BLOCK = 0x200000
GIB = 1 << 30
LOW_END = 3 * GIB - 0x20000
HIGH, HIGH_END = 4 * GIB, 13 * GIB
HIGH_FRAMES = (HIGH_END - HIGH) // FRAME


def take_low_memory(kernel: Kernel) -> int:
    """Take all that is below 4 GiB, as one run, and return its address."""
    base = kernel.value(PmmAlloc())
    rest = (LOW_END - base) // FRAME - 1
    assert kernel.value(PmmAlloc(rest)) == base + FRAME
    return base


def test_all_that_is_there_is_used(kernel: Kernel) -> None:
    base = kernel.value(PmmAlloc())
    low_frames = (LOW_END - base) // FRAME
    _, free = kernel.values(PmmInfo())
    assert free == low_frames - 1 + HIGH_FRAMES
    # No run spans the hole.
    kernel.refuses(PmmAlloc(HIGH_FRAMES + 1), "no_memory")
    assert kernel.value(PmmAlloc(low_frames)) == HIGH
    assert kernel.value(PmmAlloc(low_frames - 1)) == base + FRAME
    assert kernel.value(PmmAlloc(HIGH_FRAMES - low_frames)) == HIGH + low_frames * FRAME
    kernel.look("with every frame taken")
    for operation in (PmmAlloc(), PmmAlloc(1), PmmAlloc2m()):
        kernel.refuses(operation, "no_memory")
    kernel.values(PmmFree(HIGH_END - FRAME))
    assert kernel.value(PmmAlloc()) == HIGH_END - FRAME


def test_low_memory_comes_first(kernel: Kernel) -> None:
    base = take_low_memory(kernel)
    assert kernel.value(PmmAlloc()) == HIGH
    assert kernel.value(PmmAlloc2m()) == HIGH + BLOCK
    assert kernel.value(PmmAlloc(5)) == HIGH + FRAME
    assert kernel.value(PmmAlloc(1, 2 * GIB)) == 6 * GIB
    kernel.values(PmmFree(base + FRAME))
    assert kernel.value(PmmAlloc()) == base + FRAME
    kernel.values(PmmFree(BLOCK * 700, 512))
    assert kernel.value(PmmAlloc2m()) == BLOCK * 700


@pytest.mark.parametrize("border", [8 * GIB, 10 * GIB])
def test_around_borders_of_the_trees(kernel: Kernel, border: int) -> None:
    """At 8 GiB another word of the middle level begins, at 10 GiB another of the bottom level."""
    take_low_memory(kernel)
    assert kernel.value(PmmAlloc(HIGH_FRAMES)) == HIGH
    kernel.values(PmmFree(border - BLOCK, 1024))
    assert kernel.value(PmmAlloc2m()) == border - BLOCK
    assert kernel.value(PmmAlloc2m()) == border
    kernel.refuses(PmmAlloc2m(), "no_memory")
    for frame in (border, border - FRAME, border + 511 * FRAME):
        kernel.values(PmmFree(frame))
    assert kernel.value(PmmAlloc(2)) == border - FRAME
    assert kernel.value(PmmAlloc()) == border + 511 * FRAME
    kernel.values(PmmFree(border - 700 * FRAME, 1400))
    kernel.refuses(PmmAlloc(1401), "no_memory")
    assert kernel.value(PmmAlloc(1400)) == border - 700 * FRAME


def test_runs_that_the_last_frames_are_too_few_for(kernel: Kernel) -> None:
    """Here memory ends where a block does, so the search for a run reaches the very end."""
    base = take_low_memory(kernel)
    assert kernel.value(PmmAlloc(HIGH_FRAMES)) == HIGH
    kernel.values(PmmFree(base))  # frames enough, but not together
    kernel.values(PmmFree(HIGH_END - 10 * FRAME))
    kernel.refuses(PmmAlloc(2), "no_memory")
    kernel.values(PmmFree(HIGH_END - 3 * FRAME, 2))
    kernel.refuses(PmmAlloc(3), "no_memory")
    assert kernel.value(PmmAlloc(2)) == HIGH_END - 3 * FRAME


def test_the_hole_and_what_lies_beyond_are_foreign(kernel: Kernel) -> None:
    base = take_low_memory(kernel)
    assert kernel.value(PmmAlloc(HIGH_FRAMES)) == HIGH
    for address, count in (
        (LOW_END, 1), (3 * GIB, 1), (3 * GIB, 512), (HIGH - FRAME, 1), (HIGH - BLOCK, 512),
        (LOW_END - FRAME, 2), (HIGH - FRAME, 2), (3 * GIB - BLOCK, 512),
        (base, (HIGH - base) // FRAME), (LOW_END - FRAME, (HIGH - LOW_END) // FRAME + 2),
        (HIGH_END, 1), (HIGH_END, 512), (HIGH_END - FRAME, 2), (HIGH, HIGH_FRAMES + 1),
    ):  # fmt: skip
        kernel.refuses(PmmFree(address, count), "foreign")
    kernel.refuses(PmmFree(HIGH + 1), "misaligned")
    kernel.values(PmmFree(HIGH, HIGH_FRAMES))
    kernel.refuses(PmmFree(HIGH, HIGH_FRAMES), "not_allocated")


def test_high_frames_can_be_mapped_and_touched(kernel: Kernel) -> None:
    """As pages, and as the tables that map them."""
    assert kernel.handle(PageNew()) == "r0"
    take_low_memory(kernel)
    page = kernel.value(PmmAlloc())
    block = kernel.value(PmmAlloc2m())
    assert (page, block) == (HIGH, HIGH + BLOCK)
    kernel.values(PageMap("r0", 0x400000, page, FRAME, FRAME, WRITE))
    kernel.values(PageMap("r0", 0x600000, block, BLOCK, BLOCK, WRITE | USER))
    assert kernel.value(PmmAlloc()) == HIGH + 4 * FRAME  # after three tables
    assert kernel.values(PageQuery("r0", 0x400FFF)) == (0x400000, page, FRAME, "rw")
    assert kernel.values(PageQuery("r0", 0x7FFFFF)) == (0x600000, block, BLOCK, "rwu")
    for address in (0x400000, 0x400FFF, 0x600000, 0x7FFFFF):
        kernel.values(Touch("r0", address, "w"))
