"""Contracts run short of frames: what is refused takes nothing, and nothing is lost over rounds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from ringbench.config import Config, KernelConfig
from ringbench.engine.starve import StarveResult, starve_scarce
from ringbench.errors import ConfigError
from ringbench.subject import Scarce, Starvable
from ringbench.subjects.contracts.subject import ContractSubject
from tests.unit.contracts.fake import CONTRACTS, FakeSubject
from tests.unit.contracts.fake_kernel import Bug

CONFIG: Final = Config(KernelConfig(Path("kernel"), Path("kernel"), "> "), Path("ringbench.toml"))
PAGES: Final = "pages: first of the range"


def starved(bug: Bug, *names: str, undoes: bool = True, count: int = 0) -> StarveResult:
    assert CONTRACTS.pages is not None
    pages = replace(CONTRACTS.pages, undoes=undoes)
    subject = FakeSubject(bug=bug, contracts=replace(CONTRACTS, pages=pages))
    return starve_scarce(subject, CONFIG, names or subject.scarce_names, seed=2, count=count)


def test_a_right_kernel_is_starved() -> None:
    result = starved(Bug.NONE, count=5)
    assert result.passed, result.caught
    by_name = {each.case: each for each in result.starved}
    assert by_name["frames: one"].failed == 1
    assert by_name["frames: three in a row"].failed == 3
    assert len(result.starved) == len(FakeSubject().scarce_names) + 5
    assert result.operations > 100


def test_it_is_no_subject_with_a_model_of_its_memory() -> None:
    assert isinstance(FakeSubject(), Scarce)
    assert not isinstance(FakeSubject(), Starvable)


@pytest.mark.parametrize(
    ("bug", "case", "words"),
    [
        (Bug.REFUSED_MAP_KEEPS, PAGES, "broken:undone map_page"),
        (Bug.REFUSED_ALLOC_KEEPS, "heap: the largest", "broken:undone kmalloc"),
    ],
)
def test_what_is_refused_takes_nothing(bug: Bug, case: str, words: str) -> None:
    [caught] = starved(bug, case).caught
    assert words in str(caught)
    assert "frames left: 1" in str(caught)


def test_what_is_done_over_and_over_loses_nothing() -> None:
    """Though no count is promised: fewer frames can be had each time."""
    [caught] = starved(Bug.REFUSED_MAP_LOSES, PAGES, undoes=False).caught
    assert "pages: lost at operation" in str(caught)
    assert f"({PAGES}), over and over, 2 units left" in str(caught)


def test_it_goes_on_with_another_kernel_after_a_catch() -> None:
    result = starved(Bug.REFUSED_MAP_KEEPS, PAGES, "frames: one")
    assert [each.caught is None for each in result.starved] == [False, True]


@pytest.mark.parametrize("there", [False, True])
def test_frames_that_cannot_be_taken_are_refused(*, there: bool) -> None:
    assert CONTRACTS.frames is not None
    frames = replace(CONTRACTS.frames, exhaust=False) if there else None
    contracts = replace(CONTRACTS, frames=frames)
    with pytest.raises(ConfigError, match=r"needs \[contracts\.frames\]"):
        ContractSubject(contracts).require_scarcity()


def test_a_starved_operation_is_a_line() -> None:
    subject = FakeSubject()
    line = "heap starved 3 alloc b7 20480"
    assert str(subject.parse(line)) == line
    for wrong, words in (
        ("heap starved", "expected LAYER starved LEFT"),
        ("heap starved x alloc b7 16", "'x' is no number"),
        ("heap starved 3 burn b7", "expected one of"),
    ):
        with pytest.raises(ConfigError, match=words):
            subject.parse(wrong)
