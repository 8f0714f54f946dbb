"""The model's page tables as memory: what a walker would read there."""

from struct import pack

from ringbench.arch.x86_64.address import ENTRIES, ENTRY_SIZE, PAGE_SIZE
from ringbench.errors import MemoryUnreadable
from ringbench.subjects.reference.model.state import Tables


class RenderedMemory:
    """A PhysicalMemory that has the page tables, and nothing else."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def read(self, paddr: int, length: int) -> bytes:
        """Return the bytes of a range within one table.

        Raises:
            MemoryUnreadable: the range is not in one of the tables.
        """
        offset = paddr % PAGE_SIZE
        entries = self._tables.get(paddr - offset)
        if entries is None or offset + length > PAGE_SIZE:
            raise MemoryUnreadable(paddr, length, "the model has no page table there")
        if length == ENTRY_SIZE and offset % ENTRY_SIZE == 0:
            return entries.get(offset // ENTRY_SIZE, 0).to_bytes(ENTRY_SIZE, "little")
        table = pack(f"<{ENTRIES}Q", *(entries.get(index, 0) for index in range(ENTRIES)))
        return table[offset : offset + length]


def render(tables: Tables) -> RenderedMemory:
    """Return tables as memory for the walkers of arch."""
    return RenderedMemory(tables)
