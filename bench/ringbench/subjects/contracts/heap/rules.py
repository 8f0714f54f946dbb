"""What a heap owes whoever calls it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ringbench.subjects.contracts.ledger import Block, Ledger
from ringbench.subjects.contracts.rule import Owed, Rule

FITS_ANY: Final = 16
"""Alignment of the type that needs most, in C for x86-64 (System V ABI, 3.1.2)."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What an operation of the heap's did; where it did not go so far, None.

    Attributes:
        call: the last call, with what it got.
        size: that was asked for.
        align: that was asked for, or that the configuration promises; 0 for neither.
        block: what was got; None if it was refused.
        old: what was given back, or was to become another block.
        changed: offset of the first byte of the old block that was not as it had been written.
        nonzero: offset of the first byte of the new block that is not zero and has to be.
        lost: offset of the first byte of the new block that is not the old one's and has to be.
        usable: what the heap says the block has.
        plain: whether nothing but a size was asked for.
    """

    call: str
    size: int = 0
    align: int = 0
    block: Block | None = None
    old: Block | None = None
    changed: int | None = None
    nonzero: int | None = None
    lost: int | None = None
    usable: int | None = None
    plain: bool = False


def _aligned(seen: Seen, ledger: Ledger) -> str | None:
    if seen.block is None or not seen.size:
        return None
    # A type whose size is no multiple of 16 needs less (WG14 N2293): 8 for 24 bytes, 1 for 7.
    align = seen.align or min(FITS_ANY, seen.size & -seen.size)
    if seen.block.address % align == 0:
        return None
    address = seen.block.address
    return f"{seen.call}: expected a multiple of {align}, seen {address:#x}"


def _disjoint(seen: Seen, ledger: Ledger) -> str | None:
    if seen.block is None or not seen.size:
        return None
    other = ledger.over(seen.block.address, seen.size)
    if other is None or other is seen.old:
        return None
    return (
        f"{seen.call}: expected memory that no other block has, seen "
        f"{seen.block.address:#x}..{seen.block.end:#x}, which has bytes of {other} with its "
        f"{other.size} bytes"
    )


def _contents(seen: Seen, ledger: Ledger) -> str | None:
    if seen.changed is None or seen.old is None:
        return None
    return f"before {seen.call}: {changed(seen.old, seen.changed)}"


def changed(block: Block, offset: int, byte: int | None = None) -> str:
    """Say that a byte of a block is not as it was written."""
    found = "another" if byte is None else f"{byte:#04x}"
    return (
        f"byte {offset} of {block}: expected {block.byte:#04x} as it was written, seen {found} at "
        f"{block.address + offset:#x}"
    )


def _zeroed(seen: Seen, ledger: Ledger) -> str | None:
    if seen.nonzero is None:
        return None
    return f"{seen.call}: expected zeros, seen another byte at offset {seen.nonzero}"


def _kept(seen: Seen, ledger: Ledger) -> str | None:
    if seen.lost is None or seen.old is None:
        return None
    return (
        f"{seen.call}: expected the first {min(seen.old.size, seen.size)} bytes of {seen.old}, "
        f"seen another byte at offset {seen.lost}"
    )


def _usable(seen: Seen, ledger: Ledger) -> str | None:
    if seen.usable is None or seen.usable >= seen.size:
        return None
    return f"{seen.call}: expected at least the {seen.size} bytes asked for, seen {seen.usable}"


def _freed(seen: Seen, ledger: Ledger) -> str | None:
    freed = ledger.freed
    if seen.block is not None or not seen.plain or not isinstance(freed, Block):
        return None
    if not freed.plain or freed.size != seen.size or not seen.size:
        return None
    return (
        f"{seen.call}: expected a block, for {freed} of the same size was given back just before, "
        "seen that there is no memory"
    )


CONTENTS: Final = Rule(
    "contents",
    "A block is its owner's until it is freed: nobody else writes to it (C17 7.22.3).",
    _contents,
)
DISJOINT: Final = Rule(
    "disjoint",
    "Each block is disjoint from every other (C17 7.22.3).",
    _disjoint,
)
FREED: Final = Rule(
    "freed",
    "What was given back can be had again (C17 7.22.3.3: made available for further "
    "allocation): by the next call, of the same size.",
    _freed,
)
RULES: Final[tuple[Rule[Seen], ...]] = (
    CONTENTS,
    Rule(
        "alignment",
        "A block can hold any object that fits its size, which has to be aligned (C17 7.22.3); "
        "more, where the configuration or the caller asks for it.",
        _aligned,
    ),
    DISJOINT,
    Rule("zeroed", "A zeroed block has all bits zero (C17 7.22.3.2).", _zeroed),
    Rule(
        "kept",
        "A block that was changed in size has the contents of the old one, up to the lesser of "
        "both sizes (C17 7.22.3.5).",
        _kept,
    ),
    Rule("usable", "A block has at least the bytes that were asked for.", _usable),
    FREED,
)
"""Those of single operations, in the order in which they are tried."""

ROUNDS: Final = Owed(
    "rounds",
    "Getting blocks and giving them back, over and over, can be done for ever: nothing is lost.",
)
ALL_BACK: Final = Owed(
    "all-back",
    "When all was given back, as many blocks of one size can be had as before.",
)
MERGED: Final = Owed(
    "merged",
    "A heap that promises to merge what is free has it again in any size: it is whole again.",
)
REFUSED: Final = Owed("refused", "Nobody has as much memory: saying otherwise is an overflow.")
