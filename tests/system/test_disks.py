"""Disks: virtio over PCI, read and written; errors that QEMU makes; frozen and restored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from zlib import crc32

import pytest

from ringbench.check.mismatch import Finding
from ringbench.config import Config, override
from ringbench.engine.starve import starve
from ringbench.errors import ConfigError
from ringbench.machine import Machine, Pool
from ringbench.machine.disks import changes, virtio_disks
from ringbench.subjects.reference import workload
from ringbench.subjects.reference.subject import REFERENCE
from ringbench.subjects.reference.vocabulary.operations import (
    DiskFind,
    DiskFlush,
    DiskInfo,
    DiskRead,
    DiskWrite,
    TaskNew,
)
from tests.system.conftest import Kernel

SIZE = 1 << 20


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A disk image of random bytes, whose last sector is not whole."""
    path = tmp_path_factory.mktemp("disk") / "data.img"
    path.write_bytes(Random(1).randbytes(SIZE - 100))
    return path


@pytest.fixture(scope="module")
def disks_config(ringbench_config: Config, image: Path) -> Config:
    disks = [f"{image} virtio serial=data", "4M virtio serial=swap"]
    return override(ringbench_config, {"machine.disks": disks, "machine.memory": "16M"})


@pytest.fixture
def disks(ringbench_machines: Pool, disks_config: Config) -> Iterator[Kernel]:
    """A kernel with a disk `data`, and one `swap` of zeros; compared whole at the end."""
    with ringbench_machines.lend(disks_config) as machine:
        machine.command("echo off")
        kernel = Kernel(machine)
        yield kernel
        kernel.lockstep.look("at the end")


def test_disks_are_found_by_their_serial_strings(disks: Kernel) -> None:
    assert disks.handle(DiskFind("data")) == "d0"
    assert disks.handle(DiskFind("swap")) == "d1"
    disks.values(DiskFind("swa"), "not_found")
    assert disks.value(DiskInfo("d0")) == SIZE // 512
    assert disks.value(DiskInfo("d1")) == (4 << 20) // 512
    disks.values(DiskInfo("d2"), "not_found")
    listed = disks.machine.command("disk list")
    assert "d0 serial=data sectors=2048" in listed
    assert "ok 2" in listed


def test_what_is_read_is_what_the_host_reads(disks: Kernel, image: Path) -> None:
    content = image.read_bytes()
    assert disks.value(DiskRead("d0", 0, 1)) == crc32(content[:512])
    assert disks.value(DiskRead("d0", 3, 512)) == crc32(content[3 * 512 : 515 * 512])
    assert disks.value(DiskRead("d0", 2047, 1)) == crc32(content[2047 * 512 :].ljust(512, b"\0"))


def test_what_is_refused(disks: Kernel) -> None:
    for operation in (DiskRead("d0", 0, 0), DiskRead("d1", 0, 513), DiskWrite("d1", 0, 0, b"x")):
        disks.values(operation, "invalid")
    for operation in (DiskRead("d0", 2048, 1), DiskWrite("d1", 8191, 2, b"x")):
        disks.values(operation, "out_of_range")
    disks.values(DiskRead("d0", (1 << 64) - 1, 2), "out_of_range")
    disks.values(DiskRead("d2", 0, 1), "not_found")


def test_what_is_written_is_on_the_disk_and_not_in_the_users_file(
    disks: Kernel, image: Path
) -> None:
    before = image.read_bytes()
    disks.values(DiskWrite("d0", 5, 2, b"\xaa\xbb"))
    flushes = _flushes(disks.machine)
    disks.values(DiskFlush("d0"))
    assert _flushes(disks.machine) == flushes + 1
    with disks.machine.stopped():
        [(at, data)] = changes(disks.machine, 0)
    assert at == 0
    sector = (5).to_bytes(8, "little") + b"\xaa\xbb" * 252
    assert data[5 * 512 : 6 * 512] == sector
    assert data[: 5 * 512] == before[: 5 * 512]
    assert image.read_bytes() == before


def _flushes(machine: Machine) -> int:
    """How often QEMU was asked to flush the first disk, by its own count."""
    [stats] = [
        each for each in machine.qmp.command("query-blockstats") if each["device"] == "drive0"
    ]
    return int(stats["stats"]["flush_operations"])


def test_a_disk_that_does_not_hold_what_was_written_is_caught(disks: Kernel) -> None:
    disks.values(DiskWrite("d1", 64, 1, b"\xaa"))
    state = disks.lockstep.state
    disks.machine.command("disk write d1 64 1 ab")  # behind the model's back
    wrong = [each for found in _look(disks) for each in found.mismatches]
    assert {(each.layer, each.what) for each in wrong} >= {("disk", "contents")}
    assert any("d1: sector 64" in each.where for each in wrong)
    assert disks.lockstep.state is state
    disks.lockstep.predict(DiskWrite("d1", 64, 1, b"\xab"))
    disks.lockstep.predicted.clear()


def _look(kernel: Kernel) -> list[Finding]:
    return list(kernel.lockstep.kernel.compare(kernel.state, "now", whole=False))


@pytest.mark.parametrize("kind", ["sensible", "misuse"])
def test_a_random_sequence(disks: Kernel, kind: str) -> None:
    random = Random(4)
    draw = workload.choose if kind == "sensible" else workload.misuse
    with disks.lockstep.kernel.channel("ring") as ring:
        for _ in range(3):
            for _ in range(100):
                disks.lockstep.predict(draw(random, disks.state, ("disk",)))
            disks.lockstep.catch_up(ring)


def test_each_request_that_fails_changes_nothing(disks_config: Config) -> None:
    cases = tuple(case for case in REFERENCE.cases if case.name.startswith("disk:"))
    result = starve(REFERENCE, disks_config, cases=cases)
    assert result.passed, result
    assert [each.forced for each in result.starved] == [1, 1, 1]
    assert [each.failed for each in result.starved] == [1, 64, 3]


def test_frozen_with_what_the_disks_hold(disks: Kernel) -> None:
    disks.values(DiskWrite("d1", 8, 8, b"\x01"))
    before, snapshot = disks.state, disks.machine.freeze()
    for _ in range(2):
        disks.values(DiskWrite("d1", 0, 512, b"\x02"))
        disks.values(TaskNew())
        disks.machine.restore(snapshot)
        disks.lockstep.state = before
        disks.lockstep.look("restored")
        written = (8).to_bytes(8, "little") + b"\x01" * 504
        assert disks.value(DiskRead("d1", 8, 1)) == crc32(written)


def test_qemu_knows_the_same_disks(disks: Kernel) -> None:
    data, swap = virtio_disks(disks.machine)
    assert (data.serial, data.size, swap.serial, swap.size) == ("data", SIZE, "swap", 4 << 20)
    assert data.length == swap.length == 0x4000


def test_a_disk_without_a_serial_string_is_refused(ringbench_config: Config, image: Path) -> None:
    plain = override(ringbench_config, {"machine.disks": [f"{image} virtio"]})
    with Machine.start(plain) as machine, pytest.raises(ConfigError, match="a serial"):
        virtio_disks(machine)


def test_devices_that_are_no_disks_for_this_kernel(ringbench_config: Config) -> None:
    """Without the modern interface, with too short a queue, or read-only; behind them, one more."""
    devices = (
        ("legacy", "disable-modern=on"),
        ("short", "queue-size=64,addr=9.0,multifunction=on"),
        ("fixed", "queue-size=128,addr=9.3"),
    )
    arguments = []
    for serial, options in devices:
        node = f"driver=null-co,read-zeroes=on,size={1 << 20},read-only=on,node-name=n{serial}"
        device = f"virtio-blk-pci,drive=n{serial},serial={serial},{options}"
        arguments += ["-blockdev", node, "-device", device]
    config = override(ringbench_config, {"machine.arguments": arguments})
    with Machine.start(config) as machine:
        free = machine.command("pmm info")
        assert "d0 serial=fixed sectors=2048 read-only\nok 1" in machine.command("disk list")
        assert machine.command("disk read d0 2040 8").startswith("ok 0x")
        assert machine.command("disk write d0 0 1 00").startswith("err denied")
        assert machine.command("vm list kernel").splitlines()[-1] == "ok 1"
        assert machine.command("pmm info") == free
