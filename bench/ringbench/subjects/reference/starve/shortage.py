"""How much memory an operation needs, according to the model: what to take away, and how much."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from operator import itemgetter

from ringbench.drive.operation import Reply
from ringbench.subjects.reference.constants import FRAME_SIZE
from ringbench.subjects.reference.model.kernel import perform
from ringbench.subjects.reference.model.pmm import runs
from ringbench.subjects.reference.model.state import KernelState, replace
from ringbench.subjects.reference.operations import Operation, PmmAlloc, PmmFree
from ringbench.subjects.reference.status import Status

NO_MEMORY = Status.NO_MEMORY.text


def lacks_memory(reply: Reply) -> bool:
    """Tell whether a reply says that there is no memory; a fault has that for its cause."""
    return reply.status == NO_MEMORY or (
        reply.status == Status.FAULT.text and reply.values[-1:] == (NO_MEMORY,)
    )


def bitmap_of(frames: Sequence[int]) -> int:
    """Return the number whose bit f is set for each frame f of these."""
    bits = bytearray(max(frames, default=0) // 8 + 1)
    for frame in frames:
        bits[frame // 8] |= 1 << frame % 8
    return int.from_bytes(bits, "little")


def with_free(state: KernelState, frames: Sequence[int]) -> KernelState:
    """Return a state in which only these frames, by their numbers, are free."""
    return replace(state, pmm=replace(state.pmm, free=bitmap_of(frames)))


def needs_memory(state: KernelState, operation: Operation) -> bool:
    """Tell whether an operation fails where no frame is free.

    Raises:
        Unpredictable: the model can't say what the operation does.
    """
    return lacks_memory(perform(with_free(state, ()), operation)[1])


def frames_needed(state: KernelState, operation: Operation, frames: Sequence[int]) -> int | None:
    """How many of these frames, in their order, must be free for an operation not to lack memory.

    None if all of them are not enough. Few are tried before many: most operations need few.

    Raises:
        Unpredictable: the model can't say what the operation does.
    """

    def enough(count: int) -> bool:
        return not lacks_memory(perform(with_free(state, frames[:count]), operation)[1])

    high = 1
    while high < len(frames) and not enough(high):
        high *= 2
    counts = range(min(high, len(frames)) + 1)
    needed = bisect_left(counts, True, lo=high // 2 if high > 1 else 0, key=enough)
    return needed if needed < len(counts) else None


def grows_heap(state: KernelState, operation: Operation) -> bool:
    """Tell whether an operation moves the heap's end up."""
    return perform(state, operation)[0].heap.end > state.heap.end


def hoard(state: KernelState) -> Iterator[PmmAlloc]:
    """The operations that take every free frame, each a whole run of them."""
    for _, count in sorted(runs(state.pmm.free), key=itemgetter(1), reverse=True):
        yield PmmAlloc(count)


def release(bitmap: int) -> Iterator[PmmFree]:
    """The operations that give the frames of a bitmap back, each a whole run of them."""
    for first, count in runs(bitmap):
        yield PmmFree(first * FRAME_SIZE, count)


def spread(count: int, most: int) -> list[int]:
    """At most `most` of the numbers below `count`: the ends, and evenly between them."""
    if count <= most:
        return list(range(count))
    third = most // 3
    step = -(-(count - 2 * third) // (most - 2 * third))
    return [*range(third), *range(third, count - third, step), *range(count - third, count)]
