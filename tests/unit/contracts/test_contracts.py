"""Each rule of the contracts is broken by a wrong kernel, and none by a right one."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from ringbench.config import Config, KernelConfig
from ringbench.engine.hunt.search import search
from ringbench.engine.runner import Failure
from tests.unit.contracts.fake import FakeSubject
from tests.unit.contracts.fake_kernel import Bug

CONFIG: Final = Config(KernelConfig(Path("kernel"), Path("kernel"), "> "), Path("ringbench.toml"))

BREAKS: Final = {
    Bug.UNALIGNED: {"alignment"},
    Bug.SPLIT_FORGETS_HEADER: {"disjoint", "contents"},
    Bug.FREE_WRITES_BESIDE: {"contents", "kept"},
    Bug.ZALLOC_LEAVES: {"zeroed"},
    Bug.REALLOC_COPIES_LESS: {"kept"},
    Bug.REALLOC_COPIES_MORE: {"contents"},
    Bug.USABLE_IS_LESS: {"usable"},
    Bug.EXACT_FIT_REFUSED: {"freed"},
    Bug.FREE_LOSES_LARGE: {"rounds", "freed"},
    Bug.HUGE_WRAPS: {"refused"},
    Bug.PAST_THE_END: {"memory", "once", "disjoint"},
    Bug.FREE_ENDS: {"returns"},
    Bug.DOUBLE_FREE_OVERLAPS: {"disjoint", "contents", "alignment"},
    Bug.HEAP_HAS_A_FRAME: {"once", "contents"},
    Bug.TWICE: {"once"},
    Bug.NO_RAM: {"ram"},
    Bug.GIVES_IMAGE: {"image"},
    Bug.GIVES_TABLE: {"tables"},
    Bug.FRAME_UNALIGNED: {"aligned"},
    Bug.COUNT_FORGETS_RUNS: {"count"},
    Bug.COUNT_DRIFTS: {"count"},
    Bug.RUN_FREES_ONE: {"count", "all-back"},
    Bug.FREED_IS_LOST: {"count", "freed", "all-back"},
    Bug.FREE_WRITES_NEXT_FRAME: {"contents"},
    Bug.LAST_FRAME_STAYS: {"count"},
    Bug.NO_MERGE: {"merged", "rounds", "all-back"},
    Bug.REALLOC_LEAKS: {"rounds"},
    Bug.RUN_IGNORES_ALIGNMENT: {"aligned"},
    Bug.MAPS_NEXT_FRAME: {"mapped"},
    Bug.MAPS_WRITABLE: {"rights"},
    Bug.UNMAP_LEAVES: {"gone"},
    Bug.UNMAP_TAKES_NEIGHBOUR: {"mapped", "done"},
    Bug.MAP_SHOWS_ANOTHER: {"others"},
    Bug.UNMAP_WITHOUT_FLUSH: {"stale"},
    Bug.TRANSLATE_WRONG: {"translated"},
    Bug.PROTECT_REFUSES: {"done"},
    Bug.MAP_AGAIN_REPLACES: {"refused"},
    Bug.ROUNDS_LOSE_FRAMES: {"rounds"},
}
"""Wrong kernel -> the rules one of which it is seen to break."""


def caught(bug: Bug, chunks: int = 4) -> tuple[Failure, ...]:
    """Return what a short hunt finds, made small."""
    return search(FakeSubject(bug=bug), CONFIG, 1, 600, chunks=chunks, shrink=False).failures


def rule_of(failure: Failure) -> str:
    """Return the rule that a failure names."""
    mismatch = failure.caught.mismatches[0]
    if mismatch.what != "reply":
        return mismatch.what
    return mismatch.seen.split()[0].removeprefix("broken:")


def test_every_wrong_kernel_is_in_the_list() -> None:
    assert set(Bug) - {Bug.NONE} == set(BREAKS)


@pytest.mark.parametrize("bug", BREAKS, ids=lambda bug: str(bug.name).lower())
def test_a_wrong_kernel_breaks_its_rule(bug: Bug) -> None:
    failures = caught(bug)
    assert failures
    assert rule_of(failures[0]) in BREAKS[bug], failures[0].caught


def test_a_right_kernel_breaks_none() -> None:
    assert not caught(Bug.NONE, chunks=2)
