"""Tables that no sane kernel writes: the scan ends, and says what it could not follow."""

import random
import struct
from itertools import islice

import pytest

from ringbench.arch.x86_64.features import Features
from ringbench.arch.x86_64.plain_scan import scan
from ringbench.arch.x86_64.records import Leaf, RecursiveSlot, Stop
from ringbench.arch.x86_64.walk import translate
from ringbench.errors import MemoryUnreadable
from tests.plain_views import leaves, problems, tables

PWU = 7


class Frames:
    """Physical memory given as frames of 512 words."""

    def __init__(self, frames: dict[int, dict[int, int]], count: int = 16) -> None:
        self.data = bytearray(count * 4096)
        for frame, words in frames.items():
            for index, word in words.items():
                struct.pack_into("<Q", self.data, frame * 4096 + index * 8, word)

    def read(self, paddr: int, length: int) -> bytes:
        if paddr + length > len(self.data):
            raise MemoryUnreadable(paddr, length, "no such frame")
        return bytes(self.data[paddr : paddr + length])


def entry(frame: int, flags: int = PWU) -> int:
    return frame << 12 | flags


def test_a_recursive_slot_shows_every_table_as_a_page() -> None:
    memory = Frames(
        {
            1: {0: entry(2), 510: entry(1)},
            2: {0: entry(3)},
            3: {0: entry(4)},
            4: {7: entry(9)},
        }
    )
    found = {leaf.vaddr: leaf.paddr for leaf in leaves(memory, 0x1000)}
    slot = 510
    base = 0xFFFF_0000_0000_0000 | slot << 39
    assert found == {
        0x7000: 0x9000,
        base: 0x4000,  # PT of 0, by the slot once
        base | slot << 30: 0x3000,
        base | slot << 30 | slot << 21: 0x2000,
        base | slot << 30 | slot << 21 | slot << 12: 0x1000,
    }
    for vaddr, paddr in found.items():
        assert translate(memory, 0x1000, vaddr).paddr == paddr
    assert sorted(t.level for t in tables(memory, 0x1000) if t.paddr == 0x1000) == [1, 2, 3, 4]


@pytest.mark.parametrize("levels", [4, 5])
def test_a_recursive_slot_can_be_folded(levels: int) -> None:
    """Of the root alone: a slot of another table, or with a reserved bit, is no window."""
    memory = Frames(
        {
            1: {0: entry(2), 300: entry(1, 3), 301: entry(1) | 1 << 45, 511: entry(1, 5)},
            2: {300: entry(2), 0: entry(3)},
        }
    )
    features = Features(physical_bits=40, levels=levels)
    records = list(scan(memory, 0x1000, features, fold=True))
    windows = [each for each in records if isinstance(each, RecursiveSlot)]
    span = 1 << (39 if levels == 4 else 48)
    assert [(w.slot, w.vaddr, w.length, w.permissions) for w in windows] == [
        (300, 2**64 - 212 * span, span, "-rwx"),
        (511, 2**64 - span, span, "ur-x"),
    ]
    assert not [r for r in records if isinstance(r, Leaf) and r.vaddr >= 1 << 63]
    assert [p.index for p in problems(memory, 0x1000, features) if p.table == 0x1000][:1] == [301]
    assert str(windows[1]).startswith(f"window on the tables, slot 511, {2**64 - span:#x}..0xffff")


def test_a_root_of_nothing_but_itself_ends_at_the_limit() -> None:
    memory = Frames({1: dict.fromkeys(range(512), entry(1))})
    records = list(scan(memory, 0x1000, limit=5000))
    assert len(records) == 5001
    last = records[-1]
    assert last in list(problems(memory, 0x1000, limit=5000))
    assert getattr(last, "stop", None) is Stop.LIMIT
    assert last.vaddr + getattr(last, "length", 0) == 2**64
    assert last.vaddr == records[-2].vaddr + 4096


def test_tables_without_any_page_end_at_the_limit_too() -> None:
    memory = Frames({n: dict.fromkeys(range(512), entry(n + 1)) for n in (1, 2, 3)})
    assert list(leaves(memory, 0x1000, limit=5000)) == []
    assert [p.stop for p in problems(memory, 0x1000, limit=5000)] == [Stop.LIMIT]


def test_reserved_bits_everywhere_end_at_the_limit_too() -> None:
    bad = entry(4) | 1 << 51
    memory = Frames(
        {
            1: dict.fromkeys(range(512), entry(2)),
            2: dict.fromkeys(range(512), entry(3)),
            3: dict.fromkeys(range(512), bad),
        }
    )
    narrow = Features(physical_bits=40)
    found = list(problems(memory, 0x1000, narrow, limit=5000))
    assert {p.stop for p in found} == {Stop.RESERVED, Stop.LIMIT}
    assert len(found) <= 5001


def test_a_table_outside_memory_is_told_and_its_neighbours_are_listed() -> None:
    memory = Frames(
        {
            1: {0: entry(2)},
            2: {0: entry(3)},
            3: {0: entry(4), 1: entry(0x12345), 2: entry(5)},
            4: {0: entry(8)},
            5: {0: entry(9)},
        }
    )
    assert [leaf.paddr for leaf in leaves(memory, 0x1000)] == [0x8000, 0x9000]
    (hole,) = problems(memory, 0x1000)
    assert (hole.stop, hole.vaddr, hole.length) == (Stop.UNREADABLE, 0x20_0000, 0x20_0000)
    assert (hole.level, hole.table) == (1, 0x1234_5000)
    assert "table outside memory: PT 0x12345000" in str(hole)
    walk = translate(memory, 0x1000, 0x20_0000)
    assert (walk.stop, walk.level, len(walk.steps)) == (Stop.UNREADABLE, 1, 3)


def test_a_root_outside_memory_is_one_problem() -> None:
    (hole,) = scan(Frames({}), 0x7000_0000)
    assert getattr(hole, "stop", None) is Stop.UNREADABLE
    assert translate(Frames({}), 0x7000_0000, 0).stop is Stop.UNREADABLE


@pytest.mark.parametrize(
    ("level", "bits"),
    [
        (4, 1 << 7),
        (4, 1 << 45),
        (3, 1 << 45),
        (3, 1 << 7 | 1 << 13),
        (2, 1 << 7 | 1 << 20),
        (1, 1 << 51),
    ],
)
def test_a_reserved_bit_at_any_level_is_told_with_its_entry(level: int, bits: int) -> None:
    frames = {5 - n: {0: entry(6 - n)} for n in (4, 3, 2, 1)}
    frames[5 - level] = {0: entry(6 - level) | bits if not bits & 0x80 or level == 4 else bits | 7}
    memory = Frames(frames)
    narrow = Features(physical_bits=40)
    (problem,) = problems(memory, 0x1000, narrow)
    assert (problem.stop, problem.level, problem.index) == (Stop.RESERVED, level, 0)
    assert problem.raw == frames[5 - level][0]
    assert problem.length == 4096 << 9 * (level - 1)
    assert not list(leaves(memory, 0x1000, narrow))
    walk = translate(memory, 0x1000, 0, narrow)
    assert (walk.stop, walk.level) == (Stop.RESERVED, level)


def test_a_frame_that_serves_twice_is_listed_twice() -> None:
    memory = Frames({1: {0: entry(2), 256: entry(2)}, 2: {0: entry(3)}, 3: {0: entry(4)}, 4: {}})
    served = [(t.vaddr, t.level) for t in tables(memory, 0x1000) if t.paddr == 0x4000]
    assert served == [(0, 1), (0xFFFF_8000_0000_0000, 1)]


@pytest.mark.parametrize("seed", range(8))
def test_random_bytes_as_tables_never_raise_and_agree_with_translate(seed: int) -> None:
    dice = random.Random(seed)
    memory = Frames({})
    for n in range(0, len(memory.data), 8):
        word = dice.getrandbits(64) if dice.random() < 0.5 else entry(dice.randrange(20), 0x27)
        struct.pack_into("<Q", memory.data, n, word)
    features = Features(physical_bits=40, gib_pages=bool(seed & 1), nx=bool(seed & 2))
    for record in islice(scan(memory, 0x1000, features, limit=3000), 0, 3000, 7):
        if type(record).__name__ == "Table":
            continue
        walk = translate(memory, 0x1000, record.vaddr, features)
        if type(record).__name__ == "Leaf":
            assert walk.leaf == record
        else:
            assert walk.stop is getattr(record, "stop", None)
