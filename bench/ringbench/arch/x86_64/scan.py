"""Every page, table and problem of a root, in one pass (Intel SDM 3A 4.5.4).

One recursion, `scan`, visits tables of every level in address order; what it meets (table, leaf,
problem) are records in one stream, and `leaves`, `tables` and `problems` are views of it. Tables
are read a whole page at a time.

The tables may be hostile or half-written. A recursive slot is followed as hardware follows it, at
most four levels deep, so it ends. A table outside memory or a reserved bit is a record in the
stream, and what lies beside it is still listed. As a few frames that point at each other can
stand for 2^36 leaves, a scan ends after `limit` records, with a record that says so.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from ringbench.arch.x86_64 import address as va
from ringbench.arch.x86_64.entry import (
    ADDRESS,
    AVAILABLE_HIGH,
    AVAILABLE_LOW,
    CacheMode,
    P,
    address_mask,
    describe,
    is_leaf,
    reserved_mask,
)
from ringbench.arch.x86_64.features import ANY, Features
from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.arch.x86_64.walk import (
    EVERYTHING,
    Attributes,
    Leaf,
    Stop,
    inherit,
    leaf_attributes,
    permissions,
    root_table,
)
from ringbench.errors import MemoryUnreadable

DEFAULT_LIMIT: Final = 1 << 21
"""Records after which a scan gives up: 8 GiB mapped in 4 KiB pages."""

_LEAF_FLAGS: Final = ~(ADDRESS | AVAILABLE_LOW | AVAILABLE_HIGH)


class Range(NamedTuple):
    """Leaves that continue each other in virtual and in physical memory with equal attributes."""

    vaddr: int
    paddr: int
    length: int
    page_size: int
    write: bool
    user: bool
    execute: bool
    global_: bool
    cache: CacheMode

    @property
    def permissions(self) -> str:
        """`urwx` with `-` for what is not allowed."""
        return permissions(self.write, self.user, self.execute)


@dataclass(frozen=True, slots=True)
class Table:
    """One frame in its role as a page table.

    A frame that serves several ranges, or several levels, appears once for each.

    Attributes:
        paddr: physical address of the frame.
        level: 4 (PML4) to 1 (PT).
        vaddr: first address served.
        length: bytes served; of a PML4, 2^48 (both halves).
        present: number of present entries.
    """

    paddr: int
    level: int
    vaddr: int
    length: int
    present: int


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that a scan could not follow, and the addresses that are unknown for it.

    Attributes:
        vaddr, length: the virtual range not listed.
        level: level of the table at fault.
        table: its physical address.
        index, raw: the entry at fault; None if the table itself is.
    """

    stop: Stop
    vaddr: int
    length: int
    level: int
    table: int
    index: int | None = None
    raw: int | None = None

    def __str__(self) -> str:
        where = f"{va.LEVEL_NAMES[self.level]} {self.table:#x}"
        if self.index is not None and self.raw is not None:
            where += f" entry {self.index} = {self.raw:#x} ({describe(self.raw, self.level)})"
        return f"{self.vaddr:#x} + {self.length:#x}: {self.stop.value}: {where}"


Record: TypeAlias = Table | Leaf | Problem


def scan(
    memory: PhysicalMemory, root: int, features: Features = ANY, limit: int = DEFAULT_LIMIT
) -> Iterator[Record]:
    """List every table, leaf and problem under `root` (a PML4 address or a CR3 value).

    In address order, each table before what it holds. After `limit` records comes one
    `Problem` with `Stop.LIMIT` and the listing ends.
    """
    return _Scan(memory, features, limit).run(root_table(root, features))


def leaves(
    memory: PhysicalMemory, root: int, features: Features = ANY, limit: int = DEFAULT_LIMIT
) -> Iterator[Leaf]:
    """List every mapped page under `root` in address order, leaving out problems: see `scan`."""
    return (each for each in scan(memory, root, features, limit) if type(each) is Leaf)


def tables(
    memory: PhysicalMemory, root: int, features: Features = ANY, limit: int = DEFAULT_LIMIT
) -> Iterator[Table]:
    """List every page-table frame under `root` with the range it serves; shared ones repeat."""
    return (each for each in scan(memory, root, features, limit) if type(each) is Table)


def problems(
    memory: PhysicalMemory, root: int, features: Features = ANY, limit: int = DEFAULT_LIMIT
) -> Iterator[Problem]:
    """List what cannot be followed under `root`: reserved bits, tables outside memory."""
    return (each for each in scan(memory, root, features, limit) if type(each) is Problem)


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

    def __init__(self, memory: PhysicalMemory, features: Features, limit: int) -> None:
        self.memory = memory
        self.features = features
        self.left = limit
        # By frame: (index, raw) of present entries. A recursive slot visits frames many times.
        self.present: dict[int, list[tuple[int, int]]] = {}
        # A 4 KiB leaf's attributes depend on few bits, so on few values: by `above`, then bits.
        self.attributes: dict[int, dict[int, Attributes]] = {}

    def run(self, root: int) -> Iterator[Record]:
        try:
            yield from self.table(root, va.LEVELS, 0, va.VIRTUAL_SPACE, EVERYTHING)
        except _OverLimit as over:
            length = va.ADDRESS_MASK + 1 - over.vaddr
            yield Problem(Stop.LIMIT, over.vaddr, length, va.LEVELS, root)

    def entries(self, paddr: int) -> list[tuple[int, int]]:
        if paddr not in self.present:
            page = self.memory.read(paddr, va.PAGE_SIZE)
            words = struct.unpack(f"<{va.ENTRIES}Q", page)
            self.present[paddr] = [(i, raw) for i, raw in enumerate(words) if raw & P]
        return self.present[paddr]

    def table(
        self, paddr: int, level: int, vaddr: int, length: int, above: int
    ) -> Iterator[Record]:
        self.spend(vaddr)
        try:
            entries = self.entries(paddr)
        except MemoryUnreadable:
            yield Problem(Stop.UNREADABLE, vaddr, length, level, paddr)
            return
        yield Table(paddr, level, vaddr, length, len(entries))
        if level == 1:
            yield from self.last_level(paddr, vaddr, entries, above)
            return
        span = va.entry_span(level)
        for index, raw in entries:
            start = vaddr + index * span
            if level == va.LEVELS:
                start = va.sign_extend(start)
            leaf = is_leaf(raw, level, self.features)
            address = raw & address_mask(level, leaf, self.features.physical_bits)
            if raw & reserved_mask(level, leaf, self.features):
                self.spend(start)
                yield Problem(Stop.RESERVED, start, span, level, paddr, index, raw)
            elif leaf:
                self.spend(start)
                attributes = leaf_attributes(raw, level, above, self.features)
                yield Leaf(start, address, span, *attributes, raw)
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
            start = vaddr + index * va.PAGE_SIZE
            self.spend(start)
            if raw & reserved:
                yield Problem(Stop.RESERVED, start, va.PAGE_SIZE, 1, paddr, index, raw)
                continue
            flags = raw & _LEAF_FLAGS
            attributes = known.get(flags)
            if attributes is None:
                attributes = known[flags] = leaf_attributes(raw, 1, above, features)
            yield Leaf(start, raw & ADDRESS, va.PAGE_SIZE, *attributes, raw)

    def spend(self, vaddr: int) -> None:
        """Count one record, about to be made for `vaddr`."""
        if self.left <= 0:
            raise _OverLimit(vaddr)
        self.left -= 1
