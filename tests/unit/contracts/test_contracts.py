"""Each rule of the contracts is broken by a wrong kernel, and none by a right one."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pytest

from ringbench.config import Config, KernelConfig
from ringbench.config.call_text import parse_call
from ringbench.config.contracts import Contracts
from ringbench.engine.hunt.search import search
from ringbench.engine.runner import Failure
from ringbench.subject import Kernel
from ringbench.subjects.contracts.ledger import PAGE
from ringbench.subjects.contracts.operation import Operation
from ringbench.subjects.contracts.rules import ALL
from ringbench.subjects.contracts.state import State
from tests.unit.contracts.fake import CONTRACTS, REGIONS, FakeContractKernel, FakeSubject
from tests.unit.contracts.fake_kernel import Bug, FakeKernel

CONFIG: Final = Config(KernelConfig(Path("kernel"), Path("kernel"), "> "), Path("ringbench.toml"))

BREAKS: Final = {
    Bug.UNALIGNED: {"alignment"},
    Bug.SPLIT_FORGETS_HEADER: {"disjoint", "contents", "merged"},
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
    Bug.TWICE: {"once", "count"},
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
    Bug.REALLOC_TO_ZERO_ENDS: {"returns"},
    Bug.RUN_IGNORES_ALIGNMENT: {"aligned"},
    Bug.MAPS_NEXT_FRAME: {"mapped"},
    Bug.MAPS_WRITABLE: {"rights"},
    Bug.UNMAP_LEAVES: {"gone"},
    Bug.UNMAP_TAKES_NEIGHBOUR: {"mapped", "done"},
    Bug.MAP_SHOWS_ANOTHER: {"others", "gone"},
    Bug.UNMAP_WITHOUT_FLUSH: {"stale"},
    Bug.PROTECT_WITHOUT_FLUSH: {"stale"},
    Bug.TRANSLATE_WRONG: {"translated"},
    Bug.PROTECT_REFUSES: {"done"},
    Bug.MAP_AGAIN_REPLACES: {"refused"},
    Bug.ROUNDS_LOSE_FRAMES: {"rounds"},
    Bug.TRANSLATE_FORGETS_OFFSET: {"translated"},
    Bug.USABLE_HAS_HEADER: {"disjoint", "contents", "memory"},
    Bug.ALIGNED_FRONT_LEAKS: {"rounds", "merged", "all-back"},
    Bug.REFUSED_MAP_KEEPS: {"undone"},
    Bug.REFUSED_MAP_LOSES: {"undone"},
    Bug.REFUSED_ALLOC_KEEPS: {"undone"},
}
"""Wrong kernel -> the rules one of which it is seen to break."""

OF_REGIONS: Final = {
    Bug.REGION_UNALIGNED: {"aligned"},
    Bug.REGION_OVERLAPS: {"disjoint"},
    Bug.REGION_SHORT: {"mapped"},
    Bug.REGION_WRITABLE: {"rights"},
    Bug.REGION_SHARES: {"once", "contents"},
    Bug.REGION_NOT_CLEARED: {"zeroed"},
    Bug.REGION_WITHOUT_FLUSH: {"stale"},
    Bug.REGION_STAYS: {"gone"},
    Bug.REGION_CLEARS_NEXT: {"contents"},
    Bug.REGION_TAKES_NEXT: {"others"},
    Bug.REGION_LEAKS: {"rounds"},
    Bug.REFUSED_REGION_KEEPS: {"undone"},
}
"""The same for wrong regions."""


def caught(bug: Bug, chunks: int = 4, contracts: Contracts = CONTRACTS) -> tuple[Failure, ...]:
    """Return what a short hunt finds."""
    subject = FakeSubject(contracts, bug=bug)
    return search(subject, CONFIG, 1, 600, chunks=chunks, shrink=False).failures


def rule_of(failure: Failure) -> str:
    """Return the rule that a failure names."""
    mismatch = failure.caught.mismatches[0]
    if mismatch.what != "reply":
        return mismatch.what
    return mismatch.seen.split()[0].removeprefix("broken:")


def test_every_wrong_kernel_is_in_the_list() -> None:
    assert set(Bug) - {Bug.NONE} == {*BREAKS, *OF_REGIONS}


def test_every_rule_is_broken_by_one() -> None:
    named = {rule for broken in (BREAKS, OF_REGIONS) for rules in broken.values() for rule in rules}
    assert named == {rule.name for rules in ALL.values() for rule in rules}
    assert all(rule.why.endswith(".") for rules in ALL.values() for rule in rules)


@pytest.mark.parametrize("bug", BREAKS, ids=lambda bug: str(bug.name).lower())
def test_a_wrong_kernel_breaks_its_rule(bug: Bug) -> None:
    failures = caught(bug)
    assert failures
    assert rule_of(failures[0]) in BREAKS[bug], failures[0].caught


@pytest.mark.parametrize("bug", OF_REGIONS, ids=lambda bug: str(bug.name).lower())
def test_wrong_regions_break_their_rule(bug: Bug) -> None:
    failures = caught(bug, contracts=REGIONS)
    assert failures
    assert rule_of(failures[0]) in OF_REGIONS[bug], failures[0].caught


def test_a_right_kernel_breaks_none() -> None:
    assert not caught(Bug.NONE, chunks=2)
    assert not caught(Bug.NONE, chunks=1, contracts=REGIONS)


class OtherKernel(FakeKernel):
    """A right kernel whose functions are declared otherwise, as many kernels have them."""

    def frame_alloc(self) -> int:
        """Return the number of a frame, which is given back by its address."""
        return super().frame_alloc() // PAGE

    def frames_alloc(self, count: int, align: int) -> int:
        """Take how many bytes the run has."""
        return super().frames_alloc(count // PAGE, align) // PAGE

    def kmemalign(self, size: int, align: int) -> int:
        """Align to pages, whatever is asked for."""
        return super().kmemalign(size, PAGE)

    def frames_free(self, paddr: int, count: int) -> int:
        """Take how many bytes the run has."""
        return super().frames_free(paddr, count // PAGE)

    def unmap_page(self, virtual: int) -> int:
        """Return nothing: whatever was in the register stays there."""
        super().unmap_page(virtual)
        return virtual

    def translate(self, virtual: int) -> int:
        """Return the entry of the table."""
        physical, flags = self.tables.get(virtual, (0, 0))
        return physical | flags | 1 if virtual in self.tables else 0


@dataclass(frozen=True)
class OtherSubject(FakeSubject):
    """The subject of that kernel."""

    silent: Set[str] = frozenset({"unmap_page"})

    def start(self, config: Config) -> Kernel[State, Operation]:
        """Make one."""
        kernel = FakeContractKernel(self.bug, self.contracts)
        kernel.guest.kernel = OtherKernel(self.bug)
        kernel.guest.silent = self.silent
        return kernel


def test_a_right_kernel_that_is_called_otherwise_breaks_none() -> None:
    assert CONTRACTS.frames is not None
    assert CONTRACTS.pages is not None
    frames = replace(
        CONTRACTS.frames,
        address="number",
        free=parse_call("frame_free({physical})"),
        alloc_run=parse_call("frames_alloc({bytes}, {align})"),
        free_run=parse_call("frames_free({physical}, {bytes})"),
    )
    assert CONTRACTS.heap is not None
    heap = replace(CONTRACTS.heap, aligned=parse_call("kmemalign({size}, 0)"), aligned_to=PAGE)
    pages = replace(CONTRACTS.pages, translated="entry")

    def failures(subject: OtherSubject) -> tuple[Failure, ...]:
        return search(subject, CONFIG, 1, 600, chunks=2, shrink=False).failures

    right = OtherSubject(contracts=replace(CONTRACTS, frames=frames, pages=pages, heap=heap))
    assert not failures(right)
    assert rule_of(failures(replace(right, silent=frozenset()))[0]) in {"done", "rounds"}
    wrong = replace(right, contracts=replace(right.contracts, pages=CONTRACTS.pages))
    assert rule_of(failures(wrong)[0]) == "translated"
