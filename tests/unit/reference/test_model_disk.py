"""Disks in the model: the frames they take, what they hold, what fails; stated by hand."""

from __future__ import annotations

from zlib import crc32

import pytest

from ringbench.subjects.reference.model.disk import disk_init, held, with_disk
from ringbench.subjects.reference.model.kernel import perform
from ringbench.subjects.reference.model.state import replace
from ringbench.subjects.reference.starve.disk_errors import failing
from ringbench.subjects.reference.vocabulary.constants import FRAME_SIZE, KERNEL_WINDOW_BASE
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.disk import DiskFind, DiskRead, DiskWrite
from ringbench.subjects.reference.vocabulary.operations.vmm import (
    Touch,
    VmFree,
    VmProtect,
    VmResize,
)
from ringbench.subjects.reference.vocabulary.status import Panic
from tests.unit.reference.booted import booted, disk, performed, with_disks, with_free

COUNTING = bytes(range(256)) * 40


def test_each_disk_has_its_registers_and_a_queue() -> None:
    state = with_disks()
    data, swap = state.disks
    assert (data.registers, swap.registers) == (KERNEL_WINDOW_BASE, KERNEL_WINDOW_BASE + 0x4000)
    assert [each.kind for each in state.spaces["kernel"].regions] == [2, 2]
    assert data.queue < swap.queue
    assert (data.requests, swap.requests) == (1, 1), "each was asked for its serial string"


def test_more_than_four_disks_are_left_alone() -> None:
    state = disk_init(booted(), [disk(f"disk{n}") for n in range(6)])
    assert [each.serial for each in state.disks] == ["disk0", "disk1", "disk2", "disk3"]


def test_no_memory_for_a_disk_is_a_panic() -> None:
    needed = booted().pmm.free_count - disk_init(booted(), [disk("one")]).pmm.free_count + 1
    disk_init(with_free(booted(), needed), [disk("one")])
    with pytest.raises(Panic, match="no memory for a disk"):
        disk_init(with_free(booted(), needed - 1), [disk("one")])


def test_what_is_read_is_the_image_and_zeros_after_it() -> None:
    state, reply = perform(with_disks(), DiskRead("d0", 1, 2))
    assert reply.values == (crc32(COUNTING[512:1536]),)
    assert held(state.disks[0], 19, 3) == COUNTING[19 * 512 :] + bytes(1024)
    assert state.disks[0].requests == 2


def test_what_is_written_is_there_and_nothing_beside_it() -> None:
    state = performed(with_disks(), DiskWrite("d0", 7, 2, b"\xee\xdd"))
    filler = b"\xee\xdd" * 252
    written = (7).to_bytes(8, "little") + filler + (8).to_bytes(8, "little") + filler
    assert held(state.disks[0], 6, 4) == COUNTING[3072:3584] + written + COUNTING[4608:5120]
    assert held(state.disks[1], 0, 64) == bytes(64 * 512)
    assert sorted(state.disks[0].written) == [0, 1]
    assert all(len(page) == FRAME_SIZE for page in state.disks[0].written.values())


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        (DiskRead("d2", 0, 1), "not_found"),
        (DiskRead("d0", 0, 0), "invalid"),
        (DiskRead("d0", 0, 513), "invalid"),
        (DiskRead("d0", 64, 1), "out_of_range"),
        (DiskRead("d0", 63, 2), "out_of_range"),
        (DiskWrite("d0", (1 << 64) - 1, 2, b"x"), "out_of_range"),
        (DiskFind("dat"), "not_found"),
        (VmFree("kernel", KERNEL_WINDOW_BASE), "denied"),
        (VmProtect("kernel", KERNEL_WINDOW_BASE + 0x4000, 0), "denied"),
        (VmResize("kernel", KERNEL_WINDOW_BASE + 0x7FFF, 4096), "denied"),
        (VmFree("kernel", KERNEL_WINDOW_BASE + 0x8000), "not_mapped"),
        (Touch("kernel", KERNEL_WINDOW_BASE + 20, "w"), "denied"),
    ],
)
def test_what_is_refused_changes_nothing(operation: Operation, status: str) -> None:
    after, reply = perform(with_disks(), operation)
    assert reply.status == status
    assert after == with_disks()


def test_a_read_only_disk_is_not_written() -> None:
    state = disk_init(booted(), [disk("data", read_only=True)])
    after, reply = perform(state, DiskWrite("d0", 0, 1, b"x"))
    assert reply.status == "denied"
    assert after == state


def test_a_request_that_fails_changes_nothing_but_the_count() -> None:
    write = DiskWrite("d1", 9, 3, b"x")
    failed = failing(with_disks(), write, 1, 0)
    assert failed is not None
    after, reply, request = failed
    assert reply.status == "io"
    assert request == ("write", 9, 3)
    it = with_disks().disks[1]
    assert after == with_disk(with_disks(), 1, replace(it, requests=2))
    assert failing(with_disks(), write, 1, 1) is None, "it makes one"
    assert failing(with_disks(), write, 0, 0) is None
    assert perform(after, write)[1].ok, "the next try works"
