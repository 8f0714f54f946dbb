"""Drawing what a frame allocator is asked."""

from __future__ import annotations

from random import Random
from typing import Final

from ringbench.config.contracts import FramesCalls
from ringbench.subjects.contracts.frames.operations import PAGE, Alloc, Drain, Free, FreeAgain, Run
from ringbench.subjects.contracts.operation import Operation
from ringbench.subjects.contracts.state import State
from ringbench.subjects.contracts.tendency import gives_back

FREE: Final = Free

COUNTS: Final = (2, 1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 512)
"""Lengths of runs: at the edges of the words and bytes that bitmaps have."""

ALIGNMENTS: Final = (PAGE, PAGE, PAGE, 2 * PAGE, 4 * PAGE, 16 * PAGE, 512 * PAGE)
DRAIN: Final = 0.004


def draw(random: Random, state: State, calls: FramesCalls) -> Operation:
    """Draw an operation that a caller may ask for."""
    frames, name = state.frames, f"f{state.drawn}"
    runs = calls.alloc_run is not None and calls.free_run is not None
    if frames.was_freed and random.random() < 0.3:  # exactly what has just become free
        size = frames.freed[0][1].size
        return Run(name, size, PAGE) if size > 1 and runs else Alloc(name)
    if gives_back(random, state, frames.live):
        free = [each for each in frames.live if not state.pages.uses(each)]
        if free:
            return Free(free[-1] if random.random() < 0.2 else random.choice(free))
    if calls.exhaust and random.random() < DRAIN:
        return Drain(random.randrange(3))
    if runs and random.random() < 0.4:
        aligned = "align" in (calls.alloc_run.names if calls.alloc_run else ())
        align = random.choice(ALIGNMENTS) if aligned else PAGE
        return Run(name, random.choice(COUNTS), align)
    return Alloc(name)


def draw_mistake(random: Random, state: State, calls: FramesCalls) -> Operation:
    """Draw a mistake that is survived; if the kernel promises none, what is no mistake."""
    if "double-free" in calls.misuse and state.frames.was_freed:
        return FreeAgain(state.frames.freed[0][0])
    return draw(random, state, calls)
