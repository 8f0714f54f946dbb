"""How the heap writes down its nodes and sorts the free ones into lists (kernel/heap/heap.h).

A node begins with a header of 16 bytes: the size of the node before, a tag, which is the node's own
size with bit 0 for "in use", and a guard, which depends on both and on where the node is. Sizes in
headers are in units of 8 bytes.
"""

from typing import Final

from ringbench.subjects.reference.vocabulary.constants import (
    HEAP_ALIGN,
    HEAP_GUARD,
    HEAP_LINEAR,
    HEAP_SECOND_LEVELS,
)

UNIT: Final = 8
"""Bytes of size per unit in a header."""

_USED: Final = 1


def size_of(tag: int) -> int:
    """Return a node's bytes, header included, by its tag."""
    return (tag & ~_USED) * UNIT


def is_used(tag: int) -> bool:
    """Tell whether a node is in use, by its tag."""
    return bool(tag & _USED)


def previous_of(address: int, before: int) -> int:
    """Return the address of the node before, by what its header says; 0 if there is none."""
    return address - before * UNIT if before else 0


def guard_of(address: int, before: int, tag: int) -> int:
    """Return the 64-bit guard of a header with these other members."""
    return before ^ tag << 32 ^ address ^ HEAP_GUARD


def free_header(address: int, size: int, size_before: int) -> bytes:
    """Return the 16 bytes of a free node's header, from its size and that of the node before."""
    before, tag = size_before // UNIT, size // UNIT
    guard = guard_of(address, before, tag)
    return (before | tag << 32).to_bytes(8, "little") + guard.to_bytes(8, "little")


def size_class(size: int) -> tuple[int, int]:
    """Return the first and second level of the list for free nodes of `size` bytes."""
    if size < HEAP_LINEAR:
        return list_place(size // HEAP_ALIGN)
    k = size.bit_length() - 1
    return list_place(HEAP_SECOND_LEVELS * (k - 9) + (size >> (k - 6)))


def list_place(index: int) -> tuple[int, int]:
    """Return the first and second level of a free list by its place among the heads."""
    return divmod(index, HEAP_SECOND_LEVELS)
