"""A few of the mutants of tests/mutants, each caught again; `make mutants` runs all of them.

Which few is decided by the commit, so that a run can be repeated and another commit tries others;
RINGBENCH_SAMPLE=SEED asks for others by hand. Each is tried with the part of the bench that caught
it in the whole campaign; should the workloads have changed since, with the other parts too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import pytest

from tests.mutants.campaign import Hunter
from tests.mutants.caught import Catch, read
from tests.mutants.mutant import Mutant, generated, hand_written
from tests.mutants.stages import STAGES
from tests.sample import seed

COUNT = 8
SECONDS = 300.0
"""For one mutant on a busy machine; some are over in one."""

LONG = {"tests", "instructions"}
"""Stages that take too long for a sample, and are tests of this suite anyway."""

RUNS = [name for name in STAGES if name.startswith("run") and name != "run split"]


def sample() -> Iterator[tuple[Mutant, Catch]]:
    """Hand-written and generated ones, as many of each."""
    catches = read()
    random = Random(seed())
    sets: tuple[Sequence[Mutant], ...] = (hand_written(), generated())
    for mutants in sets:
        known: list[tuple[Mutant, Catch]] = [
            (mutant, catch)
            for mutant in mutants
            if (catch := catches.get(mutant.name)) and catch.stage not in LONG
        ]
        yield from random.sample(known, min(COUNT // 2, len(known)))


def name_of(value: object) -> str:
    """What pytest calls a parameter."""
    return value.stage if isinstance(value, Catch) else getattr(value, "name", "")


@pytest.mark.timeout(2 * SECONDS)
@pytest.mark.parametrize(
    ("mutant", "catch"), [pytest.param(mutant, catch, id=mutant.name) for mutant, catch in sample()]
)
def test_a_wrong_kernel_is_caught(mutant: Mutant, catch: Catch) -> None:
    result = Hunter(SECONDS, [catch.stage]).hunt(mutant)
    if result.verdict == "survived":
        result = Hunter(SECONDS, [name for name in STAGES if name not in LONG]).hunt(mutant)
    assert result.verdict == "caught", f"seed {seed()}: {mutant.mistake}: {result}"


def pass_all(tree: Path, names: list[str]) -> None:
    outcome, ended = Hunter(1800, names).outcome_of(tree)
    assert ended
    assert not outcome.caught, f"a false alarm: {outcome}"
    assert not outcome.broken, outcome.broken
    assert outcome.stage == names[-1]


@pytest.mark.timeout(2 * SECONDS)
@pytest.mark.parametrize("stage", RUNS)
def test_the_right_kernel_passes(stage: str, tree: Path) -> None:
    pass_all(tree, [stage])


@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
def test_the_right_kernel_passes_every_stage(tree: Path) -> None:
    pass_all(tree, list(STAGES))


def test_what_is_known_as_caught_is_among_the_mutants() -> None:
    names = {patch.name for patch in hand_written()} | {each.name for each in generated()}
    catches = read()
    assert set(catches) <= names
    assert len(catches) >= 400
    assert {catch.stage for catch in catches.values()} <= set(STAGES)


def test_a_list_of_catches_is_read_as_it_was_written(tmp_path: Path) -> None:
    from tests.mutants.caught import write

    catches = {"b": Catch("run", 7, "pmm: reply"), "a": Catch("boots", 1, "a panic\tor so")}
    write(catches, tmp_path / "caught.txt")
    assert read(tmp_path / "caught.txt") == {
        "a": Catch("boots", 1, "a panic or so"),
        "b": Catch("run", 7, "pmm: reply"),
    }


def test_a_bench_that_dies_has_not_passed_the_kernel(tmp_path: Path) -> None:
    outcome, _ = Hunter(60, ["run"]).outcome_of(tmp_path)  # there is no kernel
    assert outcome.broken
