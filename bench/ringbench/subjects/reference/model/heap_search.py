"""The search for a free heap node, and what an operation then does to nodes and lists, on a copy.

Payloads are not kept, with one exception: a header that a merge absorbed stays in memory, marked
free, until something is written over it, and heap_free names a double free by it. `stale` has
those.
"""

from typing import Final

from ringbench.subjects.reference.model.state import HeapState, Node, replace
from ringbench.subjects.reference.vocabulary.constants import (
    HEAP_BASE,
    HEAP_HEADER,
    HEAP_LINEAR,
    HEAP_NODE_MIN,
)
from ringbench.subjects.reference.vocabulary.heap_encoding import free_header, size_class

_LINKS: Final = 16
"""Bytes of the list links at the start of a free node's payload."""


def search_size(size: int) -> int:
    """Return the size whose class, and any above, has only nodes of at least `size` bytes."""
    if size < HEAP_LINEAR:
        return size
    return size + (1 << (size.bit_length() - 7)) - 1


class HeapEditor:
    """A changed copy of a heap in the making; `result` when done.

    Addresses are those of headers. Every method leaves the nodes tiling [HEAP_BASE, end).
    """

    def __init__(self, heap: HeapState) -> None:
        self.end = heap.end
        self.last = heap.last
        self.nodes = dict(heap.nodes)
        self._free = dict(heap.free)
        self._stale = heap.stale
        self._own_stale: dict[int, bytes] | None = None
        self._used_count = heap.used_count
        self._used_bytes = heap.used_bytes

    @property
    def result(self) -> HeapState:
        """The heap as changed so far."""
        return HeapState(
            self.end,
            self.last,
            self.nodes,
            self._free,
            self._stale,
            self._used_count,
            self._used_bytes,
        )

    def find(self, size: int) -> int | None:
        """Return the free node that an allocation of `size` bytes takes, if there is one."""
        wanted = size_class(search_size(size))
        best = min((each for each in self._free if each >= wanted), default=None)
        if best is not None:
            return self._free[best][0]
        if self.last and self.nodes[self.last].size >= size + HEAP_HEADER:
            return self.last
        return None

    def extend(self, length: int) -> int:
        """Append memory to the last node, or make it that; its address."""
        if self.last:
            size, _, previous = self.nodes[self.last]
            self.nodes[self.last] = Node(size + length, False, previous)
        else:
            self.last = HEAP_BASE
            self._set(HEAP_BASE, Node(length, False, 0))
        self.end += length
        return self.last

    def use(self, address: int, size: int, front: int = 0) -> None:
        """Allocate `size` bytes from a free node, `front` bytes into it; the tail is split off."""
        total, _, previous = self.nodes[address]
        if address != self.last:
            self._unlist(address)
        if front:
            self._set(address, Node(front, False, previous))
            self._enlist(address)
            previous, address, total = address, address + front, total - front
        self._settle(address, total, previous, size)

    def resize(self, address: int, size: int) -> bool:
        """Give a used node another size in place, if it can; whether it could."""
        total, _, previous = self.nodes[address]
        following = self.nodes[address + total]
        after = following.size if not following.used else 0
        if size > total + after - (HEAP_HEADER if address + total == self.last else 0):
            return False
        if total - HEAP_NODE_MIN < size <= total:
            return True
        if after:
            self._absorb(address + total)
        self._settle(address, total + after, previous, size)
        return True

    def release(self, address: int) -> bool:
        """Free a used node, merged with its free neighbours; whether it is the last node then."""
        size, _, previous = self.nodes[address]
        start, total = address, size
        following = self.nodes[address + size]
        if not following.used:
            self._absorb(address + size)
            total += following.size
        before = self.nodes.get(previous)
        if before and not before.used:
            self._unlist(previous)
            self._remove(address)
            self._stale_to_change()[address] = free_header(address, size, before.size)
            start, total, previous = previous, total + before.size, before.previous
        self._set(start, Node(total, False, previous))
        if start + total == self.end:
            self.last = start
            return True
        self._relink(start + total, start)
        self._enlist(start)
        return False

    def cut(self, end: int) -> None:
        """Give back the memory from `end` on, which lies in the payload of the last node."""
        _, _, previous = self.nodes[self.last]
        self.nodes[self.last] = Node(end - self.last, False, previous)
        self.end = end
        self._stale = self._own_stale = {
            each: held for each, held in self._stale.items() if each < end
        }

    def _settle(self, address: int, total: int, previous: int, size: int) -> None:
        """Make [address, address + total) a used node of `size`, and a free one if enough is left.

        At the end of the heap what is left is the last node. Else no free node follows.
        """
        end, tail = address + total, address + size
        if end != self.end and total - size < HEAP_NODE_MIN:
            self._set(address, Node(total, True, previous))
            self._relink(end, address)
            return
        self._set(address, Node(size, True, previous))
        self._set(tail, Node(total - size, False, address))
        if end == self.end:
            self.last = tail
        else:
            self._relink(end, tail)
            self._enlist(tail)

    def _absorb(self, address: int) -> None:
        """Take a free node away; its header stays in memory."""
        size, _, previous = self.nodes[address]
        if address != self.last:
            self._unlist(address)
        header = free_header(address, size, self.nodes[previous].size)
        self._stale_to_change()[address] = header
        self._remove(address)

    def _stale_to_change(self) -> dict[int, bytes]:
        """Return the headers that stayed in memory, which are many and change seldom: a copy."""
        if self._own_stale is None:
            self._stale = self._own_stale = dict(self._stale)
        return self._own_stale

    def _forget(self, address: int) -> None:
        """Note that a header, if one stayed there, is gone."""
        if address in self._stale:
            del self._stale_to_change()[address]

    def _relink(self, address: int, previous: int) -> None:
        node = self.nodes[address]
        self.nodes[address] = Node(node.size, node.used, previous)

    def _set(self, address: int, node: Node) -> None:
        self._remove(address)
        self.nodes[address] = node
        if node.used:
            self._used_count += 1
            self._used_bytes += node.size
        self._forget(address)

    def _remove(self, address: int) -> None:
        old = self.nodes.pop(address, None)
        if old and old.used:
            self._used_count -= 1
            self._used_bytes -= old.size

    def _enlist(self, address: int) -> None:
        key = size_class(self.nodes[address].size)
        self._free[key] = (address, *self._free.get(key, ()))
        self._forget(address + _LINKS)

    def _unlist(self, address: int) -> None:
        key = size_class(self.nodes[address].size)
        left = tuple(each for each in self._free[key] if each != address)
        if left:
            self._free[key] = left
        else:
            del self._free[key]


def written(heap: HeapState, address: int, length: int, *, zeros: bool = False) -> HeapState:
    """Return the heap after bytes were written to a payload: headers that lay there are gone.

    A header that the range covers in part survives if zeros were written where it had zeros.
    """
    stale, whole = heap.stale, length & -HEAP_HEADER
    end = address + whole
    if whole // HEAP_HEADER < len(stale):
        gone = [each for each in range(address, end, HEAP_HEADER) if each in stale]
    else:
        gone = [each for each in stale if address <= each < end]
    part = length - whole
    if part and end in stale and not (zeros and not any(stale[end][:part])):
        gone.append(end)
    if not gone:
        return heap
    left = dict(stale)
    for each in gone:
        del left[each]
    return replace(heap, stale=left)


def in_order(heap: HeapState) -> list[tuple[int, Node]]:
    """Return the nodes in address order."""
    found = []
    address = HEAP_BASE
    while address < heap.end:
        node = heap.nodes[address]
        found.append((address, node))
        address += node.size
    return found
