"""Decoding a level at a time says what the scan says, hostile tables or not."""

import mmap
import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ringbench.arch.x86_64.address import UPPER_HALF
from ringbench.arch.x86_64.bulk import Decoder, decode
from ringbench.arch.x86_64.entry import NX, PCD, PS, PWT, A, D, Entry, G, U, W
from ringbench.arch.x86_64.features import Features
from ringbench.arch.x86_64.gather import Frames
from ringbench.arch.x86_64.leaves import Words
from ringbench.arch.x86_64.memory import PhysicalMemory, ViewableMemory
from ringbench.arch.x86_64.plain_scan import Record, merge, scan
from ringbench.arch.x86_64.records import (
    PROBLEM_LIMIT,
    Leaf,
    Problem,
    RecursiveSlot,
    Stop,
    Table,
)
from ringbench.arch.x86_64.tables import AddressSpace
from ringbench.errors import MemoryUnreadable
from ringbench.machine import MappedMemory, RamMap, RamRange

PAGE = 4096
ROOT = 1
FRAMES = 12
# Three frames at 0, a hole of two, nine frames; the second piece lies first in the backing.
RAM = RamMap((RamRange(0, 3 * PAGE, 9 * PAGE), RamRange(5 * PAGE, 9 * PAGE, 0)))


@dataclass
class OnlyRead:
    """A memory that has nothing but `read`."""

    memory: PhysicalMemory

    def read(self, paddr: int, length: int) -> bytes:
        return self.memory.read(paddr, length)


class Guest:
    """Guest RAM with a hole in it."""

    def __init__(self) -> None:
        self.mapped = MappedMemory(mmap.mmap(-1, FRAMES * PAGE), RAM)

    def put(self, frame: int, index: int, raw: int) -> None:
        try:
            self.mapped.write(frame * PAGE + 8 * index, struct.pack("<Q", raw))
        except MemoryUnreadable:
            return

    def fill(self, frame: int, first: int, step: int) -> None:
        """Write all entries of a frame, each `step` above the one before."""
        for index in range(512):
            self.put(frame, index, (first + index * step) % 2**64)

    def ways(self) -> Iterator[PhysicalMemory]:
        yield self.mapped
        yield OnlyRead(self.mapped)


def entry(frame: int, flags: int) -> int:
    return frame << 12 | flags


BITS = [W, U, PWT, PCD, A, D, PS, G, 1 << 10, 1 << 12, NX]
FLAGS = st.lists(st.sampled_from(BITS), max_size=4).map(lambda chosen: sum({1, *chosen}))
PATH_FLAGS = st.lists(st.sampled_from([W, U, NX]), max_size=1).map(
    lambda missing: (7 | sum(missing)) if NX in missing else 7 & ~sum(missing)
)
RAW = st.one_of(
    st.builds(entry, st.integers(0, 15), FLAGS),
    st.builds(lambda large, flags: large << 21 | flags, st.integers(0, 9), FLAGS),
    st.builds(lambda low, high: entry(6, low) | 1 << high, FLAGS, st.integers(12, 62)),
    st.integers(0, 2**64 - 1),
)
INDEX = st.sampled_from([0, 1, 2, 255, 256, 510, 511])
FRAME = st.sampled_from([0, 1, 2, 5, 6, 7, 8])
FEATURES = st.builds(
    Features,
    st.sampled_from([36, 40, 52]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([0x0007_0406_0007_0406, 0x0001_0506_0007_0406, 0x0203_0405_0607_0001]),
    st.sampled_from([4, 5]),
)


@st.composite
def guests(draw: st.DrawFn) -> Guest:
    """A path through all levels with neighbouring pages at its end, and any damage to it.

    With 5 levels the pages are tables, which is damage too, or frame 7 comes before the path.
    """
    guest = Guest()
    for frame in draw(st.lists(FRAME, max_size=2)):
        step = draw(st.sampled_from([0, 0, PAGE, 1 << 21, 5 * PAGE]))
        guest.fill(frame, draw(RAW), step)
    for frame, below in ((1, 2), (2, 5), (5, 6)):
        guest.put(frame, draw(INDEX), entry(below, draw(PATH_FLAGS)))
    for frame, page in ((5, 1 << 21 | PS), (6, PAGE)):
        first, flags = draw(st.integers(3, 500)), draw(FLAGS)
        for n, change in enumerate(draw(st.lists(st.sampled_from([0, 0, *BITS]), max_size=8))):
            step = page & -PAGE
            guest.put(frame, first + n, (n * step | flags | page & PS) ^ change)
    if draw(st.booleans()):
        guest.put(7, draw(INDEX), entry(ROOT, draw(PATH_FLAGS)))
    for frame in draw(st.lists(st.sampled_from([ROOT, 7]), max_size=3)):
        guest.put(frame, draw(INDEX), entry(frame, draw(FLAGS)))
    for frame, index, raw in draw(st.lists(st.tuples(FRAME, INDEX, RAW), max_size=12)):
        guest.put(frame, index, raw)
    return guest


def table_rows(space: AddressSpace, levels: int) -> list[tuple[int, int, int, int]]:
    """Return the tables as a scan orders them."""
    found = space.tables
    rows = zip(
        found.vaddr.tolist(),
        (levels - found.level).tolist(),
        found.paddr.tolist(),
        found.present.tolist(),
        strict=True,
    )
    return sorted(rows)


def assert_same(space: AddressSpace, records: list[Record], levels: int = 4) -> None:
    leaves = [each for each in records if isinstance(each, Leaf)]
    tables = [each for each in records if isinstance(each, Table)]
    assert list(space.leaves) == leaves
    assert space.problems == tuple(each for each in records if isinstance(each, Problem))
    assert space.recursive == tuple(each for each in records if isinstance(each, RecursiveSlot))
    assert space.levels == levels
    rows = [(t.vaddr, levels - t.level, t.paddr, t.present) for t in tables]
    assert table_rows(space, levels) == rows
    if tables:
        counts = {n: sum(t.level == n for t in tables) for n in range(levels, 0, -1)}
        assert space.tables.counts() == counts
    assert list(space.leaves.merged()) == list(merge(leaves))


def test_both_give_up_at_the_same_problem() -> None:
    """More problems than a listing has room for, between pages that are sound."""
    guest = Guest()
    guest.put(ROOT, 0, entry(2, 7))
    for index in range(512):
        guest.put(2, index, entry(5, 7))
        guest.put(5, index, entry(6, 7))
        guest.put(6, index, entry(7, 7) | (1 << 45 if index % 3 else 0))
    records = list(scan(guest.mapped, ROOT * PAGE, Features(40)))
    assert sum(isinstance(each, Problem) for each in records) == PROBLEM_LIMIT + 1
    for memory in guest.ways():
        assert_same(decode(memory, ROOT * PAGE, Features(40)), records)


@given(
    guests(),
    FEATURES,
    st.integers(0, 3000),
    st.integers(0, PAGE - 1),
    st.sampled_from([ROOT, 7]),
    st.booleans(),
)
@settings(max_examples=250, deadline=None)
def test_bulk_and_scan_are_the_same(
    guest: Guest, features: Features, limit: int, low_bits: int, frame: int, fold: bool
) -> None:
    root = frame * PAGE | low_bits
    records = list(scan(guest.mapped, root, features, limit, fold=fold))
    for memory in guest.ways():
        assert_same(
            decode(memory, root, features, limit, fold=fold), records, levels=features.levels
        )


def test_one_memory_is_gathered_and_the_other_read() -> None:
    """Or the property above would hold the same code equal to itself."""
    seen = [isinstance(memory, ViewableMemory) for memory in Guest().ways()]
    assert seen == [True, False]


@pytest.mark.parametrize("limit", [-1, 0, 1, 2, 511, 512, 513, 514, 5000, 40_000])
def test_a_root_of_nothing_but_itself(limit: int) -> None:
    guest = Guest()
    guest.fill(ROOT, entry(ROOT, 7), 0)
    assert_same(
        decode(guest.mapped, PAGE, limit=limit), list(scan(guest.mapped, PAGE, limit=limit))
    )


@pytest.mark.parametrize("levels", [4, 5])
def test_windows_on_the_tables_end_where_the_listing_ends(levels: int) -> None:
    """At every limit: before, between and behind what lies about them."""
    guest = Guest()
    for index in (0, 300):
        guest.put(7, index, entry(ROOT, 7))
        guest.put(ROOT, index, entry(2, 7))
    root = ROOT if levels == 4 else 7
    for index in (1, 2, 301, 511):
        guest.put(root, index, entry(root, 3))
    guest.put(2, 0, entry(5, 7))
    guest.put(5, 0, 0x83)
    features = Features(levels=levels)
    seen = set()
    for limit in range(60):
        records = list(scan(guest.mapped, root * PAGE, features, limit, fold=True))
        space = decode(guest.mapped, root * PAGE, features, limit, fold=True)
        assert_same(space, records, levels)
        seen.add(len(space.recursive))
    assert seen >= {0, 2, 4}


@pytest.mark.parametrize("last", [0, entry(14, 7), entry(6, 7) | 1 << 51])
def test_tables_without_any_page(last: int) -> None:
    """512^2 tables of the last level, empty or not memory, or as many reserved bits."""
    guest = Guest()
    for frame, below in ((1, 2), (2, 5)):
        guest.fill(frame, entry(below, 7), 0)
    guest.fill(5, last or entry(6, 7), 0)
    features = Features(physical_bits=40)
    for limit in (1000, 50_000):
        records = list(scan(guest.mapped, PAGE, features, limit))
        assert records[-1].vaddr > 0
        assert_same(decode(guest.mapped, PAGE, features, limit), records)


def test_more_tables_than_are_taken_together_with_large_pages_between() -> None:
    guest = Guest()
    guest.put(1, 256, entry(2, 7))
    guest.fill(2, entry(5, 3), 0)
    guest.put(2, 0, 0x83)
    guest.put(2, 7, 0x4000_0083)
    for index in range(512):
        guest.put(5, index, index << 21 | 0x85 if index & 1 else entry(6, 5))
    for index in (0, 1, 2, 100, 511):
        guest.put(6, index, entry(index, 3))
    limit = 60_000
    space = decode(guest.mapped, PAGE, limit=limit)
    assert space.tables.counts()[1] > 64 * limit // 512
    assert_same(space, list(scan(guest.mapped, PAGE, limit=limit)))


def test_pages_of_different_size_are_not_joined() -> None:
    guest = Guest()
    for frame, index, raw in ((1, 0, entry(2, 7)), (2, 0, entry(5, 7)), (5, 0, entry(6, 7))):
        guest.put(frame, index, raw)
    guest.put(6, 511, 0x1F_F007)
    guest.put(5, 1, 0x20_0087)
    assert_same(decode(guest.mapped, PAGE), list(scan(guest.mapped, PAGE)))
    assert len(decode(guest.mapped, PAGE).leaves.merged()) == 2


def stored(memory: PhysicalMemory, root: int, features: Features) -> tuple[set[int], int, int]:
    """What following each frame once at each level comes to, entry by entry.

    Returns:
        The frames read, the number of leaves, and of frames met again.
    """
    read: set[int] = set()
    leaves = again = 0
    seen: set[tuple[int, int]] = set()
    here = [root]
    for level in range(features.levels, 0, -1):
        below = []
        for paddr in here:
            try:
                words = struct.unpack("<512Q", memory.read(paddr, PAGE))
            except MemoryUnreadable:
                continue
            read.add(paddr)
            if (paddr, level) in seen:
                again += 1
                continue
            seen.add((paddr, level))
            entries = (Entry.of(raw, level, features) for raw in words)
            good = [each for each in entries if each.present and not each.reserved]
            leaves += sum(each.leaf for each in good)
            below += [each.address for each in good if not each.leaf]
        here = below
    return read, leaves, again


@given(guests(), FEATURES)
@settings(max_examples=60, deadline=None)
@example(Guest(), Features())
def test_what_is_followed_once_is_what_is_stored(guest: Guest, features: Features) -> None:
    read, leaves, again = stored(guest.mapped, PAGE, features)
    for memory in guest.ways():
        entries: dict[int, Words] = {}
        space = Decoder(memory, features, once=True, entries=entries).decode(PAGE)
        assert entries.keys() == read
        assert len(space.leaves) == leaves
        assert sum(problem.stop is Stop.REPEATED for problem in space.problems) == again
        for paddr, words in entries.items():
            assert words.astype("<u8").tobytes() == memory.read(paddr, PAGE)


def test_entries_that_are_ignored_lead_nowhere() -> None:
    guest = Guest()
    for index in (0, 256, 511):
        guest.put(1, index, entry(2, 7))
    guest.put(2, 3, 0x87)
    entries: dict[int, Words] = {}
    decoder = Decoder(guest.mapped, entries=entries)
    space = decoder.decode(PAGE, lambda words: words == entry(2, 7))
    assert len(space.leaves) == 0
    assert space.tables.counts() == {4: 1, 3: 0, 2: 0, 1: 0}
    assert entries[PAGE][256] == entry(2, 7)
    space = decoder.decode(PAGE, lambda words: words != words)
    assert [leaf.vaddr >> 39 & 511 for leaf in space.leaves] == [0, 256, 511]


@given(
    st.integers(0, 3 * PAGE),
    st.integers(0, 4 * PAGE),
    st.lists(st.integers(0, 9 * PAGE), min_size=1, max_size=20),
)
@settings(max_examples=60, deadline=None)
def test_frames_are_whole_ones_of_memory(base: int, length: int, paddrs: list[int]) -> None:
    """Wherever a piece of memory begins and ends, both ways read the same frames."""
    paddrs += [paddr & -PAGE for paddr in paddrs]
    with mmap.mmap(-1, 9 * PAGE) as mapping:
        mapping[:] = random.Random(length).randbytes(len(mapping))
        memory = MappedMemory(mapping, RamMap((RamRange(base, length, PAGE),)))
        wanted = np.array(paddrs, np.uint64)
        for way in (memory, OnlyRead(memory)):
            words, readable = Frames(way).read(wanted)
            for paddr, row, found in zip(paddrs, words, readable.tolist(), strict=True):
                inside = base <= paddr and paddr + PAGE <= base + length
                assert found == (inside and paddr % PAGE == 0)
                data = memory.read(paddr, PAGE) if found else bytes(PAGE)
                assert row.astype("<u8").tobytes() == data


def test_the_parts_of_a_decoded_space_fit() -> None:
    guest = Guest()
    guest.put(1, 256, entry(2, 7))
    guest.put(2, 0, 0xE7)
    guest.put(2, 1, entry(5, 3))
    guest.put(5, 511, 0x1FE0_0083)
    leaves = decode(guest.mapped, PAGE).leaves
    assert leaves.level.tolist() == [3, 2]
    assert leaves.table.tolist() == [2 * PAGE, 5 * PAGE]
    assert [len(leaves.between(UPPER_HALF, UPPER_HALF + n)) for n in (0, 1, 1 << 31)] == [0, 1, 2]
    assert leaves.count_below(1 << 70) == 2
    assert leaves.count_below(-1) == 0
