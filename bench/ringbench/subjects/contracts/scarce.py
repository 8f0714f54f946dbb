"""What `ringbench starve` has run short of frames: a call of each kind, small and large."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ringbench.config.contracts import Contracts
from ringbench.subject import Case
from ringbench.subjects.contracts.frames import operations as frames
from ringbench.subjects.contracts.heap import operations as heap
from ringbench.subjects.contracts.ledger import PAGE
from ringbench.subjects.contracts.operation import Operation
from ringbench.subjects.contracts.pages import operations as pages
from ringbench.subjects.contracts.regions import operations as regions
from ringbench.subjects.contracts.state import State

SEVERAL: Final = 5 * PAGE
"""Bytes of a block for which a heap needs several frames."""

Made = tuple[Operation, ...]
"""What has to be performed before, and at the end the operation that runs short."""


def cases(contracts: Contracts) -> dict[str, Callable[[State], Made]]:
    """Return the cases of the layers that there are, lowest first: name -> what is performed."""
    found: dict[str, Callable[[State], Made]] = {
        "frames: one": lambda state: (frames.Alloc(f"f{state.drawn}"),)
    }
    if contracts.frames and contracts.frames.alloc_run and contracts.frames.free_run:
        found["frames: three in a row"] = lambda state: (frames.Run(f"f{state.drawn}", 3, PAGE),)
    if contracts.pages:
        start, end = contracts.pages.range
        found["pages: first of the range"] = lambda state: _mapped(state, start)
        found["pages: last of the range"] = lambda state: _mapped(state, end - PAGE)
        found["pages: in the middle"] = lambda state: _mapped(state, _middle(start, end))
    if contracts.regions and not contracts.regions.demand:
        most = contracts.regions.largest
        found["regions: a page"] = lambda state: (regions.Alloc(f"r{state.drawn}", PAGE, "rw"),)
        found["regions: several pages"] = lambda state: (
            regions.Alloc(f"r{state.drawn}", min(SEVERAL, most), "rw"),
        )
    if contracts.heap:
        calls, some = contracts.heap, min(SEVERAL, contracts.heap.largest)
        found["heap: a page"] = lambda state: (heap.Alloc(f"b{state.drawn}", min(PAGE, some)),)
        found["heap: several pages"] = lambda state: (heap.Alloc(f"b{state.drawn}", some),)
        if calls.zalloc:
            found["heap: zeroed"] = lambda state: (heap.Zalloc(f"b{state.drawn}", some),)
        if calls.aligned:
            found["heap: aligned"] = lambda state: (heap.Aligned(f"b{state.drawn}", some, PAGE),)
        if calls.realloc:
            found["heap: resized"] = lambda state: _resized(state, some)
        found["heap: the largest"] = lambda state: (heap.Alloc(f"b{state.drawn}", calls.largest),)
    return found


def case(name: str, state: State, contracts: Contracts) -> Case[Operation]:
    """Return a case, with names that are new in a state."""
    *before, operation = cases(contracts)[name](state)
    return Case(name, tuple(before), operation)


def _middle(start: int, end: int) -> int:
    """Return a page about half-way, whose tables are, as a rule, those of no page at the ends."""
    return (start + (end - start) // 2) & -PAGE


def _mapped(state: State, virtual: int) -> Made:
    number = state.drawn
    return frames.Alloc(f"f{number}"), pages.Map(f"p{number + 1}", virtual, f"f{number}", "rw")


def _resized(state: State, size: int) -> Made:
    """Have a block grow that has another one behind it, so that it has to move."""
    number = state.drawn
    return (
        heap.Alloc(f"b{number}", 64),
        heap.Alloc(f"b{number + 1}", 64),
        heap.Realloc(f"b{number}", f"b{number + 2}", size),
    )
