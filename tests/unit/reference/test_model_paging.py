"""The paging model: boot tables, errors in the header's order, frames, leaf bits."""

from dataclasses import replace

import pytest

from ringbench.arch.x86_64.entry import NX, G, P, U, W, bit_names
from ringbench.arch.x86_64.features import Features
from ringbench.arch.x86_64.walk import translate
from ringbench.subjects.reference.model.frame_set import FrameSet
from ringbench.subjects.reference.model.kernel import boot
from ringbench.subjects.reference.model.paging import (
    leaf_bits,
    leaf_flags,
    paging_activate,
    paging_map,
    paging_protect,
    paging_query,
    paging_root_create,
    paging_root_destroy,
    paging_tables_missing,
    paging_unmap,
)
from ringbench.subjects.reference.model.state import Sizes
from ringbench.subjects.reference.model.tables import upper_tables
from ringbench.subjects.reference.vocabulary import flags as page
from ringbench.subjects.reference.vocabulary.boot_values import MemoryRange
from ringbench.subjects.reference.vocabulary.constants import (
    DIRECT_MAP_BASE,
    HEAP_BASE,
    IMAGE_BASE,
    KERNEL_WINDOW_BASE,
    MemoryKind,
)
from ringbench.subjects.reference.vocabulary.status import Status
from tests.plain_views import leaves, problems, tables
from tests.unit.reference.booted import with_free
from tests.unit.reference.model_paging import (
    FEATURES,
    GIB1,
    IMAGE,
    KIB4,
    MEMORY,
    MIB2,
    SIZES,
    booted,
    with_root,
)
from tests.unit.reference.rendered import render


def test_boot_tables() -> None:
    state = booted()
    root, memory = state.kernel_root, render(state.tables)
    free_frames = MEMORY[4].base + state.pmm.metadata_length
    assert root == free_frames
    assert {index: raw & ~0xFFF for index, raw in state.tables[root].items()} == {
        slot: root + 0x1000 * (1 + number) for number, slot in enumerate((256, 384, 416, 511))
    }
    order = [table for table, _ in upper_tables(state.tables, root)]
    assert sorted(order) == [root + 0x1000 * number for number in range(1, len(order) + 1)]
    assert list(problems(memory, root, FEATURES)) == []
    everything = list(leaves(memory, root, FEATURES))
    image = [leaf for leaf in everything if leaf.vaddr >= IMAGE_BASE]
    assert [leaf.vaddr - IMAGE_BASE for leaf in image] == list(range(0x101000, 0x10A000, 0x1000))
    assert all(leaf.paddr == leaf.vaddr - IMAGE_BASE and leaf.global_ for leaf in image)
    assert [leaf.permissions for leaf in image] == ["-r-x"] * 5 + ["-r--"] * 2 + ["-rw-"] * 2
    direct = [leaf for leaf in everything if leaf.vaddr < HEAP_BASE]
    assert all(leaf.paddr == leaf.vaddr - DIRECT_MAP_BASE for leaf in direct)
    assert all((leaf.permissions, leaf.global_) == ("-rw-", True) for leaf in direct)
    covered = [leaf.paddr for leaf in direct if leaf.size == KIB4]
    assert covered == [*range(0, 0x9F000, KIB4), *range(0x100000, 0x200000, KIB4)]
    assert [leaf.paddr for leaf in direct if leaf.size == MIB2] == list(range(MIB2, 32 << 20, MIB2))


def test_the_direct_map_takes_the_largest_pages_that_the_processor_has() -> None:
    ranges = (MEMORY[3], MemoryRange(0x160000, 3 * GIB1 - 0x160000, MemoryKind.AVAILABLE))
    counts = {}
    for gib_pages in (True, False):
        state = boot(ranges, IMAGE, Features(40, gib_pages=gib_pages), Sizes())
        sizes = [
            leaf.size
            for leaf in leaves(render(state.tables), state.kernel_root)
            if leaf.vaddr < HEAP_BASE
        ]
        counts[gib_pages] = [sizes.count(size) for size in SIZES]
    assert counts == {True: [256, 511, 2], False: [256, 1535, 0]}


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ((1, 1, 0, 8192, page.WRITE | page.EXEC), Status.INVALID),
        ((1 << 63, 0, 4096, 4096, 0x80), Status.INVALID),
        ((0, 0, 4096, 4096, 5 << 4), Status.INVALID),
        ((1, 0, 0, 4096, 0), Status.INVALID),
        ((1, 0, 4096, 4096, 0), Status.MISALIGNED),
        ((1 << 47, 1, 4096, 4096, 0), Status.MISALIGNED),
        ((0, 0, MIB2 + 4096, MIB2, 0), Status.MISALIGNED),
        ((1 << 47, 1 << 50, 4096, 4096, 0), Status.NON_CANONICAL),
        (((1 << 47) - 4096, 0, 8192, 4096, 0), Status.NON_CANONICAL),
        (((1 << 64) - 4096, 0, 8192, 4096, 0), Status.NON_CANONICAL),
        ((DIRECT_MAP_BASE, 1 << 40, 4096, 4096, page.USER), Status.OUT_OF_RANGE),
        ((0, (1 << 40) - 4096, 8192, 4096, 0), Status.OUT_OF_RANGE),
        ((DIRECT_MAP_BASE, 0, 4096, 4096, page.USER), Status.DENIED),
        ((DIRECT_MAP_BASE + (1 << 39), 0, 4096, 4096, 0), Status.DENIED),
        ((DIRECT_MAP_BASE, 0, 4096, 4096, 0), Status.MAPPED),
        ((0, 0, 1 << 39, 4096, 0), Status.NO_MEMORY),
        ((KERNEL_WINDOW_BASE, 0, 4096, 4096, 0), Status.OK),
        (((1 << 64) - 4096, 0, 4096, 4096, 0), Status.OK),
        (((1 << 47) - 4096, (1 << 40) - 4096, 4096, 4096, page.USER), Status.OK),
    ],
)
def test_map_errors_in_the_order_of_the_header(
    arguments: tuple[int, int, int, int, int], status: Status
) -> None:
    state, root = with_root()
    after, seen, _ = paging_map(state, root, *arguments)
    assert seen is status
    assert (after == state) == (status is not Status.OK)


def test_map_without_gib_pages() -> None:
    state = booted(Features(40, gib_pages=False))
    call = (state.kernel_root, 1, 0, GIB1, GIB1)
    assert paging_map(state, *call, 0x80)[1] is Status.INVALID
    assert paging_map(state, *call, 0)[1] is Status.UNSUPPORTED


def test_range_errors_in_the_order_of_the_header() -> None:
    state, root = with_root()
    cases = {(1, 0): Status.INVALID, (1, 4096): Status.MISALIGNED, (0, 1): Status.MISALIGNED}
    cases |= {(1 << 47, 4096): Status.NON_CANONICAL, (0, 4096): Status.NOT_MAPPED}
    for (va, length), status in cases.items():
        assert paging_unmap(state, root, va, length)[1] is status
        assert paging_protect(state, root, va, length, 0)[1] is status
        assert paging_protect(state, root, va, length, 5)[1] is Status.INVALID
    assert paging_protect(state, root, DIRECT_MAP_BASE, 4096, page.USER)[1] is Status.DENIED
    assert paging_protect(state, root, 1 << 47, 4096, page.USER)[1] is Status.NON_CANONICAL
    assert paging_query(state, root, 1 << 47)[1] is Status.NON_CANONICAL
    assert paging_query(state, root, 0)[1] is Status.NOT_MAPPED


def test_a_map_takes_frames_lowest_first_top_level_first() -> None:
    state, root = with_root()
    first = root + 0x1000
    state, _, _ = paging_map(state, root, GIB1 - 4096, 0x5000, 8192, 4096, page.WRITE)
    link = P | W | U
    assert state.tables[root][0] == first | link
    assert state.tables[first] == {0: first + 0x1000 | link, 1: first + 0x3000 | link}
    assert state.tables[first + 0x1000] == {511: first + 0x2000 | link}
    assert state.tables[first + 0x2000] == {511: 0x5000 | P | W | NX}
    assert state.tables[first + 0x3000] == {0: first + 0x4000 | link}
    assert state.tables[first + 0x4000] == {0: 0x6000 | P | W | NX}


def test_no_memory_at_every_point_changes_nothing() -> None:
    state, root = with_root()
    needed = paging_tables_missing(state, root, GIB1 - 4096, 8192)
    assert needed == 5
    for allowed in range(needed + 1):
        short = with_free(state, allowed)
        after, status, _ = paging_map(short, root, GIB1 - 4096, 0, 8192, 4096, 0)
        if allowed < needed:
            assert (status, after) == (Status.NO_MEMORY, short)
        else:
            assert (status, after.pmm.free_count) == (Status.OK, 0)


def test_the_kernels_pdpts_stay_when_empty() -> None:
    state = booted()
    after, _, _ = paging_map(state, state.kernel_root, HEAP_BASE, 0, 4096, 4096, page.WRITE)
    assert paging_unmap(after, state.kernel_root, HEAP_BASE, 4096)[0] == state


def test_roots_share_the_upper_half_and_cannot_go_when_in_use() -> None:
    state, root = with_root()
    assert state.tables[root] == state.tables[state.kernel_root]
    active = paging_activate(state, root)
    assert paging_root_destroy(active, root)[1] is Status.BUSY
    assert paging_root_destroy(active, state.kernel_root)[1] is Status.DENIED
    assert paging_root_destroy(state, state.kernel_root)[1] is Status.BUSY
    full = replace(state, pmm=replace(state.pmm, free=FrameSet()))
    assert paging_root_create(full)[:2] == (full, Status.NO_MEMORY)


@pytest.mark.parametrize("level", [1, 2, 3])
def test_leaf_bits_there_and_back(level: int) -> None:
    for flags in range(0x50):
        assert leaf_flags(leaf_bits(flags, level), level) == flags


def test_leaf_bits_by_name() -> None:
    assert bit_names(leaf_bits(page.WRITE | page.GLOBAL | page.CACHE_WC, 1), 1) == [
        *("P", "W", "PAT", "G", "NX")
    ]
    assert bit_names(leaf_bits(page.USER | page.EXEC | page.CACHE_UC, 2), 2) == [
        *("P", "U", "PWT", "PCD", "PS")
    ]
    assert bit_names(leaf_bits(page.CACHE_WC, 3), 3) == ["P", "PS", "PAT", "NX"]
    assert leaf_bits(page.GLOBAL, 1) == P | G | NX


def test_rendered_tables_are_whole_pages() -> None:
    state = booted()
    memory = render(state.tables)
    whole = memory.read(state.kernel_root, 4096)
    for index in range(512):
        entry = whole[8 * index : 8 * index + 8]
        assert int.from_bytes(entry, "little") == state.tables[state.kernel_root].get(index, 0)
        assert memory.read(state.kernel_root + 8 * index, 8) == entry
    assert {each.paddr for each in tables(memory, state.kernel_root)} == state.tables.keys()
    assert translate(memory, 0x1000, 0).leaf is None
