"""The heap of a kernel that `[layout.heap]` describes: its nodes, and its lists of free ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ringbench.config.layout import HeapLayout
from ringbench.debuginfo.dwarf import Array, Struct
from ringbench.observe.layout.fields import Fields, Names, Row
from ringbench.observe.layout.list import rows
from ringbench.observe.reader import UNREADABLE

LAYER = "heap"


@dataclass(frozen=True, slots=True)
class SeenNode:
    """A node: the address of its header, its bytes with that, and what the header says.

    `previous` and `intact` are None where that is not told.
    """

    address: int
    size: int
    used: bool
    previous: int | None
    intact: bool | None

    @property
    def end(self) -> int:
        """The first address behind it."""
        return self.address + self.size


@dataclass(frozen=True, slots=True)
class SeenHeap:
    """A heap: its nodes in the order of their list, and where it ends, if that is told.

    `listed` has the nodes that are on a free list, in order, by the number of the list; it is None
    if the layout tells of none.
    """

    nodes: tuple[SeenNode, ...]
    end: int | None
    listed: Mapping[int, tuple[int, ...]] | None
    merges: bool


def read_heap(names: Names, layout: HeapLayout) -> SeenHeap:
    """Read a heap, as far as its pointers lead to nodes.

    Raises:
        ConfigError: a name that does not exist.
    """
    first, struct = names.first("layout.heap.first", layout.first, layout.node, "layout.heap.node")
    texts = {
        key: getattr(layout, key)
        for key in ("size", "next", "previous", "used", "free", "intact", "free_next")
    }
    fields = names.fields(struct, "layout.heap.", texts)
    end = names.number("layout.heap.end", layout.end) if layout.end is not None else None
    nodes = tuple(_nodes(names, fields, first, end))
    listed = None
    if layout.free_first is not None and layout.free_next is not None:
        listed = _free_lists(names, layout.free_first, fields, struct)
    return SeenHeap(nodes, end, listed, layout.merges)


def _nodes(names: Names, fields: Fields, first: int, end: int | None) -> Iterator[SeenNode]:
    if "next" in fields:
        for row in rows(names.guest, LAYER, fields, first, "node"):
            yield _node(row)
        return
    address = first
    while end is not None and address < end:
        where = f"node {address:#x}"
        try:
            row = fields.row(address)
        except UNREADABLE:
            names.guest.note(LAYER, "its header is not readable", where)
            return
        node = _node(row)
        if node.size < 1 or node.end > end:
            names.guest.note(LAYER, f"a size of {node.size:#x} cannot be", where)
            return
        if not names.guest.notebook.spend(LAYER, where):
            return
        yield node
        address = node.end


def _node(row: Row) -> SeenNode:
    used = row["used"] != 0 if "used" in row.fields else row["free"] == 0
    intact = row.get("intact")
    size, previous = row["size"], row.get("previous")
    return SeenNode(row.address, size, used, previous, None if intact is None else intact != 0)


def _free_lists(
    names: Names, first: str, fields: Fields, struct: Struct
) -> dict[int, tuple[int, ...]]:
    place = names.place("layout.heap.free_first", first)
    heads = [place.value]
    if isinstance(place.type, Array):
        data = names.guest.virtual.read(place.address, place.type.size)
        heads = list(_numbers(place.type.decode(data, 0, place.address)))
    found = {}
    for number, head in enumerate(heads):
        if head:
            every = rows(names.guest, LAYER, fields, head, f"free list {number}", "free_next")
            found[number] = tuple(row.address for row in every)
    return found


def _numbers(value: object) -> Iterator[int]:
    if isinstance(value, list):
        for each in value:
            yield from _numbers(each)
    else:
        yield int(value)  # type: ignore[call-overload]
