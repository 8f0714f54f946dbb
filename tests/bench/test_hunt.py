"""The hunt on real machines: the right kernel obeys, a wrong one is caught, shown small, kept once.

What a hunt leaves behind when it is interrupted or killed, and bad input, are here too.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import settings

from ringbench.check.caught import Caught
from ringbench.check.mismatch import Mismatch
from ringbench.cli import main
from ringbench.config import Config, load, override
from ringbench.hunt.boots import BATCH, hunt_by_boots
from ringbench.hunt.campaign import VARIANTS, Campaign, Progress
from ringbench.hunt.check import check
from ringbench.hunt.corpus import Corpus
from ringbench.hunt.round import round_
from ringbench.hunt.rules import SETTINGS
from ringbench.hunt.script import read_script, with_machine
from ringbench.hunt.stage import Violation

ROOT = Path(__file__).resolve().parents[2]
TREE = ("Makefile", "linker.ld", "kernel", "tools", "build", "ringbench.toml")
RINGBENCH = [sys.executable, "-m", "ringbench.cli.main"]
SECONDS = 100
WRONG = (
    "paging/change.c",
    "        if (collect) {",
    "        if (collect && 0) {",
)
"""Tables that have become empty are kept: a root, a mapping and its end show it."""


@pytest.fixture
def small(ringbench_config: Config) -> Config:
    return override(ringbench_config, {"machine.memory": "16M"})


@pytest.fixture(scope="module")
def wrong_tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the kernel with a mistake in it, built."""
    folder = tmp_path_factory.mktemp("wrong")
    for name in TREE:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("iso", "analyze")
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        else:
            shutil.copy2(ROOT / name, folder / name)
    source = folder / "kernel" / WRONG[0]
    assert WRONG[1] in source.read_text(), f"{source} has changed: adapt this mistake"
    source.write_text(source.read_text().replace(WRONG[1], WRONG[2]))
    subprocess.run(["make", "-s", "all"], cwd=folder, check=True, capture_output=True)
    yield folder
    shutil.rmtree(folder)


def run(*arguments: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*RINGBENCH, *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
    )


# --- the right kernel -----------------------------------------------------------------------------


def test_the_kernel_obeys_with_modules_and_without_large_pages(ringbench_config: Config) -> None:
    config = with_machine(ringbench_config, {"memory": "24M", "cpu": "qemu64", "modules": "3"})
    result = round_(config, 2, SECONDS, chunks=1)
    assert result.caught == ()
    assert len(result.interesting) == 0, "nobody asked for coverage"


@pytest.mark.exhaustive
@pytest.mark.timeout(600)
@pytest.mark.parametrize("machine", VARIANTS, ids=lambda words: "-".join(words.values()))
def test_the_kernel_obeys_for_minutes(ringbench_config: Config, machine: dict[str, str]) -> None:
    result = round_(with_machine(ringbench_config, machine), 3, 120)
    assert result.caught == ()
    assert result.operations > 20_000


def test_the_state_machine_as_a_test_of_ones_own(small: Config, tmp_path: Path) -> None:
    how = settings(SETTINGS, max_examples=8, derandomize=True)
    assert check(small, tmp_path, how) > 300
    assert list(tmp_path.iterdir()) == []


def test_the_kernel_obeys_and_a_round_repeats() -> None:
    """In processes of their own: nothing that was done before may matter."""
    first, second = (
        subprocess.run(
            [sys.executable, ROOT / "tests" / "bench" / "hunted.py", "1"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            timeout=SECONDS,
        ).stdout
        for _ in range(2)
    )
    assert first == second
    complete, sequences, operations, caught, _ = json.loads(first)
    assert complete
    assert sequences == 20
    assert operations > 4000
    assert caught == 0


# --- a wrong kernel -------------------------------------------------------------------------------


def test_a_wrong_kernel_is_caught_shown_small_and_kept_once(
    wrong_tree: Path, tmp_path: Path
) -> None:
    corpus = tmp_path / "corpus"
    hunt = ("hunt", "--rounds", "1", "--seed", "3", "--memory", "16M", "--corpus", corpus)
    first = run(*hunt, "--no-coverage", cwd=wrong_tree)
    assert first.returncode == 1, first.stdout + first.stderr
    assert "Traceback" not in first.stderr
    files = sorted((corpus / "failures").iterdir())
    assert files
    assert all(f"new: {file}" in first.stdout for file in files)
    scripts = {file: read_script(file) for file in files}
    assert min(len(script.operations) for script in scripts.values()) <= 3
    assert len({script.operations for script in scripts.values()}) == len(files), "kept twice"
    assert all(script.machine["memory"] == "16M" for script in scripts.values())

    shortest = min(files, key=lambda file: len(scripts[file].operations))
    lines = scripts[shortest].lines
    wrong = run("replay", shortest, cwd=wrong_tree)
    assert wrong.returncode == 1, wrong.stdout + wrong.stderr
    assert f"line {len(lines)} is wrong" in wrong.stdout
    assert "expected" in wrong.stdout
    assert "seen" in wrong.stdout
    told = [line.removeprefix("ring> ") for line in wrong.stdout.splitlines() if "ring> " in line]
    assert told == list(lines)
    right = run("replay", *files)
    assert right.returncode == 0, right.stdout + right.stderr

    again = run(*hunt, "--no-coverage", cwd=wrong_tree)
    assert again.returncode == 1, again.stdout + again.stderr
    assert f"known: {shortest}" in again.stdout


def test_hypothesis_reports_the_script(
    wrong_tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(wrong_tree)
    config = override(load(), {"machine.memory": "16M"})
    how = settings(SETTINGS, max_examples=100, derandomize=True)
    with pytest.raises(Violation) as caught:
        check(config, tmp_path, how)
    [path] = tmp_path.iterdir()
    script = read_script(path)
    notes = "\n".join(caught.value.__notes__)
    assert f"ringbench replay {path}" in notes
    assert all(line in notes for line in script.lines)
    assert len(script.operations) <= 3, script.text()


def test_without_shrinking_a_round_ends_with_the_first_failure(
    wrong_tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(wrong_tree)
    result = round_(override(load(), {"machine.memory": "16M"}), 1, SECONDS, shrink=False)
    [caught] = result.caught
    assert caught.check == "hunt"
    assert caught.after == result.operations
    assert caught.mismatches


# --- coverage -------------------------------------------------------------------------------------


class Enough(Exception):
    """What was to be seen was seen."""


def enough(progress: Progress) -> None:
    """Stop a campaign after its first task."""
    if progress.sequences:
        raise Enough


def test_sequences_that_run_new_code_are_kept_and_replayed_first(
    ringbench_config: Config, tmp_path: Path
) -> None:
    corpus = tmp_path / "corpus"
    hunt = ("hunt", "--rounds", "1", "--memory", "16M", "--corpus", corpus)
    first = run(*hunt)
    assert first.returncode == 0, first.stdout + first.stderr
    kept = sorted((corpus / "interesting").iterdir())
    state = json.loads((corpus / "state.json").read_text())
    assert kept
    assert len(state["covered"]) > 1000
    second = Campaign(ringbench_config, Corpus(corpus), 2)
    with ThreadPoolExecutor(1) as executor, pytest.raises(Enough):
        second.run(executor, 1, SECONDS, enough)
    assert second.progress.rounds == 0
    assert second.progress.sequences == len(kept)
    assert second.progress.found == {}


# --- boots ----------------------------------------------------------------------------------------


def test_boots(tmp_path: Path) -> None:
    done = run("hunt", "--boots", "--rounds", "1", "--corpus", tmp_path, "--seed", "5")
    assert done.returncode == 0, done.stdout + done.stderr
    state = json.loads((tmp_path / "state.json").read_text())
    assert state["boots"] == 100
    assert state["batches"] == {"5": [0]}
    assert "100 boots, 0 failures" in done.stdout


def test_boots_that_go_wrong_are_kept_once(
    small: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batch 0 is done; the following three find one and the same thing."""
    seen: list[int] = []

    def hunt_boots(config: Config, *, seed: int, count: int, seconds: float, first: int) -> object:
        seen.append(first)
        story = SimpleNamespace(to_json=lambda: '{"told": true}')
        caught = Caught("boots", 1, (Mismatch("pmm", "free", "1", str(first), "frame 0x5"),))
        return SimpleNamespace(boots=BATCH, failed=((SimpleNamespace(story=story), caught),))

    monkeypatch.setattr("ringbench.hunt.boots.hunt_boots", hunt_boots)
    corpus = Corpus(tmp_path)
    corpus.state.batches["5"] = [0]
    with ThreadPoolExecutor(1) as executor:
        progress = hunt_by_boots(small, corpus, 5, executor, 1, SECONDS, lambda done: None, 3)
    [path] = progress.found
    assert progress.found[path]
    assert path.read_text() == '{"told": true}\n'
    assert seen == [BATCH, 2 * BATCH, 3 * BATCH]
    state = Corpus(tmp_path).state
    assert state.batches["5"] == [0, 1, 2, 3]
    assert state.boots == progress.boots == 3 * BATCH


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
        preexec_fn=default_interrupt,
    )
    try:
        until(lambda: (corpus / "state.json").exists() or process.poll() is not None)
        yield process
    finally:
        process.kill()
        process.communicate()


def default_interrupt() -> None:
    """SIGINT interrupts, even if whoever started the tests in the background ignores it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def until(condition: object) -> None:
    assert callable(condition)
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "not within a minute"
        time.sleep(0.05)


def nothing_is_left(folder: Path) -> bool:
    """No process that mentions the folder, and nothing in it."""
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = process.read_bytes()
        except OSError:
            continue
        if str(folder).encode() in line and process.parent.name != str(os.getpid()):
            return False
    return list(folder.iterdir()) == []


def test_ctrl_c_and_on(begun: subprocess.Popen[str], tmp_path: Path) -> None:
    begun.send_signal(signal.SIGINT)
    _, errors = begun.communicate(timeout=SECONDS)
    assert begun.returncode == 3, errors
    assert "interrupted" in errors
    assert "Traceback" not in errors
    until(lambda: nothing_is_left(tmp_path / "tmp"))
    corpus = tmp_path / "corpus"
    before = json.loads((corpus / "state.json").read_text())
    done = before["rounds"]["1"]
    assert done
    arguments = ("hunt", "--rounds", "1", "--no-coverage", "--memory", "16M")
    again = run(*arguments, "--corpus", corpus)
    assert again.returncode == 0, again.stdout + again.stderr
    after = json.loads((corpus / "state.json").read_text())
    assert after["rounds"]["1"][: len(done)] == done
    assert len(set(after["rounds"]["1"])) == len(after["rounds"]["1"]), "a round was done twice"
    assert after["operations"] > before["operations"]


def test_killed_it_leaves_nothing(begun: subprocess.Popen[str], tmp_path: Path) -> None:
    assert not nothing_is_left(tmp_path / "tmp"), "there are machines to be left"
    begun.kill()
    until(lambda: nothing_is_left(tmp_path / "tmp"))


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
