"""Frames as what operations run short of: how they are taken, given back, found lacking."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import itemgetter

from ringbench.drive.reply import Reply
from ringbench.subjects.reference.model.frame_set import FrameSet
from ringbench.subjects.reference.model.state import KernelState, replace
from ringbench.subjects.reference.vocabulary.constants import FRAME_SIZE
from ringbench.subjects.reference.vocabulary.operations.pmm import PmmAlloc, PmmFree
from ringbench.subjects.reference.vocabulary.status import Status

NO_MEMORY = Status.NO_MEMORY.text


def lacks_memory(reply: Reply) -> bool:
    """Tell whether a reply says that there is no memory; a fault has that for its cause."""
    return reply.status == NO_MEMORY or (
        reply.status == Status.FAULT.text and reply.values[-1:] == (NO_MEMORY,)
    )


def free_frames(state: KernelState) -> list[int]:
    """Return the numbers of the frames that are free, ascending."""
    return list(state.pmm.free.frames())


def with_free(state: KernelState, numbers: Sequence[int]) -> KernelState:
    """Return a state in which only these frames are free."""
    return replace(state, pmm=replace(state.pmm, free=FrameSet.of(numbers)))


def hoard(state: KernelState) -> Iterator[PmmAlloc]:
    """Yield the operations that take every free frame, each a whole run of them."""
    for _, count in sorted(state.pmm.free.runs(), key=itemgetter(1), reverse=True):
        yield PmmAlloc(count)


def release(numbers: Sequence[int]) -> Iterator[PmmFree]:
    """Yield the operations that give these frames back, each a whole run of them."""
    for first, count in FrameSet.of(numbers).runs():
        yield PmmFree(first * FRAME_SIZE, count)
