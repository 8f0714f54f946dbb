"""Wrong inputs from right ones: bytes changed by a seed, and what is to become of them.

Whatever reads them returns, or raises one of the bench's own exceptions; anything else is a mistake
of the bench, and the test says by which seed and number it comes again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

from ringbench.errors import RingbenchError

NUMBERS: Final = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 60)
"""Values that counts, sizes and offsets are wrong by."""

Change = Callable[[bytearray, Random], None]


def _flip(data: bytearray, random: Random) -> None:
    for _ in range(random.choice((1, 1, 3, 20))):
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _overwrite(data: bytearray, random: Random) -> None:
    size = random.choice((1, 2, 4, 8))
    at = random.randrange(len(data))
    value = random.choice((*NUMBERS, random.getrandbits(64))) & (1 << 8 * size) - 1
    data[at : at + size] = value.to_bytes(size, "little")[: len(data) - at]


def _cut(data: bytearray, random: Random) -> None:
    del data[random.randrange(len(data)) :]


def _splice(data: bytearray, random: Random) -> None:
    start, to = random.randrange(len(data)), random.randrange(len(data))
    piece = data[start : start + random.choice((4, 64, 4096))]
    data[to : to + len(piece)] = piece


def _fill(data: bytearray, random: Random) -> None:
    at, length = random.randrange(len(data)), random.choice((1, 16, 512))
    data[at : at + length] = bytes([random.choice((0, 0xFF, random.randrange(256)))]) * length


def _insert(data: bytearray, random: Random) -> None:
    at = random.randrange(len(data))
    data[at:at] = random.randbytes(random.choice((1, 8, 100)))


CHANGES: Final[tuple[Change, ...]] = (
    _flip,
    _flip,
    _overwrite,
    _overwrite,
    _cut,
    _splice,
    _fill,
    _insert,
)


def mutated(data: bytes, random: Random, changes: tuple[Change, ...] = CHANGES) -> bytes:
    """Return the bytes with one to three changes."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 3))):
        if changed:
            random.choice(changes)(changed, random)
    return bytes(changed)


def in_place(data: bytearray, random: Random, start: int, end: int) -> None:
    """Change a part of a large buffer, whose length stays."""
    part = mutated(bytes(data[start:end]), random, (_flip, _overwrite, _splice, _fill))
    data[start:end] = part[: end - start].ljust(end - start, b"\0")


@dataclass(slots=True)
class Tally:
    """How many inputs were tried, and how many of them were refused."""

    seed: str
    tries: int = 0
    refused: int = 0

    def randoms(self, count: int) -> Iterator[Random]:
        """Yield a random source for each try."""
        for number in range(count):
            yield Random(f"{self.seed}:{number}")

    def attempt(self, read: Callable[[], object]) -> None:
        """Have an input read: it returns, or raises what a person is told of in one line."""
        self.tries += 1
        message = None
        try:
            read()
        except RingbenchError as error:
            message = str(error)
        except Exception as error:
            error.add_note(self.where)
            raise
        if message is not None:
            self.refused += 1
            assert message.strip(), self.where
            assert "\n" not in message.strip(), f"{self.where}: {message}"

    @property
    def where(self) -> str:
        """Which try it is, to be made again."""
        return f"seed {self.seed}, number {self.tries - 1}"

    def __str__(self) -> str:
        return f"{self.tries:,} tries, {self.refused:,} refused in one line, none did harm"
