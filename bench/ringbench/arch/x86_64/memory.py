"""The one protocol through which everything here reads guest-physical memory."""

from collections.abc import Iterable
from typing import Protocol, runtime_checkable


class PhysicalMemory(Protocol):
    """Guest-physical memory, wherever it is kept: a mapped file, a debugger, a dump, a buffer."""

    def read(self, paddr: int, length: int) -> bytes:
        """Return exactly `length` bytes from physical address `paddr`.

        Raises:
            MemoryUnreadable: a byte of the range is not memory; the message names the range.
        """
        ...


@runtime_checkable
class ViewableMemory(PhysicalMemory, Protocol):
    """Memory that lies in this process: bulk readers need not ask for it piece by piece."""

    def views(self) -> Iterable[tuple[int, memoryview]]:
        """Return all of it, not copied, as (physical address, bytes); release before closing."""
        ...
