"""Files of the archive on the data disk: read, written back, evicted; and wrong archives."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from ringbench.config import Config, override
from ringbench.engine.starve import starve
from ringbench.machine import Machine, Pool
from ringbench.machine.disks import changes
from ringbench.subject import Case
from ringbench.subjects.reference import workload
from ringbench.subjects.reference.subject import REFERENCE
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.disk import DiskWrite
from ringbench.subjects.reference.vocabulary.operations.file import (
    FileClose,
    FileEvict,
    FileOpen,
    FileRead,
    FileSync,
    FileWrite,
)
from tests.system.archives import FILES, archive, with_header, without_end
from tests.system.conftest import Kernel

PAGE = 4096


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("archive") / "data.tar"
    path.write_bytes(archive())
    return path


@pytest.fixture(scope="module")
def files_config(ringbench_config: Config, image: Path) -> Config:
    disks = [f"{image} virtio serial=data"]
    return override(ringbench_config, {"machine.disks": disks, "machine.memory": "16M"})


@pytest.fixture
def files(ringbench_machines: Pool, files_config: Config) -> Iterator[Kernel]:
    """A kernel with an archive on its data disk; compared whole, and drained, at the end."""
    with ringbench_machines.lend(files_config) as machine:
        machine.command("echo off")
        kernel = Kernel(machine)
        yield kernel
        kernel.lockstep.look("at the end")
        kernel.lockstep.drain(kernel.console)


def opened(kernel: Kernel, name: str) -> str:
    handle, size = kernel.values(FileOpen(name))
    assert size == len(FILES[name])
    assert isinstance(handle, str)
    return handle


def data(kernel: Kernel, handle: str, offset: int, length: int) -> bytes:
    [text] = kernel.values(FileRead(handle, offset, length))
    return bytes.fromhex(str(text))


def test_members_are_read_a_frame_a_page(files: Kernel) -> None:
    free = files.state.pmm.free_count
    hello, pages = opened(files, "hello.txt"), opened(files, "pages.bin")
    assert (hello, pages) == ("f0", "f1")
    assert data(files, hello, 0, 12) == FILES["hello.txt"]
    assert data(files, pages, PAGE - 10, 40) == FILES["pages.bin"][PAGE - 10 :][:40]
    assert data(files, pages, PAGE + 100, 4) == FILES["pages.bin"][PAGE + 100 :][:4]
    assert opened(files, "hello.txt") == "f0", "opened once more"
    assert files.state.pmm.free_count == free - 5, "two indices, three pages"
    files.values(FileClose("f0"))
    assert data(files, hello, 0, 5) == b"hello"
    files.values(FileClose("f0"))
    files.values(FileRead("f0", 0, 1), "not_found")
    listed = files.machine.command("file list")
    assert "f1 pages.bin size=21180" in listed
    assert listed.endswith("ok 1")


def test_after_sync_tar_reads_what_was_written(files: Kernel, tmp_path: Path, image: Path) -> None:
    pages = opened(files, "pages.bin")
    files.values(FileWrite(pages, PAGE - 2, b"ring"))
    files.values(FileWrite(pages, 5 * PAGE + 696, b"END!"))
    before = image.read_bytes()
    assert _changed(files.machine, image) == before, "not before it is written"
    files.values(FileSync(pages))
    written = tmp_path / "after.tar"
    written.write_bytes(_changed(files.machine, image))
    shown = subprocess.run(
        ["tar", "-xOf", written, "pages.bin"], capture_output=True, check=True, timeout=60
    )
    old = FILES["pages.bin"]
    assert shown.stdout == old[: PAGE - 2] + b"ring" + old[PAGE + 2 : -4] + b"END!"
    assert image.read_bytes() == before, "the user's file is never written"


def _changed(machine: Machine, image: Path) -> bytes:
    """What the data disk holds, read by the host."""
    content = bytearray(image.read_bytes())
    with machine.stopped():
        for at, piece in changes(machine, 0):
            content[at : at + len(piece)] = piece[: max(0, len(content) - at)]
    return bytes(content)


def test_pages_leave_memory_the_lowest_first(files: Kernel) -> None:
    pages, large = opened(files, "pages.bin"), opened(files, "large.bin")
    for page in (0, 1, 3):
        data(files, pages, page * PAGE, 1)
    files.values(FileWrite(large, 70 * PAGE, b"dirty"))
    free = files.state.pmm.free_count
    assert files.value(FileEvict(2)) == 2
    assert sorted(files.state.files[0].pages) == [3]
    assert files.value(FileEvict(100)) == 2
    assert files.state.pmm.free_count == free + 4
    assert files.value(FileEvict(1)) == 0
    assert data(files, large, 70 * PAGE, 5) == b"dirty"


def test_the_last_close_writes(files: Kernel) -> None:
    for _ in range(2):
        hello = opened(files, "hello.txt")
    files.values(FileWrite(hello, 0, b"HELLO"))
    files.values(FileClose(hello))
    assert not files.state.disks[0].written
    files.values(FileClose(hello))
    assert data(files, opened(files, "hello.txt"), 0, 12) == b"HELLO, ring\n"


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        (FileOpen("nothing"), "not_found"),
        (FileOpen("folder"), "not_found"),
        (FileOpen("folder/"), "not_found"),
        (FileRead("f1", 0, 1), "not_found"),
        (FileClose("f16"), "not_found"),
        (FileSync("f77"), "not_found"),
        (FileRead("f0", 0, 0), "invalid"),
        (FileRead("f0", 0, 65), "invalid"),
        (FileRead("f0", 21180, 1), "out_of_range"),
        (FileRead("f0", 21179, 2), "out_of_range"),
        (FileWrite("f0", (1 << 64) - 1, b"xy"), "out_of_range"),
    ],
)
def test_what_is_refused(files: Kernel, operation: Operation, status: str) -> None:
    opened(files, "pages.bin")
    files.values(operation, status)


def test_an_empty_file_has_nothing_to_read(files: Kernel) -> None:
    files.values(FileRead(opened(files, "empty"), 0, 1), "out_of_range")


def test_sixteen_files_are_open_at_most(ringbench_config: Config, tmp_path: Path) -> None:
    many = tmp_path / "many.tar"
    many.write_bytes(archive({f"{n}": b"x" for n in range(17)}))
    with _booted(ringbench_config, many) as machine:
        kernel = Kernel(machine)
        for number in range(16):
            assert kernel.values(FileOpen(f"{number}")) == (f"f{number}", 1)
        kernel.values(FileOpen("16"), "no_space")
        kernel.values(FileOpen("3"))
        kernel.lockstep.drain(kernel.console)


def test_the_longest_name_is_passed_by(ringbench_config: Config, tmp_path: Path) -> None:
    longest = "p" * 155 + "/" + "n" * 100
    image = tmp_path / "long.tar"
    image.write_bytes(archive({longest: b"x", "hello.txt": FILES["hello.txt"]}))
    with _booted(ringbench_config, image) as machine:
        kernel = Kernel(machine)
        assert data(kernel, opened(kernel, "hello.txt"), 0, 5) == b"hello"
        kernel.lockstep.drain(kernel.console)


def test_nobody_else_writes_to_the_disk_of_an_open_file(files: Kernel) -> None:
    hello = opened(files, "hello.txt")
    files.values(DiskWrite("d0", 2000, 1, b"x"), "busy")
    files.values(FileClose(hello))
    files.values(DiskWrite("d0", files.state.disks[0].sectors - 1, 1, b"x"))


@pytest.mark.parametrize("kind", ["sensible", "misuse"])
def test_a_random_sequence(files: Kernel, kind: str) -> None:
    random = Random(7)
    draw = workload.choose if kind == "sensible" else workload.misuse
    with files.lockstep.kernel.channel("ring") as ring:
        for _ in range(4):
            for _ in range(100):
                files.lockstep.predict(draw(random, files.state, ("file", "disk")))
            files.lockstep.catch_up(ring)
            files.lockstep.glance("after some")


CASES: tuple[Case[Operation], ...] = (
    Case("open", (), FileOpen("large.bin")),
    Case("read two pages", (FileOpen("pages.bin"),), FileRead("f0", PAGE - 8, 16)),
    Case("write", (FileOpen("pages.bin"),), FileWrite("f0", PAGE - 8, b"0123456789")),
    Case(
        "sync",
        (
            FileOpen("large.bin"),
            FileWrite("f0", 0, b"one"),
            FileWrite("f0", 5 * PAGE - 2, b"two pages"),
            FileWrite("f0", 70 * PAGE, b"three"),
        ),
        FileSync("f0"),
    ),
    Case("close", (FileOpen("pages.bin"), FileWrite("f0", 0, b"dirty")), FileClose("f0")),
    Case("evict", (FileOpen("large.bin"), FileWrite("f0", PAGE - 2, b"dirty")), FileEvict(2)),
)


def test_each_frame_and_each_request_that_fails(files_config: Config) -> None:
    result = starve(REFERENCE, files_config, cases=CASES)
    assert result.passed, result.caught
    counts = {each.case: (each.failed, each.forced) for each in result.starved}
    assert counts == {
        "open": (1, 7),  # the folder, five members, the end
        "read two pages": (2, 1),
        "write": (2, 1),
        "sync": (0, 3),
        "close": (0, 1),
        "evict": (0, 1),
    }


def test_what_is_behind_the_last_byte_is_none_of_the_files(
    ringbench_config: Config, tmp_path: Path
) -> None:
    image = tmp_path / "dirty.tar"
    content = bytearray(GOOD)
    start = (HELLO + 1) * 512 + len(FILES["hello.txt"])
    content[start : start + 300] = b"\xee" * 300
    image.write_bytes(content)
    with _booted(ringbench_config, image) as machine:
        kernel = Kernel(machine)
        assert data(kernel, opened(kernel, "hello.txt"), 0, 5) == b"hello"
        kernel.lockstep.glance("the page ends with zeros")
        kernel.values(FileWrite("f0", 0, b"H"))
        kernel.values(FileSync("f0"))
        kernel.lockstep.glance("and so does its sector now")
        kernel.lockstep.drain(kernel.console)


def test_a_read_only_disk_has_files_to_read(ringbench_config: Config, image: Path) -> None:
    drive = f"driver=file,filename={image},read-only=on,node-name=fixed"
    device = "virtio-blk-pci,drive=fixed,serial=data"
    arguments = ["-blockdev", drive, "-device", device]
    with Machine.start(override(ringbench_config, {"machine.arguments": arguments})) as machine:
        assert machine.command("file open hello.txt") == "ok f0 0xc"
        assert machine.command("file read f0 7 4") == f"ok {b'ring'.hex()}"
        assert machine.command("file write f0 0 00").startswith("err denied")
        assert machine.command("file close f0") == "ok"


def _booted(config: Config, image: Path) -> Machine:
    return Machine.start(override(config, {"machine.disks": [f"{image} virtio serial=data"]}))


GOOD = archive()
HELLO = 1
"""The sector of the header of hello.txt."""

SIZE = slice(124, 136)
WRONG: dict[str, tuple[bytes, str]] = {
    "not an archive": (Random(5).randbytes(8192), "corrupt"),
    "nothing but zeros": (bytes(8192), "corrupt"),
    "cut off in a header": (GOOD[: 512 + 100], "corrupt"),
    "cut off in a member": (GOOD[:20000], "corrupt"),
    "without an end": (without_end(GOOD), "corrupt"),
    "a wrong checksum": (GOOD[:600] + b"\xff" + GOOD[601:], "corrupt"),
    "another magic word": (with_header(GOOD, HELLO, slice(257, 263), b"uslar"), "corrupt"),
    "a size that is no number": (with_header(GOOD, HELLO, SIZE, b"12x"), "corrupt"),
    "no size": (with_header(GOOD, HELLO, SIZE, b""), "corrupt"),
    "a size of 64 GiB": (with_header(GOOD, HELLO, SIZE, b"7" * 12), "corrupt"),
    "two of one name": (
        with_header(archive({"one": b"1", "hello.txt": b"2"}), HELLO, slice(0, 100), b"hello.txt"),
        "corrupt",
    ),
    "a member of 3 MiB": (archive({"hello.txt": bytes(3 << 20)}), "out_of_range"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_archive_is_refused_and_changes_nothing(
    ringbench_config: Config, tmp_path: Path, what: str
) -> None:
    content, status = WRONG[what]
    image = tmp_path / "wrong.tar"
    image.write_bytes(content)
    with _booted(ringbench_config, image) as machine:
        kernel = Kernel(machine)
        free = kernel.state.pmm.free_count
        kernel.values(FileOpen("hello.txt"), status)
        assert kernel.state.pmm.free_count == free
        kernel.lockstep.look("after that")


def test_without_a_data_disk_there_are_no_files(kernel: Kernel) -> None:
    kernel.values(FileOpen("hello.txt"), "not_found")
