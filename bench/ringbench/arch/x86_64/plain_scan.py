"""Every page, table and problem of a root, entry by entry (Intel SDM 3A 4.5).

This is the reference for `bulk`, which says the same many times as fast: a test holds the two
equal. It needs no more than the standard library, so that the Python inside GDB, which has no
numpy, lists pages with it.

One recursion, `scan`, visits tables of every level in address order; what it meets (table, leaf,
problem) are records in one stream. Tables are read a whole page at a time.

The tables may be hostile or half-written. A recursive slot is followed as hardware follows it, no
deeper than there are levels, so it ends; or it is folded, which makes it one record. A table
outside memory or a reserved bit is a record in the stream, and what lies beside it is still listed.
As a few frames that point at each other can stand for 2^45 leaves, a scan ends after `limit`
records, or before one more problem than `PROBLEM_LIMIT`, with a record that says so.
"""

import struct
from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

from ringbench.arch.x86_64.address import (
    ADDRESS_END,
    ENTRIES,
    PAGE_SIZE,
    entry_span,
    sign_extend,
)
from ringbench.arch.x86_64.entry import (
    ADDRESS,
    AVAILABLE_HIGH,
    AVAILABLE_LOW,
    P,
    address_mask,
    is_leaf,
    reserved_mask,
)
from ringbench.arch.x86_64.features import ANY, Features
from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.arch.x86_64.records import (
    DEFAULT_LIMIT,
    PROBLEM_LIMIT,
    Leaf,
    Problem,
    Range,
    RecursiveSlot,
    Stop,
    Table,
)
from ringbench.arch.x86_64.walk import (
    EVERYTHING,
    Attributes,
    inherit,
    leaf_attributes,
    root_table,
)
from ringbench.errors import MemoryUnreadable

_LEAF_FLAGS: Final = ~(ADDRESS | AVAILABLE_LOW | AVAILABLE_HIGH)

Record: TypeAlias = Table | Leaf | Problem | RecursiveSlot


def scan(
    memory: PhysicalMemory,
    root: int,
    features: Features = ANY,
    limit: int = DEFAULT_LIMIT,
    *,
    fold: bool = False,
) -> Iterator[Record]:
    """List every table, leaf and problem under `root` (its address or a CR3 value).

    In address order, each table before what it holds. After `limit` records, or
    `PROBLEM_LIMIT` problems, comes one `Problem` with `Stop.LIMIT` and the listing ends. With
    `fold`, a slot of the root that leads to itself is a `RecursiveSlot`, which does not count for
    the limit, and is not followed.
    """
    return _Scan(memory, features, limit, fold).run(root_table(root, features))


def merge(pages: Iterable[Leaf]) -> Iterator[Range]:
    """Join neighbouring leaves, given in address order.

    Joined are leaves that are contiguous in virtual and in physical memory and equal in page
    size, effective permissions, global and cache mode; accessed and dirty do not count.
    """
    iterator = iter(pages)
    first = next(iterator, None)
    if first is None:
        return
    vaddr, paddr, size = first[:3]
    kind = first[3:8]
    length = size
    for leaf in iterator:
        if (
            leaf.vaddr == vaddr + length
            and leaf.paddr == paddr + length
            and leaf.size == size
            and leaf[3:8] == kind
        ):
            length += size
            continue
        yield Range(vaddr, paddr, length, size, *kind)
        vaddr, paddr, size = leaf[:3]
        kind = leaf[3:8]
        length = size
    yield Range(vaddr, paddr, length, size, *kind)


class _OverLimit(Exception):
    """Ends a scan from any depth, before the record for `vaddr`."""

    def __init__(self, vaddr: int) -> None:
        super().__init__(vaddr)
        self.vaddr = vaddr


class _Scan:
    """The state of one `scan`: tables already read, attributes already worked out."""

    def __init__(self, memory: PhysicalMemory, features: Features, limit: int, fold: bool) -> None:
        self.memory = memory
        self.fold = fold
        self.features = features
        self.left = limit
        self.problems_left = PROBLEM_LIMIT
        # By frame: (index, raw) of present entries. A recursive slot visits frames many times.
        self.present: dict[int, list[tuple[int, int]]] = {}
        # A 4 KiB leaf's attributes depend on few bits, so on few values: by `above`, then bits.
        self.attributes: dict[int, dict[int, Attributes]] = {}

    def run(self, root: int) -> Iterator[Record]:
        levels = self.features.levels
        try:
            yield from self.table(root, levels, 0, entry_span(levels + 1), EVERYTHING)
        except _OverLimit as over:
            length = ADDRESS_END - over.vaddr
            yield Problem(Stop.LIMIT, over.vaddr, length, levels, root)

    def entries(self, paddr: int) -> list[tuple[int, int]]:
        if paddr not in self.present:
            page = self.memory.read(paddr, PAGE_SIZE)
            words = struct.unpack(f"<{ENTRIES}Q", page)
            self.present[paddr] = [(i, raw) for i, raw in enumerate(words) if raw & P]
        return self.present[paddr]

    def table(
        self, paddr: int, level: int, vaddr: int, length: int, above: int
    ) -> Iterator[Record]:
        self.spend(vaddr)
        try:
            entries = self.entries(paddr)
        except MemoryUnreadable:
            self.spend_problem(vaddr)
            yield Problem(Stop.UNREADABLE, vaddr, length, level, paddr)
            return
        yield Table(paddr, level, vaddr, len(entries))
        if level == 1:
            yield from self.last_level(paddr, vaddr, entries, above)
            return
        span = entry_span(level)
        for index, raw in entries:
            start = vaddr + index * span
            if level == self.features.levels:
                start = sign_extend(start, level)
            leaf = is_leaf(raw, level, self.features)
            address = raw & address_mask(level, leaf, self.features.physical_bits)
            if raw & reserved_mask(level, leaf, self.features):
                self.spend(start)
                self.spend_problem(start)
                yield Problem(Stop.RESERVED, start, span, level, paddr, index, raw)
            elif leaf:
                self.spend(start)
                attributes = leaf_attributes(raw, level, above, self.features)
                yield Leaf(start, address, span, *attributes, raw)
            elif self.fold and level == self.features.levels and address == paddr:
                yield RecursiveSlot.of(index, raw, level)
            else:
                yield from self.table(address, level - 1, start, span, inherit(above, raw))

    def last_level(
        self, paddr: int, vaddr: int, entries: list[tuple[int, int]], above: int
    ) -> Iterator[Record]:
        """A page table: the loop that a scan spends its time in."""
        features = self.features
        reserved = reserved_mask(1, True, features)
        known = self.attributes.setdefault(above, {})
        for index, raw in entries:
            start = vaddr + index * PAGE_SIZE
            self.spend(start)
            if raw & reserved:
                self.spend_problem(start)
                yield Problem(Stop.RESERVED, start, PAGE_SIZE, 1, paddr, index, raw)
                continue
            flags = raw & _LEAF_FLAGS
            attributes = known.get(flags)
            if attributes is None:
                attributes = known[flags] = leaf_attributes(raw, 1, above, features)
            yield Leaf(start, raw & ADDRESS, PAGE_SIZE, *attributes, raw)

    def spend(self, vaddr: int) -> None:
        """Count one record, about to be made for `vaddr`."""
        if self.left <= 0:
            raise _OverLimit(vaddr)
        self.left -= 1

    def spend_problem(self, vaddr: int) -> None:
        """Count one problem, about to be told of `vaddr`; beside `spend`."""
        if self.problems_left <= 0:
            raise _OverLimit(vaddr)
        self.problems_left -= 1
