"""Sets of frames, as immutable values that cost what their runs cost and not what memory does.

The kernel has a bit a frame; the model has the frame numbers where a run of members begins or ends,
ascending. Whether a frame is a member is whether an odd number of edges is at or below it, and
adding or taking away a whole run is the same: its two ends change from being edges to not being
any, or back.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class FrameSet:
    """A set of frame numbers.

    Attributes:
        edges: where runs begin and end (exclusive), in turn, ascending.
        count: how many frames it has.
    """

    edges: tuple[int, ...] = ()
    count: int = 0

    @classmethod
    def of(cls, frames: Iterable[int]) -> Self:
        """Return the set of these frames."""
        return cls.of_runs((frame, 1) for frame in set(frames))

    @classmethod
    def of_runs(cls, runs: Iterable[tuple[int, int]]) -> Self:
        """Return the set of the frames of some runs, (first, count) each, that do not overlap."""
        edges: set[int] = set()
        total = 0
        for first, count in runs:
            if count:
                edges ^= {first, first + count}
                total += count
        return cls(tuple(sorted(edges)), total)

    def __bool__(self) -> bool:
        return self.count > 0

    @property
    def end(self) -> int:
        """The first number past the highest frame; 0 if there is none."""
        return self.edges[-1] if self.edges else 0

    @property
    def run_count(self) -> int:
        """How many runs there are."""
        return len(self.edges) // 2

    def runs(self) -> Iterator[tuple[int, int]]:
        """Yield each run as (first, count), ascending."""
        for first, end in zip(self.edges[::2], self.edges[1::2], strict=True):
            yield first, end - first

    def frames(self) -> Iterator[int]:
        """Yield the frames, ascending."""
        for first, count in self.runs():
            yield from range(first, first + count)

    def has_all(self, first: int, count: int) -> bool:
        """Tell whether all frames of a run are members."""
        place = bisect_right(self.edges, first)
        return place % 2 == 1 and self.edges[place] >= first + count

    def has_any(self, first: int, count: int) -> bool:
        """Tell whether any frame of a run is a member."""
        place = bisect_right(self.edges, first)
        return place % 2 == 1 or (place < len(self.edges) and self.edges[place] < first + count)

    def run_past(self, frame: int) -> tuple[int, int]:
        """Return the first run that ends past a frame, which is below `end`, as (first, count)."""
        place = bisect_right(self.edges, frame) & ~1
        return self.edges[place], self.edges[place + 1] - self.edges[place]

    def lowest_run(self, count: int, step: int) -> int | None:
        """Return the lowest multiple of `step` from which on `count` frames are members."""
        for first, end in zip(self.edges[::2], self.edges[1::2], strict=True):
            start = -(-first // step) * step
            if start + count <= end:
                return start
        return None

    def with_run(self, first: int, count: int) -> Self:
        """Return the set with the frames of a run, none of which is a member yet."""
        return type(self)(self._toggled(first, first + count), self.count + count)

    def without_run(self, first: int, count: int) -> Self:
        """Return the set without the frames of a run, all of which are members."""
        return type(self)(self._toggled(first, first + count), self.count - count)

    def split_lowest(self, count: int) -> tuple[list[int], Self]:
        """Return the `count` lowest frames, which there must be, and the set of the others."""
        lowest: list[int] = []
        place = 0
        while len(lowest) < count:
            first, end = self.edges[place : place + 2]
            lowest += range(first, min(end, first + count - len(lowest)))
            place += 2
        rest = self.edges[place:]
        if lowest and lowest[-1] + 1 < end:
            rest = (lowest[-1] + 1, end, *rest)
        return lowest, type(self)(rest, self.count - count)

    def _toggled(self, first: int, end: int) -> tuple[int, ...]:
        """Return the edges once all frames from `first` to `end` have joined, or all have left."""
        edges = self.edges
        low = bisect_left(edges, first)
        high = bisect_left(edges, end, low)
        before = edges[:low] if first in edges[low : low + 1] else (*edges[:low], first)
        after = edges[high + 1 :] if end in edges[high : high + 1] else (end, *edges[high:])
        return before + after
