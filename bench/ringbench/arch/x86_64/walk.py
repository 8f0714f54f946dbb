"""The page-table walk of one address, level by level (Intel SDM 3A 4.5.4).

One loop serves all levels: what differs between them is in `entry`. Permissions of a page are
effective ones: write and user are the AND, no-execute the OR over all levels.

This is the readable truth that the bench's other readings of page tables are compared with.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

from ringbench.arch.x86_64 import address as va
from ringbench.arch.x86_64.entry import (
    NX,
    A,
    CacheMode,
    D,
    Entry,
    G,
    U,
    W,
    address_mask,
    cache_mode,
    decode,
)
from ringbench.arch.x86_64.features import ANY, Features
from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.errors import MemoryUnreadable


class Stop(StrEnum):
    """Why a walk did not arrive at a page."""

    NON_CANONICAL = "non-canonical"
    NOT_PRESENT = "not present"
    RESERVED = "reserved bit set"
    UNREADABLE = "table outside memory"
    LIMIT = "too many records"
    REPEATED = "table met before"  # of a reading that follows a table once


class Leaf(NamedTuple):
    """One page mapped by one leaf entry; a named tuple, as there may be millions.

    Attributes:
        vaddr: canonical unsigned address of the first byte.
        paddr: physical address of the first byte.
        size: bytes: 4 KiB, 2 MiB or 1 GiB.
        write, user, execute: effective permissions.
        global_, cache, accessed, dirty: of the leaf entry itself.
        raw: the leaf entry as stored.
    """

    vaddr: int
    paddr: int
    size: int
    write: bool
    user: bool
    execute: bool
    global_: bool
    cache: CacheMode
    accessed: bool
    dirty: bool
    raw: int

    @property
    def permissions(self) -> str:
        """`urwx` with `-` for what is not allowed."""
        return permissions(self.write, self.user, self.execute)


@dataclass(frozen=True, slots=True)
class Step:
    """One level of a translation: which entry of which table, and what it says."""

    level: int
    table: int
    index: int
    entry: Entry

    @property
    def entry_paddr(self) -> int:
        """Physical address of the entry."""
        return self.table + va.ENTRY_SIZE * self.index

    def __str__(self) -> str:
        return f"{va.LEVEL_NAMES[self.level]} {self.table:#x}[{self.index}] = {self.entry}"


@dataclass(frozen=True, slots=True)
class Translation:
    """The walk of one virtual address.

    Attributes:
        vaddr: the address asked for.
        root: physical address of the PML4.
        steps: the entries read, top level first.
        leaf: the page that holds the address; None if there is none.
        stop: why there is none; None if there is one.
        level: level at which the walk ended: of the leaf, or of the entry or table at fault.
    """

    vaddr: int
    root: int
    steps: tuple[Step, ...]
    leaf: Leaf | None
    stop: Stop | None
    level: int

    @property
    def paddr(self) -> int | None:
        """The physical address that `virtual` means, or None."""
        if self.leaf is None:
            return None
        return self.leaf.paddr + (self.vaddr - self.leaf.vaddr)

    @property
    def reason(self) -> str:
        """Why there is no page, in words: `not present at level 2 (PD)`; empty if there is."""
        if self.stop is None:
            return ""
        if self.stop is Stop.NON_CANONICAL:
            return "non-canonical address"
        return f"{self.stop.value} at level {self.level} ({va.LEVEL_NAMES[self.level]})"


Attributes: TypeAlias = tuple[bool, bool, bool, bool, CacheMode, bool, bool]
"""The fields of a `Leaf` from write to dirty."""

EVERYTHING: Final = W | U
"""Permissions that restrict nothing, as entry bits: W and U allow, NX forbids."""


def inherit(above: int, raw: int) -> int:
    """Combine the permissions of the levels above with those of one more entry."""
    return above & raw & (W | U) | (above | raw) & NX


def leaf_attributes(raw: int, level: int, above: int, features: Features) -> Attributes:
    """Return what a leaf entry means below levels whose permissions combine to `above`."""
    effective = inherit(above, raw)
    return (
        bool(effective & W),
        bool(effective & U),
        not effective & NX,
        bool(raw & G),
        cache_mode(raw, level, True, features),
        bool(raw & A),
        bool(raw & D),
    )


def permissions(write: bool, user: bool, execute: bool) -> str:
    """Return permissions as four letters: `urwx`, with `-` for each that is missing."""
    return f"{'u' if user else '-'}r{'w' if write else '-'}{'x' if execute else '-'}"


def root_table(root: int, features: Features = ANY) -> int:
    """Return the PML4's physical address in a CR3 value: PCID, PWT, PCD and bit 63 dropped."""
    return root & address_mask(4, False, features.physical_bits)


def translate(
    memory: PhysicalMemory, root: int, vaddr: int, features: Features = ANY
) -> Translation:
    """Walk the tables of `root` (a PML4 address or a CR3 value) for one virtual address."""
    root = root_table(root, features)
    if not va.is_canonical(vaddr):
        return Translation(vaddr, root, (), None, Stop.NON_CANONICAL, va.LEVELS)
    steps: list[Step] = []
    table, inherited = root, EVERYTHING
    for level in range(va.LEVELS, 0, -1):
        position = va.index(vaddr, level)
        try:
            stored = memory.read(table + va.ENTRY_SIZE * position, va.ENTRY_SIZE)
        except MemoryUnreadable:
            return Translation(vaddr, root, tuple(steps), None, Stop.UNREADABLE, level)
        entry = decode(int.from_bytes(stored, "little"), level, features)
        steps.append(Step(level, table, position, entry))
        if not entry.present:
            return Translation(vaddr, root, tuple(steps), None, Stop.NOT_PRESENT, level)
        if entry.reserved:
            return Translation(vaddr, root, tuple(steps), None, Stop.RESERVED, level)
        if entry.leaf:
            size = va.entry_span(level)
            attributes = leaf_attributes(entry.raw, level, inherited, features)
            leaf = Leaf(vaddr & -size, entry.address, size, *attributes, entry.raw)
            return Translation(vaddr, root, tuple(steps), leaf, None, level)
        table, inherited = entry.address, inherit(inherited, entry.raw)
    raise AssertionError("a present PT entry is a leaf")
