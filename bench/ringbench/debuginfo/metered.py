"""How much of debug information is read: so that no file whatever takes for ever, or all memory."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

from ringbench.debuginfo.elf import LARGEST
from ringbench.errors import ImageError

READS: Final = 1 << 22
"""Steps in which debug information is read: each stands for an object of a few hundred bytes."""


class Meter:
    """How much of a kernel's debug information may still be read, in whatever files it is."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._steps = READS
        self._bytes = LARGEST

    @property
    def is_spent(self) -> bool:
        """Whether there is nothing left to be read."""
        return self._steps < 0 or self._bytes < 0

    def spend(self, length: int) -> None:
        """Take a step of so many bytes.

        Raises:
            ImageError: there were too many.
        """
        self._steps -= 1 + (length >> 8)
        if self._steps < 0:
            raise ImageError(
                f"{self._path}: more debug information than is read: over {READS:,} steps"
            )

    def hold(self, length: int) -> None:
        """Take so many bytes into memory.

        Raises:
            ImageError: there are too many.
        """
        self._bytes -= length
        if self._bytes < 0:
            raise ImageError(
                f"{self._path}: more debug information than is read: over {LARGEST:,} bytes"
            )


class Metered(io.BytesIO):
    """A section in memory of which only so much is read, over and over or at once.

    Whatever the parser makes, it has read a byte for it at least: so time and memory are bounded,
    by whichever trick the section wants to have more of them.
    """

    def __init__(self, data: bytes, meter: Meter) -> None:
        super().__init__(data)
        self.meter = meter

    def read(self, size: int | None = -1, /) -> bytes:
        """Read, as any stream."""
        data = super().read(size)
        self.meter.spend(len(data))
        return data
