"""The heap's end: how it grows, when it is given back, and no frames left to grow by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import pytest

from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.heap import (
    HeapAlign,
    HeapAlloc,
    HeapCheck,
    HeapRealloc,
    HeapZalloc,
)
from ringbench.subjects.reference.vocabulary.operations.pmm import PmmFree
from tests.system.heap_nodes import BASE, FREE, HEADER, USED, alloc, end, fill, free, nodes, peek
from tests.system.layout import HEAP, PAGE

if TYPE_CHECKING:
    from tests.system.conftest import Kernel


# --- growing and shrinking -----------------------------------------------------------------------

TRIM: Final = 64 << 10
"""A free last node of so many bytes is worth giving back."""


def test_growth_by_whole_pages(kernel: Kernel) -> None:
    alloc(kernel, PAGE - HEADER)
    assert nodes(kernel) == [(0, PAGE - HEADER, USED), (PAGE - HEADER, HEADER, FREE)]
    at = PAGE - HEADER
    with kernel.taking(1):  # onto a bare header
        assert alloc(kernel, 96) == [HEAP + at + HEADER]
    assert nodes(kernel)[1:] == [(at, 96, USED), (at + 96, PAGE - 80, FREE)]
    with kernel.taking(2):  # onto more: only what is missing
        assert alloc(kernel, 2 * PAGE) == [HEAP + at + 96 + HEADER]
    assert nodes(kernel)[2:] == [(at + 96, 2 * PAGE, USED), (at + 96 + 2 * PAGE, PAGE - 80, FREE)]
    at += 96 + 2 * PAGE
    with kernel.taking(1):  # 16 bytes more than leaves a header
        assert alloc(kernel, PAGE - 80) == [HEAP + at + HEADER]
    assert nodes(kernel)[-1] == (at + PAGE - 80, PAGE, FREE)
    with kernel.taking(0):
        assert alloc(kernel, PAGE - HEADER) == [HEAP + at + PAGE - 80 + HEADER]
    assert nodes(kernel)[-1] == (5 * PAGE - HEADER, HEADER, FREE)
    with kernel.taking(3):
        assert alloc(kernel, 3 * PAGE) == [HEAP + 5 * PAGE]
    assert nodes(kernel)[-1] == (8 * PAGE - HEADER, HEADER, FREE)


def test_growth_past_a_page_table(kernel: Kernel) -> None:
    with kernel.taking(1 + 512 + 2):
        alloc(kernel, (2 << 20) - HEADER)
    with kernel.taking(2):
        [pointer] = alloc(kernel, 64)
    with kernel.taking(-2 - 512 - 3):
        free(kernel, HEAP + HEADER, pointer)


@pytest.mark.parametrize(
    ("before", "pages"),
    # Bytes in use in front of the last node, and the pages then kept: those with its header.
    [(64, 1), (PAGE - 64, 1), (PAGE - 32, 1), (PAGE - 16, 1), (PAGE, 2), (PAGE + 16, 2)],
)
def test_trimming_leaves_the_pages_that_the_last_header_is_in(
    kernel: Kernel, before: int, pages: int
) -> None:
    small, middle, large = alloc(kernel, 32, before - 32, TRIM)
    with kernel.taking(pages - end(kernel) // PAGE):
        free(kernel, large)
    last = (before, pages * PAGE - before, FREE)
    assert nodes(kernel) == [(0, 32, USED), (32, before - 32, USED), last]
    assert end(kernel) == pages * PAGE
    # What is left can be used again, and the heap grows again behind it.
    if last[1] >= 32 + HEADER:
        with kernel.taking(0):
            assert alloc(kernel, last[1] - HEADER) == [large]
    alloc(kernel, 256)
    free(kernel, small, middle)


@pytest.mark.parametrize(("last", "pages"), [(TRIM - 16, 17), (TRIM, 2), (TRIM + 16, 1)])
def test_trimming_begins_at_64_kib(kernel: Kernel, last: int, pages: int) -> None:
    """In a heap of 17 pages, of which the last node gets that many bytes."""
    fence, large = alloc(kernel, TRIM + PAGE - last, last - HEADER)
    assert end(kernel) == TRIM + PAGE
    free(kernel, large)
    assert end(kernel) == pages * PAGE
    with kernel.taking(-pages - 3):
        free(kernel, fence)


def test_only_freeing_at_the_end_trims(kernel: Kernel) -> None:
    """A block that shrinks leaves the end where it is, and so does one freed elsewhere."""
    small, large, fence = alloc(kernel, 32, 18 * PAGE, 32)
    free(kernel, fence)
    before = end(kernel)
    assert kernel.value(HeapRealloc(large, PAGE - HEADER)) == large
    free(kernel, small)
    assert end(kernel) == before
    assert nodes(kernel)[-1] == (PAGE + 32, before - PAGE - 32, FREE)
    [again] = alloc(kernel, 64)
    with kernel.taking(2 - before // PAGE):
        free(kernel, again)


def test_trimming_after_a_merge(kernel: Kernel) -> None:
    """It is the merged node that is large enough."""
    alloc(kernel, PAGE - HEADER)
    one, two = alloc(kernel, TRIM - PAGE, PAGE)
    free(kernel, one)
    assert end(kernel) == TRIM + PAGE
    with kernel.taking(-16):
        free(kernel, two)
    assert nodes(kernel) == [(0, PAGE - HEADER, USED), (PAGE - HEADER, HEADER, FREE)]


def test_the_heap_empties_when_nothing_is_in_use(kernel: Kernel) -> None:
    """In whatever order; and only then, however little is left."""
    with kernel.taking(0):
        for order in ((0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2)):
            pointers = alloc(kernel, 64, 4000, 30_000, 32)
            for n in order[:-1]:
                free(kernel, pointers[n])
                assert end(kernel) > 0
            free(kernel, pointers[order[-1]])
            assert end(kernel) == 0
            assert nodes(kernel) == []


# --- out of memory -------------------------------------------------------------------------------

PAGE_IN_USE: Final = (HeapAlloc(PAGE - 2 * HEADER),)

SHORTAGES: Final = [
    # what is there, the operation, the frames that it takes
    ("first", (), HeapAlloc(1), 4),
    ("first, zeroed", (), HeapZalloc(1), 4),
    ("first, null", (), HeapRealloc(0, 1), 4),
    ("first, three pages", (), HeapAlloc(3 * PAGE - 2 * HEADER), 6),
    ("first, aligned", (), HeapAlign(PAGE, PAGE - HEADER), 1 + 3 + 2),
    ("onto a bare header", PAGE_IN_USE, HeapAlloc(1), 1),
    ("onto a bare header, zeroed", PAGE_IN_USE, HeapZalloc(PAGE), 2),
    ("onto more", (HeapAlloc(96 - HEADER),), HeapAlloc(2 * PAGE - HEADER), 2),
    ("onto more, aligned", (HeapAlloc(1),), HeapAlign(PAGE, 2 * PAGE - HEADER), 3),
    ("past a table", (HeapAlloc((2 << 20) - 2 * HEADER),), HeapAlloc(1), 2),
    ("moved", PAGE_IN_USE, HeapRealloc(BASE, PAGE), 2),
    ("from the last node", (HeapAlloc(1),), HeapAlloc(PAGE - 32 - 2 * HEADER), 0),
    ("in place", (HeapAlloc(1),), HeapRealloc(BASE, PAGE - 2 * HEADER), 0),
    ("to less", PAGE_IN_USE, HeapRealloc(BASE, 1), 0),
]


@pytest.mark.parametrize(
    ("there", "operation", "needed"), [row[1:] for row in SHORTAGES], ids=[r[0] for r in SHORTAGES]
)
def test_out_of_memory_at_each_frame(
    kernel: Kernel, there: Sequence[Operation], operation: Operation, needed: int
) -> None:
    kernel.perform(*there)
    held = fill(kernel, BASE, 16) if isinstance(operation, HeapRealloc) and there else b""
    spare = kernel.hoard()
    for have in range(needed):
        kernel.refuses(operation, "no_memory")
        if have == needed - 1:
            kernel.look("after all refusals")
            kernel.values(HeapCheck())
        kernel.values(PmmFree(spare.pop()))
    place = kernel.value(operation)
    assert kernel.free_frames == 0
    kept = held[: operation.size] if isinstance(operation, HeapRealloc) else b""
    assert peek(kernel.machine, place, len(kept)) == kept
