"""Page tables as nested mappings: looking things up in them, and changing a copy of them.

`TableEditor` copies the outer mapping once and an inner one when it first changes, so that a state
of thousands of tables costs one operation on one of them only a shallow copy.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from ringbench.arch.x86_64.address import (
    ADDRESS_MASK,
    ENTRIES,
    INDEX_MASK,
    LEVELS,
    PAGE_SHIFT,
    UPPER_HALF_SLOT,
    entry_shift,
    sign_extend,
)
from ringbench.arch.x86_64.entry import ADDRESS, PAT_LARGE, PS, P, U, W
from ringbench.subjects.reference.model.state import Tables
from ringbench.subjects.reference.vocabulary.constants import KERNEL_HALF

_SHIFTS: Final = {level: entry_shift(level) for level in range(1, LEVELS + 1)}


class Slot(NamedTuple):
    """Where a walk ended: a leaf, or the entry of zero that stopped it."""

    level: int
    table: int
    position: int
    raw: int


class Leaf(NamedTuple):
    """A page that the model has mapped: `size` bytes from `vaddr` on, its entry and its level."""

    vaddr: int
    paddr: int
    size: int
    raw: int
    level: int


def is_leaf(raw: int, level: int) -> bool:
    """Tell whether an entry that is not zero maps a page."""
    return level == 1 or bool(raw & PS and level < LEVELS)


def leaf_address(raw: int, level: int) -> int:
    """Return the physical address of a leaf's page."""
    return raw & ADDRESS & ~PAT_LARGE if level > 1 else raw & ADDRESS


def find(tables: Tables, root: int, va: int) -> Slot:
    """Walk to the leaf that maps `va`, or to the entry where it is missing."""
    table = root
    for level in range(LEVELS, 1, -1):
        index = va >> _SHIFTS[level] & INDEX_MASK
        raw = tables[table].get(index, 0)
        if not raw or (raw & PS and level < LEVELS):
            return Slot(level, table, index, raw)
        table = raw & ADDRESS
    index = va >> PAGE_SHIFT & INDEX_MASK
    return Slot(1, table, index, tables[table].get(index, 0))


def leaf_at(tables: Tables, root: int, va: int) -> Leaf | None:
    """Return the leaf that maps a canonical address, or None."""
    level, _, _, raw = find(tables, root, va)
    span = 1 << _SHIFTS[level]
    return Leaf(va & -span, leaf_address(raw, level), span, raw, level) if raw else None


def leaves(tables: Tables, root: int, first: int = 0, last: int = ADDRESS_MASK) -> Iterator[Leaf]:
    """Yield the leaves that touch [first, last], ascending; lazily."""
    return _leaves(tables, root, LEVELS, 0, first, last)


def _leaves(
    tables: Tables, table: int, level: int, base: int, first: int, last: int
) -> Iterator[Leaf]:
    entries = tables[table]
    span = 1 << _SHIFTS[level]
    for index in _present(entries, *_indices(level, base, first, last)):
        raw = entries[index]
        vaddr = _virtual(level, base, index)
        if is_leaf(raw, level):
            yield Leaf(vaddr, leaf_address(raw, level), span, raw, level)
        else:
            yield from _leaves(tables, raw & ADDRESS, level - 1, vaddr, first, last)


def lower_tables(tables: Tables, root: int) -> list[tuple[int, int]]:
    """Return (physical address, level) of every table of a root's lower half; not the root."""
    return _below(tables, [(root, LEVELS)], 0, UPPER_HALF_SLOT)


def upper_tables(tables: Tables, root: int) -> list[tuple[int, int]]:
    """Return (physical address, level) of every table of a root's upper half; not the root."""
    return _below(tables, [(root, LEVELS)], UPPER_HALF_SLOT, ENTRIES)


def _below(
    tables: Tables, pending: list[tuple[int, int]], low: int, high: int
) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    while pending:
        table, level = pending.pop()
        for index, raw in tables[table].items():
            if (level < LEVELS or low <= index < high) and not is_leaf(raw, level):
                found.append((raw & ADDRESS, level - 1))
                if level > 2:
                    pending.append(found[-1])
    return found


def tables_missing(tables: Tables, root: int, va: int, length: int, leaf_level: int = 1) -> int:
    """Count the tables that mapping [va, va + length) with leaves of a level would have to take.

    By arithmetic: as many as the range has at each level, less those that exist.
    """
    first, last = va, va + length - 1
    needed = 0
    for level in range(leaf_level, LEVELS):
        shift = _SHIFTS[level + 1]
        needed += (last >> shift) - (first >> shift) + 1
    return needed - _existing(tables, root, LEVELS, 0, first, last, leaf_level)


def _existing(
    tables: Tables, table: int, level: int, base: int, first: int, last: int, leaf_level: int
) -> int:
    count = 0
    entries = tables[table]
    for index in _present(entries, *_indices(level, base, first, last)):
        raw = entries[index]
        if is_leaf(raw, level):
            continue
        count += 1
        if level - 1 > leaf_level:
            vaddr = _virtual(level, base, index)
            count += _existing(tables, raw & ADDRESS, level - 1, vaddr, first, last, leaf_level)
    return count


def _virtual(level: int, base: int, index: int) -> int:
    address = base + (index << _SHIFTS[level])
    return sign_extend(address) if level == LEVELS else address


def _indices(level: int, base: int, first: int, last: int) -> tuple[int, int]:
    """Return the first and last index of a table, serving addresses from `base`, for a range."""
    shift = _SHIFTS[level]
    if level == LEVELS:
        return first >> shift & INDEX_MASK, last >> shift & INDEX_MASK
    return max(0, (first - base) >> shift), min(INDEX_MASK, (last - base) >> shift)


def _present(entries: Mapping[int, int], low: int, high: int) -> list[int]:
    """Return the indices in low..high with an entry, ascending."""
    if high - low < len(entries):
        return [index for index in range(low, high + 1) if index in entries]
    return sorted(index for index in entries if low <= index <= high)


class TableEditor:
    """A changed copy of some tables in the making; `result` when done."""

    def __init__(self, tables: Tables) -> None:
        self._tables: dict[int, Mapping[int, int]] = dict(tables)
        self._own: dict[int, dict[int, int]] = {}

    @property
    def result(self) -> Tables:
        """The tables as changed so far."""
        return self._tables

    def add(self, table: int, entries: Mapping[int, int]) -> None:
        """Add a table."""
        self._own[table] = self._tables[table] = dict(entries)

    def drop(self, table: int) -> None:
        """Remove a table."""
        del self._tables[table]
        self._own.pop(table, None)

    def entries(self, table: int) -> dict[int, int]:
        """Return a table's entries to be changed."""
        own = self._own.get(table)
        if own is None:
            own = self._own[table] = self._tables[table] = dict(self._tables[table])
        return own

    def table_for(self, root: int, va: int, level: int, take: Callable[[], int]) -> dict[int, int]:
        """Return the table of a level that serves `va`, to be changed.

        Missing tables are put into frames from `take`, top level first.
        """
        permissive = P | W | U if va < KERNEL_HALF else P | W
        table = root
        for upper in range(LEVELS, level, -1):
            index = va >> _SHIFTS[upper] & INDEX_MASK
            raw = self._tables[table].get(index, 0)
            if raw:
                table = raw & ADDRESS
                continue
            new = take()
            self.entries(table)[index] = new | permissive
            self.add(new, {})
            table = new
        return self.entries(table)

    def fill(
        self, root: int, va: int, level: int, raws: list[int], take: Callable[[], int]
    ) -> None:
        """Put leaves of a level at consecutive pages from `va` on."""
        shift, done = _SHIFTS[level], 0
        while done < len(raws):
            table = self.table_for(root, va + (done << shift), level, take)
            index = (va >> shift) + done & INDEX_MASK
            chunk = raws[done : done + ENTRIES - index]
            table.update(zip(range(index, index + len(chunk)), chunk, strict=True))
            done += len(chunk)

    def remove(self, root: int, first: int, last: int) -> tuple[list[int], list[int]]:
        """Remove every leaf in [first, last] and the tables that become empty.

        Returns the leaves' physical addresses, ascending by virtual one, and the tables' frames.
        PDPTs of the upper half stay.
        """
        pages: list[int] = []
        emptied: list[int] = []
        self._remove(root, LEVELS, 0, first, last, pages, emptied)
        return pages, emptied

    def _remove(
        self,
        table: int,
        level: int,
        base: int,
        first: int,
        last: int,
        pages: list[int],
        emptied: list[int],
    ) -> None:
        entries = self._tables[table]
        for index in _present(entries, *_indices(level, base, first, last)):
            raw = entries[index]
            if is_leaf(raw, level):
                pages.append(leaf_address(raw, level))
                del self.entries(table)[index]
                continue
            below = raw & ADDRESS
            vaddr = _virtual(level, base, index)
            self._remove(below, level - 1, vaddr, first, last, pages, emptied)
            if not self._tables[below] and not (level == LEVELS and index >= UPPER_HALF_SLOT):
                emptied.append(below)
                self.drop(below)
                del self.entries(table)[index]

    def change(self, root: int, first: int, last: int, raw_of: Callable[[Leaf], int]) -> None:
        """Give every leaf that touches [first, last] a new entry."""
        for leaf in list(leaves(self._tables, root, first, last)):
            slot = find(self._tables, root, leaf.vaddr)
            self.entries(slot.table)[slot.position] = raw_of(leaf)
