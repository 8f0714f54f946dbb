"""The paging model against an oracle that is a list of pages, read back by arch's own scanner."""

from dataclasses import dataclass, replace
from itertools import takewhile

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from ringbench.arch.x86_64.entry import NX, G, P, U, W, bit_names
from ringbench.arch.x86_64.features import Features
from ringbench.arch.x86_64.scan import leaves as scan_leaves
from ringbench.arch.x86_64.scan import problems
from ringbench.arch.x86_64.scan import tables as scan_tables
from ringbench.arch.x86_64.walk import translate
from ringbench.drive import flags as page
from ringbench.model.kernel import boot
from ringbench.model.layout import (
    DIRECT_MAP_BASE,
    HEAP_BASE,
    IMAGE_BASE,
    KERNEL_WINDOW_BASE,
    MemoryKind,
)
from ringbench.model.paging import (
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
from ringbench.model.render import render
from ringbench.model.state import KernelState, MemoryRange, Segment, Sizes
from ringbench.model.status import Status
from ringbench.model.tables import lower_tables, upper_tables

KIB4, MIB2, GIB1 = 1 << 12, 1 << 21, 1 << 30
SIZES = (KIB4, MIB2, GIB1)
FEATURES = Features(40, gib_pages=True)
MEMORY = (
    MemoryRange(0, 0x9F000, MemoryKind.LOW),
    MemoryRange(0x9F000, 0x1000, MemoryKind.RESERVED),
    MemoryRange(0xF0000, 0x10000, MemoryKind.RESERVED),
    MemoryRange(0x100000, 0x60000, MemoryKind.KERNEL),
    MemoryRange(0x160000, 0x1EA0000, MemoryKind.AVAILABLE),
)
IMAGE = (
    Segment(IMAGE_BASE + 0x101000, 0x5000, page.EXEC),
    Segment(IMAGE_BASE + 0x106000, 0x1001, 0),
    Segment(IMAGE_BASE + 0x108000, 0x2000, page.WRITE),
)


def booted(features: Features = FEATURES) -> KernelState:
    return boot(MEMORY, IMAGE, features, Sizes())


def with_root() -> tuple[KernelState, int]:
    state, status, root = paging_root_create(booted())
    assert status is Status.OK
    return state, root


@dataclass(frozen=True)
class Page:
    virtual: int
    physical: int
    size: int
    flags: int

    @property
    def end(self) -> int:
        return self.virtual + self.size


FLAGS = st.sampled_from(
    [
        flags | cache
        for flags in range(16)
        if flags & 5 != 5
        for cache in (page.CACHE_WB, page.CACHE_WT, page.CACHE_UC, page.CACHE_WC)
    ]
)
BASES = (0, GIB1 - MIB2, (1 << 39) - 2 * GIB1, (1 << 47) - 2 * GIB1)
PLACES = st.builds(
    lambda base, big, middle, small: base + big * GIB1 + middle * MIB2 + small * KIB4,
    st.sampled_from(BASES),
    st.integers(0, 1),
    st.sampled_from((0, 0, 1, 511)),
    st.sampled_from((0, 0, 1, 2, 511)),
)


class Root(RuleBasedStateMachine):
    """One bare root, all page sizes, around table boundaries."""

    @initialize()
    def start(self) -> None:
        self.state, self.root = with_root()
        self.begin = self.state
        self.pages: list[Page] = []

    def overlapping(self, va: int, end: int) -> list[Page]:
        return [each for each in self.pages if each.virtual < end and va < each.end]

    @rule(va=PLACES, count=st.integers(1, 4), size=st.sampled_from(SIZES), flags=FLAGS)
    def map(self, va: int, count: int, size: int, flags: int) -> None:
        va, pa, length = va // size * size, 7 * GIB1 + va % GIB1 // size * size, count * size
        before = self.state
        self.state, status, _ = paging_map(before, self.root, va, pa, length, size, flags)
        if va + length > 1 << 47:
            assert (status, self.state) == (Status.NON_CANONICAL, before)
        elif self.overlapping(va, va + length):
            assert (status, self.state) == (Status.MAPPED, before)
        else:
            assert status is Status.OK
            self.pages += [
                Page(va + offset, pa + offset, size, flags) for offset in range(0, length, size)
            ]

    def judge(self, va: int, length: int) -> Status:
        """The header's rule, page by page."""
        if va + length > 1 << 47:
            return Status.NON_CANONICAL
        position = va
        while position < va + length:
            found = self.overlapping(position, position + KIB4)
            if not found:
                return Status.NOT_MAPPED
            if found[0].virtual < va or found[0].end > va + length:
                return Status.MISALIGNED
            position = found[0].end
        return Status.OK

    @rule(va=PLACES, length=st.sampled_from((KIB4, 2 * KIB4, MIB2, 2 * MIB2, GIB1)))
    def unmap(self, va: int, length: int) -> None:
        self.try_unmap(va, length)

    def try_unmap(self, va: int, length: int) -> None:
        before, expected = self.state, self.judge(va, length)
        self.state, status, _ = paging_unmap(before, self.root, va, length)
        assert status is expected
        if expected is Status.OK:
            gone = self.overlapping(va, va + length)
            self.pages = [each for each in self.pages if each not in gone]
        else:
            assert self.state == before

    @rule(data=st.data())
    def unmap_one(self, data: st.DataObject) -> None:
        if self.pages:
            each = data.draw(st.sampled_from(self.pages))
            self.try_unmap(each.virtual, each.size)

    @rule(data=st.data(), head=st.booleans())
    def unmap_a_part_of_one(self, data: st.DataObject, head: bool) -> None:
        large = [each for each in self.pages if each.size > KIB4]
        if large:
            each = data.draw(st.sampled_from(large))
            self.try_unmap(each.virtual + (0 if head else KIB4), each.size - KIB4)

    @rule(data=st.data(), flags=FLAGS, times=st.integers(1, 2))
    def protect(self, data: st.DataObject, flags: int, times: int) -> None:
        if not self.pages:
            return
        each = data.draw(st.sampled_from(self.pages))
        va, length = each.virtual, times * each.size
        before, expected = self.state, self.judge(va, length)
        self.state, status, _ = paging_protect(before, self.root, va, length, flags)
        assert status is expected
        if expected is Status.OK:
            changed = self.overlapping(va, va + length)
            self.pages = [
                replace(old, flags=flags) if old in changed else old for old in self.pages
            ]
        else:
            assert self.state == before

    @invariant()
    def the_scanner_sees_the_pages(self) -> None:
        memory = render(self.state.tables)
        found = scan_leaves(memory, self.root, FEATURES)
        seen = [
            (leaf.virtual, leaf.physical, leaf.size, leaf.write, leaf.user, leaf.execute, leaf.raw)
            for leaf in takewhile(lambda leaf: leaf.virtual < 1 << 47, found)
        ]
        levels = {KIB4: 1, MIB2: 2, GIB1: 3}
        assert seen == [
            (
                each.virtual,
                each.physical,
                each.size,
                bool(each.flags & page.WRITE),
                bool(each.flags & page.USER),
                bool(each.flags & page.EXEC),
                each.physical | leaf_bits(each.flags, levels[each.size]),
            )
            for each in sorted(self.pages, key=lambda each: each.virtual)
        ]

    @invariant()
    def query_answers_the_pages(self) -> None:
        for each in self.pages:
            _, status, found = paging_query(self.state, self.root, each.end - 1)
            assert status is Status.OK
            assert found == (each.virtual, each.physical, each.size, each.flags)

    @invariant()
    def frames_are_the_tables(self) -> None:
        """No empty table, none lost: the frames gone are the tables there."""
        lower = lower_tables(self.state.tables, self.root)
        assert all(self.state.tables[table] for table, _ in lower)
        assert self.begin.pmm.free_count - self.state.pmm.free_count == len(lower)
        assert self.begin.tables.keys() ^ self.state.tables.keys() == {table for table, _ in lower}

    def teardown(self) -> None:
        assert list(problems(render(self.state.tables), self.root, FEATURES)) == []
        state, status, _ = paging_root_destroy(self.state, self.root)
        assert status is Status.OK
        assert state == booted()


def test_a_root_against_a_list_of_pages() -> None:
    run_state_machine_as_test(
        Root, settings=settings(max_examples=30, stateful_step_count=25, deadline=None)
    )


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
    everything = list(scan_leaves(memory, root, FEATURES))
    image = [leaf for leaf in everything if leaf.virtual >= IMAGE_BASE]
    assert [leaf.virtual - IMAGE_BASE for leaf in image] == list(range(0x101000, 0x10A000, 0x1000))
    assert all(leaf.physical == leaf.virtual - IMAGE_BASE and leaf.global_ for leaf in image)
    assert [leaf.permissions for leaf in image] == ["-r-x"] * 5 + ["-r--"] * 2 + ["-rw-"] * 2
    direct = [leaf for leaf in everything if leaf.virtual < HEAP_BASE]
    assert all(leaf.physical == leaf.virtual - DIRECT_MAP_BASE for leaf in direct)
    assert all((leaf.permissions, leaf.global_) == ("-rw-", True) for leaf in direct)
    covered = [leaf.physical for leaf in direct if leaf.size == KIB4]
    assert covered == [*range(0, 0x9F000, KIB4), *range(0x100000, 0x200000, KIB4)]
    assert [leaf.physical for leaf in direct if leaf.size == MIB2] == list(
        range(MIB2, 32 << 20, MIB2)
    )


def test_the_direct_map_takes_the_largest_pages_that_the_processor_has() -> None:
    ranges = (MEMORY[3], MemoryRange(0x160000, 3 * GIB1 - 0x160000, MemoryKind.AVAILABLE))
    counts = {}
    for gib_pages in (True, False):
        state = boot(ranges, IMAGE, Features(40, gib_pages=gib_pages), Sizes())
        sizes = [
            leaf.size
            for leaf in scan_leaves(render(state.tables), state.kernel_root)
            if leaf.virtual < HEAP_BASE
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
    lowest = state.pmm.free
    for allowed in range(needed + 1):
        bits = 0
        rest = lowest
        for _ in range(allowed):
            bits |= rest & -rest
            rest &= rest - 1
        short = replace(state, pmm=replace(state.pmm, free=bits))
        after, status, _ = paging_map(short, root, GIB1 - 4096, 0, 8192, 4096, 0)
        if allowed < needed:
            assert (status, after) == (Status.NO_MEMORY, short)
        else:
            assert (status, after.pmm.free) == (Status.OK, 0)


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
    full = replace(state, pmm=replace(state.pmm, free=0))
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
    assert {each.paddr for each in scan_tables(memory, state.kernel_root)} == state.tables.keys()
    assert translate(memory, 0x1000, 0).leaf is None
