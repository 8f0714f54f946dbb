"""The hunt on real machines: the right kernel obeys, a wrong one is caught and made small."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import settings

from ringbench.config import Config, load, override
from ringbench.engine.hunt.boots import BATCH, hunt_by_boots
from ringbench.engine.hunt.campaign import Campaign, Progress
from ringbench.engine.hunt.check import check
from ringbench.engine.hunt.corpus import Corpus
from ringbench.engine.hunt.search import search
from ringbench.engine.hunt.state_machine import SETTINGS
from ringbench.engine.runner import Violation
from ringbench.engine.script import read_script, with_machine
from ringbench.subject import BootsDone
from ringbench.subjects.reference.subject import REFERENCE
from tests.bench.command import SECONDS, run
from tests.bench.wrong import Wrong
from tests.places import ROOT

WRONG = Wrong(
    "tables that have become empty are kept",
    "paging/change.c",
    "        if (collect) {",
    "        if (collect && 0) {",
)
"""A root, a mapping and its end show it."""


@pytest.fixture
def small(ringbench_config: Config) -> Config:
    return override(ringbench_config, {"machine.memory": "16M"})


@pytest.fixture(scope="module")
def wrong_tree(tree: Path) -> Iterator[Path]:
    """A copy of the kernel with a mistake in it, built."""
    with WRONG.built_in(tree):
        yield tree


# --- the right kernel -----------------------------------------------------------------------------


def test_the_kernel_obeys_with_modules_and_without_large_pages(ringbench_config: Config) -> None:
    config = with_machine(ringbench_config, {"memory": "24M", "cpu": "qemu64", "modules": "3"})
    result = search(REFERENCE, config, 2, SECONDS, chunks=1)
    assert result.caught == ()
    assert len(result.interesting) == 0, "nobody asked for coverage"


@pytest.mark.exhaustive
@pytest.mark.timeout(600)
@pytest.mark.parametrize("machine", REFERENCE.machines, ids=lambda words: "-".join(words.values()))
def test_the_kernel_obeys_for_minutes(ringbench_config: Config, machine: dict[str, str]) -> None:
    result = search(REFERENCE, with_machine(ringbench_config, machine), 3, 120)
    assert result.caught == ()
    assert result.operations > 20_000


def test_the_state_machine_as_a_test_of_ones_own(small: Config, tmp_path: Path) -> None:
    how = settings(SETTINGS, max_examples=8, derandomize=True)
    assert check(REFERENCE, small, tmp_path, how) > 300
    assert list(tmp_path.iterdir()) == []


def test_the_kernel_obeys_and_a_search_repeats() -> None:
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
    hunt = ("hunt", "--batches", "1", "--seed", "3", "--memory", "16M", "--corpus", corpus)
    first = run(*hunt, "--no-coverage", cwd=wrong_tree)
    assert first.returncode == 1, first.stdout + first.stderr
    assert "Traceback" not in first.stderr
    files = sorted((corpus / "failures").iterdir())
    assert files
    assert all(f"new: {file}" in first.stdout for file in files)
    scripts = {file: read_script(file, REFERENCE.parse) for file in files}
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
        check(REFERENCE, config, tmp_path, how)
    [path] = tmp_path.iterdir()
    script = read_script(path, REFERENCE.parse)
    notes = "\n".join(caught.value.__notes__)
    assert f"ringbench replay {path}" in notes
    assert all(line in notes for line in script.lines)
    assert len(script.operations) <= 8, script.text()


def test_without_shrinking_a_search_ends_with_the_first_failure(
    wrong_tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(wrong_tree)
    result = search(
        REFERENCE, override(load(), {"machine.memory": "16M"}), 1, SECONDS, shrink=False
    )
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
    hunt = ("hunt", "--batches", "1", "--memory", "16M", "--corpus", corpus)
    first = run(*hunt)
    assert first.returncode == 0, first.stdout + first.stderr
    kept = sorted((corpus / "interesting").iterdir())
    state = json.loads((corpus / "state.json").read_text())
    assert kept
    assert len(state["covered"]) > 1000
    second = Campaign(REFERENCE, ringbench_config, Corpus(corpus, REFERENCE.parse), 2)
    with ThreadPoolExecutor(1) as executor, pytest.raises(Enough):
        second.run(executor, 1, SECONDS, enough)
    assert second.progress.batches == 0
    assert second.progress.sequences == len(kept)
    assert second.progress.found == {}


# --- boots ----------------------------------------------------------------------------------------


def test_boots(tmp_path: Path) -> None:
    done = run("hunt", "--boots", "--batches", "1", "--corpus", tmp_path, "--seed", "5")
    assert done.returncode == 0, done.stdout + done.stderr
    state = json.loads((tmp_path / "state.json").read_text())
    assert state["boots"] == 100
    assert state["boot_batches"] == {"5": [0]}
    assert "100 boots, 0 failures" in done.stdout


class TheSameBoot:
    """Boots that all go wrong for one cause."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def perform_boots(
        self, config: Config, *, seed: int, first: int, count: int, seconds: float
    ) -> BootsDone:
        self.seen.append(first)
        return BootsDone(count, (("pmm: free at frame #", '{"told": true}\n'),))


def test_boots_that_go_wrong_are_kept_once(small: Config, tmp_path: Path) -> None:
    """Batch 0 is done; the following three find one and the same thing."""
    boots, corpus = TheSameBoot(), Corpus(tmp_path, REFERENCE.parse)
    corpus.state.boot_batches["5"] = [0]
    with ThreadPoolExecutor(1) as executor:
        progress = hunt_by_boots(
            boots, small, corpus, 5, executor, 1, SECONDS, lambda done: None, 3
        )
    [path] = progress.found
    assert progress.found[path]
    assert path.read_text() == '{"told": true}\n'
    assert boots.seen == [BATCH, 2 * BATCH, 3 * BATCH]
    state = Corpus(tmp_path, REFERENCE.parse).state
    assert state.boot_batches["5"] == [0, 1, 2, 3]
    assert state.boots == progress.boots == 3 * BATCH
