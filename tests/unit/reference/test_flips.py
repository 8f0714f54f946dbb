"""What flips are made of and what is made of them; the flips themselves need a kernel."""

from __future__ import annotations

import json
from io import StringIO
from random import Random

import pytest
from rich.console import Console

from ringbench.check.mismatch import Mismatch
from ringbench.debuginfo.ctype import Array, Integer, Type
from ringbench.debuginfo.record import Member, Struct
from ringbench.subjects.reference.flips.free import ABSENT, ACCESSED, FREE, PADDING, FreeBits
from ringbench.subjects.reference.flips.result import Tally, Verdict, judge
from ringbench.subjects.reference.flips.structure import (
    Flip,
    Part,
    Spot,
    of_bitmap,
    of_spots,
    parts_of,
)
from ringbench.subjects.reference.report.flips import flips_json, flips_table, headline

U8, U32, U64 = Integer("u8", 1), Integer("u32", 4), Integer("u64", 8)
INNER = Struct("struct inner", 8, (Member("small", 0, U8), Member("word", 4, U32)))
OUTER = Struct(
    "struct outer",
    48,
    (
        Member("first", 0, U64),
        Member("pair", 8, Array("struct inner[2]", 16, INNER, 2)),
        Member("padding", 24, Array("u64[2]", 16, U64, 2)),
        Member("flag", 40, U8),
    ),
)

FLIP = Flip("paging", "PT entries", "part", 0x1000, 3, "t1: PT 0x1000 entry 1", None)


def mismatch(layer: str, where: str) -> Mismatch:
    return Mismatch(layer, "entry", "one", "other", where)


def test_parts_are_all_bytes_of_a_type() -> None:
    parts = list(parts_of(OUTER, "padding"))
    assert [(part.path, part.offset, part.size, part.padding) for part in parts] == [
        (".first", 0, 8, False),
        (".pair[0].small", 8, 1, False),
        (".pair[0]", 9, 3, True),
        (".pair[0].word", 12, 4, False),
        (".pair[1].small", 16, 1, False),
        (".pair[1]", 17, 3, True),
        (".pair[1].word", 20, 4, False),
        (".padding", 24, 16, True),
        (".flag", 40, 1, False),
        ("", 41, 7, True),
    ]
    assert list(parts_of(Type("void", 0), "padding")) == []


def test_padding_is_free_and_members_are_not() -> None:
    padding = Part(".a", 9, 3, padding=True).spot(0x1009, "place")
    assert (padding.paddr, padding.bits) == (0x1009, 24)
    assert [padding.free_kind(bit) for bit in (0, 23)] == [PADDING, PADDING]
    assert Part(".a", 9, 3).spot(0x1000, "place").free_kind(0) is None


def test_every_bit_of_every_spot_is_drawn() -> None:
    spots = [Spot("a", 0, 3, "A"), Spot("b", 8, 2, "B", first=5, free={ACCESSED: 2})]
    structure = of_spots("things", "pmm", spots)
    random = Random(1)
    drawn = {structure.draw(random) for _ in range(200)}
    assert {(flip.paddr, flip.bit, flip.place) for flip in drawn} == {
        *((0, bit, "A") for bit in range(3)),
        *((8, bit, "B") for bit in (5, 6)),
    }
    assert {flip.bit for flip in drawn if flip.free} == {6}


def test_bits_of_a_bitmap() -> None:
    structure = of_bitmap("bits", "pmm", 0x1000, 130, lambda bit: f"frame {bit}")
    spot = structure.spot(129)
    assert (spot.paddr, spot.first, spot.bits, spot.place) == (0x1010, 1, 1, "frame 129")


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ([mismatch("paging", "t1: PT 0x1000 entry 1 (for 0x5000)")], Verdict.NAMED),
        ([mismatch("pmm", "x"), mismatch("paging", "t1: PT 0x1000 entry 1")], Verdict.NAMED),
        ([mismatch("paging", "t1: PT 0x1000 entry 17 (for 0x5000)")], Verdict.MISNAMED),
        ([mismatch("paging", "xt1: PT 0x1000 entry 1")], Verdict.MISNAMED),
        ([mismatch("vmm", "t1: PT 0x1000 entry 1")], Verdict.MISNAMED),
        ([], Verdict.MISSED),
    ],
)
def test_a_flip_is_judged(found: list[Mismatch], verdict: Verdict) -> None:
    assert judge(FLIP, found) is verdict


def test_free_bits_need_not_be_caught_unless_they_are_compared() -> None:
    def flip(free: FreeBits) -> Flip:
        return Flip(FLIP.layer, FLIP.structure, "", 0, 0, FLIP.place, free)

    assert judge(flip(ACCESSED), []) is Verdict.FREE
    assert judge(flip(ABSENT), []) is Verdict.MISSED


def test_report() -> None:
    tally = Tally()
    tally.add(FLIP, [mismatch("paging", FLIP.place)])
    tally.add(FLIP, [mismatch("vmm", "elsewhere")])
    tally.add(FLIP, [])
    tally.add(Flip("pmm", "bits", "", 0, 0, "p", PADDING), [])
    result = tally.result(7, 1.5, ["16M: rich"])
    assert [row.layer for row in result.rows] == ["pmm", "paging"]
    total = result.total
    assert (total.flips, total.free, total.caught, total.named, total.missed) == (4, 1, 2, 1, 1)
    assert not result.passed
    assert "of 3 that mean something 2 (66.67%) caught, 1 (33.33%) with layer and place" in (
        headline(result)
    )
    data = json.loads(json.dumps(flips_json(result)))
    assert data["passed"] is False
    assert data["missed"] == [str(FLIP)]
    assert "vmm: entry at elsewhere" in data["misnamed"][0]
    assert [each for each in data["free"] if each["flips"]] == [
        {
            "bits": PADDING.name,
            "why": PADDING.reason,
            "must_be_caught": False,
            "flips": 1,
            "caught": 0,
        }
    ]
    console = Console(width=300, record=True, file=StringIO())
    console.print(flips_table(result))
    shown = console.export_text()
    assert f"MISSED: {FLIP}" in shown
    assert all(kind.name in shown for kind in FREE)
