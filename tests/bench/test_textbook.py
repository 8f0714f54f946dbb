"""The textbook kernel of examples/: it passes, and kernels with one classic mistake each do not."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from random import Random

import pytest

from ringbench.config import load
from ringbench.machine import Machine
from tests.bench.command import run
from tests.kernels.textbook.hunt import hunt
from tests.kernels.textbook.kernels import EXAMPLE, built, mutants
from tests.kernels.textbook.table import read
from tests.mutants.mutant import Patch
from tests.mutants.sample import seed

SAMPLE = 4
"""Mutants that are hunted in each run of the tests; another commit tries others."""

QUICK = 2_000
"""Calls, at most, that the table says a mutant of the sample takes."""

SECONDS = 60.0
"""For the hunt of one mutant, on a busy machine."""


def known(most: float = math.inf) -> list[Patch]:
    """Return the mutants that the table says are caught, within so many calls."""
    caught = {row.mutant for row in read() if row.caught and row.calls <= most}
    return [mutant for mutant in mutants() if mutant.name in caught]


def sample() -> list[Patch]:
    """Return some that are caught soon."""
    quick = known(QUICK)
    return Random(f"textbook {seed()}").sample(quick, min(SAMPLE, len(quick)))


def test_it_boots_and_counts_its_frames(tmp_path: Path) -> None:
    folder = built(tmp_path / "kernel")
    with Machine.launch(load(folder / "ringbench.toml")) as machine:
        machine.boot()
        [count] = re.findall(r"free frames: 0x([0-9a-f]+)", machine.command("count"))
    assert 3500 < int(count, 16) < 4096  # of 16 MiB, without the first and the image


def test_it_is_short_enough_to_be_read() -> None:
    sources = [*EXAMPLE.glob("*.c"), *EXAMPLE.glob("*.h")]
    assert len(sources) == 6
    assert sum(len(source.read_text().splitlines()) for source in sources) < 800


@pytest.mark.parametrize("step", [6, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_mutants_apply_and_compile_to_something_else(step: int, tmp_path: Path) -> None:
    right = built(tmp_path / "right")
    image = Path("build") / "kernel32.elf"
    assert len(mutants()) >= 40
    for mutant in mutants()[::step]:
        folder = built(tmp_path / mutant.name, mutant, right)
        assert (folder / image).read_bytes() != (right / image).read_bytes(), mutant.name


def test_the_table_has_each_mutant() -> None:
    assert [(row.mutant, row.mistake) for row in read()] == [
        (mutant.name, mutant.mistake) for mutant in mutants()
    ]


def test_most_mutants_are_caught() -> None:
    assert len(known()) >= 60


def test_a_run_performs_what_was_asked_for(tmp_path: Path) -> None:
    """Though its only channel is none of those that have an option of their own."""
    done = run("run", "--ops", 20, "--json", "result.json", cwd=built(tmp_path / "kernel"))
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "kernel" / "result.json").read_text())
    assert result["channels"] == {"calls": 20}


def test_the_right_kernel_hunts_clean(tmp_path: Path) -> None:
    hunted = hunt(built(tmp_path / "kernel"), "right", 3.0)
    assert not hunted.caught
    assert hunted.calls > 0


@pytest.mark.timeout(3 * SECONDS)
@pytest.mark.parametrize("mutant", [pytest.param(each, id=each.name) for each in sample()])
def test_a_mutant_is_caught(mutant: Patch, tmp_path: Path) -> None:
    hunted = hunt(built(tmp_path / "kernel", mutant), 1, SECONDS)
    assert hunted.caught, f"seed {seed()}: {mutant.mistake}: {hunted}"


@pytest.mark.exhaustive
@pytest.mark.timeout(6 * SECONDS)
@pytest.mark.parametrize("mutant", [pytest.param(each, id=each.name) for each in known()])
def test_every_mutant_of_the_table_is_caught(mutant: Patch, tmp_path: Path) -> None:
    hunted = hunt(built(tmp_path / "kernel", mutant), 1, 4 * SECONDS)
    assert hunted.caught, f"{mutant.mistake}: {hunted}"
