"""`outcome` for many walks at once, at the speed of memory; a test holds the two equal.

A walk is the four entries that it meets, PML4E first, those below a leaf as well, wherever they
lie. All addresses are canonical: a fault is a page fault.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ringbench.arch.x86_64.address import LEVELS, entry_span
from ringbench.arch.x86_64.entry import NX, A, D, P, U, W, address_mask, large_bit, reserved_mask
from ringbench.arch.x86_64.features import Features
from ringbench.arch.x86_64.leaves import Flags, Words
from ringbench.arch.x86_64.outcome import Controls
from ringbench.arch.x86_64.vectors import PageFaultCode

NO_FAULT: Final = -1

_ZERO: Final = np.uint64(0)
_P, _W, _U, _NX = np.uint64(P), np.uint64(W), np.uint64(U), np.uint64(NX)
_A, _D = np.uint64(A), np.uint64(D)


@dataclass(frozen=True, slots=True, eq=False)
class Accesses:
    """Accesses through walks, all under the same control bits.

    Attributes:
        entries: (n, 4), PML4E to PTE.
        vaddr: (n,) the canonical address accessed.
        write, fetch: (n,) what it does; a read is neither.
        user: (n,) whether it is a user-mode access.
        controls: the control bits.
        features: the processor; its `nx` is not looked at, but `controls.nxe`.
    """

    entries: Words
    vaddr: Words
    write: Flags
    fetch: Flags
    user: Flags
    controls: Controls
    features: Features

    def __len__(self) -> int:
        return len(self.entries)


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """What must become of accesses.

    Attributes:
        code: (n,) the error code of the page fault, or NO_FAULT.
        paddr: (n,) the byte reached; 0 where there is a fault.
        certain, open: (n, 4) the entries afterwards, as in `EntryAfter`.
        level: (n,) where the walk ended: of the leaf, or of the entry at fault.
        reserved: (n,) the reserved bits set in the entry where it ended.
    """

    code: NDArray[np.int32]
    paddr: Words
    certain: Words
    open: Words
    level: NDArray[np.uint8]
    reserved: Words


@dataclass(slots=True)
class _Walk:
    """What the walks have come to so far; flags of `used` entries are by column."""

    write: Flags
    user: Flags
    no_execute: Flags
    paddr: Words
    level: NDArray[np.uint8]
    reserved: Words
    mapped: Flags
    used: NDArray[np.bool_]
    leaf: NDArray[np.bool_]


def outcomes(accesses: Accesses) -> Outcomes:
    """Return what becomes of accesses whose entries the processor has not cached."""
    walk = _walk(accesses)
    code = _base_codes(accesses)
    code[walk.reserved != _ZERO] |= PageFaultCode.P | PageFaultCode.RSVD
    code[walk.mapped] |= PageFaultCode.P
    passed = walk.mapped & _allowed(accesses, walk)
    code[passed] = NO_FAULT
    accessed = np.where(walk.used, _A, _ZERO)
    dirty = np.where(walk.leaf & (passed & accesses.write)[:, None], _D, _ZERO)
    through = passed[:, None]
    return Outcomes(
        code=code,
        paddr=np.where(passed, walk.paddr, _ZERO),
        certain=accesses.entries | np.where(through, accessed | dirty, _ZERO),
        open=np.where(through, _ZERO, accessed & ~accesses.entries),
        level=walk.level,
        reserved=walk.reserved,
    )


def _walk(accesses: Accesses) -> _Walk:
    """Follow all walks, a level at a time."""
    count, old = len(accesses), accesses.features
    features = Features(old.physical_bits, old.gib_pages, accesses.controls.nxe)
    walk = _Walk(
        write=np.ones(count, bool),
        user=np.ones(count, bool),
        no_execute=np.zeros(count, bool),
        paddr=np.zeros(count, np.uint64),
        level=np.zeros(count, np.uint8),
        reserved=np.zeros(count, np.uint64),
        mapped=np.zeros(count, bool),
        used=np.zeros((count, LEVELS), bool),
        leaf=np.zeros((count, LEVELS), bool),
    )
    alive = np.ones(count, bool)
    for level in range(LEVELS, 0, -1):
        column = LEVELS - level
        raw = accesses.entries[:, column]
        leaf = _leaves(raw, level, features)
        walk.level[alive] = level
        present = alive & (raw & _P != _ZERO)
        in_leaf = np.uint64(reserved_mask(level, True, features))
        in_table = np.uint64(reserved_mask(level, False, features))
        reserved = np.where(present, raw & np.where(leaf, in_leaf, in_table), _ZERO)
        walk.reserved |= reserved
        used = present & (reserved == _ZERO)
        walk.write &= ~used | (raw & _W != _ZERO)
        walk.user &= ~used | (raw & _U != _ZERO)
        walk.no_execute |= used & (raw & _NX != _ZERO)
        mapped = used & leaf
        offset = accesses.vaddr & np.uint64(entry_span(level) - 1)
        base = raw & np.uint64(address_mask(level, True, features.physical_bits))
        walk.paddr[mapped] = (base | offset)[mapped]
        walk.used[:, column], walk.leaf[:, column] = used, mapped
        walk.mapped |= mapped
        alive = used & ~leaf
    return walk


def _leaves(raw: Words, level: int, features: Features) -> Flags:
    """Tell which entries of a level map a page, if they are present."""
    if level == 1:
        return np.ones(len(raw), bool)
    large: Flags = raw & np.uint64(large_bit(level, features)) != _ZERO
    return large


def _allowed(accesses: Accesses, walk: _Walk) -> Flags:
    """Tell which accesses the rights of their pages allow (Intel SDM 3A 4.6.1)."""
    controls, user, fetch, write = accesses.controls, accesses.user, accesses.fetch, accesses.write
    refused = user & ~walk.user
    refused |= write & ~walk.write & (user | controls.wp)
    refused |= fetch & walk.no_execute  # without EFER.NXE, NX is reserved: no such page
    across = ~user & walk.user
    if controls.smep:
        refused |= across & fetch
    if controls.smap and not controls.ac:
        refused |= across & ~fetch
    return ~refused


def _base_codes(accesses: Accesses) -> NDArray[np.int32]:
    """Return the bits of an error code that describe the access (Intel SDM 3A 4.7)."""
    code = np.zeros(len(accesses), np.int32)
    code[accesses.write] |= PageFaultCode.W
    code[accesses.user] |= PageFaultCode.U
    if accesses.controls.nxe or accesses.controls.smep:
        code[accesses.fetch] |= PageFaultCode.I
    return code
