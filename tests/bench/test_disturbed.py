"""A real QEMU is killed or stopped under the commands: no finding, one line, status 3 at worst."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.command import RINGBENCH, SECONDS
from tests.places import ROOT


def processes(folder: Path, name: str) -> Iterator[int]:
    """Process ids of a command's QEMUs or gdbs, by its folder for temporary files."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            program = (process / "cmdline").read_bytes().split(b"\0", 1)[0]
            environment = (process / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if name.encode() in program and b"TMPDIR=" + os.fsencode(folder) in environment:
            yield int(process.name)


class Attacker(threading.Thread):
    """Sends a signal to the first `times` processes of a name that it sees, a moment later."""

    def __init__(self, folder: Path, name: str, number: int, times: int, after: float) -> None:
        super().__init__(daemon=True)
        self.hit: set[int] = set()
        self.over = threading.Event()
        self._what = folder, name, number, times, after

    def run(self) -> None:
        folder, name, number, times, after = self._what
        while not self.over.wait(0.02) and len(self.hit) < times:
            for pid in set(processes(folder, name)) - self.hit:
                if len(self.hit) < times:
                    time.sleep(after)
                    try:
                        os.kill(pid, number)
                    except ProcessLookupError:
                        continue
                    self.hit.add(pid)


def attacked(
    folder: Path, arguments: list[str], number: int, times: int, after: float, name: str = "qemu"
) -> subprocess.CompletedProcess[str]:
    """Run the command with an attacker at work; it must have hit."""
    attacker = Attacker(folder, name, number, times, after)
    attacker.start()
    try:
        done = subprocess.run(
            [*RINGBENCH, *arguments],
            cwd=ROOT,
            env=os.environ | {"TMPDIR": str(folder)},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    finally:
        attacker.over.set()
        attacker.join()
    assert attacker.hit
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "tmp"
    made.mkdir()
    return made


@pytest.fixture
def impatient(tmp_path: Path) -> list[str]:
    """Options for a configuration with little patience."""
    text = (ROOT / "ringbench.toml").read_text().replace("build/", f"{ROOT}/build/")
    assert "[deadlines]" not in text
    path = tmp_path / "ringbench.toml"
    path.write_text(f"{text}\n[deadlines]\nboot = 5.0\nreply = 3.0\ngdb = 3.0\n")
    return ["--config", str(path)]


COMMANDS = {
    "hunt": ["hunt", "--batches", "1", "--minutes", "1", "--no-coverage"],
    "hunt --boots": ["hunt", "--boots", "--batches", "1", "--minutes", "0.2"],
    "starve": ["starve", "--count", "1", "--case", "heap"],
}


def arguments(name: str, corpus: Path) -> list[str]:
    given = COMMANDS[name]
    return [*given, "--corpus", str(corpus)] if given[0] == "hunt" else given


def some(quick: str) -> list[object]:
    """All commands, of which `make test` has one."""
    slow = pytest.mark.exhaustive
    return [name if name == quick else pytest.param(name, marks=slow) for name in COMMANDS]


@pytest.mark.parametrize("name", some("hunt"))
def test_killed_once_it_is_tried_once_more(folder: Path, tmp_path: Path, name: str) -> None:
    done = attacked(folder, arguments(name, tmp_path / "corpus"), signal.SIGKILL, 1, 1.0)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr.count("killed by SIGKILL") == 1
    assert "tried once more" in done.stderr or "another machine was started" in done.stderr
    assert not list((tmp_path / "corpus").rglob("*.ring"))


@pytest.mark.parametrize("name", some("starve"))
def test_killed_again_and_again_it_is_given_up(folder: Path, tmp_path: Path, name: str) -> None:
    done = attacked(folder, arguments(name, tmp_path / "corpus"), signal.SIGKILL, 99, 0.05)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "killed by SIGKILL" in done.stderr
    assert "given up" in done.stderr
    assert not list((tmp_path / "corpus").rglob("*.ring"))


@pytest.mark.exhaustive
def test_kills_between_boots_that_panic_leave_no_finding(folder: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    done = attacked(folder, arguments("hunt --boots", corpus), signal.SIGKILL, 99, 0.3)
    assert done.returncode in (0, 3), done.stdout + done.stderr
    assert not list(corpus.glob("failures/*"))


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", ["hunt", "starve"])
def test_stopped_it_is_told_from_a_hang(
    folder: Path, tmp_path: Path, impatient: list[str], name: str
) -> None:
    given = [*arguments(name, tmp_path / "corpus"), *impatient]
    done = attacked(folder, given, signal.SIGSTOP, 1, 1.0)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "stopped" in done.stderr
    assert "tried once more" in done.stderr or "another machine was started" in done.stderr


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGKILL,
        *(
            pytest.param(each, marks=pytest.mark.exhaustive)
            for each in (signal.SIGSTOP, signal.SIGTERM)
        ),
    ],
)
def test_others_end_with_status_3(
    folder: Path, tmp_path: Path, impatient: list[str], number: int
) -> None:
    script = tmp_path / "long.ring"
    script.write_text("# ringbench 1: memory=16M\n" + "pmm alloc\n" * 2000)
    for given in (["run"], ["replay", str(script)]):
        done = attacked(folder, [*given, *impatient], number, 1, 0.7)
        assert done.returncode == 3, done.stdout + done.stderr
        assert done.stderr.lower().count("error:") == 1, done.stderr


@pytest.mark.exhaustive
def test_gdb_is_killed(folder: Path, impatient: list[str]) -> None:
    given = ["run", "--ops", "10", "--gdb-ops", "5000", "--ring-ops", "10", *impatient]
    done = attacked(folder, given, signal.SIGKILL, 1, 1.0, name="gdb")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "gdb" in done.stderr
