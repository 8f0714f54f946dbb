"""How much memory an operation needs, according to the model."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from ringbench.subject import OperationT, Starvable, StateT


def lacks_memory(
    subject: Starvable[StateT, OperationT],
    state: StateT,
    operation: OperationT,
    units: Sequence[int],
) -> bool:
    """Tell whether an operation fails for want of memory where only these units are free.

    Raises:
        Unpredictable: the model can't say what the operation does.
    """
    return subject.lacks_memory(subject.perform(subject.with_free(state, units), operation)[1])


def units_needed(
    subject: Starvable[StateT, OperationT],
    state: StateT,
    operation: OperationT,
    units: Sequence[int],
) -> int | None:
    """Return how many of these units, in their order, must be free for an operation to succeed.

    None if all of them are not enough. Few are tried before many: most operations need few.

    Raises:
        Unpredictable: the model can't say what the operation does.
    """

    def enough(count: int) -> bool:
        return not lacks_memory(subject, state, operation, units[:count])

    high = 1
    while high < len(units) and not enough(high):
        high *= 2
    counts = range(min(high, len(units)) + 1)
    needed = bisect_left(counts, True, lo=high // 2 if high > 1 else 0, key=enough)
    return needed if needed < len(counts) else None


def spread(count: int, most: int) -> list[int]:
    """Return at most `most` of the numbers below `count`: the ends, and evenly between them."""
    if count <= most:
        return list(range(count))
    third = most // 3
    step = -(-(count - 2 * third) // (most - 2 * third))
    return [*range(third), *range(third, count - third, step), *range(count - third, count)]
