"""Readers that need no guest, and dumps."""

import mmap
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbench.errors import MemoryUnreadable
from ringbench.machine import BytesMemory, FileMemory, MappedMemory, RamMap, RamRange
from ringbench.machine.memory import save_dump

PAGE = 4096
# Two pages at 0, a hole of three, two pages: the second range lies first in the backing.
RAM = RamMap((RamRange(0, 2 * PAGE, 2 * PAGE), RamRange(5 * PAGE, 2 * PAGE, 0)))
BACKING = os.urandom(4 * PAGE)
PHYSICAL = BACKING[2 * PAGE :] + bytes(3 * PAGE) + BACKING[: 2 * PAGE]


@pytest.fixture(scope="module")
def backing() -> Iterator[int]:
    descriptor = os.memfd_create("test")
    os.write(descriptor, BACKING)
    yield descriptor
    os.close(descriptor)


@pytest.fixture(scope="module")
def mapped(backing: int) -> Iterator[MappedMemory]:
    with mmap.mmap(backing, 0) as mapping:
        yield MappedMemory(mapping, RAM)


@given(paddr=st.integers(-1, 8 * PAGE), length=st.integers(-1, 3 * PAGE))
def test_mapped_memory_is_ram_and_nothing_else(
    mapped: MappedMemory, paddr: int, length: int
) -> None:
    inside = length >= 0 and any(r.base <= paddr and paddr + length <= r.end for r in RAM.ranges)
    if inside:
        assert mapped.read(paddr, length) == PHYSICAL[paddr : paddr + length]
        with mapped.view(paddr, length) as view:
            assert bytes(view) == PHYSICAL[paddr : paddr + length]
    else:
        with pytest.raises(MemoryUnreadable):
            mapped.read(paddr, length)


def test_mapped_memory_can_be_changed() -> None:
    with mmap.mmap(-1, 4 * PAGE) as mapping:
        memory = MappedMemory(mapping, RAM)
        memory.write(5 * PAGE + 1, b"abc")
        assert memory.read(5 * PAGE, 5) == b"\0abc\0"
        assert mapping[1:4] == b"abc"
        with pytest.raises(MemoryUnreadable):
            memory.write(7 * PAGE - 1, b"ab")


def test_view_is_not_a_copy_and_cannot_be_written() -> None:
    with mmap.mmap(-1, 4 * PAGE) as mapping:
        memory = MappedMemory(mapping, RAM)
        with memory.view(0, 4) as view:
            memory.write(0, b"seen")
            assert bytes(view) == b"seen"
            assert view.readonly


def test_views_are_all_pieces_of_ram(mapped: MappedMemory) -> None:
    views = list(mapped.views())
    assert [(base, len(view)) for base, view in views] == [(0, 2 * PAGE), (5 * PAGE, 2 * PAGE)]
    for base, view in views:
        with view:
            assert view.readonly
            assert bytes(view) == PHYSICAL[base : base + len(view)]


def test_dump_is_physical_memory_from_0(backing: int, tmp_path: Path) -> None:
    path = tmp_path / "dump"
    save_dump(path, backing, RAM)
    assert path.read_bytes() == PHYSICAL
    with FileMemory(path) as dump:
        assert dump.read(5 * PAGE, 2 * PAGE) == BACKING[: 2 * PAGE]


def test_dump_of_an_untouched_guest_takes_no_room(tmp_path: Path) -> None:
    descriptor = os.memfd_create("test")
    try:
        os.truncate(descriptor, 1 << 33)
        os.pwrite(descriptor, b"x", 1 << 32)
        path = tmp_path / "dump"
        save_dump(path, descriptor, RamMap((RamRange(0, 1 << 33, 0),)))
        assert path.stat().st_size == 1 << 33
        assert path.stat().st_blocks * 512 < 1 << 20
        with FileMemory(path) as dump:
            assert dump.read(1 << 32, 2) == b"x\0"
    finally:
        os.close(descriptor)


def test_file_memory_ends_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "dump"
    path.write_bytes(b"0123")
    with FileMemory(path) as dump:
        assert dump.read(1, 3) == b"123"
        assert dump.read(4, 0) == b""
        for paddr, length in ((3, 2), (4, 1), (-1, 1), (0, -1), (1 << 70, 1)):
            with pytest.raises(MemoryUnreadable, match="ends at 0x4"):
                dump.read(paddr, length)


def test_file_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(MemoryUnreadable, match="absent: No such file"):
        FileMemory(tmp_path / "absent")


@given(base=st.integers(0, 1 << 52), at=st.integers(-3, 12), length=st.integers(-1, 12))
def test_bytes_memory(base: int, at: int, length: int) -> None:
    memory = BytesMemory(b"0123456789", base)
    if at >= 0 and 0 <= length <= 10 - at:
        assert memory.read(base + at, length) == b"0123456789"[at : at + length]
    else:
        with pytest.raises(MemoryUnreadable, match="the buffer is"):
            memory.read(base + at, length)
