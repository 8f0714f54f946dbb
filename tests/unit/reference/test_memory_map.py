"""Claims on the compiled memory map of the kernel, against the model and against brute force."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringbench.subjects.reference.model.memory_map import (
    MEMORY_RANGES_MAX,
    MemoryMap,
    memory_map_claim,
    memory_map_init,
)
from ringbench.subjects.reference.vocabulary.boot_values import MemoryRange
from ringbench.subjects.reference.vocabulary.constants import FRAME_SIZE, MemoryKind
from ringbench.subjects.reference.vocabulary.status import Status
from tests.unit.reference.host_memory_map import CLAIMS, WIDTHS, WORD, Claim, Kernel


def assert_canonical(ranges: Sequence[MemoryRange], limit: int) -> None:
    for each in ranges:
        assert each.length > 0
        assert each.base % FRAME_SIZE == 0
        assert each.length % FRAME_SIZE == 0
        assert each.base + each.length <= limit
    for low, high in pairwise(ranges):
        assert low.base + low.length <= high.base
        assert low.base + low.length < high.base or low.kind != high.kind


def strongest_at(frame: int, claims: Sequence[Claim], limit: int) -> int | None:
    """The definition, for one frame: whole for AVAILABLE, touched for every other kind."""
    end = frame + FRAME_SIZE
    kinds = [
        kind
        for base, length, kind in claims
        if (
            base <= frame and end <= base + length
            if kind == MemoryKind.AVAILABLE
            else base < end and frame < base + length and length
        )
    ]
    return max(kinds, default=None) if end <= limit else None


def kind_at(frame: int, ranges: Sequence[MemoryRange]) -> int | None:
    found = [each.kind for each in ranges if each.base <= frame < each.base + each.length]
    assert len(found) <= 1
    return found[0] if found else None


def frames_of_interest(claims: Sequence[Claim], limit: int) -> Iterator[int]:
    for base, length, _ in claims:
        for edge in (base, base + length, limit):
            frame = edge // FRAME_SIZE * FRAME_SIZE
            yield from (each for each in (frame - FRAME_SIZE, frame) if 0 <= each < WORD)


@settings(max_examples=600, deadline=None)
@given(WIDTHS, CLAIMS)
def test_every_claim_does_what_the_model_does(physical_bits: int, claims: list[Claim]) -> None:
    kernel, model = Kernel(physical_bits), memory_map_init(physical_bits)
    for claim in claims:
        model, status, _ = memory_map_claim(model, *claim)
        assert kernel.claim(*claim) == status
        assert kernel.ranges == model.ranges


@settings(max_examples=400, deadline=None)
@given(WIDTHS, CLAIMS)
def test_every_frame_has_its_strongest_claim(physical_bits: int, claims: list[Claim]) -> None:
    kernel = Kernel(physical_bits)
    for claim in claims:
        assert kernel.claim(*claim) == Status.OK
    assert_canonical(kernel.ranges, 1 << physical_bits)
    for frame in frames_of_interest(claims, 1 << physical_bits):
        assert kind_at(frame, kernel.ranges) == strongest_at(frame, claims, 1 << physical_bits)


@settings(max_examples=400, deadline=None)
@given(WIDTHS, CLAIMS, st.randoms(use_true_random=False))
def test_the_order_of_claims_makes_no_difference(
    physical_bits: int, claims: list[Claim], random: Random
) -> None:
    one, other = Kernel(physical_bits), Kernel(physical_bits)
    for claim in claims:
        one.claim(*claim)
    random.shuffle(claims)
    for claim in claims:
        other.claim(*claim)
    assert one.ranges == other.ranges


@pytest.mark.parametrize("kind", [6, 7, 1 << 31, (1 << 32) - 1])
def test_an_unknown_kind_is_refused(kind: int) -> None:
    kernel = Kernel(40)
    kernel.claim(0, FRAME_SIZE, MemoryKind.LOW)
    assert kernel.claim(0, 1 << 20, kind) == Status.INVALID
    assert kernel.ranges == (MemoryRange(0, FRAME_SIZE, MemoryKind.LOW),)
    assert memory_map_claim(memory_map_init(40), 0, 1 << 20, kind)[1] == Status.INVALID


@pytest.mark.parametrize(
    ("claim", "seen"),
    [
        ((1, 0x2FFF, MemoryKind.AVAILABLE), [(0x1000, 0x2000)]),
        ((1, 0x2FFE, MemoryKind.AVAILABLE), [(0x1000, 0x1000)]),
        ((1, 0x1FFE, MemoryKind.AVAILABLE), []),
        ((0xFFF, 2, MemoryKind.RESERVED), [(0, 0x2000)]),
        ((0x1001, 0, MemoryKind.RESERVED), []),
        ((WORD - 1, 1, MemoryKind.RESERVED), []),
        (((1 << 40) - 1, WORD - 1, MemoryKind.RESERVED), [((1 << 40) - 0x1000, 0x1000)]),
        ((0, WORD - 1, MemoryKind.AVAILABLE), [(0, 1 << 40)]),
        ((0x1000, WORD - 0x1000, MemoryKind.AVAILABLE), [(0x1000, (1 << 40) - 0x1000)]),
    ],
)
def test_rounding_and_cutting(claim: Claim, seen: list[tuple[int, int]]) -> None:
    kernel = Kernel(40)
    assert kernel.claim(*claim) == Status.OK
    assert kernel.ranges == tuple(MemoryRange(base, length, claim[2]) for base, length in seen)


def full() -> tuple[Kernel, MemoryMap]:
    """A list with no room left: every other frame is RESERVED."""
    kernel, model = Kernel(40), memory_map_init(40)
    for n in range(MEMORY_RANGES_MAX):
        claim = (2 * n * FRAME_SIZE, FRAME_SIZE, MemoryKind.RESERVED)
        assert kernel.claim(*claim) == Status.OK
        model = memory_map_claim(model, *claim)[0]
    assert len(kernel.ranges) == MEMORY_RANGES_MAX
    return kernel, model


@pytest.mark.parametrize(
    ("claim", "status"),
    [
        ((600 * FRAME_SIZE, FRAME_SIZE, MemoryKind.LOW), Status.NO_SPACE),
        ((FRAME_SIZE, FRAME_SIZE, MemoryKind.LOW), Status.NO_SPACE),
        ((0, 600 * FRAME_SIZE, MemoryKind.AVAILABLE), Status.NO_SPACE),
        ((FRAME_SIZE, FRAME_SIZE, MemoryKind.RESERVED), Status.OK),
        ((0, FRAME_SIZE, MemoryKind.KERNEL), Status.OK),
        ((0, 600 * FRAME_SIZE, MemoryKind.MODULE), Status.OK),
        ((0, FRAME_SIZE, MemoryKind.AVAILABLE), Status.OK),
    ],
)
def test_a_full_list(claim: Claim, status: Status) -> None:
    kernel, model = full()
    after = memory_map_claim(model, *claim)
    assert kernel.claim(*claim) == status == after[1]
    assert kernel.ranges == after[0].ranges
    if status != Status.OK:
        assert after[0] == model


def test_a_range_is_shown_with_its_kind() -> None:
    assert str(MemoryRange(0x1000, 0x2000, MemoryKind.BOOT_INFO)) == "0x1000 + 0x2000 boot_info"
    assert str(MemoryRange(0x1000, 0x2000, 9)) == "0x1000 + 0x2000 kind 9"
