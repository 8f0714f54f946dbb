"""Ctrl-C, SIGTERM and SIGKILL, at any moment of any command: one line, and nothing is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.bench.cheap import cheap
from tests.bench.command import RINGBENCH, SECONDS
from tests.bench.left import left, wait_until
from tests.places import ROOT

pytestmark = pytest.mark.sampled

LONG: dict[str, tuple[str, ...]] = {
    "run": ("run", "--ops", "1000000"),
    "run with coverage": ("run", "--ops", "1000000", "--kernel-cov", "."),
    "hunt": ("hunt", "--minutes", "60", "--jobs", "2", "--corpus", "{out}/corpus"),
    "hunt of boots": ("hunt", "--boots", "--minutes", "60", "--corpus", "{out}/corpus"),
    "starve": ("starve", "--count", "100000"),
    "flips": ("flips", "--count", "1000000"),
}
"""Commands that go on until they are stopped."""

PLAIN = {"run", "hunt of boots", "starve"}
"""Those that have no other folder than their machine's."""

WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}


@contextmanager
def begun(arguments: list[str], tmp: Path) -> Iterator[subprocess.Popen[str]]:
    """A command that has begun with a line of ours: Python itself has no SIGTERM handler."""
    tmp.mkdir(exist_ok=True)
    process = subprocess.Popen(
        [*RINGBENCH, *arguments],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        wait_until(lambda: catches(process.pid, signal.SIGTERM) or process.poll() is not None)
        yield process
    finally:
        process.kill()
        process.communicate()


def catches(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler of its own for a signal."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    [mask] = [line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")]
    return bool(int(mask, 16) >> (number - 1) & 1)


def long(name: str, place: Path) -> list[str]:
    return [word.format(out=place) for word in LONG[name]]


def is_busy(tmp: Path, name: str) -> bool:
    """Whether the folders that the command has besides its machine's are there, and QEMU runs."""
    folders = [path.name for path in tmp.iterdir()]
    kind = {"run with coverage": "translations", "hunt": "hunt", "flips": "flips"}.get(name, "")
    qemu = any("qemu-system" in each for each in left(tmp))
    return qemu and any(kind in each for each in folders)


@pytest.mark.parametrize("number", WORDS)
@pytest.mark.parametrize("after", [0.0, 0.02, 0.05, 0.1, 0.2, 0.4])
def test_while_it_starts(number: signal.Signals, after: float, tmp_path: Path) -> None:
    tmp = tmp_path / "tmp"
    with begun(long("run", tmp_path), tmp) as process:
        time.sleep(after)
        process.send_signal(number)
        _, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 3, errors
    [line] = errors.split("\n")[-2:-1]
    assert line.startswith(f"ringbench: {WORDS[number]}")
    assert "Traceback" not in errors
    wait_until(lambda: left(tmp) == [])


DEAF_FOR_A_MOMENT = """
import os, sys, time
from ringbench.cli import main

class Callback:
    def __del__(self):
        os.kill(os.getpid(), int(sys.argv[1]))
        time.sleep(60)  # the signal is raised in here, where Python drops it

def work(arguments):
    Callback()
    time.sleep(60)

main.run = work
main.main()
"""


@pytest.mark.parametrize("number", WORDS)
def test_in_a_callback_where_python_drops_it(number: signal.Signals) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DEAF_FOR_A_MOMENT, str(int(number))],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 3
    [line] = done.stderr.splitlines()
    assert line.startswith(f"ringbench: {WORDS[number]}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.exhaustive] if name in PLAIN else []) for name in LONG],
)
def test_while_it_works(name: str, number: signal.Signals, tmp_path: Path) -> None:
    tmp = tmp_path / "tmp"
    with begun(long(name, tmp_path), tmp) as process:
        wait_until(lambda: is_busy(tmp, name) or process.poll() is not None, 60)
        process.send_signal(number)
        _, errors = process.communicate(timeout=SECONDS)
    if number == signal.SIGKILL:
        assert process.returncode == -number
    else:
        assert process.returncode == 3, errors
        assert WORDS[number] in errors
    assert "Traceback" not in errors
    wait_until(lambda: left(tmp) == [])


@pytest.mark.parametrize("number", WORDS)
def test_to_all_of_its_processes_as_a_terminal_does(number: signal.Signals, tmp_path: Path) -> None:
    tmp = tmp_path / "tmp"
    with begun(long("hunt", tmp_path), tmp) as process:
        wait_until(lambda: len(workers(process.pid)) == 2, 60)
        os.killpg(process.pid, number)
        _, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 3, errors
    assert "Traceback" not in errors
    wait_until(lambda: left(tmp) == [])


@pytest.mark.parametrize("pause", [0.0, 0.01])
def test_again_and_again(pause: float, tmp_path: Path) -> None:
    tmp = tmp_path / "tmp"
    with begun(long("run", tmp_path), tmp) as process:
        wait_until(lambda: is_busy(tmp, "run") or process.poll() is not None, 60)
        for _ in range(20):
            process.send_signal(signal.SIGINT)
            time.sleep(pause)
        _, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 3, errors
    assert "Traceback" not in errors
    wait_until(lambda: left(tmp) == [])


@pytest.mark.parametrize("after", [0.0, 0.3, 1.5])
def test_a_worker_that_dies_is_one_line(after: float, tmp_path: Path) -> None:
    tmp = tmp_path / "tmp"
    with begun(long("hunt", tmp_path), tmp) as process:
        wait_until(lambda: bool(workers(process.pid)) or process.poll() is not None, 60)
        time.sleep(after)
        os.kill(workers(process.pid)[0], signal.SIGKILL)
        _, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 3, errors
    [line] = [line for line in errors.splitlines() if line.strip()]
    assert "a process that performs batches died" in line
    wait_until(lambda: left(tmp) == [])


def workers(pid: int) -> list[int]:
    """Return the processes of a hunt that perform its batches."""
    found = []
    for number in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        try:
            if b"spawn_main" in Path(f"/proc/{number}/cmdline").read_bytes():
                found.append(int(number))
        except OSError:
            continue
    return found


def test_the_cheap_ones_too_leave_nothing(tmp_path: Path) -> None:
    tmp = tmp_path / "tmp"
    with begun(cheap("frames", tmp_path), tmp) as process:
        wait_until(lambda: is_busy(tmp, "frames") or process.poll() is not None, 60)
        process.kill()
        process.communicate(timeout=SECONDS)
    wait_until(lambda: left(tmp) == [])
