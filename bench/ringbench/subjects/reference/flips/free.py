"""The bits that are free by nature: who flips one changes nothing that anybody relies on.

This is the whole list; a flip of any other bit must be caught. Some free bits are compared all the
same, because the model predicts them: those must be caught too, and `compared` says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ringbench.arch.x86_64.address import ADDRESS_MASK
from ringbench.arch.x86_64.entry import AVAILABLE_HIGH, AVAILABLE_LOW, A, D, G, P, is_leaf
from ringbench.arch.x86_64.features import ANY, Features


@dataclass(frozen=True, slots=True)
class FreeBits:
    """A kind of bits without a meaning.

    Attributes:
        name: what they are.
        reason: why nobody minds.
        compared: whether the check compares them nevertheless, so that a flip must be caught.
    """

    name: str
    reason: str
    compared: bool


ACCESSED: Final = FreeBits(
    "accessed bit",
    "of a present entry: the processor sets it when it likes (Intel SDM 3A 4.8)",
    compared=False,
)
DIRTY: Final = FreeBits(
    "dirty bit",
    "of a present leaf: the processor sets it at a write (Intel SDM 3A 4.8)",
    compared=False,
)
AVAILABLE: Final = FreeBits(
    "available bits",
    "9-11 and 52-62 of a present entry: ignored by the processor, protection keys being off "
    "(Intel SDM 3A 4.5.4); this kernel keeps 0 there",
    compared=True,
)
LEAF_ONLY: Final = FreeBits(
    "dirty and global bits of an entry that leads to a table",
    "ignored by the processor (Intel SDM 3A 4.5.4); this kernel keeps 0 there",
    compared=True,
)
ABSENT: Final = FreeBits(
    "bits 1-63 of an entry that is not present",
    "ignored by the processor (Intel SDM 3A 4.5.4); this kernel keeps 0 there",
    compared=True,
)
PADDING: Final = FreeBits(
    "padding of a struct",
    "between members, after them, or a member that is called so: no code reads it",
    compared=False,
)
GAP: Final = FreeBits(
    "rest of a frame of bitmaps",
    "what alignment leaves between two arrays and after the last: no code reads it",
    compared=False,
)
FREE_RECORD: Final = FreeBits(
    "record of a region or a task that is free",
    "whatever its last user left there: it is written whole before it is used again",
    compared=False,
)
PAST_COUNT: Final = FreeBits(
    "memory range, module or disk past the count, or file that is not open",
    "no code reads it",
    compared=False,
)
AFTER_NUL: Final = FreeBits(
    "text after its NUL",
    "no code reads past the end of a text",
    compared=False,
)
ECHO: Final = FreeBits(
    "echo of the console",
    "a switch of whoever types, which the model does not follow; a byte that is no boolean is "
    "caught",
    compared=False,
)

REQUEST_DONE: Final = FreeBits(
    "queue of a disk, but for its counts",
    "of requests that are done: the kernel writes what the device reads before it tells it of the "
    "next one",
    compared=False,
)

FREE: Final = (
    ACCESSED,
    DIRTY,
    AVAILABLE,
    LEAF_ONLY,
    ABSENT,
    PADDING,
    GAP,
    FREE_RECORD,
    PAST_COUNT,
    AFTER_NUL,
    ECHO,
    REQUEST_DONE,
)
"""All kinds of free bits there are."""


def free_in_entry(raw: int, level: int, features: Features = ANY) -> dict[FreeBits, int]:
    """Return the free bits of a page-table entry at a level (4 = PML4 .. 1 = PT), kind by kind.

    What must be 0 in a present entry is not free: set, it makes the entry fault (Intel SDM 3A
    4.5.4).
    """
    if not raw & P:
        return {ABSENT: ~P & ADDRESS_MASK}
    free = {ACCESSED: A, AVAILABLE: AVAILABLE_LOW | AVAILABLE_HIGH}
    if is_leaf(raw, level, features):
        free[DIRTY] = D
    else:
        free[LEAF_ONLY] = D | G
    return free
