"""Where the bench works: temporary folders with odd names, full or missing; a read-only tree."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringbench.config import load
from ringbench.coverage.log import TranslationLogs
from ringbench.errors import CoverageLost
from ringbench.machine import Machine
from ringbench.machine.folder import MAX_BASE
from tests.bench.attacks import attacked, lines_of
from tests.bench.cheap import CHEAP, SMALL, cheap
from tests.bench.command import RINGBENCH
from tests.bench.left import left
from tests.places import ROOT

pytestmark = pytest.mark.sampled

FEW = ["flips", "replay", "run"]
RARE = [pytest.param(name, marks=pytest.mark.exhaustive) for name in CHEAP if name not in FEW]


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose path is short enough to be taken: of a longer one the bench makes no use."""
    with tempfile.TemporaryDirectory(prefix="places-", dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of its own, of one MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting takes root")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(folder: Path, leave: int) -> None:
    """Leave so many bytes of a disk."""
    free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
    (folder / "filler").write_bytes(bytes(free - leave))


@pytest.mark.parametrize("name", [*FEW, *RARE])
def test_a_temporary_folder_with_an_odd_name(name: str, tmp_path: Path, short: Path) -> None:
    tmp = short / "a b,,c=d 'e\" %f"
    assert len(os.fsencode(tmp)) <= MAX_BASE
    done = attacked(cheap(name, tmp_path), tmp)
    assert done.returncode == 0, done.stderr
    assert left(tmp) == []


def test_modules_with_odd_names(tmp_path: Path) -> None:
    """Four words of a configuration's module cannot name a file with a space; a folder can."""
    place = tmp_path / "a b,c"
    place.mkdir()
    text = (ROOT / "ringbench.toml").read_text().replace('"build/', f'"{ROOT}/build/')
    (place / "m,1").write_text("one")
    (place / "ringbench.toml").write_text(
        text.replace("[kernel]\n", '[kernel]\nmodules = ["m,1 of words, and commas"]\n')
    )
    done = attacked(["run", *SMALL, "--ops", "5", "--ring-ops", "0"], tmp_path / "tmp", cwd=place)
    assert done.returncode == 0, done.stderr


def test_logs_in_a_folder_with_an_odd_name(tmp_path: Path) -> None:
    keep = tmp_path / "100 %d"
    with Machine.start(load(None, {"machine.memory": "16M"}), keep) as machine:
        snapshot = machine.freeze()
        machine.restore(snapshot, tmp_path / "%% again")
        assert machine.command("echo on") == "ok"
    assert (keep / "qemu.log").exists()
    assert (tmp_path / "%% again" / "qemu.log").exists()


@pytest.mark.parametrize("where", ["missing", "file", "/proc", "/dev/full"])
def test_a_temporary_folder_that_is_none(where: str, short: Path) -> None:
    (short / "file").write_text("")
    environment = {"TMPDIR": str(short / where)}
    done = attacked(["frames", *SMALL], short / "tmp", environment=environment)
    assert done.returncode == 3, done.stderr
    [line] = lines_of(done.stderr)
    assert "TMPDIR" in line


@pytest.mark.parametrize("leave", [0, 4096, 16384, 65536])
@pytest.mark.parametrize(
    "name",
    [
        "frames",
        pytest.param("replay", marks=pytest.mark.exhaustive),
        pytest.param("flips", marks=pytest.mark.exhaustive),
    ],
)
def test_a_full_temporary_folder(name: str, leave: int, tmp_path: Path, disk: Path) -> None:
    fill(disk, leave)
    done = attacked(cheap(name, tmp_path), disk)
    assert done.returncode in (0, 3), done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == 0 or lines_of(done.stderr)
    assert [path.name for path in disk.iterdir()] == ["filler"]


@pytest.mark.parametrize("leave", [20_000, 200_000])
def test_coverage_that_stops_recording_says_so(leave: int, tmp_path: Path, disk: Path) -> None:
    fill(disk, leave)
    arguments = ["run", "--ops", "50", "--gdb-ops", "0", "--ring-ops", "0", "--kernel-cov", "."]
    done = attacked(arguments, disk)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "the disk is full" in done.stderr or "No space left" in done.stderr
    assert len(lines_of(done.stderr)) == 1
    assert "kernel code" not in done.stdout
    assert [path.name for path in disk.iterdir()] == ["filler"]


def test_logs_on_a_full_disk_are_not_believed(disk: Path) -> None:
    logs = TranslationLogs(disk, ROOT / "build" / "kernel.elf")
    assert logs.new() == set()
    fill(disk, 0)
    with pytest.raises(CoverageLost, match="the disk is full"):
        logs.new()


def test_tests_in_a_tree_that_cannot_be_written_to(tmp_path: Path) -> None:
    """In a mount namespace of its own, where the tree is read-only."""
    mounted = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && cd "$0" && exec "$@"'
    program = ["unshare", "-m", "/bin/sh", "-c", mounted, str(ROOT)]
    if subprocess.run([*program, "true"], capture_output=True, check=False).returncode:
        pytest.skip("mounting takes root")
    tests = ["tests/unit/test_mi.py", "tests/unit/test_byte_random.py"]
    arguments = [sys.executable, "-m", "pytest", "-q", "--basetemp", str(tmp_path / "base"), *tests]
    done = attacked([], tmp_path / "tmp", program=[*program, *arguments])
    assert done.returncode == 0, done.stdout + done.stderr
    frames = attacked([], tmp_path / "tmp", program=[*program, *RINGBENCH, "frames", *SMALL])
    assert frames.returncode == 0, frames.stderr
