"""The kernel's memory map, compiled for this machine, against the model and against brute force.

Whatever is read is laid right before a page that cannot be read, at any alignment: a parser that
looks one byte too far ends the test run.
"""

import ctypes
import mmap
import struct
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
    memory_map_multiboot1,
    memory_map_multiboot2,
)
from ringbench.subjects.reference.vocabulary.boot_values import MemoryRange
from ringbench.subjects.reference.vocabulary.constants import FRAME_SIZE, MemoryKind
from ringbench.subjects.reference.vocabulary.status import Status
from tests.unit.reference.host_library import load_library

WORD = 1 << 64

Claim = tuple[int, int, int]


class CRange(ctypes.Structure):
    _fields_ = (
        ("base", ctypes.c_uint64),
        ("length", ctypes.c_uint64),
        ("kind", ctypes.c_uint32),
        ("padding", ctypes.c_uint32),
    )


class CMap(ctypes.Structure):
    _fields_ = (
        ("limit", ctypes.c_uint64),
        ("count", ctypes.c_uint64),
        ("ranges", CRange * MEMORY_RANGES_MAX),
    )


def declared() -> ctypes.CDLL:
    library = load_library()
    pointer, u64, u32 = ctypes.POINTER(CMap), ctypes.c_uint64, ctypes.c_uint32
    library.memory_map_init.argtypes = [pointer, ctypes.c_uint]
    library.memory_map_init.restype = None
    library.memory_map_claim.argtypes = [pointer, u64, u64, ctypes.c_uint]
    library.memory_map_multiboot1.argtypes = [pointer, ctypes.c_void_p, ctypes.c_size_t]
    library.memory_map_multiboot2.argtypes = [pointer, ctypes.c_void_p, ctypes.c_size_t, u32]
    return library


class Fence:
    """Memory whose last byte is followed by a page without any access."""

    SIZE = 1 << 16

    def __init__(self) -> None:
        self._area = mmap.mmap(-1, self.SIZE + mmap.PAGESIZE)
        self._start = ctypes.addressof(ctypes.c_char.from_buffer(self._area))
        libc = ctypes.CDLL(None, use_errno=True)
        no_access = 0
        refused = libc.mprotect(
            ctypes.c_void_p(self._start + self.SIZE), ctypes.c_size_t(mmap.PAGESIZE), no_access
        )
        assert refused == 0, ctypes.get_errno()

    def put(self, data: bytes) -> int:
        """Lay the bytes right before the fence; their address."""
        at = self.SIZE - len(data)
        self._area[at : self.SIZE] = data
        return self._start + at


class Kernel:
    """The kernel's functions, and a map of theirs."""

    library = declared()
    fence = Fence()

    def __init__(self, physical_bits: int) -> None:
        self.map = CMap()
        ctypes.memset(ctypes.byref(self.map), 0xA5, ctypes.sizeof(self.map))
        self.library.memory_map_init(self.map, physical_bits)

    def claim(self, base: int, length: int, kind: int) -> Status:
        return Status(self.library.memory_map_claim(self.map, base, length, kind))

    def multiboot1(self, data: bytes) -> Status:
        address = self.fence.put(data)
        return Status(self.library.memory_map_multiboot1(self.map, address, len(data)))

    def multiboot2(self, data: bytes, entry_size: int) -> Status:
        address = self.fence.put(data)
        return Status(self.library.memory_map_multiboot2(self.map, address, len(data), entry_size))

    @property
    def ranges(self) -> tuple[MemoryRange, ...]:
        assert self.map.count <= MEMORY_RANGES_MAX
        return tuple(
            MemoryRange(each.base, each.length, each.kind)
            for each in self.map.ranges[: self.map.count]
        )


# --- what is generated ---------------------------------------------------------------------------

OFFSETS = [0, 0, 0, 1, -1, 0x800, FRAME_SIZE, -FRAME_SIZE]
FEW_FRAMES = [n * FRAME_SIZE for n in range(24)]
LIMITS = [1 << bits for bits in (32, 33, 36, 40, 46, 48, 51, 52, 63)]
POINTS = [*FEW_FRAMES, *LIMITS, 0x1234_5678_9ABC_DEF0, 0xFEDC_BA98_7654_3210]
LENGTHS = [*(n * 0x600 for n in range(16)), *FEW_FRAMES, *LIMITS, 0xFEDC_BA98_7654_3210]
TYPES = [0, 1, 1, 1, 2, 3, 4, 5, 6, 0x101, 1 << 31, (1 << 32) - 1]


def triples(data: bytes, thirds: Sequence[int]) -> list[Claim]:
    """Four bytes choose an address, what to add to it and to the length, a length, and a third.

    Drawing bytes is many times faster than drawing every number by itself, and shrinks as well.
    """
    return [
        (
            (POINTS[a % len(POINTS)] + OFFSETS[b & 7]) % WORD,
            (LENGTHS[c % len(LENGTHS)] + OFFSETS[b >> 3 & 7]) % WORD,
            thirds[d % len(thirds)],
        )
        for a, b, c, d in zip(data[::4], data[1::4], data[2::4], data[3::4], strict=False)
    ]


def lists(most: int) -> st.SearchStrategy[bytes]:
    """Bytes for up to so many triples; left to itself, st.binary rarely makes more than one."""
    return st.integers(0, most).flatmap(lambda n: st.binary(min_size=4 * n, max_size=4 * n))


WIDTHS = st.integers(32, 52)
CLAIMS = lists(40).map(lambda data: triples(data, list(MemoryKind)))
ENTRIES = lists(24).map(lambda data: triples(data, TYPES))


def entry1(base: int, length: int, loaders_type: int, more: bytes = b"") -> bytes:
    return struct.pack("<IQQI", 20 + len(more), base, length, loaders_type) + more


def entry2(base: int, length: int, loaders_type: int, more: bytes = b"") -> bytes:
    return struct.pack("<QQII", base, length, loaders_type, 0xFFFF_FFFF) + more


# --- claims --------------------------------------------------------------------------------------


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


# --- Multiboot -----------------------------------------------------------------------------------


@settings(max_examples=600, deadline=None)
@given(WIDTHS, ENTRIES, st.binary(max_size=25))
def test_multiboot1_maps(physical_bits: int, entries: list[Claim], more: bytes) -> None:
    larger = [more[: n % (len(more) + 1)] for n in range(len(entries))]
    data = b"".join(entry1(*entry, extra) for entry, extra in zip(entries, larger, strict=True))
    kernel = Kernel(physical_bits)
    model, status, _ = memory_map_multiboot1(memory_map_init(physical_bits), data)
    assert kernel.multiboot1(data) == status == Status.OK
    assert kernel.ranges == model.ranges


@settings(max_examples=600, deadline=None)
@given(
    ENTRIES,
    st.one_of(
        st.binary(min_size=1, max_size=60),
        st.integers(0, 19).map(lambda size: struct.pack("<IQQI", size, 0, 0x5000, 1)),
        st.integers(21, (1 << 32) - 1).map(lambda size: struct.pack("<IQQI", size, 0, 0x5000, 1)),
    ),
)
def test_multiboot1_garbage_at_the_end(entries: list[Claim], tail: bytes) -> None:
    data = b"".join(entry1(*entry) for entry in entries) + tail
    kernel = Kernel(40)
    model, status, _ = memory_map_multiboot1(memory_map_init(40), data)
    assert kernel.multiboot1(data) == status
    assert kernel.ranges == model.ranges


@pytest.mark.parametrize("cut", range(1, 24))
def test_multiboot1_cut_short_is_refused_after_the_entries_before(cut: int) -> None:
    kernel = Kernel(40)
    good = entry1(0x10000, 0x1000, 1)
    assert kernel.multiboot1(good + entry1(0x20000, 0x1000, 1)[:-cut]) == Status.INVALID
    assert kernel.ranges == (MemoryRange(0x10000, 0x1000, MemoryKind.AVAILABLE),)


@settings(max_examples=600, deadline=None)
@given(WIDTHS, ENTRIES, st.integers(0, 3))
def test_multiboot2_maps(physical_bits: int, entries: list[Claim], more_words: int) -> None:
    data = b"".join(entry2(*entry, b"\x5a" * 8 * more_words) for entry in entries)
    kernel = Kernel(physical_bits)
    model, status, _ = memory_map_multiboot2(
        memory_map_init(physical_bits), data, 24 + 8 * more_words
    )
    assert kernel.multiboot2(data, 24 + 8 * more_words) == status == Status.OK
    assert kernel.ranges == model.ranges


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=200), st.one_of(st.integers(0, 64), st.integers(0, (1 << 32) - 1)))
def test_multiboot2_any_bytes_and_entry_size(data: bytes, entry_size: int) -> None:
    kernel = Kernel(40)
    model, status, _ = memory_map_multiboot2(memory_map_init(40), data, entry_size)
    assert kernel.multiboot2(data, entry_size) == status
    assert kernel.ranges == model.ranges


@pytest.mark.parametrize(
    ("length", "entry_size", "status"),
    [
        (48, 24, Status.OK),
        (96, 32, Status.OK),
        (0, 24, Status.OK),
        (48, 16, Status.INVALID),
        (48, 0, Status.INVALID),
        (28, 28, Status.INVALID),
        (47, 24, Status.INVALID),
        (24, 48, Status.INVALID),
        (24, (1 << 32) - 8, Status.INVALID),
    ],
)
def test_multiboot2_sizes(length: int, entry_size: int, status: Status) -> None:
    assert Kernel(40).multiboot2(bytes(length), entry_size) == status


def test_a_loaders_map_that_has_too_many_ranges() -> None:
    entries = [(2 * n * FRAME_SIZE, FRAME_SIZE, 1) for n in range(MEMORY_RANGES_MAX + 1)]
    for kernel, status in (
        (one := Kernel(40), one.multiboot1(b"".join(entry1(*each) for each in entries))),
        (two := Kernel(40), two.multiboot2(b"".join(entry2(*each) for each in entries), 24)),
    ):
        assert status == Status.NO_SPACE
        assert len(kernel.ranges) == MEMORY_RANGES_MAX


@pytest.mark.parametrize("loaders_type", [0, 2, 3, 4, 5, 6, 0x101, (1 << 32) - 1])
def test_what_is_not_available_is_reserved_and_wins(loaders_type: int) -> None:
    reserved, available = (0x1FFF, 2, loaders_type), (0, 0x10000, 1)
    expected = (
        MemoryRange(0, 0x1000, MemoryKind.AVAILABLE),
        MemoryRange(0x1000, 0x2000, MemoryKind.RESERVED),
        MemoryRange(0x3000, 0xD000, MemoryKind.AVAILABLE),
    )
    for entries in ((reserved, available), (available, reserved)):
        kernel = Kernel(40)
        assert kernel.multiboot1(b"".join(entry1(*each) for each in entries)) == Status.OK
        assert kernel.ranges == expected


def test_a_range_is_shown_with_its_kind() -> None:
    assert str(MemoryRange(0x1000, 0x2000, MemoryKind.BOOT_INFO)) == "0x1000 + 0x2000 boot_info"
    assert str(MemoryRange(0x1000, 0x2000, 9)) == "0x1000 + 0x2000 kind 9"
