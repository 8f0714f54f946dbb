"""Payloads: what heap_zalloc makes of them, and heap_realloc leaves, in place and elsewhere.

The model does not keep them; they are written and read from outside.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Final

import pytest

from ringbench.subjects.reference.vocabulary.operations.heap import (
    HeapAlign,
    HeapAlloc,
    HeapRealloc,
    HeapZalloc,
)
from tests.system.heap_nodes import ALLOC_MAX, FREE, HEADER, USED, alloc, fill, free, nodes, peek
from tests.system.layout import HEAP, PAGE

if TYPE_CHECKING:
    from tests.system.conftest import Kernel


def test_kzalloc_zeroes_dirty_memory(kernel: Kernel) -> None:
    alloc(kernel, 32)
    for size in (1, 16, 100, 4096, 10_000):
        pointer = kernel.value(HeapAlloc(size + 64))
        dirty = fill(kernel, pointer, size + 64)
        free(kernel, pointer)
        assert kernel.value(HeapZalloc(size)) == pointer
        assert peek(kernel.machine, pointer, size) == bytes(size)
        # No more than that; the last bytes were the payload's, not the free list's.
        untouched = -(-size // 16) * 16
        if untouched > size >= 16:
            found = peek(kernel.machine, pointer + size, untouched - size)
            assert found == dirty[size:untouched]
        free(kernel, pointer)


REALLOCS: Final = [
    # nodes behind which the free end is: those freed, the node resized, the new node's size;
    # where it is then (None: elsewhere), and the nodes at the front
    ("same", (96, 32), (), 96, 0, [(0, 96, USED), (96, 32, USED)]),
    ("less, no node left", (96, 32), (), 80, 0, [(0, 96, USED), (96, 32, USED)]),
    ("less, smallest node left", (96, 32), (), 64, 0, [(0, 64, USED), (64, 32, FREE)]),
    ("least", (96, 32), (), 32, 0, [(0, 32, USED), (32, 64, FREE), (96, 32, USED)]),
    ("less, free after", (96, 64, 32), (1,), 64, 0,
     [(0, 64, USED), (64, 96, FREE), (160, 32, USED)]),
    ("16 less, free after", (96, 64, 32), (1,), 80, 0,
     [(0, 96, USED), (96, 64, FREE), (160, 32, USED)]),
    ("more, part of the next", (96, 128, 32), (1,), 128, 0,
     [(0, 128, USED), (128, 96, FREE), (224, 32, USED)]),
    ("more, all but a node", (96, 128, 32), (1,), 192, 0,
     [(0, 192, USED), (192, 32, FREE), (224, 32, USED)]),
    ("more, rest too small", (96, 128, 32), (1,), 208, 0, [(0, 224, USED), (224, 32, USED)]),
    ("more, exactly", (96, 128, 32), (1,), 224, 0, [(0, 224, USED), (224, 32, USED)]),
    ("more than there is", (96, 128, 32), (1,), 240, None, [(0, 224, FREE), (224, 32, USED)]),
    ("more, next in use", (96, 128, 32), (), 112, None, [(0, 96, FREE), (96, 128, USED)]),
    ("more, into the end", (96,), (), 2000, 0, [(0, 2000, USED), (2000, PAGE - 2000, FREE)]),
    ("more pages, next in use", (5 * PAGE, 32), (), 9 * PAGE, None, [(0, 5 * PAGE, FREE)]),
    ("fewer pages", (5 * PAGE, 32), (), 2 * PAGE, 0,
     [(0, 2 * PAGE, USED), (2 * PAGE, 3 * PAGE, FREE)]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("sizes", "freed", "wanted", "place", "front"),
    [row[1:] for row in REALLOCS],
    ids=[row[0] for row in REALLOCS],
)
def test_krealloc_keeps_what_was_in_it(
    kernel: Kernel,
    sizes: tuple[int, ...],
    freed: tuple[int, ...],
    wanted: int,
    place: int | None,
    front: list[tuple[int, int, bool]],
) -> None:
    pointers = alloc(kernel, *sizes)
    free(kernel, *(pointers[n] for n in freed))
    held = fill(kernel, pointers[0], sizes[0] - HEADER)
    others = {p: fill(kernel, p, size - HEADER)
              for n, (p, size) in enumerate(zip(pointers, sizes, strict=True))
              if n and n not in freed}  # fmt: skip
    moved = kernel.value(HeapRealloc(pointers[0], wanted - HEADER))
    assert (moved == pointers[0]) == (place is not None)
    assert nodes(kernel)[: len(front)] == front
    kept = min(sizes[0], wanted) - HEADER
    assert peek(kernel.machine, moved, kept) == held[:kept]
    for pointer, data in others.items():
        assert peek(kernel.machine, pointer, len(data)) == data


def test_krealloc_of_nothing_allocates(kernel: Kernel) -> None:
    assert kernel.value(HeapRealloc(0, 80)) == HEAP + HEADER
    assert nodes(kernel)[0] == (0, 96, USED)


def test_krealloc_is_refused(kernel: Kernel) -> None:
    a, b, _ = alloc(kernel, 96, 96, 32)
    held = fill(kernel, a, 80)
    free(kernel, b)
    for pointer in (0, a, b, a + 16, 1, HEAP + (1 << 30)):  # before the pointer is looked at
        for size in (0, ALLOC_MAX + 1, (1 << 64) - 1):
            kernel.refuses(HeapRealloc(pointer, size), "invalid")
    kernel.refuses(HeapRealloc(b, 1), "double_free")
    kernel.refuses(HeapRealloc(a + 16, 1), "interior")
    for pointer in (8, HEAP, a + 8, HEAP + PAGE, HEAP - 16, (1 << 64) - 16):
        kernel.refuses(HeapRealloc(pointer, 1), "foreign")
    for pointer in (0, a):
        kernel.refuses(HeapRealloc(pointer, ALLOC_MAX), "no_memory")
    assert peek(kernel.machine, a, 80) == held


def test_neighbours_never_touch_each_others_bytes(kernel: Kernel) -> None:
    """A few hundred operations, after which every payload has what was written to it."""
    random = Random(5)
    live: dict[int, bytes] = {}
    for _ in range(250):
        size = random.choice((1, 16, 17, 60, 200, 500, 1000, 3000, 9000))
        chosen = random.choice(list(live)) if live else 0
        act = random.random()
        if chosen and act < 0.3 + len(live) / 100:
            assert peek(kernel.machine, chosen, len(live[chosen])) == live.pop(chosen)
            free(kernel, chosen)
            continue
        if chosen and act < 0.6:
            pointer = kernel.value(HeapRealloc(chosen, size))
            old = live.pop(chosen)
            kept = min(len(old), size)
            assert peek(kernel.machine, pointer, kept) == old[:kept]
        elif act < 0.8:
            pointer = kernel.value(HeapAlign(random.choice((32, 64, 256, 4096)), size))
        else:
            pointer = kernel.value(HeapAlloc(size))
        live[pointer] = fill(kernel, pointer, size)
    for pointer, data in live.items():
        assert peek(kernel.machine, pointer, len(data)) == data
