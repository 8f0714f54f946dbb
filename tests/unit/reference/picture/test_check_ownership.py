"""Frame ownership: every gap and every overlap of claims, whoever makes them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ringbench.arch.x86_64.entry import NX, P, U, W
from ringbench.subjects.reference.check.ownership import (
    FrameOwners,
    Owner,
    OwnerKind,
    check_ownership,
    conflicts,
    owners,
)

LIMIT = 64
OWNERS = (Owner(OwnerKind.FREE), Owner(OwnerKind.TABLE, "t1", 0, 1), Owner(OwnerKind.HEAP))


def claims(*runs: tuple[int, int, int]) -> FrameOwners:
    ordered = sorted(runs, key=lambda run: run[0])
    starts, ends, ids = (np.array([run[n] for run in ordered], np.int64) for n in range(3))
    return FrameOwners(LIMIT, OWNERS, starts, ends, ids)


def frames_named(claimed: FrameOwners) -> set[int]:
    """Every frame that some mismatch speaks of."""
    named: set[int] = set()
    for mismatch in conflicts(claimed, detailed=1000):
        found = re.fullmatch(r"physical 0x([0-9a-f]+)\.\.0x([0-9a-f]+)", mismatch.where)
        assert found is not None
        named |= set(range(int(found[1], 16) >> 12, int(found[2], 16) >> 12))
    return named


def test_no_gap_no_overlap() -> None:
    assert conflicts(claims((0, 10, 0), (10, 11, 1), (11, 64, 2))) == []


def test_a_gap_names_nobody_and_an_overlap_both() -> None:
    gap, overlap = conflicts(claims((0, 10, 0), (11, 40, 2), (39, 64, 1)))
    assert (gap.seen, gap.where) == ("no owner", "physical 0xa000..0xb000")
    assert overlap.seen == "heap and page table (level 1, for 0x0) of t1"
    assert overlap.where == "physical 0x27000..0x28000"
    assert (overlap.what, overlap.expected) == ("frame ownership", "one owner")


def test_a_gap_at_the_end() -> None:
    (gap,) = conflicts(claims((0, 60, 0)))
    assert (gap.what, gap.where) == ("frame ownership of 4 frames", "physical 0x3c000..0x40000")


def test_many_are_counted() -> None:
    runs = [(frame, frame + 2, frame % 3) for frame in range(LIMIT - 1)]
    found = conflicts(claims(*runs), detailed=10)
    assert len(found) == 11
    assert found[-1].seen == "52 further places"


@given(
    st.lists(
        st.tuples(st.integers(0, LIMIT - 1), st.integers(1, 20), st.integers(0, 2)), max_size=12
    )
)
def test_every_frame_without_exactly_one_owner_is_named(
    drawn: list[tuple[int, int, int]],
) -> None:
    runs = [(start, min(start + length, LIMIT), owner) for start, length, owner in drawn]
    claimed = claims(*runs)
    counts = [sum(start <= frame < end for start, end, _ in runs) for frame in range(LIMIT)]
    assert frames_named(claimed) == {frame for frame, count in enumerate(counts) if count != 1}
    for frame in range(LIMIT):
        assert len(claimed.of(frame)) == counts[frame]


def test_the_sound_guest(guest: Any) -> None:
    claimed = owners(guest.picture())
    assert conflicts(claimed) == []
    totals = claimed.totals()
    assert totals[OwnerKind.TABLE, "kernel"] == 12
    assert totals[OwnerKind.TABLE, "t1"] == 4
    assert totals[OwnerKind.TABLE, "r0"] == 1
    assert totals[OwnerKind.DEMAND, "t1"] == 1
    assert totals[OwnerKind.LENT, ""] == 37
    assert sum(totals.values()) == claimed.limit == 1 << 24
    assert [str(owner) for owner in claimed.of(519)] == ["anonymous region 0x10000 of t1"]
    merged = list(claimed.merged())
    assert (merged[0], merged[-1][2].kind) == ((0, 256, Owner(OwnerKind.LOW)), OwnerKind.HOLE)
    assert (522, 534, Owner(OwnerKind.TABLE, "kernel")) in merged


def test_two_spaces_with_one_frame(guest: Any) -> None:
    guest.entry(537 << 12, 0x13, 518 << 12 | P | W | U | NX)
    (mismatch,) = check_ownership(guest.picture())
    assert mismatch.where == "physical 0x206000..0x207000"
    assert mismatch.seen == (
        "anonymous region 0xffffd00000000000 of kernel and demand region 0x12000 of t1"
    )


def test_one_region_with_one_frame_twice(guest: Any) -> None:
    guest.entry(537 << 12, 0x13, 520 << 12 | P | W | U | NX)
    (mismatch,) = check_ownership(guest.picture())
    assert mismatch.seen == "demand region 0x12000 of t1 and demand region 0x12000 of t1"


def test_a_table_in_two_places(guest: Any) -> None:
    guest.entry(536 << 12, 1, 537 << 12 | P | W | U)
    (mismatch,) = check_ownership(guest.picture())
    assert mismatch.seen == (
        "page table (level 1, for 0x0) of t1 and page table (level 1, for 0x200000) of t1"
    )


def test_the_kernels_tables_are_not_the_tasks(guest: Any) -> None:
    """A kernel-half entry that differs makes what hangs off it the task's too."""
    guest.entry(538 << 12, 416, 525 << 12 | P | W | U)
    seen = {mismatch.seen for mismatch in check_ownership(guest.picture())}
    assert seen == {
        "page table (level 3, for 0xffffd00000000000) of kernel and "
        "page table (level 3, for 0xffffd00000000000) of r0",
        "page table (level 2, for 0xffffd00000000000) of kernel and "
        "page table (level 2, for 0xffffd00000000000) of r0",
        "page table (level 1, for 0xffffd00000000000) of kernel and "
        "page table (level 1, for 0xffffd00000000000) of r0",
    }
