"""What gcc laid out in guest.c, read back by name; and guests whose memory makes no sense."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from typing import Any

import pytest

from ringbench.arch.x86_64.entry import P, W
from ringbench.errors import RingbenchError
from ringbench.subjects.reference.check.invariants import check_invariants
from ringbench.subjects.reference.observe.picture import Picture
from ringbench.subjects.reference.vocabulary.constants import MemoryKind

HEAP = 0xFFFFC00000000000
WINDOW = 0xFFFFD00000000000
KERNEL_ROOT, TASK_ROOT, BARE_ROOT = 522 << 12, 534 << 12, 538 << 12
KERNEL_SLAB = 0xFFFF800000201000
TASK_RECORD = 0xFFFF800000202080


def bits(first: int, end: int) -> int:
    return (1 << end) - (1 << first)


@pytest.fixture
def picture(guest: Any) -> Picture:
    taken: Picture = guest.picture()
    return taken


def test_nothing_is_broken(picture: Picture) -> None:
    assert picture.broken == ()


def test_boot(picture: Picture) -> None:
    boot = picture.boot
    assert boot.loader == 2
    assert boot.command_line == "quiet crash=none"
    assert [(m.base, m.length, m.name) for m in boot.modules] == [(0x1000, 0x123, "first module")]
    assert boot.map.limit == 1 << 36
    assert [(r.base, r.length, r.kind) for r in boot.map.ranges] == [
        (0, 1 << 20, MemoryKind.LOW),
        (1 << 20, 1 << 20, MemoryKind.KERNEL),
        (2 << 20, 2 << 20, MemoryKind.AVAILABLE),
    ]
    assert (boot.physical_bits, boot.gib_pages) == (36, True)
    assert (picture.features.physical_bits, picture.active_root) == (36, TASK_ROOT)


def test_pmm(picture: Picture) -> None:
    pmm = picture.pmm
    assert (pmm.frame_limit, pmm.managed_count, pmm.free_count) == (1024, 511, 448)
    assert pmm.free_bits == bits(576, 1024)
    assert pmm.managed_bits == bits(513, 1024)
    assert (pmm.block_free, pmm.block_words) == ((0, 448), (0, 0xFE))
    assert (pmm.any_free.top, pmm.any_free.middle[0], pmm.any_free.bottom) == (1, 1, 2)
    assert (pmm.whole.top, set(pmm.whole.middle), pmm.whole.bottom) == (0, {0}, 0)
    assert (pmm.metadata_base, pmm.metadata_length) == (512 << 12, 4096)


def test_spaces(picture: Picture) -> None:
    kernel, heap, buddy, task = picture.spaces()
    assert [(r.base - WINDOW, r.length, r.kind, r.paddr) for r in kernel.regions] == [
        (0, 0x1000, "anonymous", None),
        (0x1000, 0x1000, "guard", None),
        (0x4000, 0x2000, "physical", 0xFEE00000),
    ]
    assert [r.record - KERNEL_SLAB for r in kernel.regions] == [128, 128 + 2 * 56, 128 + 56]
    assert [(r.write, r.user, r.execute, r.cache) for r in kernel.regions] == [
        (True, False, False, 0),
        (False, False, False, 0),
        (True, False, False, 4),
    ]
    assert (kernel.name, kernel.root, kernel.region_count) == ("kernel", KERNEL_ROOT, 3)
    assert (heap.name, len(heap.regions)) == ("heap", 1)
    assert (buddy.name, buddy.regions) == ("buddy", ())
    assert (task.name, task.root, task.base) == ("t1", TASK_ROOT, 0x10000)
    assert [(r.base, r.kind, r.flags) for r in task.regions] == [
        (0x10000, "anonymous", 6),
        (0x12000, "demand", 3),
    ]


def test_heap(picture: Picture) -> None:
    heap = picture.heap
    assert [(n.address - HEAP, n.size, n.used, n.guard_right) for n in heap.nodes] == [
        (0, 0x60, True, True),
        (0x60, 0x60, False, True),
        (0xC0, 0x40, True, True),
        (0x100, 0x1F00, False, True),
    ]
    assert [n.previous for n in heap.nodes] == [0, HEAP, HEAP + 0x60, HEAP + 0xC0]
    assert heap.free_lists == {(0, 6): (HEAP + 0x60,)}
    assert (heap.end, heap.last) == (HEAP + 0x2000, HEAP + 0x100)
    assert heap.first_bitmap == 1
    assert {n: b for n, b in enumerate(heap.second_bitmaps) if b} == {0: 1 << 6}


def test_tasks_and_console(picture: Picture) -> None:
    tasks, console = picture.tasks, picture.console
    assert [(task.id, task.space.name) for task in tasks.all] == [(0, "t0"), (1, "t1")]
    assert tasks.all[1].address == TASK_RECORD
    assert tasks.current == 1
    assert console.lent_bits == bits(539, 576)
    assert console.roots == (BARE_ROOT, *[None] * 15)
    assert (console.lent_base, console.lent_length, console.echo) == (521 << 12, 4096, True)


def test_page_tables(picture: Picture) -> None:
    tables = picture.tables
    owned = {root.name: [table.paddr >> 12 for table in root.tables] for root in tables.roots}
    assert sorted(owned["kernel"]) == list(range(522, 534))
    assert owned["t1"] == [534, 535, 536, 537]
    assert owned["r0"] == [538]
    assert sorted(tables.entries) == [frame << 12 for frame in range(522, 539)]
    task = tables.others[0].leaves
    assert task.vaddr.tolist() == [0x10000, 0x12000]
    assert task.paddr.tolist() == [519 << 12, 520 << 12]
    assert task.user.all()
    assert task.write.tolist() == [False, True]
    assert task.execute.tolist() == [True, False]
    kernel = tables.kernel.leaves
    assert len(kernel) == 256 + 2 + 2 + 3
    assert kernel.vaddr.tolist() == sorted(kernel.vaddr.tolist())
    mmio = kernel.between(WINDOW + 0x4000, WINDOW + 0x6000)
    assert mmio.cache.tolist() == [4, 4]
    assert not kernel.user.any()


def test_effective_rights_are_those_of_all_levels(guest: Any) -> None:
    guest.entry(535 << 12, 0, 536 << 12 | P)
    task = guest.picture().tables.others[0].leaves
    assert not task.user.any()
    assert not task.write.any()


SPOILS: dict[str, tuple[Callable[[Any], None], str, str]] = {
    "the region list leads nowhere": (
        lambda g: g.set("kernel_space.first", 0x1234_5678),
        "vmm",
        "leads to 0x12345678",
    ),
    "the region list is a circle": (
        lambda g: g.poke(KERNEL_SLAB + 128 + 56 + 32, KERNEL_SLAB + 128),
        "vmm",
        f"returns to {KERNEL_SLAB + 128:#x}",
    ),
    "a region's link back is wrong": (
        lambda g: g.poke(KERNEL_SLAB + 128 + 40, 0x99),
        "vmm",
        "previous is 0x99, not 0x0",
    ),
    "a region's kind is unknown": (
        lambda g: g.poke(KERNEL_SLAB + 128 + 28, 77, 4),
        "vmm",
        "region kind 77 does not exist",
    ),
    "the ring of slabs is another circle": (
        lambda g: g.poke(KERNEL_SLAB + 16, KERNEL_SLAB + 16),
        "slab",
        "struct slab_link returns to",
    ),
    "the frame limit is impossible": (
        lambda g: g.set("pmm.frame_limit", 1 << 60),
        "pmm",
        f"frame limit {1 << 60} cannot be",
    ),
    "the frame limit cuts a block": (
        lambda g: g.set("pmm.frame_limit", 1000),
        "pmm",
        "frame limit 1000 cannot be",
    ),
    "the bitmap is not memory": (
        lambda g: g.set("pmm.free_bits", 0xFFFF8000_10000000),
        "pmm",
        "the bitmap at 0xffff800010000000 is not readable",
    ),
    "a summary is not memory": (
        lambda g: g.set("pmm.block_free", 8),
        "pmm",
        "the array at 0x8 is not readable",
    ),
    "a node's size is impossible": (
        lambda g: g.poke(HEAP + 0x60 + 4, 0xFFFF_FFFF, 4),
        "heap",
        "size 0x7fffffff0 cannot be",
    ),
    "a node's size is zero": (
        lambda g: g.poke(HEAP + 0xC0 + 4, 0, 4),
        "heap",
        "size 0x0 cannot be",
    ),
    "the heap's end is far away": (
        lambda g: g.set("heap.end", 1 << 63),
        "heap",
        "end 0x8000000000000000 is not in",
    ),
    "the heap's end is not mapped": (
        lambda g: g.set("heap.end", HEAP + 0x4000),
        "heap",
        "a header is not readable",
    ),
    "a free list leads to no node": (
        lambda g: g.set("heap.free[6]", HEAP + 0x70),
        "heap",
        f"leads to {HEAP + 0x70:#x}, which is no node",
    ),
    "a free list is a circle": (
        lambda g: g.poke(HEAP + 0x60 + 16, HEAP + 0x60),
        "heap",
        f"returns to {HEAP + 0x60:#x}",
    ),
    "a free node's link back is wrong": (
        lambda g: g.poke(HEAP + 0x60 + 24, 0x40),
        "heap",
        "the link back is 0x40, not 0x",
    ),
    "the task list is a circle": (
        lambda g: g.poke(TASK_RECORD + 8, TASK_RECORD),
        "task",
        "struct task returns to",
    ),
    "the current task is none": (
        lambda g: g.set("current_task", HEAP),
        "task",
        "which is no task",
    ),
    "a task's root is beyond memory": (
        lambda g: g.poke(TASK_RECORD + 16, 1 << 35),
        "paging",
        "table 0x800000000 is not in memory",
    ),
    "a table is its own child": (
        lambda g: g.entry(536 << 12, 1, 537 << 12 | P | W),
        "paging",
        "table 0x219000 is used twice",
    ),
    "a reserved bit is set": (
        lambda g: g.entry(537 << 12, 5, 1 << 50 | P),
        "paging",
        "reserved bits are set in 0x4000000000001",
    ),
    "more memory ranges than there can be": (
        lambda g: g.set("boot_info.map.count", 1 << 40),
        "machine",
        "the array has 256",
    ),
    "a memory kind is unknown": (
        lambda g: g.set("boot_info.map.ranges[1].kind", 9),
        "machine",
        "memory kind 9 does not exist",
    ),
}


@pytest.mark.parametrize("name", SPOILS)
def test_broken_structures_are_named(guest: Any, name: str) -> None:
    spoil, layer, text = SPOILS[name]
    spoil(guest)
    broken = guest.picture().broken
    assert any(each.layer == layer and text in each.what for each in broken), broken


def test_a_recursive_slot_ends(guest: Any) -> None:
    """The root as its own table at each level: four roles of one frame, and no more."""
    guest.entry(TASK_ROOT, 3, TASK_ROOT | P | W)
    root = guest.picture().tables.others[0]
    assert [table.level for table in root.tables if table.paddr == TASK_ROOT] == [4, 3, 2, 1]


def test_an_unmapped_kernel_is_one_clear_error(guest: Any) -> None:
    guest.entry(TASK_ROOT, 511, 0)
    with pytest.raises(RingbenchError, match="cannot read virtual address 0xffffffff801"):
        guest.picture()


def test_random_damage_never_escapes(guest: Any) -> None:
    """Any bytes whatever give a picture, or one of the bench's own errors."""
    source = random.Random(7)
    sound = bytes(guest.memory)
    places = [1 << 20] * 4 + [512 << 12, 513 << 12, 515 << 12, 516 << 12] * 2
    places += [frame << 12 for frame in range(522, 539)]
    pictures = found = 0
    for _ in range(120):
        guest.memory[:] = sound
        for _ in range(source.choice((1, 3, 20))):
            at = source.choice(places) + source.randrange(0, 4096)
            value = source.choice((0, 0xFF, 1 << source.randrange(8), source.randrange(256)))
            length = source.choice((1, 8))
            guest.memory[at : at + length] = bytes([value]) * length
        with contextlib.suppress(RingbenchError):
            found += bool(check_invariants(guest.picture()))
            pictures += 1
    assert pictures > 60
    assert found > 40
