"""An independent little builder of 4-level page tables, for tests of what reads them."""

import struct
from dataclasses import dataclass, field

from ringbench.errors import MemoryUnreadable

FRAME = 4096
SHIFTS = {1: 12, 2: 21, 3: 30}


@dataclass
class Buffer:
    """Physical memory of whole frames from 0."""

    data: bytearray = field(default_factory=bytearray)

    def read(self, paddr: int, length: int) -> bytes:
        if paddr + length > len(self.data):
            raise MemoryUnreadable(paddr, length, "past the end of the buffer")
        return bytes(self.data[paddr : paddr + length])

    def put(self, paddr: int, word: int) -> None:
        struct.pack_into("<Q", self.data, paddr, word)

    def get(self, paddr: int) -> int:
        return int.from_bytes(self.data[paddr : paddr + 8], "little")

    def new_frame(self) -> int:
        self.data += bytes(FRAME)
        return len(self.data) - FRAME


@dataclass(frozen=True)
class Mapping:
    """One page: `path` has an index for each level from 4 down to the leaf's."""

    path: tuple[int, ...]
    frame: int  # in units of the page size
    flags: tuple[int, ...]  # bits W, U and NX of every entry on the path

    @property
    def level(self) -> int:
        return 5 - len(self.path)

    @property
    def size(self) -> int:
        return 1 << SHIFTS[self.level]

    @property
    def vaddr(self) -> int:
        digits = self.path + (0,) * (4 - len(self.path))
        number = sum(digit << shift for digit, shift in zip(digits, (39, 30, 21, 12), strict=True))
        return number + 0xFFFF_0000_0000_0000 if digits[0] >= 256 else number


class Builder:
    """Lays mappings out as tables, keeping the flags that each intermediate entry got first."""

    def __init__(self) -> None:
        self.memory = Buffer()
        self.root = self.memory.new_frame()
        self.flags: dict[tuple[int, ...], int] = {}

    def place(self, mapping: Mapping) -> bool:
        """Write the entries; refuse, changing nothing, what is taken by a page or a table."""
        path = mapping.path
        prefixes = [path[: n + 1] for n in range(len(path))]
        if any(p in self.flags and p in self.pages for p in prefixes[:-1]):
            return False
        if prefixes[-1] in self.flags:
            return False
        table = self.root
        for prefix, flags in zip(prefixes[:-1], mapping.flags, strict=False):
            where = table + 8 * prefix[-1]
            if prefix not in self.flags:
                self.flags[prefix] = flags
                self.memory.put(where, self.memory.new_frame() | flags | 1)
            table = self.memory.get(where) & 0x000F_FFFF_FFFF_F000
        last = mapping.flags[len(path) - 1]
        self.flags[path] = last
        self.pages.add(path)
        large = 0x80 if mapping.level > 1 else 0
        word = mapping.frame * mapping.size | last | large | 1
        self.memory.put(table + 8 * path[-1], word)
        return True

    pages: set[tuple[int, ...]]

    @classmethod
    def build(cls, mappings: list[Mapping]) -> tuple["Builder", list[Mapping]]:
        builder = cls()
        builder.pages = set()
        placed = [mapping for mapping in mappings if builder.place(mapping)]
        return builder, sorted(placed, key=lambda mapping: mapping.vaddr)

    def effective(self, mapping: Mapping) -> tuple[bool, bool, bool]:
        """Write, user, execute by brute force over the path."""
        words = [self.flags[mapping.path[: n + 1]] for n in range(len(mapping.path))]
        return (
            all(word & 2 for word in words),
            all(word & 4 for word in words),
            not any(word >> 63 for word in words),
        )
