"""Batches to the stub and results from it, through the bench's own memory.

Both sides poll. After some looks in vain the bench yields its processor, then sleeps.
"""

from __future__ import annotations

import mmap
import os
import time
from typing import Final

import numpy as np

from ringbench.drive.guest_calls.layout import CONTROL, RESULTS, STEPS
from ringbench.drive.guest_calls.steps import SKIPPED
from ringbench.machine import Deadline

WANTED, COUNT, DONE, INTERRUPTS, FPU, STACK = range(6)
"""Words of the control block, as stub.S has them."""

LEFT_OUT: Final = 3
"""What the stub says, beside the result, of a step that was skipped."""

LOOKS_BEFORE_YIELD: Final = 100
LOOKS: Final = 1000
SLEEP_SECONDS: Final = 100e-6


class Mailbox:
    """One batch at a time."""

    def __init__(self, mapping: mmap.mmap) -> None:
        self._mapping = mapping

    def word(self, index: int) -> int:
        """Return a word of the control block."""
        at = CONTROL + 8 * index
        return int.from_bytes(self._mapping[at : at + 8], "little")

    def set_word(self, index: int, value: int) -> None:
        """Write a word of the control block."""
        at = CONTROL + 8 * index
        self._mapping[at : at + 8] = value.to_bytes(8, "little")

    @property
    def begun(self) -> bool:
        """Whether the stub has begun: it notes its stack first of all."""
        return self.word(STACK) != 0

    def begin(self, encoded: bytes, count: int) -> None:
        """Hand over a batch of so many steps, which begins at once if the stub runs."""
        self._mapping[STEPS : STEPS + len(encoded)] = encoded
        self.set_word(COUNT, count)
        self.set_word(DONE, 0)
        self.set_word(WANTED, 1)

    def looked(self) -> bool:
        """Look for a while whether the batch has been performed, as most are in no time."""
        for look in range(LOOKS):
            if not self.word(WANTED):
                return True
            if look >= LOOKS_BEFORE_YIELD:
                os.sched_yield()
        return False

    def wait(self, seconds: float) -> bool:
        """Sleep until the batch has been performed; return False if it has not been in so long."""
        deadline = Deadline(seconds)
        while self.word(WANTED):
            if deadline.expired:
                return False
            time.sleep(SLEEP_SECONDS)
        return True

    def results(self, count: int) -> list[int]:
        """Return the results of a batch that has been performed."""
        pairs = np.frombuffer(self._mapping, np.uint64, 2 * count, RESULTS).reshape(-1, 2)
        values: list[int] = pairs[:, 0].tolist()
        for number in np.flatnonzero(pairs[:, 1] == LEFT_OUT).tolist():
            values[number] = SKIPPED
        return values
