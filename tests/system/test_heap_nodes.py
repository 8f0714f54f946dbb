"""The heap's nodes: how large they are, how they split, merge and are aligned.

Where nodes must lie is stated here and in the other files of the heap's tests, as (offset from the
heap's base, bytes, in use), and held against the kernel's own list; the model and the bytes in the
guest's memory are compared as well.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import pytest

from ringbench.subjects.reference.vocabulary.operations.heap import (
    HeapAlign,
    HeapAlloc,
    HeapCheck,
    HeapFree,
    HeapInfo,
    HeapZalloc,
)
from tests.system.heap_nodes import (
    ALIGN_MAX,
    ALLOC_MAX,
    FREE,
    HEADER,
    USED,
    alloc,
    clear,
    end,
    free,
    holes,
    nodes,
)
from tests.system.layout import HEAP, PAGE

if TYPE_CHECKING:
    from tests.system.conftest import Kernel


# --- sizes, splitting, merging -------------------------------------------------------------------


def test_the_first_allocation_and_the_last_free(kernel: Kernel) -> None:
    assert kernel.values(HeapInfo()) == (HEAP, 0, 0, 0, 0)
    assert nodes(kernel) == []
    kernel.values(HeapCheck())
    with kernel.taking(4):  # slab, page, PD, PT
        assert kernel.value(HeapAlloc(1)) == HEAP + HEADER
    assert nodes(kernel) == [(0, 32, USED), (32, PAGE - 32, FREE)]
    assert kernel.values(HeapInfo()) == (HEAP + PAGE, 1, 1, 32, PAGE - 32)
    kernel.values(HeapCheck())
    with kernel.taking(-4):
        kernel.values(HeapFree(HEAP + HEADER))
    assert kernel.values(HeapInfo()) == (HEAP, 0, 0, 0, 0)
    kernel.values(HeapFree(0))


@pytest.mark.parametrize("operation", [HeapAlloc, HeapZalloc])
def test_node_sizes(kernel: Kernel, operation: type[HeapAlloc | HeapZalloc]) -> None:
    at = 0
    for size, node in ((1, 32), (15, 32), (16, 32), (17, 48), (32, 48), (33, 64), (48, 64),
                       (479, 496), (480, 496), (481, 512), (496, 512), (497, 528), (1008, 1024),
                       (1009, 1040), (4080, 4096), (4081, 4112), (100_000, 100_016)):  # fmt: skip
        assert kernel.value(operation(size)) == HEAP + at + HEADER
        assert (at, node, USED) in nodes(kernel)
        at += node


@pytest.mark.parametrize("operation", [HeapAlloc, HeapZalloc])
def test_sizes_that_cannot_be(kernel: Kernel, operation: type[HeapAlloc | HeapZalloc]) -> None:
    """The largest one is only too large for this machine."""
    for fence in (False, True):
        for size in (0, ALLOC_MAX + 1, 1 << 35, (1 << 64) - 16, (1 << 64) - 1):
            kernel.refuses(operation(size), "invalid")
        for size in (ALLOC_MAX, ALLOC_MAX - 1, ALLOC_MAX // 2):
            kernel.refuses(operation(size), "no_memory")
        if not fence:
            alloc(kernel, 32)


def test_a_rest_too_small_for_a_node_is_not_split_off(kernel: Kernel) -> None:
    a, fence = alloc(kernel, 64, 32)
    free(kernel, a)
    assert alloc(kernel, 48) == [a]  # would leave 16
    assert nodes(kernel)[:2] == [(0, 64, USED), (64, 32, USED)]
    free(kernel, a)
    assert alloc(kernel, 32) == [a]
    assert nodes(kernel)[:3] == [(0, 32, USED), (32, 32, FREE), (64, 32, USED)]
    assert alloc(kernel, 32) == [a + 32]
    free(kernel, a, a + 32, fence)


MERGES: Final = [
    # freed before, freed last, the nodes then; of five of 64 bytes each
    ((), 2, [(0, 64, USED), (64, 64, USED), (128, 64, FREE), (192, 64, USED), (256, 64, USED)]),
    ((1,), 2, [(0, 64, USED), (64, 128, FREE), (192, 64, USED), (256, 64, USED)]),
    ((3,), 2, [(0, 64, USED), (64, 64, USED), (128, 128, FREE), (256, 64, USED)]),
    ((1, 3), 2, [(0, 64, USED), (64, 192, FREE), (256, 64, USED)]),
    ((3, 1), 2, [(0, 64, USED), (64, 192, FREE), (256, 64, USED)]),
    ((1,), 0, [(0, 128, FREE), (128, 64, USED), (192, 64, USED), (256, 64, USED)]),
    ((0, 2), 1, [(0, 192, FREE), (192, 64, USED), (256, 64, USED)]),
    ((0,), 3, [(0, 64, FREE), (64, 64, USED), (128, 64, USED), (192, 64, FREE), (256, 64, USED)]),
]


def test_merging(kernel: Kernel) -> None:
    for before, last, expected in MERGES:
        pointers = alloc(kernel, *[64] * 5)
        free(kernel, *(pointers[n] for n in before))
        free(kernel, pointers[last])
        assert nodes(kernel) == [*expected, (320, PAGE - 320, FREE)]
        # With the end of the heap, which is free.
        free(kernel, pointers[4])
        found = nodes(kernel)
        assert found[-1][0] + found[-1][1] == PAGE
        assert found[-1][2] is FREE
        assert all(one[2] or next_[2] for one, next_ in pairwise(found))
        clear(kernel)


# --- alignment -----------------------------------------------------------------------------------


@pytest.mark.parametrize("fence", [0, 32, 48, 64])
def test_every_alignment(kernel: Kernel, fence: int) -> None:
    """The first multiple in a free node that leaves no 16 bytes in front of the header."""
    for power in range(22):
        align = 1 << power
        at = alloc(kernel, fence)[0] - HEADER + fence if fence else HEAP
        payload = at + HEADER
        if align > 16:
            payload = -(-payload // align) * align
            payload += align if payload == at + 2 * HEADER else 0
        pointer = kernel.value(HeapAlign(align, 100))
        assert pointer == payload
        assert pointer % align == 0
        front = payload - HEADER - at
        expected = [(fence, front, FREE)] if front else []
        expected.append((fence + front, 128, USED))
        first = 1 if fence else 0
        assert nodes(kernel)[first : first + len(expected)] == expected
        free(kernel, pointer)
        if fence:
            free(kernel, HEAP + HEADER)
        assert end(kernel) == 0


def test_kmemalign_looks_for_room_as_kmalloc_does(kernel: Kernel) -> None:
    """For the size, the alignment and a header more, whatever the free node's place."""
    small, large = holes(kernel, 96 + 64 + 16 - 16, 96 + 64 + 16)
    pointer = kernel.value(HeapAlign(64, 80))
    assert large <= pointer < large + 96 + 64
    assert kernel.value(HeapAlloc(96 + 64 - 16)) == small
    assert kernel.value(HeapAlign(16, 4)) % 16 == 0


def test_alignments_that_cannot_be(kernel: Kernel) -> None:
    for align in (0, 3, 24, 48, ALIGN_MAX - 1, ALIGN_MAX + 16, 2 * ALIGN_MAX, 1 << 63,
                  (1 << 64) - 1):  # fmt: skip
        kernel.refuses(HeapAlign(align, 16), "invalid")
    for align in (1, 16, 32, ALIGN_MAX):
        for size in (0, ALLOC_MAX + 1, (1 << 64) - 1):
            kernel.refuses(HeapAlign(align, size), "invalid")
        kernel.refuses(HeapAlign(align, ALLOC_MAX), "no_memory")
