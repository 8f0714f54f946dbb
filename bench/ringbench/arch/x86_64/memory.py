"""The one protocol through which everything here reads guest-physical memory."""

from typing import Protocol


class PhysicalMemory(Protocol):
    """Guest-physical memory, wherever it is kept: a mapped file, a debugger, a dump, a buffer."""

    def read(self, paddr: int, length: int) -> bytes:
        """Return exactly `length` bytes from physical address `paddr`.

        Raises:
            MemoryUnreadable: a byte of the range is not memory; the message names the range.
        """
        ...
