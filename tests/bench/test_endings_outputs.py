"""Files that a command writes: refused before the work, whole or not at all, after the verdict."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.bench.attacks import attacked, lines_of
from tests.bench.cheap import SMALL, cheap
from tests.bench.command import RINGBENCH
from tests.bench.left import left

pytestmark = pytest.mark.sampled

OUTPUTS = {
    "json": ("run", "--json"),
    "junit": ("run", "--junit"),
    "flips": ("flips", "--json"),
    "dump": ("frames", "--save-dump"),
    "story": ("boot-map", "--save"),
}


@pytest.fixture
def tmp(tmp_path: Path) -> Path:
    return tmp_path / "tmp"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of half a MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", folder], capture_output=True
    )
    if made.returncode:
        pytest.skip("mounting takes root")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def writing(name: str, place: Path, file: Path | str) -> list[str]:
    command, option = OUTPUTS[name]
    return [*cheap(command, place), option, str(file)]


@pytest.mark.parametrize("name", OUTPUTS)
@pytest.mark.parametrize(
    "where",
    [
        *("no/such/folder/file", "folder", "/proc/file", "/dev/full/file"),
        pytest.param("a" * 256, id="long name"),
        pytest.param("a/" * 2048 + "b", id="long path"),
    ],
)
def test_no_place_is_said_before_the_work(name: str, where: str, tmp_path: Path, tmp: Path) -> None:
    (tmp_path / "folder").mkdir()
    done = attacked(writing(name, tmp_path, tmp_path / where), tmp)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert OUTPUTS[name][1] in done.stderr
    assert left(tmp) == []


@pytest.mark.parametrize("name", ["json", "dump"])
def test_a_full_disk_leaves_the_verdict_and_the_old_file(
    name: str, tmp_path: Path, tmp: Path, small_disk: Path
) -> None:
    file = small_disk / "file"
    file.write_text("old")
    with suppress(OSError), (small_disk / "filler").open("wb", buffering=0) as filler:
        while filler.write(bytes(4096)):
            pass
    done = attacked(writing(name, tmp_path, file), tmp)
    assert done.returncode == 3, done.stderr
    assert "match" in done.stdout or "frames managed" in done.stdout
    [line] = lines_of(done.stderr)
    assert str(file) in line
    assert file.read_text() == "old"
    assert sorted(path.name for path in small_disk.iterdir()) == ["file", "filler"]
    assert left(tmp) == []


@pytest.mark.parametrize("device", ["/dev/full", "/dev/null"])
@pytest.mark.parametrize("name", ["json", "dump"])
def test_devices_are_written_to(name: str, device: str, tmp_path: Path, tmp: Path) -> None:
    done = attacked(writing(name, tmp_path, device), tmp)
    assert done.returncode == (3 if device == "/dev/full" else 0), done.stderr
    assert done.stdout
    assert not Path(device).is_file()
    assert len(lines_of(done.stderr)) == (device == "/dev/full")


def test_a_result_on_standard_output_comes_after_the_table(tmp_path: Path, tmp: Path) -> None:
    arguments = writing("json", tmp_path, "/dev/stdout")
    for place in ("", f"> {tmp_path}/file"):
        done = attacked(arguments, tmp, shell=place)
        text = done.stdout or (tmp_path / "file").read_text()
        assert done.returncode == 0, done.stderr
        assert text.index("match") < text.index("{\n")
        assert json.loads(text[text.index("{\n") :])
    assert Path("/dev/stdout").is_symlink()


def test_a_dump_into_a_pipe_is_the_dump_in_a_file(tmp_path: Path, tmp: Path) -> None:
    file, pipe, copy = tmp_path / "dump.file", tmp_path / "pipe", tmp_path / "copy"
    os.mkfifo(pipe)
    with (
        copy.open("wb") as taken,
        subprocess.Popen(["cat", pipe], stdout=taken) as reader,
    ):
        try:
            done = attacked(["heap", *SMALL, "--save-dump", str(pipe)], tmp)
            assert done.returncode == 0, done.stderr
            reader.wait(20)
        finally:
            reader.kill()
    assert attacked(["heap", *SMALL, "--save-dump", str(file)], tmp).returncode == 0
    assert copy.stat().st_size == file.stat().st_size >= 16 << 20


def test_a_pipe_without_a_reader_is_one_line(tmp_path: Path, tmp: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    done = attacked(writing("json", tmp_path, tmp_path / "pipe"), tmp)
    assert done.returncode == 3
    assert "match" in done.stdout
    assert len(lines_of(done.stderr)) == 1


def test_what_was_there_is_replaced_through_links(tmp_path: Path, tmp: Path) -> None:
    file, link = tmp_path / "real.json", tmp_path / "link.json"
    file.write_text("old")
    link.symlink_to(file)
    done = attacked(writing("json", tmp_path, link), tmp)
    assert done.returncode == 0, done.stderr
    assert link.is_symlink()
    assert json.loads(file.read_text())
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".ringbench")]


def test_a_limit_of_the_files_length_is_one_line(tmp_path: Path, tmp: Path) -> None:
    """RLIMIT_FSIZE, as a full disk, but said by EFBIG, SIGXFSZ being ignored by Python."""
    arguments = writing("dump", tmp_path, tmp_path / "file")
    limited = ["/bin/sh", "-c", 'ulimit -f 1024; exec "$@"', "sh"]
    done = attacked(arguments, tmp, program=[*limited, *RINGBENCH])
    assert done.returncode == 3, done.stderr
    assert not (tmp_path / "file").exists()
    assert "Traceback" not in done.stderr
    assert left(tmp) == []
