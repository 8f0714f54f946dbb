"""Every page table of every root, and the leaves under each.

Roots share the kernel half: their upper PML4 entries lead to the same tables. Those belong to the
kernel root and are read once; a root's own tables are its PML4 and what hangs off the entries that
differ from the kernel's. In a sound kernel these are the entries of the lower half only, but
nothing here relies on it.

Tables are read a frame at a time into arrays and taken apart as arrays: a picture is taken often,
and a guest of 6 GiB may have a million leaves.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ringbench.arch.x86_64 import address as va
from ringbench.arch.x86_64.entry import (
    NX,
    PAT_4K,
    PAT_LARGE,
    PCD,
    PS,
    PWT,
    A,
    D,
    P,
    U,
    W,
    address_mask,
    describe,
    reserved_mask,
)
from ringbench.arch.x86_64.features import Features
from ringbench.arch.x86_64.walk import EVERYTHING, inherit
from ringbench.errors import MemoryUnreadable
from ringbench.observe.guest import Guest

LAYER = "paging"

Entries: TypeAlias = NDArray[np.uint64]

HARDWARE: Final = np.uint64(A | D)
"""Bits that the processor sets by itself: nothing that is compared."""

KERNEL_SLOTS: Final = va.ENTRIES // 2
"""The first PML4 slot of the kernel half."""


@dataclass(frozen=True, slots=True)
class Table:
    """A frame in its place as a page table.

    Attributes:
        paddr: the frame's physical address.
        level: 4 (PML4) to 1 (PT).
        virtual: the first address that it serves.
        above: permissions that the levels above leave: W and U allow, NX forbids.
    """

    paddr: int
    level: int
    virtual: int
    above: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Leaves:
    """Mapped pages as parallel arrays, ascending by virtual address.

    `write`, `user` and `execute` are effective, over all levels; `cache` is the index into the
    PAT; `table` is the physical address of the table that holds the entry.
    """

    virtual: NDArray[np.uint64]
    physical: NDArray[np.uint64]
    size: NDArray[np.uint64]
    write: NDArray[np.bool_]
    user: NDArray[np.bool_]
    execute: NDArray[np.bool_]
    cache: NDArray[np.uint8]
    raw: NDArray[np.uint64]
    level: NDArray[np.uint8]
    table: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.virtual)

    def pick(self, which: NDArray[np.bool_] | NDArray[np.int64] | slice) -> "Leaves":
        """Return the leaves that a mask, an array of positions or a slice picks."""
        return Leaves(*(getattr(self, name)[which] for name in _COLUMNS))

    def between(self, start: int, end: int) -> "Leaves":
        """Return the leaves that begin in [start, end); any integers will do."""
        return self.pick(slice(self.count_below(start), self.count_below(end)))

    def count_below(self, address: int) -> int:
        """Return how many leaves begin below an address; any integer will do."""
        if address > va.ADDRESS_MASK:
            return len(self)
        return int(np.searchsorted(self.virtual, np.uint64(max(address, 0))))


_COLUMNS: Final = tuple(Leaves.__dataclass_fields__)


@dataclass(frozen=True, slots=True, eq=False)
class Root:
    """A root, its own tables (itself first, top level first), and the leaves under those.

    The kernel root's are all there are under it; another's leave out what it shares.
    """

    paddr: int
    name: str
    tables: tuple[Table, ...]
    leaves: Leaves


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PageTables:
    """All roots. `entries` has the 512 raw entries of each table frame."""

    kernel: Root
    others: tuple[Root, ...]
    entries: Mapping[int, Entries]

    @property
    def roots(self) -> tuple[Root, ...]:
        """All roots, the kernel's first."""
        return (self.kernel, *self.others)


def read_page_tables(guest: Guest, kernel: int, others: Mapping[str, int]) -> PageTables:
    """Read the tables of the kernel root and of other roots, each given by name and address."""
    entries: dict[int, Entries] = {}
    reader = _Reader(guest, entries)
    kernel_root = reader.root("kernel", kernel, None)
    shared = entries.get(kernel)
    return PageTables(
        kernel_root,
        tuple(reader.root(name, paddr, shared) for name, paddr in others.items()),
        entries,
    )


@dataclass(slots=True)
class _Reader:
    """Reads roots; every frame once."""

    guest: Guest
    entries: dict[int, Entries]
    parts: list[Leaves] = field(default_factory=list)

    def root(self, name: str, paddr: int, shared: Entries | None) -> Root:
        self.parts = []
        tables = tuple(self.tables(name, paddr, shared))
        return Root(paddr, name, tables, _join(self.parts))

    def tables(self, name: str, root: int, shared: Entries | None) -> Iterator[Table]:
        """Yield a root's own tables, level by level; note what can't be followed."""
        waiting = [Table(root, va.LEVELS, 0, EVERYTHING)]
        seen: set[tuple[int, int]] = set()
        while waiting:
            below: list[Table] = []
            for table in waiting:
                where = f"{name}: {va.LEVEL_NAMES[table.level]} for {table.virtual:#x}"
                entries = self.read(table.paddr, where)
                if entries is None:
                    continue
                yield table
                if (table.paddr, table.level) in seen:
                    self.guest.note(LAYER, f"table {table.paddr:#x} is used twice", where)
                    continue
                seen.add((table.paddr, table.level))
                if table.level == va.LEVELS and shared is not None:
                    entries = _without_shared(entries, shared)
                below += self.descend(table, entries, where)
            waiting = below

    def read(self, paddr: int, where: str) -> Entries | None:
        if paddr not in self.entries:
            try:
                data = self.guest.memory.read(paddr, va.PAGE_SIZE)
            except MemoryUnreadable:
                self.guest.note(LAYER, f"table {paddr:#x} is not in memory", where)
                return None
            self.entries[paddr] = np.frombuffer(data, "<u8").astype(np.uint64, copy=False)
        return self.entries[paddr]

    def descend(self, table: Table, entries: Entries, where: str) -> list[Table]:
        """Keep a table's leaves and return the tables that it leads to."""
        level, features = table.level, self.guest.features
        present = (entries & np.uint64(P)) != 0
        is_leaf = _is_leaf(entries, level, features)
        leaf = self.usable(table, entries, present & is_leaf, True, where)
        lower = self.usable(table, entries, present & ~is_leaf, False, where)
        if leaf.any():
            self.parts.append(_leaves(table, entries, np.flatnonzero(leaf), features))
        mask_below = np.uint64(address_mask(level, False, features.physical_bits))
        return [
            Table(
                int(entries[index] & mask_below),
                level - 1,
                _first_address(table, int(index)),
                inherit(table.above, int(entries[index])),
            )
            for index in np.flatnonzero(lower)
        ]

    def usable(
        self, table: Table, entries: Entries, which: NDArray[np.bool_], leaf: bool, where: str
    ) -> NDArray[np.bool_]:
        """Return which of these entries have no reserved bit set; note the others."""
        mask = reserved_mask(table.level, leaf, self.guest.features)
        bad = which & ((entries & np.uint64(mask)) != 0)
        for index in np.flatnonzero(bad):
            raw = int(entries[index])
            what = f"reserved bits are set in {raw:#x} ({describe(raw, table.level)})"
            self.guest.note(LAYER, what, f"{where}, table {table.paddr:#x} entry {index}")
        good: NDArray[np.bool_] = which & ~bad
        return good


def _without_shared(entries: Entries, shared: Entries) -> Entries:
    """Return a PML4's entries, those of the kernel half zeroed that equal the kernel's."""
    same = (entries & ~HARDWARE) == (shared & ~HARDWARE)
    same[:KERNEL_SLOTS] = False
    kept: Entries = np.where(same, np.uint64(0), entries)
    return kept


def _is_leaf(entries: Entries, level: int, features: Features) -> NDArray[np.bool_]:
    leaf: NDArray[np.bool_] = np.full(len(entries), level == 1)
    if level == 2 or (level == 3 and features.gib_pages):
        leaf = (entries & np.uint64(PS)) != 0
    return leaf


def _first_address(table: Table, index: int) -> int:
    address = table.virtual + index * va.entry_span(table.level)
    return va.sign_extend(address) if table.level == va.LEVELS else address


def _leaves(table: Table, entries: Entries, index: NDArray[np.int64], features: Features) -> Leaves:
    """Return what the entries at these positions of a table map."""
    level, span = table.level, va.entry_span(table.level)
    raw = entries[index]
    count = len(index)
    pat = PAT_4K if level == 1 else PAT_LARGE
    cache = (
        ((raw & np.uint64(PWT)) != 0).astype(np.uint8)
        + 2 * ((raw & np.uint64(PCD)) != 0).astype(np.uint8)
        + 4 * ((raw & np.uint64(pat)) != 0).astype(np.uint8)
    )
    return Leaves(
        virtual=np.uint64(table.virtual) + index.astype(np.uint64) * np.uint64(span),
        physical=raw & np.uint64(address_mask(level, True, features.physical_bits)),
        size=np.full(count, span, np.uint64),
        write=((raw & np.uint64(W)) != 0) & bool(table.above & W),
        user=((raw & np.uint64(U)) != 0) & bool(table.above & U),
        execute=((raw & np.uint64(NX)) == 0) & (not table.above & NX),
        cache=cache.astype(np.uint8),
        raw=raw,
        level=np.full(count, level, np.uint8),
        table=np.full(count, table.paddr, np.uint64),
    )


def _join(parts: list[Leaves]) -> Leaves:
    """Return all leaves in one, by ascending virtual address."""
    if not parts:
        empty = np.zeros(0, np.uint64)
        no, small = empty.astype(np.bool_), empty.astype(np.uint8)
        return Leaves(empty, empty, empty, no, no, no, small, empty, small, empty)
    joined = Leaves(*(np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS))
    return joined.pick(np.argsort(joined.virtual, kind="stable"))
