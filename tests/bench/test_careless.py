"""Kernels with one mistake in how they use memory: each is named by kind and place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.kernels.careless.kernels import built, mutants, watched
from tests.kernels.careless.table import NOTHING, Row, read
from tests.mutants.mutant import Patch


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The kernel without a mistake, in a folder of its own, to be looked at only."""
    return built(tmp_path_factory.mktemp("right") / "kernel")


def test_nothing_is_found_in_the_right_kernel(right: Path) -> None:
    assert watched(right) == ()


def test_the_table_has_each_mutant_named_by_its_place() -> None:
    rows = read()
    assert [(row.mutant, row.mistake) for row in rows] == [
        (mutant.name, mutant.mistake) for mutant in mutants()
    ]
    assert len(rows) >= 25
    for row in rows:
        assert row.kind != NOTHING
        assert re.search(r"\w+ \(\w+\.c:[1-9]\d*\)", row.place), row


@pytest.mark.exhaustive
@pytest.mark.parametrize("mutant", mutants(), ids=lambda each: each.name)
def test_a_mistake_is_named_as_the_table_has_it(mutant: Patch, right: Path, tmp_path: Path) -> None:
    seen = watched(built(tmp_path / "kernel", mutant, right))
    assert Row.of(mutant, seen) in read()
