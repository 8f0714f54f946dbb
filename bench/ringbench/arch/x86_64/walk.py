"""The page-table walk of one address, level by level (Intel SDM 3A 4.5).

One loop serves all levels: what differs between them is in `entry`. Permissions of a page are
effective ones (Intel SDM 3A 4.6): write and user are the AND, no-execute the OR over all levels.

This is the readable truth that the bench's other readings of page tables are compared with.
"""

from typing import Final, TypeAlias

from ringbench.arch.x86_64.address import ENTRY_SIZE, entry_span, is_canonical, table_index
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
)
from ringbench.arch.x86_64.features import ANY, Features
from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.arch.x86_64.records import Leaf, Step, Stop, Translation
from ringbench.errors import MemoryUnreadable

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


def root_table(root: int, features: Features = ANY) -> int:
    """Return the root table's physical address in a CR3 value (Intel SDM 3A 4.5.2).

    PCID, PWT, PCD and bit 63 are dropped.
    """
    return root & address_mask(features.levels, False, features.physical_bits)


def translate(
    memory: PhysicalMemory, root: int, vaddr: int, features: Features = ANY
) -> Translation:
    """Walk the tables of `root` (its address or a CR3 value) for one virtual address."""
    root = root_table(root, features)
    if not is_canonical(vaddr, features.levels):
        return Translation(vaddr, root, (), None, Stop.NON_CANONICAL, features.levels)
    steps: list[Step] = []
    table, inherited = root, EVERYTHING
    for level in range(features.levels, 0, -1):
        index = table_index(vaddr, level)
        try:
            stored = memory.read(table + ENTRY_SIZE * index, ENTRY_SIZE)
        except MemoryUnreadable:
            return Translation(vaddr, root, tuple(steps), None, Stop.UNREADABLE, level)
        entry = Entry.of(int.from_bytes(stored, "little"), level, features)
        steps.append(Step(level, table, index, entry))
        if not entry.present:
            return Translation(vaddr, root, tuple(steps), None, Stop.NOT_PRESENT, level)
        if entry.reserved:
            return Translation(vaddr, root, tuple(steps), None, Stop.RESERVED, level)
        if entry.leaf:
            size = entry_span(level)
            attributes = leaf_attributes(entry.raw, level, inherited, features)
            leaf = Leaf(vaddr & -size, entry.address, size, *attributes, entry.raw)
            return Translation(vaddr, root, tuple(steps), leaf, None, level)
        table, inherited = entry.address, inherit(inherited, entry.raw)
    raise AssertionError("a present PT entry is a leaf")
