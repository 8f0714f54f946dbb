"""Drawing what is asked of pages: at the edges of tables, and where something was before."""

from __future__ import annotations

from random import Random
from typing import Final

from ringbench.config.contracts import PagesCalls
from ringbench.subjects.contracts.frames.operations import Alloc
from ringbench.subjects.contracts.operation import Operation
from ringbench.subjects.contracts.pages.operations import (
    PAGE,
    Map,
    MapAgain,
    Protect,
    Rounds,
    Unmap,
    UnmapNothing,
)
from ringbench.subjects.contracts.state import State
from ringbench.subjects.contracts.tendency import gives_back

SPANS: Final = (2 << 20, 2 << 20, 1 << 30, 1 << 39)
"""What the tables of each level serve: 2 MiB a PT, 1 GiB a PD, 512 GiB a PDPT."""

ROUNDS: Final = 0.02


def draw(random: Random, state: State, calls: PagesCalls) -> Operation:
    """Draw an operation that a caller may ask for; without a frame, one is asked for first."""
    pages, frames = state.pages, list(state.frames.live)
    if not frames or random.random() < 0.1:
        return Alloc(f"f{state.drawn}")
    if gives_back(random, state, pages.live):
        return Unmap(random.choice(list(pages.live)))
    if pages.live and calls.protect is not None and random.random() < 0.3:
        return Protect(random.choice(list(pages.live)), _rights(random, calls))
    virtual, frame = _virtual(random, state, calls), random.choice(frames)
    if pages.at(virtual):
        return Unmap(next(name for name, page in pages.live.items() if page.virtual == virtual))
    if random.random() < ROUNDS:
        return Rounds(random.choice((64, 2000)), virtual, frame)
    return Map(f"p{state.drawn}", virtual, frame, _rights(random, calls))


def draw_mistake(random: Random, state: State, calls: PagesCalls) -> Operation:
    """Draw a mistake that is survived; if the kernel promises none, what is no mistake."""
    kind = random.choice(calls.misuse) if calls.misuse and calls.ok is not None else ""
    if kind == "map-mapped" and state.pages.live and state.frames.live:
        name = random.choice(list(state.pages.live))
        return MapAgain(name, random.choice(list(state.frames.live)))
    virtual = _virtual(random, state, calls)
    if kind == "unmap-unmapped" and not state.pages.at(virtual):
        return UnmapNothing(virtual)
    return draw(random, state, calls)


def _rights(random: Random, calls: PagesCalls) -> str:
    """Draw rights, of those that the kernel knows of."""
    return "".join(
        (
            "r",
            "w" if random.random() < 0.6 and calls.write else "",
            "x" if random.random() < 0.3 or not calls.no_execute else "",
            "u" if random.random() < 0.3 and calls.user else "",
        )
    )


def _virtual(random: Random, state: State, calls: PagesCalls) -> int:
    """Draw a page: where one was, beside one, at an edge of a table, or anywhere."""
    start, end = calls.range
    choice = random.random()
    known = [*state.pages.left, *(page.virtual for page in state.pages.live.values())]
    if choice < 0.35 and state.pages.left:
        virtual = random.choice(state.pages.left)
    elif choice < 0.55 and known:
        virtual = random.choice(known) + random.choice((PAGE, -PAGE, 511 * PAGE, 2 << 20))
    elif choice < 0.8:
        span = random.choice(SPANS)
        edge = (start // span + 1 + random.randrange(3)) * span
        virtual = edge + random.choice((-PAGE, 0, PAGE))
    else:
        virtual = start + random.randrange((end - start) // PAGE) * PAGE
    if start <= virtual < end:
        return virtual
    return random.choice((start, end - PAGE))
