"""Virtual memory of a stopped guest, read through its page tables."""

from typing import Final

from ringbench.arch.x86_64.address import PAGE_SHIFT, PAGE_SIZE
from ringbench.arch.x86_64.features import ANY, Features
from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.arch.x86_64.records import Leaf, Translation
from ringbench.arch.x86_64.walk import root_table, translate
from ringbench.errors import RingbenchError

_KEPT: Final = 4096
"""Pages, and translations, after which what is kept is dropped: 16 MiB of each reader."""


class VirtualUnreadable(RingbenchError):
    """A virtual address that means no memory.

    Attributes:
        translation: the walk that found out.
    """

    def __init__(self, translation: Translation) -> None:
        super().__init__(
            f"cannot read virtual address {translation.vaddr:#x} under the page tables at "
            f"{translation.root:#x}: {translation.reason}"
        )
        self.translation = translation


class VirtualMemory:
    """Reads virtual addresses of one space; call it or its `read` as a `(vaddr, length)` reader.

    The last table pages and translations are kept for the object's lifetime: make a new one
    whenever the guest has run. Without `keep_tables` a walk reads the entries that it needs and no
    others.
    """

    def __init__(
        self,
        memory: PhysicalMemory,
        root: int,
        features: Features = ANY,
        *,
        keep_tables: bool = True,
    ) -> None:
        self._memory = memory
        self._tables = _PageCache(memory) if keep_tables else memory
        self._root = root_table(root, features)
        self._features = features
        self._pages: dict[int, Leaf] = {}

    def read(self, address: int, length: int) -> bytes:
        """Return exactly `length` bytes from a virtual address; permissions do not matter.

        Raises:
            VirtualUnreadable: a byte is not mapped.
            MemoryUnreadable: a byte is mapped to what is not memory.
        """
        if length < 0:
            raise ValueError(f"length {length} is negative")
        parts: list[bytes] = []
        while length > 0:
            leaf = self._leaf(address)
            offset = address - leaf.vaddr
            part = min(length, leaf.size - offset)
            parts.append(self._memory.read(leaf.paddr + offset, part))
            address += part
            length -= part
        return parts[0] if len(parts) == 1 else b"".join(parts)

    __call__ = read

    def _leaf(self, address: int) -> Leaf:
        page = address >> PAGE_SHIFT
        if page not in self._pages:
            walk = translate(self._tables, self._root, address, self._features)
            if walk.leaf is None:
                raise VirtualUnreadable(walk)
            if len(self._pages) >= _KEPT:
                self._pages.clear()
            self._pages[page] = walk.leaf
        return self._pages[page]


class _PageCache:
    """Physical memory of which the pages touched are kept; for the eight-byte reads of a walk."""

    def __init__(self, memory: PhysicalMemory) -> None:
        self._memory = memory
        self._pages: dict[int, bytes] = {}

    def read(self, paddr: int, length: int) -> bytes:
        base = paddr & -PAGE_SIZE
        offset = paddr - base
        if offset + length > PAGE_SIZE:
            return self._memory.read(paddr, length)
        if base not in self._pages:
            if len(self._pages) >= _KEPT:
                self._pages.clear()
            self._pages[base] = self._memory.read(base, PAGE_SIZE)
        return self._pages[base][offset : offset + length]
