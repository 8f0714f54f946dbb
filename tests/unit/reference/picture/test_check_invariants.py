"""Each invariant, broken once in a sound guest: it is named, and what is not broken is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ringbench.arch.x86_64.entry import NX, PS, P, U, W
from ringbench.subjects.reference.check.invariants import (
    INVARIANTS,
    broken_invariants,
    check_invariants,
)

HEAP = 0xFFFFC00000000000
SLAB, METADATA = 0xFFFF800000201000, 0xFFFF800000200000
MANAGED_BITS, BLOCK_FREE = METADATA + 128, METADATA + 256 + 16
LENT_BITS = 0xFFFF800000209000 + 8 * 8
KERNEL_ROOT, TASK_ROOT, BARE_ROOT = 522 << 12, 534 << 12, 538 << 12
MMIO = 0xFEE00000
REGION_ON_DEMAND = 0xFFFF800000203000 + 128 + 56
SPARE = 539
"""A frame lent to the console, where a test needs one."""


def direct(frame: int) -> int:
    return 0xFFFF800000000000 + (frame << 12)


def bits(first: int, end: int) -> int:
    return (1 << end) - (1 << first)


def take_back(guest: Any) -> int:
    """Have the spare frame no longer lent; its address."""
    guest.poke(LENT_BITS, bits(28, 64))
    return SPARE << 12


def slab(guest: Any, cache_off: int = 0, used: int = 1) -> None:
    """A cache with one slab, of one object and one that is free, in the spare frame."""
    take_back(guest)
    cache, slab = guest.types.locate("console.caches[0]").address, direct(SPARE)
    for name, value in (("count", 2), ("size", 1984), ("first", 128)):
        guest.set(f"console.caches[0].{name}", value)
    for at, ring in enumerate(("room", "all")):
        for way in ("next", "previous"):
            guest.set(f"console.caches[0].{ring}.{way}", slab + 16 * at)
    guest.set("task_cache.next", cache)
    links = (cache, cache, cache + 16, cache + 16)
    for at, value in enumerate((*links, cache + cache_off, used, 1, 0b10, *[(1 << 64) - 1] * 7)):
        guest.poke(slab + 8 * at, value)


def shown(guest: Any, offset: int = 0, kind: int = 4, **changes: int) -> None:
    """An object, its node in the spare frame; the demand region of t1 is one that shows it."""
    take_back(guest)
    guest.set("objects", guest.types.locate("spare_object").address)
    members = {"references": 2, "pages": 2, "top": SPARE << 12 | P, "levels": 1, "has_handle": 1}
    for name, value in {**members, **changes}.items():
        guest.set(f"spare_object.{name}", value)
    guest.poke(direct(SPARE), 520 << 12 | P)
    region = {"kind": kind, "object": guest.types.locate("spare_object").address, "offset": offset}
    for name, value in region.items():
        guest.set(f"task_regions.regions[1].{name}", value)


def leak(guest: Any) -> None:
    take_back(guest)


def lend_a_free_frame(guest: Any) -> None:
    take_back(guest)
    guest.poke(LENT_BITS + 8, 1)


def free_what_is_not_managed(guest: Any) -> None:
    guest.poke(MANAGED_BITS + 9 * 8, bits(1, 64))


def low_page_in_the_kernel_root(guest: Any) -> None:
    table = take_back(guest)
    guest.entry(KERNEL_ROOT, 0, table | P | W)
    guest.entry(table, 0, P | W | PS | NX)


def user_page_in_the_kernel_half(guest: Any) -> None:
    for root in (KERNEL_ROOT, TASK_ROOT, BARE_ROOT):
        guest.entry(root, 416, 525 << 12 | P | W | U)
    guest.entry(525 << 12, 0, 532 << 12 | P | W | U)
    guest.entry(532 << 12, 0, 533 << 12 | P | W | U)
    guest.entry(533 << 12, 0, 518 << 12 | P | W | U | NX)


def empty_table(guest: Any) -> None:
    guest.entry(536 << 12, 1, take_back(guest) | P | W | U)


def header(guest: Any, node: int, previous: int, tag: int) -> None:
    """Overwrite a node's header, the guard right."""
    links = ((node - previous) // 8 if previous else 0) | tag << 32
    guest.poke(node, links)
    guest.poke(node + 8, links ^ node ^ 0x9E3779B97F4A7C15)


def taken_record(guest: Any, slab: int, free: int, used: int) -> None:
    """Have the first free object of a slab of records taken by nobody."""
    guest.poke(slab + 56, free)
    guest.poke(slab + 40, used)


def large_page_in_a_demand_region(guest: Any) -> None:
    """A large page where t1's demand region is now; the frames are a device's, so no one's."""
    guest.poke(REGION_ON_DEMAND, 0x200000)
    guest.poke(REGION_ON_DEMAND + 8, 0x200000)
    guest.entry(537 << 12, 0x12, 0)
    guest.entry(536 << 12, 1, MMIO | P | W | U | PS | NX)


BREAKS: dict[str, tuple[Callable[[Any], object], set[str]]] = {
    "a region's link back": (
        lambda g: g.poke(SLAB + 128 + 40, 0x99),
        {"everything_can_be_followed"},
    ),
    "a leaked frame": (leak, {"every_frame_has_one_owner", "allocated_frames_are_owned"}),
    "a free frame lent, a lent one leaked": (lend_a_free_frame, {"every_frame_has_one_owner"}),
    "a wrong free count": (
        lambda g: g.set("pmm.free_count", 447),
        {"counts_match_bits", "allocated_frames_are_owned"},
    ),
    "a free frame that is not managed": (free_what_is_not_managed, {"counts_match_bits"}),
    "a block's counter": (lambda g: g.poke(BLOCK_FREE + 2, 447, 2), {"summaries_match_bits"}),
    "a block's mask": (lambda g: g.poke(BLOCK_FREE + 9, 0xFF, 1), {"summaries_match_bits"}),
    "a tree's lowest level": (lambda g: g.poke(METADATA + 256, 3), {"summaries_match_bits"}),
    "a tree's middle": (lambda g: g.set("pmm.any.middle[5]", 4), {"summaries_match_bits"}),
    "a tree's top": (lambda g: g.set("pmm.whole.top", 1), {"summaries_match_bits"}),
    "a root without the kernel's window": (
        lambda g: g.entry(BARE_ROOT, 416, 0),
        {"upper_halves_are_identical"},
    ),
    "the identity map": (low_page_in_the_kernel_root, {"kernel_root_has_no_low_half"}),
    "a user page in the kernel half": (
        user_page_in_the_kernel_half,
        {"kernel_half_is_the_kernels", "regions_are_mapped"},
    ),
    "a page that is writable and executable": (
        lambda g: g.entry(528 << 12, 300, 300 << 12 | P | W),
        {"nothing_is_writable_and_executable"},
    ),
    "an empty table": (empty_table, {"tables_are_not_empty"}),
    "a page table shown to the user": (
        lambda g: g.entry(537 << 12, 0x20, KERNEL_ROOT | P | U | NX),
        {"kernel_frames_are_hidden_from_users", "mapped_pages_are_in_regions"},
    ),
    "a page with another cache mode": (
        lambda g: g.entry(533 << 12, 4, MMIO | P | W | NX),
        {"regions_are_mapped"},
    ),
    "a large page in a demand region": (
        large_page_in_a_demand_region,
        {"regions_are_mapped", "every_frame_has_one_owner", "allocated_frames_are_owned"},
    ),
    "an empty PDPT of the kernel half, which may be": (
        lambda g: g.entry(525 << 12, 0, 0),
        {"regions_are_mapped", "every_frame_has_one_owner", "allocated_frames_are_owned"},
    ),
    "regions outside their window": (
        lambda g: g.set("kernel_space.limit", 0xFFFFD00000001000),
        {"regions_are_ordered"},
    ),
    "a task's record without a task": (
        lambda g: taken_record(g, direct(514), bits(2, 55), 2),
        {"tasks_are_ordered"},
    ),
    "a wrong region count": (
        lambda g: g.set("kernel_space.region_count", 4),
        {"regions_are_ordered"},
    ),
    "a guard that overlaps": (
        lambda g: g.poke(SLAB + 128 + 2 * 56 + 8, 0x4000),
        {"regions_are_ordered", "guards_map_nothing"},
    ),
    "a region's record without a region": (
        lambda g: taken_record(g, SLAB, bits(5, 64), 5),
        {"records_are_the_regions"},
    ),
    "a missing page": (
        lambda g: g.entry(533 << 12, 4, 0),
        {"regions_are_mapped"},
    ),
    "a page with other rights": (
        lambda g: g.entry(537 << 12, 0x10, 519 << 12 | P | U | NX),
        {"regions_are_mapped"},
    ),
    "a device's page elsewhere": (
        lambda g: g.entry(533 << 12, 4, MMIO + 0x1000 | P | W | NX | 1 << 7),
        {"regions_are_mapped"},
    ),
    "a page outside all regions": (
        lambda g: g.entry(537 << 12, 0x20, MMIO | P | W | U | NX),
        {"mapped_pages_are_in_regions"},
    ),
    "a page in a guard": (
        lambda g: g.entry(533 << 12, 1, MMIO | P | W | NX),
        {"guards_map_nothing"},
    ),
    "a node's link back": (
        lambda g: header(g, HEAP + 0xC0, HEAP, 0x40 // 8 + 1),
        {"nodes_tile_the_heap"},
    ),
    "a node that ends nowhere": (
        lambda g: header(g, HEAP + 0x100, HEAP + 0xC0, 0),
        {"everything_can_be_followed", "nodes_tile_the_heap"},
    ),
    "a heap longer than its region": (
        lambda g: g.poke(SLAB + 128 + 3 * 56, HEAP + 0x1000),
        {
            "nodes_tile_the_heap",
            "regions_are_mapped",
            "mapped_pages_are_in_regions",
            "every_frame_has_one_owner",
            "allocated_frames_are_owned",
        },
    ),
    "a node that is free, and on no list": (
        lambda g: header(g, HEAP, 0, 0x60 // 8),
        {"neighbours_are_merged", "free_lists_hold_the_free_nodes"},
    ),
    "a task that is lost": (
        lambda g: g.set("boot_task.next", 0),
        {
            "everything_can_be_followed",
            "every_frame_has_one_owner",
            "allocated_frames_are_owned",
            "records_are_the_regions",
            "tasks_are_ordered",
        },
    ),
    "two tasks with one number": (
        lambda g: g.poke(direct(514) + 128, 0),
        {
            "every_frame_has_one_owner",
            "allocated_frames_are_owned",
            "records_are_the_regions",
            "tasks_are_ordered",
        },
    ),
    "the heap's last node": (
        lambda g: g.set("heap.last", HEAP + 0xC0),
        {"nodes_tile_the_heap"},
    ),
    "a heap that ends in use": (
        lambda g: header(g, HEAP + 0x100, HEAP + 0xC0, 0x1F00 // 8 + 1),
        {"nodes_tile_the_heap"},
    ),
    "two free neighbours": (
        lambda g: header(g, HEAP + 0xC0, HEAP + 0x60, 0x40 // 8),
        {"neighbours_are_merged", "free_lists_hold_the_free_nodes"},
    ),
    "a smashed guard": (lambda g: g.poke(HEAP + 0x6C, 1, 4), {"headers_are_intact"}),
    "a bitmap of the free lists": (
        lambda g: g.set("heap.first_bitmap", 3),
        {"free_lists_hold_the_free_nodes"},
    ),
    "a free node on no list": (
        lambda g: g.set("heap.free[6]", 0),
        {"free_lists_hold_the_free_nodes"},
    ),
    "a slab of another cache": (
        lambda g: slab(g, cache_off=8),
        {"slabs_are_their_caches"},
    ),
    "a slab that counts wrong": (
        lambda g: slab(g, used=2),
        {"slabs_count_their_objects"},
    ),
    "a block in the map of nothing": (
        lambda g: g.set("buddy.length", 4096),
        {"blocks_tile_the_region", "everything_can_be_followed"},
    ),
    "a list of free blocks that is said to have one": (
        lambda g: g.set("buddy.nonempty", 32),
        {"rings_hold_the_free_blocks"},
    ),
    "an object that counts wrong": (
        lambda g: shown(g, references=3),
        {"objects_are_counted"},
    ),
    "an object whose tree is too low": (
        lambda g: shown(g, pages=513),
        {"trees_hold_the_pages"},
    ),
    "a shared page of another place": (
        lambda g: shown(g, offset=0x1000),
        {"shared_pages_are_their_objects"},
    ),
    "kin that lead nowhere": (
        lambda g: g.set("tasks.tasks[0].space.kin", 8),
        {"kin_are_rings"},
    ),
    "a page of an object that can be written to": (
        lambda g: shown(g, kind=5),
        {"borrowed_pages_are_not_writable"},
    ),
    "no current task": (
        lambda g: g.set("current_task", 0),
        {"everything_can_be_followed", "tasks_are_ordered"},
    ),
}


def test_a_sound_guest_keeps_all(guest: Any) -> None:
    assert check_invariants(guest.picture()) == []


def test_a_sound_slab_keeps_all(guest: Any) -> None:
    slab(guest)
    assert check_invariants(guest.picture()) == []


def test_a_sound_object_keeps_all(guest: Any) -> None:
    shown(guest)
    assert check_invariants(guest.picture()) == []


@pytest.mark.parametrize("name", BREAKS)
def test_exactly_what_is_broken_is_named(guest: Any, name: str) -> None:
    spoil, expected = BREAKS[name]
    spoil(guest)
    picture = guest.picture()
    assert broken_invariants(picture) == expected
    for mismatch in check_invariants(picture):
        assert mismatch.expected != mismatch.seen
        assert mismatch.where


def test_every_invariant_is_broken_here_once() -> None:
    broken = set().union(*(expected for _, expected in BREAKS.values()))
    assert broken == {invariant.__name__ for invariant in INVARIANTS}


def test_what_is_said_names_the_place(guest: Any) -> None:
    guest.entry(528 << 12, 300, 300 << 12 | P | W)
    (mismatch,) = check_invariants(guest.picture())
    assert mismatch.layer == "paging"
    assert mismatch.seen == "-rwx P|W 0x12c000"
    assert mismatch.where == "kernel: 0xffffffff8012c000 (table 0x210000)"


def test_accessed_and_dirty_are_nobodys_business(guest: Any) -> None:
    for root in (KERNEL_ROOT, BARE_ROOT):
        guest.entry(root, 416, 525 << 12 | P | W | 1 << 5)
    assert check_invariants(guest.picture()) == []
