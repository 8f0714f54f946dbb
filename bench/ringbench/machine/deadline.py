"""A deadline is an object: made once, passed down, asked how much is left."""

from __future__ import annotations

import time

IDLE_SECONDS = 0.1
"""How long a wait is silent before whoever waits looks at the guest, and again after as long."""


class Deadline:
    """A moment `seconds` from now, on the clock that nobody sets."""

    __slots__ = ("_end", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def remaining(self) -> float:
        """Return the seconds left, never below 0."""
        return max(0.0, self._end - time.monotonic())

    @property
    def expired(self) -> bool:
        """Whether nothing is left."""
        return time.monotonic() >= self._end
