"""A call while all frames but a few are taken: what is refused must take nothing."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Final

from ringbench.config.contracts import FramesCalls
from ringbench.drive.reply import Reply
from ringbench.subjects.contracts.batch import Batch, Performance, Results
from ringbench.subjects.contracts.frames.perform import AT_ONCE, give_all
from ringbench.subjects.contracts.rule import breach

OK: Final = Reply("ok")
NONE: Final = Reply("none")
LEFT_OUT: Final = Reply("left-out")

UNDONE: Final = (
    "undone",
    "A call that is refused takes nothing, where the kernel promises it: what it got on the way is "
    "back.",
)


@dataclass(frozen=True, slots=True)
class Request:
    """A call that wants frames.

    Attributes:
        text: the call, as a person reads it.
        plan: plans the call, and returns the number of its step.
        is_done: whether a result says that it was done.
        undo: plans what undoes a call that was done, given its result.
    """

    text: str
    plan: Callable[[], int]
    is_done: Callable[[int], bool]
    undo: Callable[[int], object]


def starve(left: int, request: Request, frames: FramesCalls | None, batch: Batch) -> Performance:
    """Take all frames but `left`, make a call, and give everything back.

    It is left out where frames have no count, by which it is judged, or may not be exhausted.
    """
    if frames is None or frames.count is None or not frames.exhaust:
        yield
        return LEFT_OUT
    held: list[int] = []
    if broken := (yield from _take_all(held, frames, batch)):
        return broken
    yield from give_all(held[:left], frames, batch)
    before = batch.count(frames.count)
    asked = request.plan()
    after = batch.count(frames.count)
    results = yield
    is_done = request.is_done(results[asked])
    if is_done:
        request.undo(results[asked])
    yield
    yield from give_all(held[left:], frames, batch)
    assert before is not None
    assert after is not None
    if not is_done and results[before] != results[after]:
        return breach(
            UNDONE[0],
            f"{request.text} with frames left: {min(left, len(held))}; expected that it is done, "
            f"or leaves the count of frames as it was, {results[before]}, seen that it is refused "
            f"and the count is {results[after]}",
        )
    return OK if is_done else NONE


def _take_all(
    held: list[int], frames: FramesCalls, batch: Batch
) -> Generator[None, Results, Reply | None]:
    """Take frames until there are none; a frame that comes twice is a breach."""
    while True:
        first = len(batch.steps)
        for _ in range(AT_ONCE):
            batch.call(frames.alloc, {}, frames.none)
        results = yield
        got = [each for each in results[first : first + AT_ONCE] if each != frames.none]
        held += got
        if len(set(held)) < len(held):
            twice = next(each for at, each in enumerate(held) if each in held[:at])
            text = frames.alloc.shown({})
            words = f"{text} until there are none: expected each frame once, seen {twice:#x} twice"
            return breach("once", words)
        if len(got) < AT_ONCE:
            return None
