"""The walks are all different and end where they say; a drawn part has every pair of bits."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from ringbench.arch.x86_64.address import LEVELS
from ringbench.arch.x86_64.entry import NX, A, D, P, U, W
from ringbench.arch.x86_64.features import Features
from ringbench.arch.x86_64.leaves import Positions
from ringbench.arch.x86_64.outcome import Controls
from ringbench.arch.x86_64.outcome_bulk import NO_FAULT, Accesses, outcomes
from ringbench.arch.x86_64.vectors import PageFaultCode
from tests.permissions.combinations import End, drawn, ends, mixed, total, walks
from tests.permissions.performer import Place

PLACE = Place((0x3000, 0x4000, 0x5000), (0x9000, 0x4000_9000), (0x801, 0x902, 0))
CPU = Features(physical_bits=40)
"""What QEMU's `max` is."""

BOTH = pytest.mark.parametrize("nxe", [False, True])


def made(end: End, numbers: Positions, nxe: bool) -> Accesses:
    entries = walks(end, numbers, PLACE, 1)
    no = np.zeros(len(entries), bool)
    vaddr = np.full(len(entries), PLACE.page(5), np.uint64)
    return Accesses(entries, vaddr, no, no, no, Controls(nxe=nxe), CPU)


def test_the_number_of_combinations() -> None:
    # By level, with NXE: rights x flags x ends; without: no-execute is an end instead.
    executable = 8**1 * 4 * 5 + 8**2 * 8 * 9 + 8**3 * 16 * 9 + 8**4 * 32 * 5
    without_nx = 4**1 * 4 * 6 + 4**2 * 8 * 11 + 4**3 * 16 * 11 + 4**4 * 32 * 6
    assert total(CPU) == (executable + without_nx) * 6 * 16 == 76_394_496


@BOTH
def test_walks_are_all_different(nxe: bool) -> None:
    for end in ends(nxe, CPU):
        numbers = np.arange(min(len(end), 20_000))
        entries = walks(end, numbers, PLACE, 1)
        kept = np.uint64(P | W | U | A | NX * nxe)
        last = kept | np.uint64(D)
        masks = np.array([last if column == end.used - 1 else kept for column in range(LEVELS)])
        assert len(np.unique(entries & masks, axis=0)) == len(numbers), end


@BOTH
def test_walks_end_where_they_say(nxe: bool) -> None:
    for end in ends(nxe, CPU):
        found = outcomes(made(end, np.arange(0, len(end), 5), nxe))
        assert (found.level == end.level).all(), end
        if "page" in end.what:
            assert (found.code == NO_FAULT).all(), end
            assert (found.paddr == PLACE.frames[0]).all(), end
        elif "not present" in end.what:
            assert (found.code == 0).all(), end
        else:
            [bit] = np.unique(found.reserved)
            assert end.what.endswith(f"reserved bit {int(bit).bit_length() - 1}")
            assert (found.code == PageFaultCode.P | PageFaultCode.RSVD).all(), end


@BOTH
def test_what_is_drawn_has_all_rights_and_every_pair_of_flags(nxe: bool) -> None:
    for end in ends(nxe, CPU):
        numbers = drawn(end, 2, seed=9)
        assert len(numbers) == 2 * end.choices == len(np.unique(numbers)), end
        assert (np.unique(numbers // end.patterns) == np.arange(end.choices)).all(), end
        if end.level > 2:
            continue  # too few to meet all pairs under one set of control bits
        columns = made(end, numbers, nxe).entries[:, : end.used]
        varied = [columns[:, column] & np.uint64(bit) != 0 for column, bit in _varied(end)]
        for one, other in combinations(varied, 2):
            for both in ((True, True), (True, False), (False, True), (False, False)):
                assert ((one == both[0]) & (other == both[1])).any(), end


def _varied(end: End) -> list[tuple[int, int]]:
    """Return all (column, bit) in which walks differ."""
    bits = [(column, bit) for column in range(end.used) for bit in (*end.rights, A)]
    return [*bits, (end.used - 1, D)]


def test_ignored_bits_are_set_in_some_and_clear_in_others() -> None:
    [end] = [each for each in ends(True, CPU) if str(each) == "PT 0x1000-byte page"]
    entries = walks(end, np.arange(0, len(end), 7), PLACE, 1)
    for column in range(LEVELS):
        for bit in (3, 4, 8, 9, 11, 52, 59, 62, 7 if column == 3 else 6):
            share = np.mean(entries[:, column] >> np.uint64(bit) & np.uint64(1))
            assert 0.2 < share < 0.3, (column, bit)


def test_mixed_numbers_are_all_different() -> None:
    values = np.concatenate([mixed(np.arange(10_000), seed) for seed in range(4)])
    assert len(np.unique(values)) == 40_000
