"""What readers of page tables answer with: pages, tables, problems, and the steps of a walk.

These are plain values with no memory behind them. Readers are `walk` (one address), `plain_scan`
(everything, entry by entry) and `bulk` (everything, a level at a time, which answers with the
columns of `leaves` and `tables` where there may be millions).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from ringbench.arch.x86_64.address import ENTRY_SIZE, LEVEL_NAMES, entry_span, sign_extend
from ringbench.arch.x86_64.entry import NX, CacheMode, Entry, U, W, describe

DEFAULT_LIMIT: Final = 1 << 21
"""Records after which a reading of a whole root gives up: 8 GiB mapped in 4 KiB pages."""

PROBLEM_LIMIT: Final = 1 << 14
"""Problems after which it gives up as well: that many are no mistake, but garbage."""


class Stop(StrEnum):
    """Why a reader did not arrive at a page."""

    NON_CANONICAL = "non-canonical"
    NOT_PRESENT = "not present"
    RESERVED = "reserved bit set"
    UNREADABLE = "table outside memory"
    LIMIT = "too many records"
    REPEATED = "table met before"  # of a reading that follows a table once


def permissions(write: bool, user: bool, execute: bool) -> str:
    """Return permissions as four letters: `urwx`, with `-` for each that is missing."""
    return f"{'u' if user else '-'}r{'w' if write else '-'}{'x' if execute else '-'}"


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


class Range(NamedTuple):
    """Leaves that continue each other in virtual and in physical memory with equal attributes.

    Equal are page size, effective permissions, global and cache mode; accessed and dirty bits do
    not count.
    """

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

    A frame that serves several ranges, or several levels, is one table for each.

    Attributes:
        paddr: physical address of the frame.
        level: 5 (PML5) or 4 (PML4) to 1 (PT).
        vaddr: first address served.
        present: number of present entries.
    """

    paddr: int
    level: int
    vaddr: int
    present: int


@dataclass(frozen=True, slots=True)
class RecursiveSlot:
    """An entry of a root that leads to the root itself: a window on the tables.

    Through it every table under the root is a page: the last levels' tables side by side, and one
    more level up for each time that the walk goes through the slot again.

    Attributes:
        slot: its index in the root.
        vaddr, length: the virtual range that it serves.
        write, user, execute: what the slot permits; the entries behind it may permit less.
        raw: the entry as stored.
    """

    slot: int
    vaddr: int
    length: int
    write: bool
    user: bool
    execute: bool
    raw: int

    @classmethod
    def of(cls, slot: int, raw: int, levels: int) -> "RecursiveSlot":
        """Return what an entry of a root of so many levels is the window on."""
        span = entry_span(levels)
        vaddr = sign_extend(slot * span, levels)
        return cls(slot, vaddr, span, bool(raw & W), bool(raw & U), not raw & NX, raw)

    @property
    def permissions(self) -> str:
        """`urwx` with `-` for what is not allowed."""
        return permissions(self.write, self.user, self.execute)

    def __str__(self) -> str:
        last = self.vaddr + self.length - 1
        return f"window on the tables, slot {self.slot}, {self.vaddr:#x}..{last:#x}"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that a reader could not follow, and the addresses that are unknown for it.

    Attributes:
        stop: why it could not be followed.
        vaddr, length: the virtual range not listed; of a root, all of both halves together.
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
        where = f"{LEVEL_NAMES[self.level]} {self.table:#x}"
        if self.index is not None and self.raw is not None:
            where += f" entry {self.index} = {self.raw:#x} ({describe(self.raw, self.level)})"
        return f"{self.vaddr:#x} + {self.length:#x}: {self.stop.value}: {where}"


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
        return self.table + ENTRY_SIZE * self.index

    def __str__(self) -> str:
        return f"{LEVEL_NAMES[self.level]} {self.table:#x}[{self.index}] = {self.entry}"


@dataclass(frozen=True, slots=True)
class Translation:
    """The walk of one virtual address.

    Attributes:
        vaddr: the address asked for.
        root: physical address of the root table.
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
        """The physical address that `vaddr` means, or None."""
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
        return f"{self.stop.value} at level {self.level} ({LEVEL_NAMES[self.level]})"
