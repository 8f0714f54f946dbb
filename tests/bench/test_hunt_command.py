"""The hunt as a command: interrupted, it goes on; killed, it leaves nothing; bad input is named."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ringbench.cli import main
from tests.bench.command import RINGBENCH, SECONDS, run
from tests.bench.left import left, wait_until
from tests.places import ROOT

pytestmark = pytest.mark.sampled

# --- interrupted ----------------------------------------------------------------------------------


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[str]]:
    """A long hunt in `tmp_path/corpus`, which has saved its first round."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    corpus = tmp_path / "corpus"
    arguments = ["hunt", "--minutes", "60", "--no-coverage", "--memory", "16M", "--jobs", "2"]
    process = subprocess.Popen(
        [*RINGBENCH, *arguments, "--corpus", str(corpus)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_until(lambda: (corpus / "state.json").exists() or process.poll() is not None, 60)
        yield process
    finally:
        process.kill()
        process.communicate()


def test_ctrl_c_and_on(begun: subprocess.Popen[str], tmp_path: Path) -> None:
    begun.send_signal(signal.SIGINT)
    _, errors = begun.communicate(timeout=SECONDS)
    assert begun.returncode == 3, errors
    assert "interrupted" in errors
    assert "Traceback" not in errors
    wait_until(lambda: not left(tmp_path / "tmp"), 60)
    corpus = tmp_path / "corpus"
    before = json.loads((corpus / "state.json").read_text())
    done = before["batches"]["1"]
    assert done
    arguments = ("hunt", "--batches", "1", "--no-coverage", "--memory", "16M")
    again = run(*arguments, "--corpus", corpus)
    assert again.returncode == 0, again.stdout + again.stderr
    after = json.loads((corpus / "state.json").read_text())
    assert after["batches"]["1"][: len(done)] == done
    assert len(set(after["batches"]["1"])) == len(after["batches"]["1"]), "a batch was done twice"
    assert after["operations"] > before["operations"]


def test_killed_it_leaves_nothing(begun: subprocess.Popen[str], tmp_path: Path) -> None:
    assert left(tmp_path / "tmp"), "there are machines to be left"
    begun.kill()
    wait_until(lambda: not left(tmp_path / "tmp"), 60)


# --- bad input ------------------------------------------------------------------------------------


Fails = Callable[..., None]


@pytest.fixture
def fails(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Fails:
    """The command in this process: it must end with a status, and a message that has a word."""
    monkeypatch.chdir(ROOT)

    def command(status: int, word: str, *arguments: object) -> None:
        assert main.run([str(each) for each in arguments]) == status
        assert word in capsys.readouterr().err

    return command


def test_bad_input_of_replay(fails: Fails, tmp_path: Path) -> None:
    file = tmp_path / "bad.ring"
    fails(2, "no.ring", "replay", tmp_path / "no.ring")
    file.write_text("pmm alloc\n# fine\npmm alock\n")
    fails(2, f"{file}:3: `pmm alock`: no such operation", "replay", file)
    file.write_text("# ringbench 9: memory=16M\npmm alloc\n")
    fails(2, "version 9", "replay", file)
    file.write_text("# ringbench 1: memory=some\npmm alloc\n")
    fails(2, "machine.memory", "replay", file)
    fails(2, "FILES", "replay")


def test_bad_input_of_hunt(fails: Fails, tmp_path: Path) -> None:
    fails(2, "--minutes", "hunt", "--minutes", "soon")
    fails(2, "--minutes", "hunt", "--minutes", "0")
    fails(2, "--jobs", "hunt", "--jobs", "0")
    (tmp_path / "file").write_text("")
    fails(2, "--corpus", "hunt", "--corpus", tmp_path / "file")
    other = tmp_path / "other"
    other.mkdir()
    (other / "state.json").write_text('{"version": 7}')
    fails(2, "version 7", "hunt", "--corpus", other)
    fails(2, "--memory", "hunt", "--boots", "--memory", "64M", "--corpus", tmp_path / "new")
    fails(2, "missing.toml", "hunt", "--config", "missing.toml", "--corpus", tmp_path / "new")


def test_a_machine_that_cannot_start_is_no_find(fails: Fails, tmp_path: Path) -> None:
    fails(3, "no-such-cpu", "hunt", "--cpu", "no-such-cpu", "--corpus", tmp_path / "corpus")


def test_without_dask(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['distributed'] = None\n"
        "from ringbench.cli.main import run; sys.exit(run(sys.argv[1:]))"
    )
    arguments = ["hunt", "--dask", "tcp://127.0.0.1:1", "--corpus", str(tmp_path / "corpus")]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "ringbench[cluster]" in done.stderr
