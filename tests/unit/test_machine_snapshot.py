"""RAM saved and put back, and the packets and the image made by hand, without a guest."""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbench.machine.qcow2 import CLUSTER, COVERED, LARGEST, disk_size, write_qcow2
from ringbench.machine.snapshot import restore_ram, save_ram
from ringbench.machine.stub import encode

PAGE = 4096
PAGES = 24

pages = st.sets(st.integers(0, PAGES - 1))


@pytest.fixture(scope="module")
def ram() -> Iterator[tuple[int, mmap.mmap]]:
    descriptor = os.memfd_create("test-ram")
    os.truncate(descriptor, PAGES * PAGE)
    with mmap.mmap(descriptor, 0) as mapping:
        yield descriptor, mapping
    os.close(descriptor)


@given(before=pages, since=pages)
def test_ram_is_put_back_with_its_holes(
    ram: tuple[int, mmap.mmap], before: set[int], since: set[int]
) -> None:
    descriptor, mapping = ram
    restore_ram(descriptor, mapping, ())
    assert save_ram(descriptor, mapping) == ()
    for page in before:
        mapping[page * PAGE : page * PAGE + 5] = b"older"
    saved = save_ram(descriptor, mapping)
    allocated = os.fstat(descriptor).st_blocks
    assert allocated == len(before) * PAGE // 512
    for page in since:
        mapping[page * PAGE : page * PAGE + 5] = b"newer"
    restore_ram(descriptor, mapping, saved)
    assert os.fstat(descriptor).st_blocks == allocated
    assert save_ram(descriptor, mapping) == saved
    for page in range(PAGES):
        expected = b"older" if page in before else bytes(5)
        assert mapping[page * PAGE : page * PAGE + 5] == expected


def test_packets() -> None:
    assert encode("?") == b"+$?#3f"
    assert encode("D") == b"+$D#44"
    assert encode("vMustReplyEmpty") == b"+$vMustReplyEmpty#3a"


@pytest.mark.parametrize("size", [512, CLUSTER, COVERED, COVERED + 512, LARGEST])
def test_image_is_consistent(tmp_path: Path, size: int) -> None:
    """Every cluster that the header and the tables name is inside, and counted once."""
    write_qcow2(tmp_path / "image", size)
    image = (tmp_path / "image").read_bytes()
    magic, version = struct.unpack_from(">4sI", image)
    assert (magic, version) == (b"QFI\xfb", 3)
    assert disk_size(tmp_path / "image") == size
    l1_size, l1_table, counts_table, counts_clusters = struct.unpack_from(">IQQI", image, 36)
    assert (l1_size, counts_clusters) == (-(-size // COVERED), 1)
    assert l1_size * 8 <= CLUSTER
    [counts] = struct.unpack_from(">Q", image, counts_table)
    used = {0, l1_table, counts_table, counts}
    assert used == {at * CLUSTER for at in range(len(image) // CLUSTER)}
    assert struct.unpack_from(">5H", image, counts) == (1, 1, 1, 1, 0)


def test_a_disk_that_is_too_large(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="too large"):
        write_qcow2(tmp_path / "image", LARGEST + 1)
