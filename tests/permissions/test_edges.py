"""Beside the matrix: known answers, addresses that are none, the edge of the physical width."""

from __future__ import annotations

import numpy as np
import pytest

from ringbench.arch.x86_64.access import AccessKind, NonCanonicalFault
from ringbench.arch.x86_64.address import LEVELS, entry_span
from ringbench.arch.x86_64.entry import PS, A, D, P, U, W
from ringbench.arch.x86_64.features import Features
from ringbench.arch.x86_64.outcome import Controls, outcome
from ringbench.arch.x86_64.vectors import Vector
from ringbench.arch.x86_64.walk import translate
from ringbench.machine import BytesMemory
from tests.permissions.combinations import SLOTS
from tests.permissions.performer import Batch, Performer, Results
from tests.permissions.verdict import Judge

OPEN = P | W | U


def accesses(performer: Performer) -> list[int]:
    bits = performer.bits
    return [
        ring | kind | bits.flush
        for ring in (0, bits.user)
        for kind in (bits.read, bits.write, bits.fetch)
    ]


def perform(
    performer: Performer, page: int, entries: list[int], kinds: list[int]
) -> tuple[Batch, Results]:
    walks = np.tile(np.array(entries, np.uint64), (len(kinds), 1))
    batch = Batch(Controls(), page, walks, np.array(kinds, np.uint64))
    [(_, results)] = performer.perform([batch])
    return batch, results


@pytest.mark.parametrize(
    "page",
    [
        0x0000_8000_0000_0000,  # the first above the lower half
        0x0000_FFFF_FFFF_F000,
        0xFFFF_7FFF_FFFF_F000,  # the last below the upper half
        0xFFFF_2000_0000_0000,
        0x0100_2000_0000_0000,  # one bit too many
        0x8000_2000_0000_0000,
    ],
)
def test_a_non_canonical_address_never_gets_to_its_walk(page: int, performer: Performer) -> None:
    place = performer.place
    entries = [at | OPEN for at in (*place.tables, place.frames[0])]
    nothing = BytesMemory(b"")
    must = outcome(translate(nothing, 0, page), AccessKind.READ, user=True, controls=Controls())
    assert isinstance(must.fault, NonCanonicalFault)
    batch, results = perform(performer, page, entries, accesses(performer))
    assert (results["vector"] == Vector.GP).all()
    assert (results["error"] == must.fault.code).all()
    assert (results["cr2"] == 0).all()
    assert (results["entry"] == batch.entries).all()


@pytest.mark.parametrize("level", [1, 2, 3])
def test_the_highest_address_bit_is_not_reserved(
    level: int, performer: Performer, judge: Judge
) -> None:
    """There is no memory so high: nothing is there to be fetched, and writes get lost."""
    place, bits = performer.place, performer.bits
    top = 1 << performer.features.physical_bits - 1
    entries = [at | OPEN for at in (*place.tables, place.frames[1])]
    page = place.frames[0] & -entry_span(level) | (PS if level > 1 else 0)
    entries[LEVELS - level] = page | top | OPEN
    kinds = [bits.read, bits.write, bits.user | bits.read, bits.user | bits.write]
    batch, results = perform(
        performer, place.page(SLOTS[1]), entries, [kind | bits.flush for kind in kinds]
    )
    judge.judge(batch, results)
    assert not judge.tally.wrong, str(judge.tally)
    assert judge.tally.faults == 0
    narrower = Features(performer.features.physical_bits - 1)
    mistaken = Judge(narrower, place, bits)
    mistaken.judge(batch, results)
    assert mistaken.tally.wrong == len(kinds)


def test_a_page_open_to_all_answers_every_access(performer: Performer) -> None:
    """Known answers, by no model."""
    place = performer.place
    entries = [at | OPEN for at in (*place.tables, place.frames[0])]
    batch, results = perform(performer, place.page(SLOTS[0]), entries, accesses(performer))
    assert (results["vector"] == 0).all()
    assert (results["reached"] == 1).all()
    after = batch.entries | np.uint64(A)
    after[1::3, 3] |= np.uint64(D)
    assert (results["entry"] == after).all()
