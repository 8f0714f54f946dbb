"""Frames as what operations run short of: how they are taken, given back, found lacking."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import itemgetter

from ringbench.drive.reply import Reply
from ringbench.subjects.reference.model.pmm import frames, runs
from ringbench.subjects.reference.model.state import KernelState, replace
from ringbench.subjects.reference.vocabulary.constants import FRAME_SIZE
from ringbench.subjects.reference.vocabulary.operations import PmmAlloc, PmmFree
from ringbench.subjects.reference.vocabulary.status import Status

NO_MEMORY = Status.NO_MEMORY.text


def lacks_memory(reply: Reply) -> bool:
    """Tell whether a reply says that there is no memory; a fault has that for its cause."""
    return reply.status == NO_MEMORY or (
        reply.status == Status.FAULT.text and reply.values[-1:] == (NO_MEMORY,)
    )


def free_frames(state: KernelState) -> list[int]:
    """Return the numbers of the frames that are free, ascending."""
    return list(frames(state.pmm.free))


def bitmap_of(numbers: Sequence[int]) -> int:
    """Return the number whose bit f is set for each frame f of these."""
    bits = bytearray(max(numbers, default=0) // 8 + 1)
    for frame in numbers:
        bits[frame // 8] |= 1 << frame % 8
    return int.from_bytes(bits, "little")


def with_free(state: KernelState, numbers: Sequence[int]) -> KernelState:
    """Return a state in which only these frames are free."""
    return replace(state, pmm=replace(state.pmm, free=bitmap_of(numbers)))


def hoard(state: KernelState) -> Iterator[PmmAlloc]:
    """Yield the operations that take every free frame, each a whole run of them."""
    for _, count in sorted(runs(state.pmm.free), key=itemgetter(1), reverse=True):
        yield PmmAlloc(count)


def release(numbers: Sequence[int]) -> Iterator[PmmFree]:
    """Yield the operations that give these frames back, each a whole run of them."""
    for first, count in runs(bitmap_of(numbers)):
        yield PmmFree(first * FRAME_SIZE, count)
