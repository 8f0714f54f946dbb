"""Translations that the processor may have cached: an access, one entry changed, another access.

Unless INVLPG comes between, the second access may be answered by what was in memory before or by
what is there now (Intel SDM 3A 4.10.4.2 to 4.10.4.4). But of an entry that was not present or had a
reserved bit set nothing is ever cached (4.10.2.3, 4.10.3.1): once it is made good, the next access
must see it, INVLPG or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

import numpy as np

from ringbench.arch.x86_64.address import LEVELS, entry_span
from ringbench.arch.x86_64.entry import ADDRESS, NX, PS, A, D, P, U, W
from ringbench.arch.x86_64.leaves import Flags, Positions, Words
from ringbench.arch.x86_64.outcome import Controls
from ringbench.arch.x86_64.outcome_bulk import NO_FAULT, Outcomes, outcomes
from tests.permissions.combinations import ALL_CONTROLS, SLOTS
from tests.permissions.performer import Batch, Performer, Place
from tests.permissions.verdict import Answer, Judge

RESERVED: Final = 1 << 51
RIGHTS: Final = tuple(w | u | nx for nx, u, w in product((0, NX), (0, U), (0, W)))

_ZERO: Final = np.uint64(0)
_A, _D, _P = np.uint64(A), np.uint64(D), np.uint64(P)


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of a walk, before and after.

    Attributes:
        leaf: level of the walk's last entry.
        level: of the entry that changes.
        before: the flags that it has first, apart from A, D and PS.
        clear, set: bits that are then cleared and set.
        dirty: whether the leaf has D from the beginning.
    """

    leaf: int
    level: int
    before: int
    clear: int
    set: int
    dirty: bool

    def walk(self, place: Place) -> tuple[int, ...]:
        """Return the entries before the change, PML4E to PTE; all but one allow everything."""
        entries = [table | P | W | U | A for table in (*place.tables, place.frames[1])]
        column = LEVELS - self.leaf
        page = place.frames[0] & -entry_span(self.leaf) | (PS if self.leaf > 1 else 0)
        entries[column] = page | P | W | U | A | (D if self.dirty else 0)
        at = LEVELS - self.level
        entries[at] = entries[at] & ~(P | W | U) | self.before
        return tuple(entries)


def changes(place: Place) -> list[Change]:
    """Return every change of one entry, at every level of a walk to a page of every size."""
    everything, usable = P | W | U | NX | RESERVED, [P | rights for rights in RIGHTS]
    unusable = [W | U, P | W | U | RESERVED]
    found = []
    for leaf in (1, 2, 3):
        steps = [(everything, flags) for flags in (*usable, *unusable)] + [(A, 0)]
        at_leaf = [(D, 0), (ADDRESS, place.frames[1] & -entry_span(leaf))]
        for level, dirty in product(range(leaf, LEVELS + 1), (False, True)):
            more = at_leaf if level == leaf else []
            pairs = [*product(usable, steps + more), *product(unusable, steps[: len(usable)])]
            found += [
                Change(leaf, level, before, clear, set_, dirty) for before, (clear, set_) in pairs
            ]
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """All pairs of accesses around a change, as parallel arrays.

    Attributes:
        before: (n, 4) the entries at first.
        column: (n,) of the entry that changes.
        clear, set: (n,) the bits that change in it.
        leaf: (n,) the column of the last entry.
        first, second: (n,) what the accesses are, in terms of `AccessBits`.
    """

    before: Words
    column: Words
    clear: Words
    set: Words
    leaf: Words
    first: Words
    second: Words

    def __len__(self) -> int:
        return len(self.before)

    @classmethod
    def all(cls, performer: Performer) -> Pairs:
        """Return every change between every two kinds of access, with INVLPG and without."""
        bits = performer.bits
        kinds = [r | k for r in (0, bits.user) for k in (bits.read, bits.write, bits.fetch)]
        both = np.array(list(product(kinds, kinds, (0, bits.flush))), np.uint64)
        steps = changes(performer.place)
        repeat = len(both)

        def column(values: Iterable[object]) -> Words:
            return np.repeat(np.array(list(values), np.uint64), repeat, axis=0)

        return cls(
            before=column(step.walk(performer.place) for step in steps),
            column=column(LEVELS - step.level for step in steps),
            clear=column(step.clear for step in steps),
            set=column(step.set for step in steps),
            leaf=column(LEVELS - step.leaf for step in steps),
            first=np.tile(both[:, 0] | np.uint64(bits.flush), len(steps)),
            second=np.tile(both[:, 1] | both[:, 2], len(steps)),
        )

    def pick(self, which: Positions) -> Pairs:
        """Return some of them."""
        return Pairs(
            *(
                each[which]
                for each in (
                    *(self.before, self.column, self.clear, self.set),
                    *(self.leaf, self.first, self.second),
                )
            )
        )


@dataclass(frozen=True, slots=True, eq=False)
class StaleBatch(Batch):
    """A batch in which every second request follows on a change; `pairs` are half as many."""

    pairs: Pairs
    cached: Words


def batches(performer: Performer, judge: Judge, step: int, seed: int = 1) -> Iterator[StaleBatch]:
    """Yield every `step`-th pair under all control bits, other pairs under each."""
    pairs = Pairs.all(performer)
    half = performer.capacity // 2
    for number, controls in enumerate(ALL_CONTROLS):
        chosen = np.arange((seed + 5 * number) % step, len(pairs), step)
        page = performer.place.page(SLOTS[number % len(SLOTS)])
        for first in range(0, len(chosen), half):
            yield _batch(judge, controls, page, pairs.pick(chosen[first : first + half]))


def _batch(judge: Judge, controls: Controls, page: int, pairs: Pairs) -> StaleBatch:
    """Return pairs as requests: the second of each has the entries that the first leaves behind."""
    opening = Batch(controls, page, pairs.before, pairs.first)
    left = outcomes(judge.accesses(opening)).certain
    changed, rows = left.copy(), np.arange(len(pairs))
    at = pairs.column.astype(np.intp)
    changed[rows, at] = changed[rows, at] & ~pairs.clear | pairs.set
    entries = np.stack([pairs.before, changed], axis=1).reshape(-1, LEVELS)
    access = np.stack([pairs.first, pairs.second], axis=1).reshape(-1)
    return StaleBatch(controls, page, entries, access, pairs, left)


def stale_answer(judge: Judge, batch: StaleBatch, flush: int) -> Answer:
    """Return what caches may answer: for the second accesses without INVLPG, where any may be.

    Where none may be, it is the answer of the entries in memory once more.
    """
    accesses = judge.accesses(batch)
    fresh = outcomes(accesses)
    held = np.stack([batch.cached, batch.cached], axis=1).reshape(-1, LEVELS)
    old = outcomes(replace(accesses, entries=held))
    rows = np.arange(len(batch))
    second = rows % 2 == 1
    pair = rows // 2
    usable = _usable(accesses.entries, accesses.features.physical_bits, batch.controls.nxe)
    was = _usable(held, accesses.features.physical_bits, batch.controls.nxe)
    may = second & (batch.access & np.uint64(flush) == _ZERO)
    may &= was[rows, batch.pairs.column[pair].astype(np.intp)]
    leaf = batch.pairs.leaf[pair].astype(np.intp)
    certain, left_open = _entries_after(accesses.entries, held, usable, leaf, old, accesses.write)
    seen = replace(
        fresh,
        code=np.where(may, old.code, fresh.code),
        paddr=np.where(may, old.paddr, fresh.paddr),
        certain=np.where(may[:, None], certain, fresh.certain),
        open=np.where(may[:, None], left_open, fresh.open),
        level=np.where(may, old.level, fresh.level),
        reserved=np.where(may, old.reserved, fresh.reserved),
    )
    return Answer(accesses, seen)


def _entries_after(
    now: Words, cached: Words, usable: Flags, leaf: Positions, old: Outcomes, write: Flags
) -> tuple[Words, Words]:
    """Return what is certain and what is open in entries whose old values were used.

    Flags that were set when the entry was cached need not be set again (Intel SDM 3A 4.8). A write
    through a page that was not dirty then must still make it so, in the entry as it is now.
    """
    rows, certain = np.arange(len(now)), now.copy()
    left_open = np.where(usable, _A & ~now, _ZERO)
    wrote = write & (old.code == NO_FAULT) & usable[rows, leaf]
    dirty = cached[rows, leaf] & _D != _ZERO
    certain[rows, leaf] |= np.where(wrote & ~dirty, _D, _ZERO)
    left_open[rows, leaf] |= np.where(wrote & dirty, _D & ~now[rows, leaf], _ZERO)
    return certain, left_open


def _usable(entries: Words, physical_bits: int, nxe: bool) -> Flags:
    """Tell which entries are present and have none of the reserved bits that changes here set."""
    reserved = np.uint64(RESERVED | (0 if nxe else NX))
    usable: Flags = (entries & _P != _ZERO) & (entries & reserved == _ZERO)
    return usable
