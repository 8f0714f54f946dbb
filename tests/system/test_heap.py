"""The kernel heap: every operation and every error of heap/heap.h, on the real kernel.

Where nodes must lie is stated here, as (offset from the heap's base, bytes, in use), and held
against the kernel's own list; the model and the bytes in the guest's memory are compared as well.
Payloads, which the model does not keep, are written and read from outside.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise, product
from random import Random
from typing import TYPE_CHECKING, Final

import pytest

from ringbench.arch.x86_64.walk import translate
from ringbench.drive.gdb import GdbChannel
from ringbench.drive.monitor import MonitorChannel
from ringbench.drive.operations import (
    HeapAlign,
    HeapAlloc,
    HeapCheck,
    HeapFree,
    HeapInfo,
    HeapRealloc,
    HeapZalloc,
    Operation,
    PmmAlloc,
    PmmFree,
    Reply,
    TaskNew,
)
from ringbench.errors import Ended
from ringbench.machine import EndKind, Machine
from ringbench.model.pmm import runs
from ringbench.model.status import Status
from ringbench.observe import registers

if TYPE_CHECKING:
    from tests.system.conftest import Kernel

PAGE: Final = 0x1000
HEAP: Final = 0xFFFF_C000_0000_0000
HEADER: Final = 16
TRIM: Final = 64 << 10
ALLOC_MAX: Final = 1 << 30
ALIGN_MAX: Final = 2 << 20
USED: Final = True
FREE: Final = False


def free_frames(kernel: Kernel) -> int:
    """The allocator's count, from the guest's memory."""
    return kernel.lockstep.inspector.free_frames()


@contextmanager
def taking(kernel: Kernel, frames: int) -> Iterator[None]:
    """What is done inside takes so many frames more than it gives back."""
    before = free_frames(kernel)
    yield
    assert before - free_frames(kernel) == frames


def alloc(kernel: Kernel, *node_sizes: int) -> list[int]:
    """Allocate nodes of these sizes, headers included; their payloads."""
    return [kernel.value(HeapAlloc(size - HEADER)) for size in node_sizes]


def free(kernel: Kernel, *pointers: int) -> None:
    for pointer in pointers:
        kernel.values(HeapFree(pointer))


def nodes(kernel: Kernel) -> list[tuple[int, int, bool]]:
    """The kernel's list of nodes: offset from the heap's base, bytes, in use."""
    *lines, last = kernel.machine.command("heap list").splitlines()
    assert last == f"ok {len(lines)}"
    words = [line.split() for line in lines]
    return [(int(at, 16) - HEAP, int(size, 16), state == "used") for at, size, state in words]


def end(kernel: Kernel) -> int:
    """Bytes that the heap has in all, as the kernel says."""
    return int(kernel.values(HeapInfo())[0]) - HEAP


def clear(kernel: Kernel) -> None:
    """Free whatever is in use: the heap is empty."""
    free(kernel, *(HEAP + at + HEADER for at, _, used in nodes(kernel) if used))
    assert end(kernel) == 0


def pieces(machine: Machine, vaddr: int, length: int) -> Iterator[tuple[int, int]]:
    """Where a virtual range is in physical memory, page by page: address, bytes."""
    root = registers.parse(machine.registers()).cr3
    while length:
        size = min(length, PAGE - vaddr % PAGE)
        paddr = translate(machine.memory, root, vaddr).physical
        assert paddr is not None, f"{vaddr:#x} is not mapped"
        yield paddr, size
        vaddr, length = vaddr + size, length - size


def peek(machine: Machine, vaddr: int, length: int) -> bytes:
    return b"".join(machine.memory.read(*piece) for piece in pieces(machine, vaddr, length))


def poke(machine: Machine, vaddr: int, data: bytes) -> None:
    done = 0
    for paddr, size in pieces(machine, vaddr, len(data)):
        machine.memory.write(paddr, data[done : done + size])
        done += size


def fill(kernel: Kernel, pointer: int, length: int) -> bytes:
    """Fill a payload with bytes that are nowhere else; the bytes."""
    data = Random(pointer).randbytes(length)
    poke(kernel.machine, pointer, data)
    return data


# --- sizes, splitting, merging -------------------------------------------------------------------


def test_the_first_allocation_and_the_last_free(kernel: Kernel) -> None:
    assert kernel.values(HeapInfo()) == (HEAP, 0, 0, 0, 0)
    assert nodes(kernel) == []
    kernel.values(HeapCheck())
    with taking(kernel, 4):  # slab, page, PD, PT
        assert kernel.value(HeapAlloc(1)) == HEAP + HEADER
    assert nodes(kernel) == [(0, 32, USED), (32, PAGE - 32, FREE)]
    assert kernel.values(HeapInfo()) == (HEAP + PAGE, 1, 1, 32, PAGE - 32)
    kernel.values(HeapCheck())
    with taking(kernel, -4):
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


# --- which free node -----------------------------------------------------------------------------


def holes(kernel: Kernel, *node_sizes: int) -> list[int]:
    """Free nodes of these sizes, none beside another, the first freed first; their payloads.

    The heap has nothing else to allocate from.
    """
    pairs = [(size, 32) for size in node_sizes]
    pointers = alloc(kernel, *(size for pair in pairs for size in pair))
    rest = nodes(kernel)[-1]
    if rest[2] is FREE:
        alloc(kernel, rest[1])
    free(kernel, *pointers[::2])
    return pointers[::2]


def test_last_in_first_out_in_a_class(kernel: Kernel) -> None:
    a, b, c, d = holes(kernel, 96, 96, 96, 96)
    assert alloc(kernel, 96) == [d]
    free(kernel, d)
    assert alloc(kernel, 96, 96) == [d, c]
    free(kernel, c)
    assert alloc(kernel, 96, 96, 96) == [c, b, a]
    # A node that leaves the middle of its list, by a merge, takes none of the others along.
    free(kernel, a, b, c, d)
    free(kernel, b + 96)  # the fence between b and c: they merge
    assert alloc(kernel, 96, 96) == [d, a]
    assert alloc(kernel, 96 + 32 + 96) == [b]


FITS: Final = [
    # free nodes in the order in which they were freed, the node wanted, which of them it comes from
    # the smallest that is large enough, wherever it is and whenever it was freed
    ((512, 96, 256), 80, 1),
    ((96, 512, 256), 112, 2),
    ((256, 96, 512), 272, 2),
    ((48, 32, 64), 32, 1),
    ((48, 32, 64), 48, 0),
    # classes of 16 bytes up to 1 KiB, where 496 is the last of the first level
    ((496, 512, 528), 512, 1),
    ((528, 512, 496), 496, 2),
    ((528, 512, 496), 528, 0),
    ((1008, 992), 992, 1),
    ((992, 1008), 1008, 1),
    # then 32 of them in each power of two: a node in the class of what is wanted may be too
    # small, and is passed by; but not at the class's lower end
    ((1024, 1056), 1024, 0),
    ((1040, 1056), 1040, 1),
    ((1056, 1040), 1024, 1),
    ((4096, 4224), 4096, 0),
    ((4208, 4224), 4208, 1),
    ((4352, 4224), 4112, 1),
    ((4352, 4224), 4240, 0),
    ((8192, 8448, 12288), 8208, 1),
    ((65536, 32768), 30000, 1),
]


def test_the_class_that_fits_best(kernel: Kernel) -> None:
    for sizes, wanted, taken in FITS:
        pointers = holes(kernel, *sizes)
        assert alloc(kernel, wanted) == [pointers[taken]], (sizes, wanted)
        clear(kernel)


def test_a_node_in_the_class_that_is_too_small_or_not_sure_to_do_is_left(kernel: Kernel) -> None:
    """The heap grows although a node would have been large enough: its class does not say so."""
    [hole] = holes(kernel, 1040)
    before = end(kernel)
    assert alloc(kernel, 1040) == [HEAP + before + HEADER]
    assert end(kernel) == before + PAGE
    # But the last node is looked at itself.
    [last] = alloc(kernel, PAGE - 1040 - 1040)
    assert nodes(kernel)[-1] == (before + PAGE - 1040, 1040, FREE)
    assert alloc(kernel, 1040) == [last + PAGE - 2080]
    assert end(kernel) == before + PAGE
    assert alloc(kernel, 1024) == [hole]


# --- growing and shrinking -----------------------------------------------------------------------


def test_growth_by_whole_pages(kernel: Kernel) -> None:
    alloc(kernel, PAGE)
    with taking(kernel, 1):  # onto a node in use
        assert alloc(kernel, 96) == [HEAP + PAGE + HEADER]
    assert nodes(kernel) == [(0, PAGE, USED), (PAGE, 96, USED), (PAGE + 96, PAGE - 96, FREE)]
    with taking(kernel, 2):  # onto a free one: only what it lacks
        assert alloc(kernel, 2 * PAGE) == [HEAP + PAGE + 96 + HEADER]
    at = 3 * PAGE + 96
    assert nodes(kernel)[2:] == [(PAGE + 96, 2 * PAGE, USED), (at, PAGE - 96, FREE)]
    with taking(kernel, 1):  # 16 bytes are a page; nothing is left of it but 4080
        assert alloc(kernel, PAGE - 80) == [HEAP + at + HEADER]
    assert nodes(kernel)[-1] == (at + PAGE - 80, PAGE - 16, FREE)
    with taking(kernel, 0):
        assert alloc(kernel, PAGE - 16) == [HEAP + at + PAGE - 80 + HEADER]
    with taking(kernel, 3):
        assert alloc(kernel, 3 * PAGE) == [HEAP + 5 * PAGE + HEADER]
    assert end(kernel) == 8 * PAGE


def test_growth_past_a_page_table(kernel: Kernel) -> None:
    with taking(kernel, 1 + 512 + 2):
        alloc(kernel, 2 << 20)
    with taking(kernel, 2):
        [pointer] = alloc(kernel, 64)
    with taking(kernel, -2 - 512 - 3):
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
    with taking(kernel, pages - 18):
        free(kernel, small)
    last = [(PAGE - rest, left, FREE)] if left else []
    assert nodes(kernel) == [(0, 32, FREE), (32, PAGE - rest - 32, USED), *last]
    assert end(kernel) == pages * PAGE
    # What is left can be used again, and the heap grows again behind it.
    with taking(kernel, 0 if left else 1):
        [again] = alloc(kernel, left or 256)
    assert again == HEAP + PAGE - rest + HEADER
    alloc(kernel, 256)
    free(kernel, again, middle)


@pytest.mark.parametrize(("last", "pages"), [(TRIM - 16, 18), (TRIM, 2), (TRIM + 16, 3)])
def test_trimming_begins_at_64_kib(kernel: Kernel, last: int, pages: int) -> None:
    small, middle = large_end(kernel, last)
    free(kernel, small)
    assert end(kernel) == pages * PAGE
    with taking(kernel, -pages - 3):
        free(kernel, middle)


def test_trimming_after_a_merge(kernel: Kernel) -> None:
    """It is the merged node that is large enough."""
    alloc(kernel, PAGE)
    one, two = alloc(kernel, TRIM - PAGE, PAGE)
    free(kernel, one)
    assert end(kernel) == TRIM + PAGE
    with taking(kernel, -16):
        free(kernel, two)
    assert nodes(kernel) == [(0, PAGE, USED)]


def test_the_heap_empties_when_nothing_is_in_use(kernel: Kernel) -> None:
    """In whatever order; and only then, however little is left."""
    with taking(kernel, 0):
        for order in ((0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2)):
            pointers = alloc(kernel, 64, 4000, 30_000, 32)
            for n in order[:-1]:
                free(kernel, pointers[n])
                assert end(kernel) > 0
            free(kernel, pointers[order[-1]])
            assert end(kernel) == 0
            assert nodes(kernel) == []


# --- contents ------------------------------------------------------------------------------------


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


# --- out of memory -------------------------------------------------------------------------------

BASE: Final = HEAP + HEADER
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
    for each in there:
        kernel.values(each)
    held = fill(kernel, BASE, 16) if isinstance(operation, HeapRealloc) and there else b""
    spare: list[int] = []
    for _, count in sorted(runs(kernel.state.pmm.free), key=lambda run: -run[1]):
        base = kernel.value(PmmAlloc(count))
        spare += range(base, base + count * PAGE, 3 * PAGE)
    assert free_frames(kernel) == 0
    for have in range(needed):
        kernel.refuses(operation, "no_memory")
        if have == needed - 1:
            kernel.look("after all refusals")
            kernel.values(HeapCheck())
        kernel.values(PmmFree(spare.pop()))
    place = kernel.value(operation)
    assert free_frames(kernel) == 0
    kept = held[: operation.size] if isinstance(operation, HeapRealloc) else b""
    assert peek(kernel.machine, place, len(kept)) == kept


# --- misuse --------------------------------------------------------------------------------------


def test_double_free(kernel: Kernel) -> None:
    """Named also where the node is gone because it merged."""
    a, b, c, d, e, _ = alloc(kernel, *[96] * 6)
    free(kernel, b)
    kernel.refuses(HeapFree(b), "double_free")
    free(kernel, c)  # merged with the one before
    kernel.refuses(HeapFree(c), "double_free")
    kernel.refuses(HeapFree(b), "double_free")
    free(kernel, e)
    free(kernel, d)  # merged with both
    for pointer in (b, c, d, e):
        kernel.refuses(HeapFree(pointer), "double_free")
        kernel.refuses(HeapRealloc(pointer, 8), "double_free")
    free(kernel, a)  # with the one after
    for pointer in (a, b, c, d, e):
        kernel.refuses(HeapFree(pointer), "double_free")
    kernel.values(HeapCheck())


def test_foreign_pointers(kernel: Kernel) -> None:
    kernel.refuses(HeapFree(BASE), "foreign")  # of an empty heap
    [a] = alloc(kernel, 96)
    foreign = (1, 16, 0x10000, HEAP - 16, HEAP, HEAP + 8, HEAP + PAGE, HEAP + PAGE + 16,
               0xFFFF_8000_0010_0000, 0xFFFF_D000_0000_0010, 0xFFFF_FFFF_8020_0000,
               (1 << 64) - 16, (1 << 64) - 1)  # fmt: skip
    misaligned = (a + 1, a + 8, a + 15, a - 8)
    for pointer in (*foreign, *misaligned):
        kernel.refuses(HeapFree(pointer), "foreign")
        kernel.refuses(HeapRealloc(pointer, 8), "foreign")
    free(kernel, a)
    kernel.refuses(HeapFree(a), "foreign")  # its memory is gone


def test_interior_pointers(kernel: Kernel) -> None:
    a, b, c = alloc(kernel, 96, 3 * PAGE, 96)
    fill(kernel, b, 3 * PAGE - HEADER)
    for pointer in (b + 16, b + PAGE, b + 2 * PAGE, b + 3 * PAGE - 32, a + 64, c + 64):
        kernel.refuses(HeapFree(pointer), "interior")
        kernel.refuses(HeapRealloc(pointer, 8), "interior")
    free(kernel, b)
    kernel.refuses(HeapFree(b + PAGE), "interior")  # of a free node as well


def test_a_tasks_record_is_not_the_consoles(kernel: Kernel) -> None:
    kernel.handle(TaskNew())
    kernel.refuses(HeapFree(BASE), "denied")
    kernel.refuses(HeapRealloc(BASE, 0), "denied")
    kernel.refuses(HeapFree(BASE + 16), "interior")


HEADERS: Final = ((0, 0x10), (7, 0x01), (8, 0x10), (11, 0x80), (12, 0x01), (15, 0x80))
"""Bytes of a header and bits of them to flip, low and high ones of: the address of the node before,
the tag (the size; bit 0 says that it is in use), the guard."""


def flip(machine: Machine, vaddr: int, mask: int) -> None:
    [byte] = peek(machine, vaddr, 1)
    poke(machine, vaddr, bytes([byte ^ mask]))


@contextmanager
def smashed(kernel: Kernel, vaddr: int, mask: int) -> Iterator[None]:
    """Flip bits of a byte from outside, and flip them back."""
    flip(kernel.machine, vaddr, mask)
    try:
        yield
    finally:
        flip(kernel.machine, vaddr, mask)


@contextmanager
def poked(kernel: Kernel, vaddr: int, data: bytes) -> Iterator[None]:
    """Overwrite bytes from outside, and put them back."""
    before = peek(kernel.machine, vaddr, len(data))
    poke(kernel.machine, vaddr, data)
    try:
        yield
    finally:
        poke(kernel.machine, vaddr, before)


def corrupt(kernel: Kernel, pointer: int, status: str = "corrupt") -> None:
    """The pointer must not be freed or resized; past the model, which knows of no damage."""
    for operation in (HeapFree(pointer), HeapRealloc(pointer, 5000), HeapRealloc(pointer, 1)):
        assert kernel.monitor.perform(operation) == Reply(status)


def test_a_smashed_header(kernel: Kernel) -> None:
    pointers = alloc(kernel, 96, 96, 96, 96, 32)
    free(kernel, pointers[1])
    for pointer, (offset, mask) in product(pointers[2:4], HEADERS):
        node = pointer - HEADER
        with smashed(kernel, node + offset, mask):
            corrupt(kernel, pointer)
            assert kernel.monitor.perform(HeapCheck()) == Reply("corrupt", (node,))
            for command in ("heap info", "heap list"):
                assert kernel.machine.command(command) == f"err corrupt {node:#x}"
            # What lies behind it cannot be told from what was smashed.
            corrupt(kernel, pointer + 16)
            corrupt(kernel, pointers[0] + 16, "interior")
        kernel.values(HeapCheck())
    free(kernel, pointers[3])


def test_a_smashed_free_neighbour(kernel: Kernel) -> None:
    """Nothing is merged with it, and nothing is changed."""
    a, b, c, _ = alloc(kernel, 96, 96, 96, 32)
    free(kernel, b)
    node = b - HEADER
    for offset, mask in HEADERS:
        with smashed(kernel, node + offset, mask):
            assert kernel.monitor.perform(HeapCheck()) == Reply("corrupt", (node,))
            corrupt(kernel, a)
            assert kernel.monitor.perform(HeapFree(c)) == Reply("corrupt")
            assert kernel.monitor.perform(HeapRealloc(c, 5000)) == Reply("corrupt")
    kernel.look("after it was mended")
    free(kernel, c)
    free(kernel, a)


def test_a_smashed_neighbour_in_use_stays_smashed(kernel: Kernel) -> None:
    """It is not merged with, so freeing goes on; its guard is not put right on the way."""
    a, b, c, _ = alloc(kernel, 96, 96, 96, 32)
    node = c - HEADER
    free(kernel, a)
    with smashed(kernel, node + 12, 0x40):
        free(kernel, b)  # the node before c is now where a was
        assert kernel.monitor.perform(HeapCheck()) == Reply("corrupt", (node,))
        assert kernel.monitor.perform(HeapFree(c)) == Reply("corrupt")
    kernel.values(HeapCheck())
    free(kernel, c)


@pytest.mark.parametrize("offset", [16, 24])
def test_smashed_links_of_a_free_node(kernel: Kernel, offset: int) -> None:
    lowest, middle, _ = (pointer - HEADER for pointer in holes(kernel, 96, 96, 96))
    for byte in (offset, offset + 1):
        with smashed(kernel, lowest + byte, 0x60):
            assert kernel.monitor.perform(HeapCheck()) == Reply("corrupt", (lowest,))
        # The two ends of a link disagree: the lower one is named.
        with smashed(kernel, middle + byte, 0x60):
            reply = kernel.monitor.perform(HeapCheck())
            assert reply == Reply("corrupt", (lowest if offset == 16 else middle,))
    # A link to what could be a node, but is not the one.
    with poked(kernel, lowest + offset, (middle + 96).to_bytes(8, "little")):
        assert kernel.monitor.perform(HeapCheck()) == Reply("corrupt", (lowest,))
    kernel.values(HeapCheck())


LISTS: Final = (
    ("heap.first_bitmap", 0x01),
    ("heap.first_bitmap", 0x80),
    ("heap.second_bitmap[0]", 0x40),  # nodes of 96 bytes
    ("heap.second_bitmap[0]", 0x80),
    ("heap.second_bitmap[5]", 0x01),
    ("heap.free[0][6]", 0x20),
    ("heap.free[3][3]", 0x20),
    ("heap.last", 0x20),
)


def test_a_check_finds_what_is_wrong_with_the_lists(kernel: Kernel) -> None:
    holes(kernel, 96)
    for name, mask in LISTS:
        address = kernel.lockstep.inspector.types.locate(name).address
        with smashed(kernel, address, mask):
            assert kernel.monitor.perform(HeapCheck()).status == "corrupt", name
        kernel.values(HeapCheck())


# --- ends, and what the console has no words for -------------------------------------------------


@pytest.mark.parametrize("command", ["alloc 80", "zalloc 80", "align 32 32", "realloc 0 80"])
@pytest.mark.parametrize("offset", [8, 12])
def test_a_smashed_free_list_head_is_a_panic(machine: Machine, command: str, offset: int) -> None:
    """A node that a list leads to: nothing that is asked for can be answered any more."""
    monitor = MonitorChannel(machine.command)
    for _ in range(2):
        assert monitor.perform(HeapAlloc(80)).ok
    assert monitor.perform(HeapFree(BASE)).ok
    flip(machine, HEAP + offset, 0x01)
    with pytest.raises(Ended) as caught:
        machine.command(f"heap {command}")
    check_panic(caught.value, HEAP)


def test_a_smashed_last_node_is_a_panic_when_the_heap_grows(machine: Machine) -> None:
    monitor = MonitorChannel(machine.command)
    assert monitor.perform(HeapAlloc(80)).ok
    flip(machine, HEAP + 96 + 12, 0x80)
    with pytest.raises(Ended) as caught:
        machine.command(f"heap alloc {2 * PAGE}")
    check_panic(caught.value, HEAP + 96)


def check_panic(ended: Ended, node: int) -> None:
    assert ended.ending is not None
    assert ended.ending.kind is EndKind.KERNEL_PANIC
    headline = ended.ending.block[0]
    said = rf"!! panic kernel/heap/\w+\.[ch]:\d+ heap: smashed header {node:#x}"
    assert re.fullmatch(said, headline), headline


def test_arguments_that_the_console_keeps_away(machine: Machine, monitor: MonitorChannel) -> None:
    """Where the console says `invalid`, the functions give NULL, and take nothing."""
    assert monitor.perform(HeapAlloc(80)).ok
    GdbChannel.at_prompt(machine)
    gdb = machine.gdb
    before = gdb.evaluate_int("pmm.free_count")
    for size in (0, ALLOC_MAX + 1, 1 << 40, (1 << 64) - 1):
        assert gdb.call("kmalloc", size) == 0
        assert gdb.call("kzalloc", size) == 0
        for align in (1, 16, 32, ALIGN_MAX):
            assert gdb.call("kmemalign", align, size) == 0
    for align in (0, 3, 24, ALIGN_MAX + 16, 2 * ALIGN_MAX, 1 << 63):
        assert gdb.call("kmemalign", align, 16) == 0
    assert gdb.call("kfree", 0) == Status.OK
    assert gdb.evaluate_int("pmm.free_count") == before
    machine.detach_gdb()
    assert monitor.perform(HeapInfo()).values == (HEAP + PAGE, 1, 1, 96, PAGE - 96)
