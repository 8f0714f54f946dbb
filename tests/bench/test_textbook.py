"""The textbook kernel of examples/: it passes, and kernels with one classic mistake each do not."""

from __future__ import annotations

import json
import math
import re
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from ringbench.config import load
from ringbench.machine import Machine
from ringbench.subjects.contracts.kernel import ContractKernel
from ringbench.subjects.contracts.rules import ALL
from tests.bench.command import run
from tests.kernels.textbook.hunt import hunt
from tests.kernels.textbook.kernels import EXAMPLE, built, mutants
from tests.kernels.textbook.table import read
from tests.mutants.mutant import Patch
from tests.sample import seed

SAMPLE = 4
"""Mutants that are hunted in each run of the tests; another commit tries others."""

QUICK = 500
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


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The kernel without a mistake, in a folder of its own, to be looked at only."""
    return built(tmp_path_factory.mktemp("right") / "kernel")


def test_it_boots_and_counts_its_frames(right: Path) -> None:
    with Machine.launch(load(right / "ringbench.toml")) as machine:
        machine.boot()
        [count] = re.findall(r"free frames: 0x([0-9a-f]+)", machine.command("count"))
    assert 3500 < int(count, 16) < 4096  # of 16 MiB, without the first and the image


def test_it_is_short_enough_to_be_read() -> None:
    sources = [*EXAMPLE.glob("*.c"), *EXAMPLE.glob("*.h")]
    assert len(sources) == 7
    assert sum(len(source.read_text().splitlines()) for source in sources) < 850


@pytest.mark.parametrize("step", [6, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_mutants_apply_and_compile_to_something_else(
    step: int, right: Path, tmp_path: Path
) -> None:
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
    assert len(known()) >= 90


def test_every_rule_catches_a_mutant() -> None:
    """Each is the first that some mutant breaks, so that none could be left out unseen."""
    names = {owed.name for every in ALL.values() for owed in every}
    assert names <= {row.rule.split()[-1] for row in read()}


def test_a_run_performs_what_was_asked_for(right: Path, tmp_path: Path) -> None:
    """Though its only channel is none of those that have an option of their own."""
    result = tmp_path / "result.json"
    done = run("run", "--ops", 20, "--json", result, cwd=right)
    assert done.returncode == 0, done.stderr
    result = json.loads(result.read_text())
    assert result["channels"] == {"calls": 20}


def test_the_right_kernel_hunts_clean(right: Path) -> None:
    hunted = hunt(right, "right", 3.0)
    assert not hunted.caught
    assert hunted.calls > 0


def test_it_is_known_which_frames_the_image_has(right: Path) -> None:
    """Though the direct map has the same tables."""
    config = load(right / "ringbench.toml")
    with closing(ContractKernel.start(config)) as kernel:
        image = kernel.guest.image.values()
    assert any("kmalloc" in each and "(.text)" in each for each in image)
    assert any("(.bss)" in each for each in image)


def test_memory_runs_short(right: Path, tmp_path: Path) -> None:
    """At each frame that a call wants; a call that is refused must leave the others."""
    done = run("starve", "--case", "several", "--count", 2, cwd=right)
    assert done.returncode == 0, done.stderr
    assert re.search(r"heap: several pages .* 8 .* 8 .* match", done.stdout)
    [wrong] = (mutant for mutant in mutants() if mutant.name.startswith("68-"))
    done = run("starve", "--case", "several", "--count", 0, cwd=built(tmp_path / "k", wrong, right))
    assert done.returncode == 1
    for words in ("heap starved 3 alloc", "broken:undone kmalloc(20480)", "3 units left"):
        assert words in " ".join(done.stdout.split())


def test_memory_that_cannot_run_short_is_refused(right: Path, tmp_path: Path) -> None:
    text = (right / "ringbench.toml").read_text().replace('"build/', f'"{right}/build/')
    heap = text.replace("undoes = true", "").partition("[contracts.heap]")
    (tmp_path / "ringbench.toml").write_text(text.partition("[contracts.")[0] + "".join(heap[1:]))
    done = run("starve", cwd=tmp_path)
    assert done.returncode == 2
    assert "needs [contracts.frames], without `exhaust = false`" in done.stderr


def test_gdb_finds_what_guest_calls_find(right: Path, tmp_path: Path) -> None:
    """The slow way, which shares nothing with the bench's code in the guest."""
    [wrong] = (mutant for mutant in mutants() if mutant.name.startswith("75-"))
    (tmp_path / "two.ring").write_text("heap alloc b8 16\nheap realloc b8 b45 4096\n")
    folder = built(tmp_path / "kernel", wrong, right)
    fast, slow = (
        run("replay", "--channel", name, tmp_path / "two.ring", cwd=folder)
        for name in ("calls", "gdb")
    )
    assert (fast.returncode, slow.returncode) == (1, 1)
    assert "broken:kept krealloc(0xffffffffc0000020, 4096)" in slow.stdout
    assert slow.stdout == fast.stdout
    assert run("replay", "--channel", "ring", tmp_path / "two.ring", cwd=folder).returncode == 2


def test_a_count_that_cannot_be_seen_is_refused(right: Path, tmp_path: Path) -> None:
    text = (right / "ringbench.toml").read_text().replace('"build/', f'"{right}/build/')
    text = text.replace('count = "free_frames"', 'count = "panic(0, 7)"')
    (tmp_path / "ringbench.toml").write_text(text)
    done = run("hunt", "--batches", 1, cwd=tmp_path)
    assert done.returncode == 2
    assert "contracts.frames.count: 'panic(0x0, 0x7)' cannot be seen: panic(0x0, 0x7) ended" in (
        done.stderr
    )


@pytest.mark.timeout(3 * SECONDS)
@pytest.mark.parametrize("mutant", [pytest.param(each, id=each.name) for each in sample()])
def test_a_mutant_is_caught(mutant: Patch, tmp_path: Path) -> None:
    hunted = hunt(built(tmp_path / "kernel", mutant), 1, SECONDS)
    assert hunted.caught, f"seed {seed()}: {mutant.mistake}: {hunted}"


@pytest.mark.exhaustive
@pytest.mark.timeout(6 * SECONDS)
@pytest.mark.parametrize("rule", sorted({row.rule for row in read() if row.caught}))
def test_each_rule_catches_what_the_table_says(rule: str, tmp_path: Path) -> None:
    """Of the mutants that break it first, the one that is caught soonest."""
    soonest = min((row for row in read() if row.rule == rule), key=lambda row: row.calls)
    [mutant] = (each for each in mutants() if each.name == soonest.mutant)
    hunted = hunt(built(tmp_path / "kernel", mutant), 1, 4 * SECONDS)
    assert hunted.rule == rule, f"{mutant.mistake}: {hunted}"


@pytest.mark.exhaustive
@pytest.mark.timeout(6 * SECONDS)
@pytest.mark.parametrize("mutant", [pytest.param(each, id=each.name) for each in known()])
def test_every_mutant_of_the_table_is_caught(mutant: Patch, tmp_path: Path) -> None:
    hunted = hunt(built(tmp_path / "kernel", mutant), 1, 4 * SECONDS)
    assert hunted.caught, f"{mutant.mistake}: {hunted}"
