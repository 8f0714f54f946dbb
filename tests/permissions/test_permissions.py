"""Everything that an access may do, performed by a guest and held against the manual."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ringbench.arch.x86_64.qemu_departures import known
from tests.permissions import stale
from tests.permissions.combinations import ALL_CONTROLS, batches, total
from tests.permissions.performer import Performer, booted
from tests.permissions.verdict import Judge, Tally

Note = Callable[[str, object], None]

DRAWS = 2
"""Patterns of accessed and dirty bits for each combination of everything else."""

STALE_STEP = 16
OTHER_CPUS = ("max,phys-bits=36", "max,phys-bits=52", "max,-pdpe1gb")


def run(performer: Performer, draws: int | None) -> Tally:
    judge = Judge(performer.features, performer.place, performer.bits)
    for batch, results in performer.perform(batches(performer, draws)):
        judge.judge(batch, results)
    return judge.tally


def run_stale(performer: Performer, step: int) -> Tally:
    judge = Judge(performer.features, performer.place, performer.bits)
    flush = performer.bits.flush
    for batch, results in performer.perform(stale.batches(performer, judge, step)):
        judge.judge(batch, results, [stale.stale_answer(judge, batch, flush)])
    return judge.tally


def check(performer: Performer, tally: Tally) -> str:
    """See that all is as the manual has it but for QEMU's departures; return these, counted."""
    assert not tally.wrong, str(tally)
    assert 0 < tally.faults < tally.compared
    departed = ", ".join(f"{name} {count:,}" for name, count in sorted(tally.departures.items()))
    return f"QEMU {performer.version} departs in {departed or 'nothing'}"


def every_departure(performer: Performer, tally: Tally) -> None:
    """See that the list of departures has none that this QEMU does not show."""
    expected = known(performer.version, performer.features)
    assert expected is None or set(tally.departures) == expected


@pytest.mark.timeout(600)
def test_every_right_under_every_control(performer: Performer, record_property: Note) -> None:
    tally = run(performer, DRAWS)
    share = f"{tally.compared:,} of {total(performer.features):,} permission combinations"
    record_property("summary", f"{share}; {check(performer, tally)}")
    every_departure(performer, tally)


@pytest.mark.timeout(300)
def test_stale_translations(performer: Performer, record_property: Note) -> None:
    tally = run_stale(performer, STALE_STEP)
    pairs = len(stale.Pairs.all(performer)) * len(ALL_CONTROLS)
    share = f"{tally.compared // 2:,} of {pairs:,} changes of an entry between two accesses"
    text = f"{share}, {tally.stale:,} answered by the old one; {check(performer, tally)}"
    record_property("summary", text)
    assert tally.stale


@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
def test_everything(performer: Performer, record_property: Note) -> None:
    tally = run(performer, None)
    assert tally.compared == total(performer.features)
    record_property(
        "summary", f"all {tally.compared:,} permission combinations; {check(performer, tally)}"
    )
    every_departure(performer, tally)


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
def test_every_stale_translation(performer: Performer, record_property: Note) -> None:
    tally = run_stale(performer, 1)
    text = f"all {tally.compared // 2:,} changes between two accesses, {tally.stale:,} answered by"
    record_property("summary", f"{text} the old entry; {check(performer, tally)}")
    assert tally.stale


@pytest.mark.exhaustive
@pytest.mark.timeout(600)
@pytest.mark.parametrize("cpu", OTHER_CPUS)
def test_another_processor(cpu: str, guest: Path, record_property: Note) -> None:
    with booted(guest, cpu) as performer:
        tally = run(performer, 1)
        share = f"{tally.compared:,} of {total(performer.features):,} combinations on -cpu {cpu}"
        record_property("summary", f"{share}; {check(performer, tally)}")
        every_departure(performer, tally)
