"""Every page and table of a root, a level at a time: `plain_scan` at the speed of memory.

The plain scan is the readable truth and this says the same, held equal by tests. It takes all
tables of one level together: one gather reads them, and a few operations on whole arrays take them
apart. Memory that lies in this process is gathered from where it is; any other is read table by
table.

Hostile tables are bounded as in a scan: after `limit` records in address order, or one problem more
than `PROBLEM_LIMIT`, comes one problem that says so. Working level by level, where that is can only
come closer: what is found of a level is cut where it is known to end by then. And as every present
entry stands for a record at least, of each level no more is read than the tables that hold `limit`
of them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from ringbench.arch.x86_64.address import (
    ADDRESS_END,
    ENTRIES,
    PAGE_SIZE,
)
from ringbench.arch.x86_64.entry import (
    NX,
    CacheMode,
    P,
    U,
    W,
    address_mask,
    cache_modes,
    large_bit,
    reserved_mask,
)
from ringbench.arch.x86_64.features import ANY, Features
from ringbench.arch.x86_64.gather import Frames, Places
from ringbench.arch.x86_64.leaves import Bytes, Flags, Leaves, Words
from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.arch.x86_64.problems import Problems
from ringbench.arch.x86_64.records import (
    DEFAULT_LIMIT,
    PROBLEM_LIMIT,
    Problem,
    RecursiveSlot,
    Stop,
)
from ringbench.arch.x86_64.tables import AddressSpace, Tables
from ringbench.arch.x86_64.walk import root_table

_FEWEST: Final = 64
_MOST: Final = 4096
"""Bounds of how many tables are taken together: 256 KiB and 16 MiB of entries."""

_PRESENT: Final = np.uint64(P)
_RIGHTS: Final = np.uint64(W | U)
_NX: Final = np.uint64(NX)


def decode(
    memory: PhysicalMemory,
    root: int,
    features: Features = ANY,
    limit: int = DEFAULT_LIMIT,
    *,
    fold: bool = False,
) -> AddressSpace:
    """Decode every table, leaf and problem under `root` (its address or a CR3 value).

    After `limit` of them in address order, or `PROBLEM_LIMIT` problems, comes one `Problem` with
    `Stop.LIMIT`. With `fold`, slots of the root that lead to itself are noted as such, and not
    followed as hardware would.
    """
    return Decoder(memory, features, fold=fold).decode(root_table(root, features), limit=limit)


class Decoder:
    """Decodes the roots of one memory, which must not change meanwhile.

    Attributes:
        once: whether a frame that is met again at one level of one root is a problem, and not
            followed: as much as what is stored, not as much as what is mapped.
        fold: whether slots of a root that lead to itself are noted, and not followed.
        entries: where not None, gets the 512 entries of every table read, by physical address.
        most: frames that `entries` may have before no further table is read, of any root.
    """

    def __init__(
        self,
        memory: PhysicalMemory,
        features: Features = ANY,
        *,
        once: bool = False,
        fold: bool = False,
        entries: dict[int, Words] | None = None,
        most: int = DEFAULT_LIMIT,
    ) -> None:
        self.once = once
        self.fold = fold
        self.entries = entries
        self.most = most
        self._features = features
        self._levels = features.levels
        self._frames = Frames(memory)
        self._modes = cache_modes(features)

    def decode(
        self,
        root: int,
        ignore: Callable[[Words], Flags] | None = None,
        limit: int = DEFAULT_LIMIT,
    ) -> AddressSpace:
        """Decode what is under the root table at `root`.

        `ignore` is given the root's entries and returns which of them are not to be followed.
        """
        limit = max(limit, 0)
        found = _Found(self._levels, limit)
        places = Places.of(root)
        for level in range(self._levels, 0, -1):
            if not len(places):
                break
            again = _met_before(places.paddr) if self.once else np.zeros(len(places), np.bool_)
            below: list[Places] = []
            start, left = 0, limit
            while start < len(places) and left >= 0:
                part = slice(start, start + min(max(left // ENTRIES, _FEWEST), _MOST))
                here = places.pick(part)
                if self.entries is not None and len(self.entries) + len(here) > self.most:
                    found.end = min(found.end, int(here.vaddr[0]) | self._levels - level)
                    break
                words, present = self._read(level, here, again[part], found)
                if level == self._levels:
                    if ignore is not None:
                        present &= ~ignore(words[0])
                    if self.fold:
                        self._fold(root, words[0], present[0], found)
                start, left = part.stop, left - len(here) - int(np.count_nonzero(present))
                below.append(self._take(level, here, words, present, found))
            places = found.cut(Places.join(below) if below else Places.none(), level - 1)
        return found.space(root, self._modes)

    def _read(self, level: int, here: Places, again: Flags, found: "_Found") -> tuple[Words, Flags]:
        """Return the tables' entries, and which of them are present and to be followed."""
        words, readable = self._frames.read(here.paddr)
        present = (words & _PRESENT) != 0
        there = here.pick(readable)
        count = np.count_nonzero(present, axis=1)[readable]
        levels = np.full(len(there), level, np.uint8)
        found.tables.append(Tables(there.paddr, there.vaddr, levels, count))
        if self.entries is not None:
            rows = zip(here.paddr.tolist(), words, readable.tolist(), strict=True)
            self.entries.update((paddr, row) for paddr, row, is_there in rows if is_there)
        for stop, which in ((Stop.UNREADABLE, ~readable), (Stop.REPEATED, readable & again)):
            if which.any():
                places = here.pick(which)
                found.problems.append(Problems.of_tables(stop, level, places.paddr, places.vaddr))
        present[again] = False
        return words, present

    def _fold(self, root: int, words: Words, present: Flags, found: "_Found") -> None:
        """Note which entries of the root lead to itself, and take them out of `present`."""
        address = address_mask(self._levels, False, self._features.physical_bits)
        deciding = address | P | reserved_mask(self._levels, False, self._features)
        slots = present & ((words & np.uint64(deciding)) == np.uint64(root | P))
        for slot in np.flatnonzero(slots).tolist():
            found.recursive.append(RecursiveSlot.of(slot, int(words[slot]), self._levels))
        present &= ~slots

    def _take(
        self, level: int, here: Places, words: Words, present: Flags, found: "_Found"
    ) -> Places:
        """Keep the leaves of these tables, and return the tables that they lead to."""
        features = self._features
        large = present
        if level > 1:
            large = present & ((words & np.uint64(large_bit(level, features))) != 0)
        good = self._usable(level, True, here, words, large, found)
        if good.any():
            found.leaves.append(self._leaves(level, here, words, good))
        if level == 1 or not (lower := present & ~large).any():
            return Places.none()
        good = self._usable(level, False, here, words, lower, found)
        raw, above = words[good], here.of_each(here.above, good)
        return Places(
            raw & np.uint64(address_mask(level, False, features.physical_bits)),
            _selected(here.served(level, self._levels), good),
            (above & raw & _RIGHTS) | ((above | raw) & _NX),
        )

    def _leaves(self, level: int, here: Places, words: Words, which: Flags) -> Leaves:
        """Return what the marked entries map."""
        raw = _selected(words, which)
        return Leaves(
            vaddr=_selected(here.served(level, self._levels), which),
            paddr=raw & np.uint64(address_mask(level, True, self._features.physical_bits)),
            raw=raw,
            table=here.of_each(here.paddr, which),
            level=np.full(len(raw), level, np.uint8),
            rights=_rights(here.of_each(here.above, which), raw),
            modes=self._modes,
        )

    def _usable(
        self, level: int, leaf: bool, here: Places, words: Words, which: Flags, found: "_Found"
    ) -> Flags:
        """Return those of the marked entries that have no reserved bit set; note the others."""
        reserved = reserved_mask(level, leaf, self._features)
        if not reserved:
            return which
        bad: Flags = which & ((words & np.uint64(reserved)) != 0)
        if not bad.any():
            return which
        row, index = np.nonzero(bad)
        vaddr, paddr = here.served(level, self._levels)[bad], here.paddr[row]
        found.problems.append(Problems.of_entries(level, vaddr, paddr, index, words[bad]))
        return which & ~bad


def _rights(above: Words, raw: Words) -> Bytes:
    """Return the effective rights of leaves: the vector form of `walk.inherit`."""
    rights = (above & raw & _RIGHTS).astype(np.uint8)
    rights |= (above | raw) < _NX  # EXECUTE is 1
    return rights


def _selected(matrix: Words, which: Flags) -> Words:
    """Return the marked elements, row by row."""
    return matrix.reshape(-1) if which.all() else matrix[which]


def _met_before(paddrs: Words) -> Flags:
    """Return which of these addresses stand further to the front as well."""
    again = np.ones(len(paddrs), np.bool_)
    again[np.unique(paddrs, return_index=True)[1] if len(paddrs) > 1 else 0] = False
    return again


@dataclass(slots=True)
class _Found:
    """What has been found under a root so far, level by level.

    Attributes:
        end: the place of the first record that is not part of the listing. The place of a record
            in a scan is its address and, as tables come first, its level.
    """

    levels: int
    limit: int
    tables: list[Tables] = field(default_factory=list)
    leaves: list[Leaves] = field(default_factory=list)
    problems: list[Problems] = field(default_factory=list)
    recursive: list[RecursiveSlot] = field(default_factory=list)
    end: int = ADDRESS_END

    def cut(self, below: Places, level: int) -> Places:
        """Drop what is known to be past the end; return which of the next level's tables are not.

        Whatever is found later can only bring the end nearer.
        """
        counts = [sum(map(len, parts)) for parts in (self.tables, self.leaves, self.problems)]
        if sum(counts) > self.limit or counts[2] > PROBLEM_LIMIT:
            self._find_end()
        if self.end == ADDRESS_END:
            return below
        end = np.uint64(self.end)
        self.tables = [each.pick(self._of_tables(each) < end) for each in self.tables]
        self.leaves = [each.pick(self._of_leaves(each) < end) for each in self.leaves]
        self.problems = [each.pick(self._of_leaves(each) < end) for each in self.problems]
        return below.pick(below.vaddr | np.uint64(self.levels - level) < end)

    def _find_end(self) -> None:
        problems = [self._of_leaves(each) for each in self.problems]
        places = [*map(self._of_tables, self.tables), *map(self._of_leaves, self.leaves), *problems]
        self.end = min(self.end, _place(places, self.limit), _place(problems, PROBLEM_LIMIT))

    def space(self, root: int, modes: tuple[CacheMode, ...]) -> AddressSpace:
        """Return it in order, up to the record at which a scan with this limit ends."""
        tables, leaves = Tables.join(self.tables), Leaves.join(self.leaves, modes)
        problems = list(Problems.join(self.problems))
        vaddr = self.end & -PAGE_SIZE
        if self.end != ADDRESS_END:
            over = Problem(Stop.LIMIT, vaddr, ADDRESS_END - vaddr, self.levels, root)
            problems.append(over)
        slots = tuple(each for each in self.recursive if each.vaddr < vaddr)
        return AddressSpace(root, self.levels, tables, leaves, tuple(problems), slots)

    def _of_tables(self, tables: Tables) -> Words:
        return tables.vaddr | (np.uint8(self.levels) - tables.level)

    def _of_leaves(self, leaves: Leaves | Problems) -> Words:
        return leaves.vaddr | np.uint64(self.levels)


def _place(places: list[Words], number: int) -> int:
    """Return the place of a record by its number in a scan; past all addresses if it has none."""
    if sum(map(len, places)) <= number:
        return ADDRESS_END
    return int(np.partition(np.concatenate(places), number)[number])
