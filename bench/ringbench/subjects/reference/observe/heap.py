"""The kernel heap: its nodes, found by walking headers from the bottom, and its free lists."""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from ringbench.arch.x86_64.address import PAGE_SIZE
from ringbench.debuginfo.dwarf import Integer, Pointer, Record
from ringbench.observe.reader import UNREADABLE, GuestReader
from ringbench.subjects.reference.observe.names import HeapNames, Layout
from ringbench.subjects.reference.observe.spaces import SeenSpace, read_space
from ringbench.subjects.reference.vocabulary import heap_encoding
from ringbench.subjects.reference.vocabulary.constants import HEAP_ALIGN, HEAP_HEADER, HEAP_NODE_MIN

LAYER = "heap"

PAGES_KEPT: Final = 4096
"""Heap pages after which those that were read are dropped: 16 MiB."""

_FORMATS = {1: "<B", 2: "<H", 4: "<I", 8: "<Q"}


@dataclass(frozen=True, slots=True)
class SeenNode:
    """One heap node: the address of its header, its bytes (header included), what the header says.

    `guard_right` tells whether the header's guard fits its other members.
    """

    address: int
    size: int
    used: bool
    previous: int
    guard_right: bool

    @property
    def end(self) -> int:
        """The first address after the node."""
        return self.address + self.size


@dataclass(frozen=True, slots=True)
class SeenHeap:
    """The kernel heap as its memory has it.

    Attributes:
        end: the first address after the last node.
        last: address of the last node, 0 for none.
        first_bitmap, second_bitmaps: the index of the free lists.
        nodes: by ascending address, as far as the headers make sense.
        free_lists: the nodes of each free list that has any, head first, by first and second level.
        space: the space whose one region the heap is.
    """

    end: int
    last: int
    first_bitmap: int
    second_bitmaps: tuple[int, ...]
    nodes: tuple[SeenNode, ...]
    free_lists: Mapping[tuple[int, int], tuple[int, ...]]
    space: SeenSpace


def read_heap(guest: GuestReader, layout: Layout) -> SeenHeap:
    """Read the kernel heap: its variables, its nodes and its free lists."""
    names = layout.heap
    record = guest.types.value(guest.virtual, names.space)
    assert isinstance(record, Record)
    space = read_space(guest, layout.spaces, "heap", record)
    reader = _NodeReader(guest, names)
    end = guest.integer(names.end)
    nodes = tuple(reader.nodes(space.base, end, space.limit))
    return SeenHeap(
        end=end,
        last=guest.integer(names.last),
        first_bitmap=guest.integer(names.first_bitmap),
        second_bitmaps=guest.integers(names.second_bitmap),
        nodes=nodes,
        free_lists=reader.free_lists({node.address: node for node in nodes}),
        space=space,
    )


@dataclass(slots=True)
class _NodeReader:
    """Reads headers out of heap pages, only those that hold a header, and of few any twice."""

    guest: GuestReader
    names: HeapNames
    pages: dict[int, bytes] = field(default_factory=dict)
    formats: dict[str, tuple[int, struct.Struct]] = field(default_factory=dict)

    def nodes(self, base: int, end: int, limit: int) -> Iterator[SeenNode]:
        """Yield the nodes that tile [base, end); stop at a header that can't be one."""
        names = self.names
        if base % HEAP_ALIGN:
            self.guest.note(LAYER, f"the window starts at {base:#x}", names.space)
            return
        if not base <= end <= limit:
            self.guest.note(LAYER, f"end {end:#x} is not in {base:#x}..{limit:#x}", names.end)
            return
        address = base
        while address < end:
            try:
                before = self.member(address, names.before)
                tag, guard = self.member(address, names.tag), self.member(address, names.guard)
            except UNREADABLE:
                self.guest.note(LAYER, "a header is not readable", f"node {address:#x}")
                return
            size = heap_encoding.size_of(tag)
            least = HEAP_HEADER if address + size == end else HEAP_NODE_MIN
            if size < least or size % HEAP_ALIGN or address + size > end:
                self.guest.note(LAYER, f"size {size:#x} cannot be", f"node {address:#x}")
                return
            if not self.guest.notebook.spend(LAYER, f"node {address:#x}"):
                return
            right = guard == heap_encoding.guard_of(address, before, tag)
            previous = heap_encoding.previous_of(address, before)
            yield SeenNode(address, size, heap_encoding.is_used(tag), previous, right)
            address += size

    def free_lists(self, nodes: Mapping[int, SeenNode]) -> dict[tuple[int, int], tuple[int, ...]]:
        """Follow every free list; one that leads to what is no node ends there."""
        names, types = self.names, self.guest.types
        cells = types.locate(names.free).address
        heads = types.value(self.guest.virtual, names.free)
        assert isinstance(heads, list)
        step = types.offset(self.guest.struct(names.node_type), names.link)[1].size
        lists = {}
        for index, head in enumerate(heads):
            if int(head):
                place = heap_encoding.list_place(index)
                where = f"free list {place[0]}.{place[1]}"
                lists[place] = tuple(self.follow(cells + index * step, int(head), nodes, where))
        return lists

    def follow(
        self, cell: int, address: int, nodes: Mapping[int, SeenNode], where: str
    ) -> Iterator[int]:
        """Yield the nodes of a list; `cell` is where the pointer to the first one is."""
        names = self.names
        next_offset, _ = self.guest.types.offset(
            self.guest.struct(names.node_type), names.next_free
        )
        seen: set[int] = set()
        holder = where
        while address:
            if address in seen:
                self.guest.note(LAYER, f"it returns to {address:#x}", holder)
                return
            if address not in nodes:
                self.guest.note(LAYER, f"it leads to {address:#x}, which is no node", holder)
                return
            if not self.guest.notebook.spend(LAYER, holder):
                return
            seen.add(address)
            yield address
            try:
                link = self.member(address, names.link)
                next_free = self.member(address, names.next_free)
            except UNREADABLE:
                self.guest.note(LAYER, f"it leads to {address:#x}, which has no links", holder)
                return
            holder = f"{where}, node {address:#x}"
            if link != cell:
                self.guest.note(LAYER, f"the link back is {link:#x}, not {cell:#x}", holder)
            cell, address = address + next_offset, next_free

    def member(self, node: int, name: str) -> int:
        """Return an integer or pointer member of a node."""
        if name not in self.formats:
            node_type = self.guest.struct(self.names.node_type)
            offset, kind = self.guest.types.offset(node_type, name)
            assert isinstance(kind, Integer | Pointer)
            self.formats[name] = offset, struct.Struct(_FORMATS[kind.size])
        offset, form = self.formats[name]
        page, start = divmod(node + offset, PAGE_SIZE)
        if page not in self.pages:
            if len(self.pages) >= PAGES_KEPT:
                self.pages.clear()
            self.pages[page] = self.guest.virtual.read(page * PAGE_SIZE, PAGE_SIZE)
        value: int = form.unpack_from(self.pages[page], start)[0]
        return value
