"""A loader's map, as the kernel's parser compiled for this machine reads it, against the model."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringbench.subjects.reference.model.memory_map import (
    MEMORY_RANGES_MAX,
    memory_map_init,
    memory_map_multiboot1,
    memory_map_multiboot2,
)
from ringbench.subjects.reference.vocabulary.boot_values import MemoryRange
from ringbench.subjects.reference.vocabulary.constants import FRAME_SIZE, MemoryKind
from ringbench.subjects.reference.vocabulary.status import Status
from tests.unit.reference.host_memory_map import ENTRIES, WIDTHS, Claim, Kernel, entry1, entry2


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
