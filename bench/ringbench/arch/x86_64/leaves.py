"""Mapped pages by the million: what `Leaf` and `Range` are for one, as columns.

What is compared and searched (addresses, raw entries, effective rights) is stored; the rest follows
from it and is worked out when asked for. Iterating gives the same `Leaf` and `Range` values as the
plain scan does, made as they are needed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ringbench.arch.x86_64.address import ADDRESS_MASK, LEVELS, entry_span
from ringbench.arch.x86_64.entry import PAT_4K, PAT_LARGE, PCD, PWT, A, CacheMode, D, G, U, W
from ringbench.arch.x86_64.records import Leaf, Range

Words: TypeAlias = NDArray[np.uint64]
Bytes: TypeAlias = NDArray[np.uint8]
Flags: TypeAlias = NDArray[np.bool_]
Positions: TypeAlias = NDArray[np.intp]

EXECUTE: Final = 1
"""In `Leaves.rights`: the page may be executed. Beside it are W and U, as in an entry."""

_BATCH: Final = 1 << 15
"""Leaves made into Python values at a time."""

_SPANS: Final = np.array([0, *(entry_span(level) for level in range(1, LEVELS))], np.uint64)
"""Bytes of a leaf, by its level."""

_NO_WORDS: Final = np.zeros(0, np.uint64)
_NO_BYTES: Final = np.zeros(0, np.uint8)

_PWT, _PAT_4K, _PAT_LARGE = (np.uint16(bit.bit_length() - 1) for bit in (PWT, PAT_4K, PAT_LARGE))
"""Bit numbers."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Leaves:
    """Mapped pages as parallel arrays, ascending by virtual address.

    Attributes:
        vaddr, paddr: addresses of the first byte.
        raw: the leaf entries as stored.
        table: physical addresses of the tables that they stand in.
        level: 1 to 3.
        rights: effective over all levels: EXECUTE, W, U.
        modes: the memory type that each of the eight PAT indices selects; not a column.
    """

    vaddr: Words
    paddr: Words
    raw: Words
    table: Words
    level: Bytes
    rights: Bytes
    modes: tuple[CacheMode, ...]

    @classmethod
    def join(cls, parts: Sequence["Leaves"], modes: tuple[CacheMode, ...]) -> "Leaves":
        """Return all leaves in one, by ascending virtual address; each part ascends by itself."""
        if len(parts) == 1:
            return parts[0]
        joined = Leaves(
            np.concatenate([_NO_WORDS, *(part.vaddr for part in parts)]),
            np.concatenate([_NO_WORDS, *(part.paddr for part in parts)]),
            np.concatenate([_NO_WORDS, *(part.raw for part in parts)]),
            np.concatenate([_NO_WORDS, *(part.table for part in parts)]),
            np.concatenate([_NO_BYTES, *(part.level for part in parts)]),
            np.concatenate([_NO_BYTES, *(part.rights for part in parts)]),
            modes,
        )
        if (joined.vaddr[1:] > joined.vaddr[:-1]).all():
            return joined
        return joined.pick(np.argsort(joined.vaddr, kind="stable"))

    def __len__(self) -> int:
        return len(self.vaddr)

    def __iter__(self) -> Iterator[Leaf]:
        for start in range(0, len(self), _BATCH):
            part = self.pick(slice(start, start + _BATCH))
            columns = (
                part.vaddr.tolist(),
                part.paddr.tolist(),
                part.size.tolist(),
                part.write.tolist(),
                part.user.tolist(),
                part.execute.tolist(),
                part.global_.tolist(),
                [self.modes[index] for index in part.cache.tolist()],
                part.accessed.tolist(),
                part.dirty.tolist(),
                part.raw.tolist(),
            )
            yield from map(Leaf._make, zip(*columns, strict=True))

    def pick(self, which: Flags | Positions | slice) -> "Leaves":
        """Return the leaves that a mask, an array of positions or a slice picks."""
        return Leaves(
            self.vaddr[which],
            self.paddr[which],
            self.raw[which],
            self.table[which],
            self.level[which],
            self.rights[which],
            self.modes,
        )

    def between(self, start: int, end: int) -> "Leaves":
        """Return the leaves that begin in [start, end); any integers will do."""
        return self.pick(slice(self.count_below(start), self.count_below(end)))

    def count_below(self, address: int) -> int:
        """Return how many leaves begin below an address; any integer will do."""
        if address > ADDRESS_MASK:
            return len(self)
        return int(np.searchsorted(self.vaddr, np.uint64(max(address, 0))))

    def merged(self) -> "Ranges":
        """Join leaves that continue each other in both memories with equal attributes.

        This is `plain_scan.merge` for columns. All that has to be equal is put into one word beside
        the distance from virtual to physical address, a multiple of the page size: leaves continue
        each other if these words are equal, and if the virtual addresses leave no gap.
        """
        count = len(self)
        new = np.ones(count, np.bool_)
        for start in range(0, count, _BATCH):
            block = self.pick(slice(max(start - 1, 0), start + _BATCH))
            new[max(start, 1) : start + _BATCH] = _breaks(block)
        if new.all():
            return Ranges(self, self.size)
        starts = np.flatnonzero(new)
        lasts = np.append(starts[1:], count) - 1
        ends = self.vaddr[lasts] + _SPANS[self.level[lasts]]
        return Ranges(self.pick(starts), ends - self.vaddr[starts])

    @property
    def size(self) -> Words:
        """Bytes: 4 KiB, 2 MiB or 1 GiB."""
        return _SPANS[self.level]

    @property
    def write(self) -> Flags:
        """Whether the page may be written, by all levels."""
        return _has(self.rights, np.uint8(W))

    @property
    def user(self) -> Flags:
        """Whether user code may use the page, by all levels."""
        return _has(self.rights, np.uint8(U))

    @property
    def execute(self) -> Flags:
        """Whether the page may be executed, by all levels."""
        return _has(self.rights, np.uint8(EXECUTE))

    @property
    def global_(self) -> Flags:
        """Whether the leaf entry is global."""
        return _has(self.raw, np.uint64(G))

    @property
    def accessed(self) -> Flags:
        """Whether the leaf entry is marked as accessed."""
        return _has(self.raw, np.uint64(A))

    @property
    def dirty(self) -> Flags:
        """Whether the leaf entry is marked as dirty."""
        return _has(self.raw, np.uint64(D))

    @property
    def cache(self) -> Bytes:
        """Index into the PAT (Intel SDM 3A 4.9.2): bit 0 PWT, bit 1 PCD, bit 2 PAT."""
        low = self.raw.astype(np.uint16)
        pat = np.where(self.level == 1, low >> _PAT_4K, low >> _PAT_LARGE) & np.uint16(1)
        index = (low & np.uint16(PWT | PCD)) >> _PWT | pat << np.uint16(2)
        return index.astype(np.uint8)


def _has(column: Words | Bytes, bit: np.uint64 | np.uint8) -> Flags:
    flags: Flags = (column & bit) != 0
    return flags


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Ranges:
    """Leaves merged into ranges, ascending: the first leaf of each, and its length in bytes."""

    heads: Leaves
    length: Words

    def __len__(self) -> int:
        return len(self.length)

    def __iter__(self) -> Iterator[Range]:
        for leaf, length in zip(self.heads, self.length.tolist(), strict=True):
            yield Range(leaf.vaddr, leaf.paddr, length, *leaf[2:8])


def _breaks(leaves: Leaves) -> Flags:
    """Return which leaves, from the second on, do not continue the one before."""
    mode = _canonical(leaves.modes)[leaves.cache]
    word = leaves.paddr - leaves.vaddr
    word |= leaves.raw & np.uint64(G)  # bit 8; the others use bits 0 to 7
    word |= leaves.rights | leaves.level << np.uint8(3) | mode << np.uint8(5)
    ends = leaves.vaddr + leaves.size
    breaks: Flags = (word[1:] != word[:-1]) | (leaves.vaddr[1:] != ends[:-1])
    return breaks


def _canonical(modes: tuple[CacheMode, ...]) -> Bytes:
    """Return for each PAT index the lowest one that selects the same memory type."""
    return np.array([modes.index(mode) for mode in modes], np.uint8)
