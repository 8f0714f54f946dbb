"""The check itself: it sees what is wrong, says it in words, and takes nothing else for QEMU's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from ringbench.arch.x86_64 import qemu_departures
from ringbench.arch.x86_64.entry import NX, A, D, P, U, W
from ringbench.arch.x86_64.features import Features
from ringbench.arch.x86_64.outcome import Controls
from ringbench.arch.x86_64.vectors import PageFaultCode
from tests.permissions import stale
from tests.permissions.combinations import SLOTS, batches
from tests.permissions.performer import Batch, Performer, Results
from tests.permissions.verdict import Judge

OPEN = (P | W | U,) * 4
RESERVED = 1 << 51
REPEATED = 12


@dataclass(frozen=True)
class Sample:
    """Some accesses, with what they gave."""

    performed: tuple[tuple[Batch, Results], ...]

    def wrong(self, judge: Judge, change: Callable[[Controls], Controls] = lambda c: c) -> int:
        """Return how many are wrong, for a judge who takes the control bits for others."""
        for batch, results in self.performed:
            judge.judge(replace(batch, controls=change(batch.controls)), results)
        return judge.tally.wrong


@pytest.fixture(scope="module")
def sample(performer: Performer) -> Sample:
    """Every 37th of all walks, under all control bits."""
    thinned = [
        replace(batch, entries=batch.entries[::37], access=batch.access[::37])
        for batch in batches(performer, 1)
    ]
    return Sample(tuple(performer.perform(thinned)))


def test_nothing_is_wrong_to_begin_with(sample: Sample, judge: Judge) -> None:
    assert sample.wrong(judge) == 0
    assert 0 < judge.tally.faults < judge.tally.compared


@pytest.mark.parametrize("bit", Controls._fields)
def test_a_judge_who_mistakes_one_control_bit_is_contradicted(
    bit: str, sample: Sample, judge: Judge
) -> None:
    assert sample.wrong(judge, lambda c: c._replace(**{bit: not getattr(c, bit)})) > 20


def test_a_judge_who_mistakes_the_physical_width_is_contradicted(
    sample: Sample, performer: Performer
) -> None:
    width = performer.features.physical_bits + 1
    judge = Judge(Features(width), performer.place, performer.bits)
    assert sample.wrong(judge) > 1000


def test_only_the_processor_that_it_is_about_shows_a_departure(
    sample: Sample, judge: Judge, performer: Performer
) -> None:
    without = Features(performer.features.physical_bits, gib_pages=False)
    mistaken = Judge(without, performer.place, performer.bits)
    sample.wrong(mistaken)
    sample.wrong(judge)
    name = "1 GiB pages on a CPU without them"
    assert name in mistaken.tally.departures
    assert name not in judge.tally.departures


def test_without_the_list_of_departures_they_are_wrong(
    sample: Sample, judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.permissions.verdict.chains", lambda: iter(()))
    assert sample.wrong(judge) > 1000
    assert "seen: #PF error code 0x8 (RSVD)" in str(judge.tally)
    assert "must: #PF error code 0x9 (P|RSVD)" in str(judge.tally)


def perform(performer: Performer, flags: tuple[int, ...], access: int) -> tuple[Batch, Results]:
    """Perform an access some times through a 4 KiB page whose entries have these flags."""
    place = performer.place
    addresses = (*place.tables, place.frames[0])
    entries = [flag | address for flag, address in zip(flags, addresses, strict=True)]
    batch = Batch(
        Controls(),
        place.page(SLOTS[0]),
        np.tile(np.array(entries, np.uint64), (REPEATED, 1)),
        np.full(REPEATED, access | performer.bits.flush, np.uint64),
    )
    [(_, results)] = performer.perform([batch])
    return batch, results


def spoil(results: Results, member: str, flip: int, column: int | None = None) -> Results:
    """Flip bits of a member in every result but the first."""
    spoilt = results.copy()
    part = spoilt[member] if column is None else spoilt[member][:, column]
    part[1:] ^= part.dtype.type(flip)
    return spoilt


CASES = {
    "passes": (OPEN, "read"),
    "refused": ((P | W | U, P | W | U, P, P | W | U | NX), "user write"),
    "not present": ((P | W | U, P | W | U, W | U, P | W | U), "fetch"),
    "reserved": ((P | W | U, P | W | U | RESERVED, P | W | U, P | W | U), "write"),
}
SPOILS = (
    ("passes", "vector", 14, None, "seen: #PF"),
    ("passes", "vector", 13, None, "seen: #GP"),
    ("passes", "cr2", 0x1000, None, "but CR2 0x1000"),
    ("passes", "reached", 3, None, "reaches frame 2"),
    ("passes", "entry", A, 0, "PML4E  P|W|U 0x"),
    ("passes", "entry", A, 3, "must become P|W|U|A 0x"),
    ("passes", "entry", D, 3, "seen        P|W|U|A|D 0x"),
    ("passes", "entry", 1 << 40, 2, "PDE "),
    ("refused", "error", PageFaultCode.P, None, "seen: #PF error code 0x6 (W|U)"),
    ("refused", "error", PageFaultCode.W, None, "must: #PF error code 0x7 (P|W|U)"),
    ("refused", "error", PageFaultCode.U, None, "seen: #PF error code 0x3 (P|W)"),
    ("refused", "error", PageFaultCode.I, None, "seen: #PF error code 0x17 (P|W|U|I)"),
    ("refused", "vector", 14, None, "seen: no fault"),
    ("refused", "cr2", 1, None, "seen: #PF"),
    ("refused", "reached", 1, None, "reaches frame 1"),
    ("refused", "entry", D, 3, "seen        P|W|U|D|NX 0x"),
    ("refused", "entry", W, 1, "seen        P|U"),
    ("not present", "error", PageFaultCode.P, None, "seen: #PF error code 0x11 (P|I)"),
    ("not present", "entry", A, 2, "seen        W|U|A 0x"),
    ("not present", "entry", A, 3, "PTE"),
    ("reserved", "error", PageFaultCode.RSVD, None, "seen: #PF error code 0x2 (W)"),
    ("reserved", "error", PageFaultCode.U, None, "must: #PF error code 0xb (P|W|RSVD)"),
    ("reserved", "entry", A, 1, "PDPTE"),
    ("reserved", "cr2", 1, None, "supervisor write at 0x"),
)


@pytest.mark.parametrize(("case", "member", "flip", "column", "words"), SPOILS)
def test_a_spoilt_result_is_wrong_and_said_in_words(
    case: str,
    member: str,
    flip: int,
    column: int | None,
    words: str,
    performer: Performer,
    judge: Judge,
) -> None:
    flags, access = CASES[case]
    bits = performer.bits
    marks = {"read": bits.read, "write": bits.write, "fetch": bits.fetch, "user": bits.user}
    batch, results = perform(performer, flags, sum(marks[word] for word in access.split()))
    judge.judge(batch, spoil(results, member, flip, column))
    said = str(judge.tally)
    assert judge.tally.wrong == REPEATED - 1, said
    assert f"{REPEATED - 1} of {REPEATED} accesses are not as the manual has them" in said
    assert words in said
    assert said.count("CR0.WP EFER.NXE") == 10
    assert said.endswith("... and 1 more")


@pytest.fixture(scope="module")
def changed(performer: Performer) -> tuple[tuple[stale.StaleBatch, Results], ...]:
    """Every 97th change between two accesses."""
    judge = Judge(performer.features, performer.place, performer.bits)
    return tuple(performer.perform(stale.batches(performer, judge, 97)))


def test_stale_answers_are_wrong_where_no_cache_may_answer(
    changed: tuple[tuple[stale.StaleBatch, Results], ...], performer: Performer, judge: Judge
) -> None:
    strict = Judge(performer.features, performer.place, performer.bits)
    flush = performer.bits.flush
    for batch, results in changed:
        judge.judge(batch, results, [stale.stale_answer(judge, batch, flush)])
        strict.judge(batch, results)
    assert judge.tally.wrong == 0
    assert strict.tally.wrong == judge.tally.stale > 500
    assert ", without INVLPG" in str(strict.tally)


def test_after_invlpg_no_cache_may_answer(
    changed: tuple[tuple[stale.StaleBatch, Results], ...], performer: Performer, judge: Judge
) -> None:
    """A guest without INVLPG is seen: these results pass for none of its that has it."""
    flush = np.uint64(performer.bits.flush)
    for batch, results in changed:
        claimed = replace(batch, access=batch.access | flush)
        judge.judge(claimed, results, [stale.stale_answer(judge, claimed, int(flush))])
    assert judge.tally.stale == 0
    assert judge.tally.wrong > 500


def test_what_is_made_good_may_not_be_answered_by_a_cache(
    changed: tuple[tuple[stale.StaleBatch, Results], ...], performer: Performer, judge: Judge
) -> None:
    """A second access that repeats the first one's fault is wrong where nothing was cached."""
    made_good = 0
    for batch, results in changed:
        before, after = batch.cached, batch.entries[1::2]
        rows, at = np.arange(len(before)), batch.pairs.column.astype(np.intp)
        absent = np.uint64(P) & ~before[rows, at] & after[rows, at] != 0
        same = batch.access[0::2] & ~np.uint64(performer.bits.flush) == batch.access[1::2]
        passed = results["vector"][1::2] == 0
        chosen = np.flatnonzero(absent & same & passed) * 2 + 1
        forged = results.copy()
        for member in ("vector", "error", "cr2", "reached"):
            forged[member][chosen] = results[member][chosen - 1]
        judge.judge(batch, forged, [stale.stale_answer(judge, batch, performer.bits.flush)])
        made_good += len(chosen)
    assert judge.tally.wrong == made_good > 10


def test_the_list_of_departures_is_by_version_and_processor() -> None:
    everywhere = {"P clear in a reserved bit's error code"}
    large = {"A set in a 1 GiB leaf with a reserved bit"}
    without = {"1 GiB pages on a CPU without them"}
    assert qemu_departures.known("7.2", Features()) == everywhere | large
    assert qemu_departures.known("7.2", Features(gib_pages=False)) == everywhere | without
    assert qemu_departures.known("99.0", Features()) is None
