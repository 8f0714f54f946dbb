"""Drawing what is asked of regions: at the edges of pages and tables, and what was freed."""

from __future__ import annotations

from random import Random
from typing import Final

from ringbench.config.contracts import RegionsCalls
from ringbench.subjects.contracts.ledger import PAGE
from ringbench.subjects.contracts.operation import Operation
from ringbench.subjects.contracts.regions.operations import Alloc, Free, Rounds
from ringbench.subjects.contracts.state import State
from ringbench.subjects.contracts.tendency import gives_back

PAGES: Final = (1, 2, 3, 1, 4, 5, 8, 15, 16, 17, 31, 33, 64)
"""Lengths of regions, in pages; few are long, for each page is looked at."""

BESIDE: Final = (0, 0, 0, -1, 1, -16, 16)
"""What a size is off a number of whole pages, where it may be."""

ROUNDS: Final = 0.03
FEW: Final = 24
"""Regions of a kernel that may have a table of them: beyond that, more is given back."""


def draw(random: Random, state: State, calls: RegionsCalls) -> Operation:
    """Draw an operation that a caller may ask for."""
    live, name = state.regions.live, f"r{state.drawn}"
    if gives_back(random, state, live) or len(live) > FEW:
        names = list(live)
        return Free(names[-1] if calls.grows or random.random() < 0.3 else random.choice(names))
    if random.random() < ROUNDS:
        return Rounds(random.choice((64, 300)), random.choice((1, 1, 3)) * PAGE)
    if state.regions.was_freed and random.random() < 0.3:  # exactly what has just become free
        return Alloc(name, state.regions.freed[0][1].size, _rights(random, calls))
    size = PAGE * random.choice(PAGES)
    if "size" in calls.alloc.names:
        size += random.choice(BESIDE)
    return Alloc(name, min(size, calls.largest), _rights(random, calls))


def _rights(random: Random, calls: RegionsCalls) -> str:
    """Draw rights, of those that can be asked for; "rw" if none can."""
    if not calls.has_rights:
        return "rw"
    return "".join(
        (
            "r",
            "w" if random.random() < 0.7 and calls.write else "",
            "x" if random.random() < 0.3 or not calls.no_execute else "",
            "u" if random.random() < 0.3 and calls.user else "",
        )
    )
