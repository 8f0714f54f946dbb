"""Every walk that an access can make, numbered, and the accesses that are made through it.

A walk is what its entries say down to the one where it ends: with a page of some size, or with an
entry that is not present or has a reserved bit set. Each of these entries has all combinations of
writable, user, no-execute and accessed, the last one of dirty too. Entries below the end make no
difference, and are open to everything, so that a walk that goes on is seen. Bits that the processor
ignores make none either; half of the walks have some of them set, drawn by the walk's number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np

from ringbench.arch.x86_64.address import LEVEL_NAMES, LEVELS, entry_shift, entry_span
from ringbench.arch.x86_64.entry import (
    NX,
    PAT_4K,
    PAT_LARGE,
    PCD,
    PS,
    PWT,
    A,
    D,
    G,
    P,
    U,
    W,
    bits,
    reserved_mask,
)
from ringbench.arch.x86_64.features import Features
from ringbench.arch.x86_64.leaves import Positions, Words
from ringbench.arch.x86_64.outcome import Controls
from tests.permissions.performer import Batch, Performer, Place

ALL_CONTROLS: Final = tuple(map(Controls._make, product((False, True), repeat=5)))
SLOTS: Final = (0x055, 0x1AA)
"""Entries of the PML4 that the test uses: an address in each half."""

RESERVED_AT_TOP: Final = 51
ACCESSES: Final = 6  # read, write and fetch, by supervisor and user
IGNORED: Final = PWT | PCD | G | bits(9, 11) | bits(52, 62)

_ZERO: Final = np.uint64(0)
_ONE: Final = np.uint64(1)


@dataclass(frozen=True, slots=True)
class End:
    """Where and how walks end.

    Attributes:
        level: of the last entry.
        leaf: whether that entry maps a page, or would.
        what: how it ends, in words.
        always: bits that the last entry has in all of these walks, P among them or not.
        ignored: bits of the last entry that make no difference.
        rights: the bits that each entry has in all combinations, A and D apart.
    """

    level: int
    leaf: bool
    what: str
    always: int
    ignored: int
    rights: tuple[int, ...]

    @property
    def used(self) -> int:
        """How many entries such a walk has."""
        return LEVELS + 1 - self.level

    @property
    def choices(self) -> int:
        """How many combinations of rights such walks have."""
        return int(1 << len(self.rights) * self.used)

    @property
    def patterns(self) -> int:
        """How many combinations of A in all entries and D in the last they have."""
        return int(2 << self.used)

    def __len__(self) -> int:
        return self.choices * self.patterns

    def __str__(self) -> str:
        return f"{LEVEL_NAMES[self.level]} {self.what}"


def ends(nxe: bool, features: Features) -> list[End]:
    """Return all ends that walks can come to.

    One reserved bit at a time: of the physical address the lowest and the highest, of a large
    page's address too, and PS or NX where they are reserved.
    """
    features = Features(features.physical_bits, features.gib_pages, nxe)
    rights = (W, U, NX) if nxe else (W, U)
    found = []
    for level in range(LEVELS, 0, -1):
        anything = IGNORED | PS | (0 if nxe else NX)
        found.append(End(level, level == 1, "not present", 0, anything, rights))
        reserved = reserved_mask(level, level == 1, features) & ~NX
        found.append(End(level, level == 1, "not present, reserved bits", reserved, 0, rights))
        for leaf in (False, True):
            if leaf and not (level < 3 or (level == 3 and features.gib_pages)):
                continue
            if level == 1 and not leaf:
                continue
            found += _present_ends(level, leaf, rights, features)
    return found


def _present_ends(
    level: int, leaf: bool, rights: tuple[int, ...], features: Features
) -> Iterator[End]:
    """Yield the ends in a present entry: the page itself, and each reserved bit."""
    large = leaf and level > 1
    always = P | (PS if large else 0)
    ignored = IGNORED | (PAT_LARGE if large else PAT_4K if leaf else 0)
    if leaf:
        yield End(level, leaf, f"{entry_span(level):#x}-byte page", always, ignored, rights)
    mask = reserved_mask(level, leaf, features)
    candidates: tuple[int, ...] = (1 << features.physical_bits, 1 << RESERVED_AT_TOP, PS, NX)
    if large:
        candidates += (PAT_LARGE << 1, 1 << entry_shift(level) - 1)
    for bit in sorted({bit for bit in candidates if bit & mask}):
        what = f"{'leaf' if large else 'entry'} with reserved bit {bit.bit_length() - 1}"
        yield End(level, leaf, what, always | bit, ignored, rights)


def total(features: Features) -> int:
    """Return how many combinations there are: of walk, access and control bits."""
    controls = len(ALL_CONTROLS) // 2
    return sum(
        len(end) * ACCESSES * controls for nxe in (False, True) for end in ends(nxe, features)
    )


def walks(end: End, numbers: Positions, place: Place, seed: int) -> Words:
    """Return the entries of the walks with these numbers, (n, 4): PML4E to PTE.

    A number is rights times `patterns` plus pattern. `seed` decides on the ignored bits.
    """
    entries = np.empty((len(numbers), LEVELS), np.uint64)
    entries[:] = [table | P | W | U for table in (*place.tables, place.frames[1])]
    rights, patterns = np.divmod(numbers.astype(np.uint64), np.uint64(end.patterns))
    last = end.used - 1
    for column in range(end.used):
        level = LEVELS - column
        if column < last:
            entries[:, column] = place.tables[column] | P
            noise = IGNORED | D
        else:
            entries[:, column] = _last(end, place)
            noise = end.ignored
        for bit in end.rights:
            entries[:, column] |= np.where(rights & _ONE != 0, np.uint64(bit), _ZERO)
            rights >>= _ONE
        entries[:, column] |= np.where(patterns & _ONE != 0, np.uint64(A), _ZERO)
        patterns >>= _ONE
        chance = mixed(numbers, seed + level)
        entries[:, column] |= np.where(chance & _ONE != 0, chance & np.uint64(noise), _ZERO)
    entries[:, last] |= np.where(patterns & _ONE != 0, np.uint64(D), _ZERO)
    return entries


def _last(end: End, place: Place) -> int:
    """Return the last entry of a walk, without rights."""
    if end.leaf or (end.always & PS and end.level < LEVELS):
        return place.frames[0] & -entry_span(end.level) | end.always
    return place.tables[LEVELS - end.level] | end.always


def batches(performer: Performer, draws: int | None, seed: int = 1) -> Iterator[Batch]:
    """Yield accesses through all walks under all control bits.

    Args:
        performer: who is to perform them.
        draws: how many combinations of A and D to draw for each of the rest; None: all of them.
        seed: decides what is drawn.
    """
    bits = performer.bits
    kinds = [ring | kind for ring in (0, bits.user) for kind in (bits.read, bits.write, bits.fetch)]
    pages = [performer.place.page(slot) for slot in SLOTS]
    for number, (controls, access) in enumerate(product(ALL_CONTROLS, kinds)):
        parts = _parts(performer, controls.nxe, draws, seed + 0x1_0000 * number)
        for entries in _pieces(parts, performer.capacity):
            marks = np.full(len(entries), access | bits.flush, np.uint64)
            yield Batch(controls, pages[number % len(pages)], entries, marks)


def _parts(performer: Performer, nxe: bool, draws: int | None, seed: int) -> Iterator[Words]:
    """Yield walks, some at a time."""
    for place, end in enumerate(ends(nxe, performer.features)):
        numbers = np.arange(len(end)) if draws is None else drawn(end, draws, seed + 8 * place)
        for first in range(0, len(numbers), performer.capacity):
            some = numbers[first : first + performer.capacity]
            yield walks(end, some, performer.place, seed + 8 * place)


def _pieces(parts: Iterable[Words], size: int) -> Iterator[Words]:
    """Yield the same rows in pieces of a size, the last one apart."""
    held = np.empty((0, LEVELS), np.uint64)
    for part in parts:
        held = np.concatenate([held, part])
        while len(held) >= size:
            yield held[:size]
            held = held[size:]
    if len(held):
        yield held


def drawn(end: End, draws: int, seed: int) -> Positions:
    """Return the numbers of walks with all rights, each with some patterns of A and D, drawn."""
    draws = min(draws, end.patterns)
    rights = np.repeat(np.arange(end.choices), draws)
    first = np.repeat(mixed(np.arange(end.choices), seed) >> np.uint64(32), draws).astype(np.int64)
    step = np.tile(np.arange(draws), end.choices) * (end.patterns // 4 + 1 | 1)
    return rights * end.patterns + (first + step) % end.patterns


def mixed(numbers: Positions, seed: int) -> Words:
    """Return 64 bits for each number that look random (splitmix64's last step)."""
    value = numbers.astype(np.uint64) + np.uint64(seed * 0x9E37_79B9_7F4A_7C15 % 2**64)
    value = (value ^ value >> np.uint64(30)) * np.uint64(0xBF58_476D_1CE4_E5B9)
    value = (value ^ value >> np.uint64(27)) * np.uint64(0x94D0_49BB_1331_11EB)
    return value ^ value >> np.uint64(31)
