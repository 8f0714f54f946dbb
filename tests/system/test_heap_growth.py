"""The heap's end: how it grows, when it is given back, and no frames left to grow by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import pytest

from ringbench.drive.operations import (
    HeapAlign,
    HeapAlloc,
    HeapCheck,
    HeapRealloc,
    HeapZalloc,
    Operation,
    PmmFree,
)
from tests.system.heap_nodes import BASE, FREE, HEADER, USED, alloc, end, fill, free, nodes, peek
from tests.system.layout import HEAP, PAGE

if TYPE_CHECKING:
    from tests.system.conftest import Kernel


# --- growing and shrinking -----------------------------------------------------------------------

TRIM: Final = 64 << 10
"""A free last node of so many bytes is worth giving back."""


def test_growth_by_whole_pages(kernel: Kernel) -> None:
    alloc(kernel, PAGE)
    with kernel.taking(1):  # onto a node in use
        assert alloc(kernel, 96) == [HEAP + PAGE + HEADER]
    assert nodes(kernel) == [(0, PAGE, USED), (PAGE, 96, USED), (PAGE + 96, PAGE - 96, FREE)]
    with kernel.taking(2):  # onto a free one: only what it lacks
        assert alloc(kernel, 2 * PAGE) == [HEAP + PAGE + 96 + HEADER]
    at = 3 * PAGE + 96
    assert nodes(kernel)[2:] == [(PAGE + 96, 2 * PAGE, USED), (at, PAGE - 96, FREE)]
    with kernel.taking(1):  # 16 bytes are a page; nothing is left of it but 4080
        assert alloc(kernel, PAGE - 80) == [HEAP + at + HEADER]
    assert nodes(kernel)[-1] == (at + PAGE - 80, PAGE - 16, FREE)
    with kernel.taking(0):
        assert alloc(kernel, PAGE - 16) == [HEAP + at + PAGE - 80 + HEADER]
    with kernel.taking(3):
        assert alloc(kernel, 3 * PAGE) == [HEAP + 5 * PAGE + HEADER]
    assert end(kernel) == 8 * PAGE


def test_growth_past_a_page_table(kernel: Kernel) -> None:
    with kernel.taking(1 + 512 + 2):
        alloc(kernel, 2 << 20)
    with kernel.taking(2):
        [pointer] = alloc(kernel, 64)
    with kernel.taking(-2 - 512 - 3):
        free(kernel, HEAP + HEADER, pointer)


def large_end(kernel: Kernel, last: int) -> tuple[int, int]:
    """A heap of 18 pages: a node of 32 bytes, one in use, a free one of `last` bytes.

    Only a kfree looks whether the end is worth giving back, so it is still there.
    """
    small, middle = alloc(kernel, 32, 18 * PAGE - 32)
    size = 18 * PAGE - last - 32
    assert kernel.value(HeapRealloc(middle, size - HEADER)) == middle
    assert nodes(kernel) == [(0, 32, USED), (32, size, USED), (32 + size, last, FREE)]
    return small, middle


@pytest.mark.parametrize(
    ("rest", "left"),
    # what the last node has before the next page; 16 bytes are no node, so it keeps a page more
    [(0, 0), (16, 16 + PAGE), (32, 32), (48, 48), (64, 64), (80, 80), (PAGE - 64, PAGE - 64)],
)
def test_trimming_leaves_what_is_before_a_page(kernel: Kernel, rest: int, left: int) -> None:
    small, middle = large_end(kernel, 17 * PAGE + rest)
    pages = 2 if left > PAGE else 1
    with kernel.taking(pages - 18):
        free(kernel, small)
    last = [(PAGE - rest, left, FREE)] if left else []
    assert nodes(kernel) == [(0, 32, FREE), (32, PAGE - rest - 32, USED), *last]
    assert end(kernel) == pages * PAGE
    # What is left can be used again, and the heap grows again behind it.
    with kernel.taking(0 if left else 1):
        [again] = alloc(kernel, left or 256)
    assert again == HEAP + PAGE - rest + HEADER
    alloc(kernel, 256)
    free(kernel, again, middle)


@pytest.mark.parametrize(("last", "pages"), [(TRIM - 16, 18), (TRIM, 2), (TRIM + 16, 3)])
def test_trimming_begins_at_64_kib(kernel: Kernel, last: int, pages: int) -> None:
    small, middle = large_end(kernel, last)
    free(kernel, small)
    assert end(kernel) == pages * PAGE
    with kernel.taking(-pages - 3):
        free(kernel, middle)


def test_trimming_after_a_merge(kernel: Kernel) -> None:
    """It is the merged node that is large enough."""
    alloc(kernel, PAGE)
    one, two = alloc(kernel, TRIM - PAGE, PAGE)
    free(kernel, one)
    assert end(kernel) == TRIM + PAGE
    with kernel.taking(-16):
        free(kernel, two)
    assert nodes(kernel) == [(0, PAGE, USED)]


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

PAGE_IN_USE: Final = (HeapAlloc(PAGE - HEADER),)


SHORTAGES: Final = [
    # what is there, the operation, the frames that it takes
    ("first", (), HeapAlloc(1), 4),
    ("first, zeroed", (), HeapZalloc(1), 4),
    ("first, null", (), HeapRealloc(0, 1), 4),
    ("first, three pages", (), HeapAlloc(3 * PAGE - HEADER), 6),
    ("first, aligned", (), HeapAlign(PAGE, PAGE - HEADER), 1 + 3 + 2),
    ("onto a used node", PAGE_IN_USE, HeapAlloc(1), 1),
    ("onto a used node, zeroed", PAGE_IN_USE, HeapZalloc(PAGE), 2),
    ("onto a free node", (HeapAlloc(96 - HEADER),), HeapAlloc(2 * PAGE - HEADER), 2),
    ("onto a free node, aligned", (HeapAlloc(1),), HeapAlign(PAGE, 2 * PAGE - HEADER), 3),
    ("past a table", (HeapAlloc((2 << 20) - HEADER),), HeapAlloc(1), 2),
    ("moved", PAGE_IN_USE, HeapRealloc(BASE, PAGE), 2),
    ("from a free node", (HeapAlloc(1),), HeapAlloc(PAGE - 32 - HEADER), 0),
    ("in place", (HeapAlloc(1),), HeapRealloc(BASE, PAGE - HEADER), 0),
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
