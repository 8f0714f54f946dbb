"""Memory objects, and the trees of frames that their pages are found by, as they are in memory."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from ringbench.arch.x86_64.address import PAGE_SIZE
from ringbench.debuginfo.dwarf import Record
from ringbench.errors import MemoryUnreadable
from ringbench.observe.reader import GuestReader, member
from ringbench.subjects.reference.observe.names import ObjectNames
from ringbench.subjects.reference.vocabulary.constants import OBJECT_NODE_BITS
from ringbench.subjects.reference.vocabulary.handles import object_handle

LAYER: Final = "object"
LEVELS_MAX: Final = 3
NODE_COST: Final = 64
"""Records that a node counts as."""


@dataclass(frozen=True, slots=True)
class SeenNode:
    """A node of a tree: its frame, and those of its entries that are not 0, by their place in it.

    Of its level it is number `number`; the lowest level, whose entries are pages, is 1.
    """

    level: int
    number: int
    frame: int
    entries: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class SeenObject:
    """A memory object, as its record at `address` says; `nodes` are those of its tree.

    `pages` is its length; `top` the entry that leads to the topmost node.
    """

    id: int
    address: int
    references: int
    pages: int
    top: int
    levels: int
    has_handle: int
    nodes: tuple[SeenNode, ...]

    @property
    def handle(self) -> str:
        """What the console calls it."""
        return object_handle(self.id)

    def frames(self) -> Iterator[tuple[int, int]]:
        """Yield the pages that have a frame: index, and the frame's physical address."""
        for node in self.nodes:
            if node.level == 1:
                for place, entry in node.entries.items():
                    yield node.number << OBJECT_NODE_BITS | place, entry & -PAGE_SIZE


def node_place(handle: str, frame: int) -> str:
    """Return what a node of an object's tree is called in mismatches."""
    return f"{handle}: node {frame:#x}"


def read_objects(guest: GuestReader, names: ObjectNames) -> tuple[SeenObject, ...]:
    """Read all objects, in the order of their list."""
    found: list[SeenObject] = []

    def holder(index: int) -> str:
        return found[index - 1].handle if index else names.first

    first = guest.integer(names.first)
    for record in guest.chain(LAYER, first, names.object_type, names.next, holder):
        it = _read_object(guest, names, record)
        found.append(it)
    return tuple(found)


def _read_object(guest: GuestReader, names: ObjectNames, record: Record) -> SeenObject:
    handle = object_handle(member(record, names.id))
    top, levels = member(record, names.top), member(record, names.levels)
    followed = 1 <= levels <= LEVELS_MAX
    if not followed:
        guest.note(LAYER, f"its tree has {levels} levels", handle)
    return SeenObject(
        id=member(record, names.id),
        address=record.address,
        references=member(record, names.references),
        pages=member(record, names.pages),
        top=top,
        levels=levels,
        has_handle=member(record, names.has_handle),
        nodes=tuple(_read_nodes(guest, handle, top, levels)) if followed else (),
    )


def _read_nodes(guest: GuestReader, handle: str, top: int, levels: int) -> Iterator[SeenNode]:
    """Follow a tree, each level after the one above."""
    pending = [(levels, 0, top, handle)] if top else []
    for level, number, entry, where in pending:
        frame = entry & -PAGE_SIZE
        if not guest.notebook.spend(LAYER, where, NODE_COST):
            return
        try:
            raw = np.frombuffer(guest.memory.read(frame, PAGE_SIZE), np.uint64)
        except MemoryUnreadable:
            guest.note(LAYER, f"a node at {frame:#x} is not memory", where)
            continue
        entries = {place: int(raw[place]) for place in np.flatnonzero(raw).tolist()}
        yield SeenNode(level, number, frame, entries)
        if level > 1:
            below = node_place(handle, frame)
            pending += (
                (level - 1, number << OBJECT_NODE_BITS | place, each, below)
                for place, each in entries.items()
            )
