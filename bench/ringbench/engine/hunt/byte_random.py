"""A random source made of a few bytes: what a property test draws, and can make simpler.

A subject draws its operations from a `Random`. Given one of these it draws from the bytes, so that
a shrinker that makes bytes smaller makes decisions simpler: smaller numbers, earlier choices.
Behind the last byte a fixed sequence goes on, not zeros: who draws may do so until something fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final, TypeVar

LENGTH: Final = 14
"""Bytes that nearly every operation's decisions fit in."""

Chosen = TypeVar("Chosen")


class ByteRandom(Random):
    """A `Random` that decides by bytes, in order; of its methods, those that drawing uses."""

    def __init__(self, decisions: bytes) -> None:
        self._decisions = decisions
        self._at = 0
        self._beyond = len(decisions)

    def random(self) -> float:
        """The next byte as a fraction of 256."""
        return self._next() / 256

    def getrandbits(self, k: int, /) -> int:
        """As many of the next bytes as `k` bits need, high ones first."""
        value = 0
        for _ in range(0, k, 8):
            value = value << 8 | self._next()
        return value >> -k % 8

    def randrange(self, start: int, stop: int | None = None, step: int = 1) -> int:
        """A number of the range; larger bytes make larger numbers."""
        numbers = range(start) if stop is None else range(start, stop, step)
        bits = (len(numbers) - 1).bit_length() + 7 & ~7
        return numbers[self.getrandbits(bits) * len(numbers) >> bits]

    def choice(self, seq: Sequence[Chosen]) -> Chosen:  # type: ignore[override]
        """One of a sequence; smaller bytes choose earlier."""
        return seq[self.randrange(len(seq))]

    def randbytes(self, n: int) -> bytes:
        """A pattern that one byte decides: a run that counts up from it."""
        first = self._next()
        return bytes((first + number) & 0xFF for number in range(n))

    def _next(self) -> int:
        at = self._at
        if at < len(self._decisions):
            self._at = at + 1
            return self._decisions[at]
        self._beyond = self._beyond * 1664525 + 1013904223 & 0xFFFF_FFFF
        return self._beyond >> 24
