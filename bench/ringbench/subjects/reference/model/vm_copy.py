"""Copying into, out of and between spaces, and the page-fault handler: what pages hold.

The model keeps the bytes of every page of an anonymous or demand region and of every object, so
that a read is predicted whole. A page that is not in `contents` holds zeros.
"""

from collections.abc import Iterator
from typing import Final

from ringbench.arch.x86_64.address import ADDRESS_END, SIZE_4K, table_index
from ringbench.arch.x86_64.vectors import PageFaultCode
from ringbench.subjects.reference.model import pmm as frames
from ringbench.subjects.reference.model.object import object_frames_missing, object_take_page
from ringbench.subjects.reference.model.paging import (
    leaf_bits,
    leaf_flags,
    paging_reflag,
    paging_tables_missing,
    present,
)
from ringbench.subjects.reference.model.private import PRIVATE, borrowed, is_borrowed
from ringbench.subjects.reference.model.state import KernelState, Region, Space, replace
from ringbench.subjects.reference.model.tables import TableEditor, leaf_at, leaves
from ringbench.subjects.reference.model.vmm import HELD, region_at
from ringbench.subjects.reference.vocabulary import flags as page
from ringbench.subjects.reference.vocabulary.constants import (
    KERNEL_HALF,
    KERNEL_WINDOW_BASE,
    KERNEL_WINDOW_END,
    VmKind,
)
from ringbench.subjects.reference.vocabulary.status import Status

_ZEROS: Final = bytes(SIZE_4K)


def vm_read(
    state: KernelState, name: str, va: int, length: int
) -> tuple[KernelState, Status, bytes]:
    """Return the bytes of a range of a space."""
    if length == 0:
        return state, Status.INVALID, b""
    status = _range_status(state, name, va, length, writing=False)
    if status:
        return state, status, b""
    return state, Status.OK, _bytes(state, name, va, length)


def vm_write(
    state: KernelState, name: str, va: int, data: bytes
) -> tuple[KernelState, Status, None]:
    """Put bytes into a space; untouched demand pages get their frames."""
    if not data:
        return state, Status.INVALID, None
    status = _range_status(state, name, va, len(data), writing=True)
    if not status:
        state, status = _make_writable(state, name, va, len(data))
    return (state, status, None) if status else (_put(state, name, va, data), status, None)


def vm_copy(
    state: KernelState, to: str, to_va: int, source: str, source_va: int, length: int
) -> tuple[KernelState, Status, None]:
    """Copy between two spaces, or two places of one."""
    if length == 0 or (to == source and abs(to_va - source_va) < length):
        return state, Status.INVALID, None
    status = _range_status(state, source, source_va, length, writing=False)
    status = status or _range_status(state, to, to_va, length, writing=True)
    if status:
        return state, status, None
    state, status = _make_writable(state, to, to_va, length)
    if status:
        return state, status, None
    if not state.objects:  # so no two pages of the ranges are one, once they can be written
        return _put(state, to, to_va, _bytes(state, source, source_va, length)), Status.OK, None
    while length:
        step = min(length, SIZE_4K - source_va % SIZE_4K, SIZE_4K - to_va % SIZE_4K)
        state = _put(state, to, to_va, _bytes(state, source, source_va, step))
        source_va, to_va, length = source_va + step, to_va + step, length - step
    return state, Status.OK, None


def vm_fault(state: KernelState, address: int, error: int) -> tuple[KernelState, Status, None]:
    """Resolve a page fault by its address and the processor's error code."""
    name = _space_of(state, address)
    region = region_at(state.spaces[name], address) if name else None
    if name is None or region is None:
        return state, Status.NOT_MAPPED, None
    if region.kind == VmKind.GUARD:
        return state, Status.GUARD, None
    if error & PageFaultCode.RSVD or not _permits(region, error):
        return state, Status.DENIED, None
    va, writing = address & -SIZE_4K, bool(error & PageFaultCode.W)
    if error & PageFaultCode.P:
        if not writing or region.kind not in PRIVATE:
            return state, Status.DENIED, None
        state, status = _make_own(state, name, va)
    elif _is_past_end(state, region, address):
        status = Status.OUT_OF_RANGE
    elif region.kind == VmKind.PRIVATE and writing:
        state, status = _make_writable(state, name, va, SIZE_4K)
    elif region.object is not None or region.kind == VmKind.DEMAND:
        state, status = _make_present(state, name, va)
    else:
        status = Status.DENIED
    return state, status, None


def byte_at(state: KernelState, frame: int, offset: int) -> int:
    """Return a byte of a frame of a region, or of an object, that has contents."""
    return state.contents.get(frame, _ZEROS)[offset]


def _space_of(state: KernelState, address: int) -> str | None:
    if KERNEL_WINDOW_BASE <= address < KERNEL_WINDOW_END:
        return "kernel"
    return state.current_space if address < KERNEL_HALF else None


def _permits(region: Region, error: int) -> bool:
    needed = (
        (PageFaultCode.W, page.WRITE),
        (PageFaultCode.U, page.USER),
        (PageFaultCode.I, page.EXEC),
    )
    return all(region.flags & flag for bit, flag in needed if error & bit)


def _is_past_end(state: KernelState, region: Region, va: int) -> bool:
    """Whether a region shows an object, and that ends before an address."""
    return region.object is not None and region.index(va) >= state.objects[region.object].pages


def _range_status(state: KernelState, name: str, va: int, length: int, *, writing: bool) -> Status:
    """Judge a range region by region: the first gap or bad region decides."""
    space, end = state.spaces[name], va + length
    if end > ADDRESS_END:
        return Status.NOT_MAPPED
    position = va
    while position < end:
        region = region_at(space, position)
        if region is None:
            return Status.NOT_MAPPED
        if region.kind not in HELD or (writing and not region.flags & page.WRITE):
            return Status.DENIED
        if _is_past_end(state, region, min(region.end, end) - 1):
            return Status.OUT_OF_RANGE
        position = region.end
    return Status.OK


def _make_present(state: KernelState, name: str, va: int) -> tuple[KernelState, Status]:
    """Map a page, if it is not, at its first touch, which is no write to a PRIVATE region.

    In a region that shows an object that is the object's, and in a PRIVATE one without WRITE.
    """
    space = state.spaces[name]
    if present(state, space.root, va) is not None:
        return state, Status.OK
    region = _region_of(space, va)
    needed = paging_tables_missing(state, space.root, va, SIZE_4K)
    if region.object is None:
        needed += 1
    else:
        needed += object_frames_missing(state.objects[region.object], region.index(va), 1)
    if needed > state.pmm.free_count:
        return state, Status.NO_MEMORY
    pmm, taken = frames.take(state.pmm, needed)
    filling = _Filling(replace(state, pmm=pmm), space, taken)
    filling.fill(region, va, writing=False)
    return filling.done(), Status.OK


def _make_writable(
    state: KernelState, name: str, va: int, length: int
) -> tuple[KernelState, Status]:
    """Give every page of a range a frame that it may be written to in, or none of them.

    Region by region, first those that have none, then those that are borrowed.
    """
    space = state.spaces[name]
    pages = range(va & -SIZE_4K, va + length, SIZE_4K)
    there = {leaf.vaddr for leaf in leaves(state.tables, space.root, va, va + length - 1)}
    parts = list(_parts(space, pages))
    shared = {part: borrowed(state, name, *part) for part in parts}
    needed = sum(_frames_needed(state, part, there) + len(shared[part]) for part in parts)
    if needed <= state.pmm.free_count and len(there) < len(pages):
        needed += paging_tables_missing(state, space.root, va, length)
    if needed > state.pmm.free_count:
        return state, Status.NO_MEMORY
    pmm, taken = frames.take(state.pmm, needed)
    filling = _Filling(replace(state, pmm=pmm), space, taken)
    for part in parts:
        region, base, end = part
        if len(there) < len(pages):
            for each in range(base, end, SIZE_4K):
                if each not in there:
                    filling.fill(region, each, writing=True)
        for each, frame in shared[part].items():
            filling.copy(region, each, frame)
    return filling.done(), Status.OK


class _Filling:
    """Pages of a space that get frames, taken already, in the order in which they are used."""

    def __init__(self, state: KernelState, space: Space, taken: list[int]) -> None:
        self._state, self._root, self._left = state, space.root, iter(taken)
        self._editor, self._objects = TableEditor(state.tables), dict(state.objects)
        self._contents = dict(state.contents)

    def fill(self, region: Region, va: int, *, writing: bool) -> None:
        """Map a page that is not mapped."""
        flags, shown = region.flags, None
        if region.object is not None:
            shown = self._objects[region.object].frames.get(region.index(va))
        if region.object is None or (writing and region.kind == VmKind.PRIVATE):
            frame = next(self._left)
            if shown in self._contents:
                self._contents[frame] = self._contents[shown]
        else:
            it = self._objects[region.object]
            it, frame = object_take_page(it, region.index(va), self._left.__next__)
            self._objects[region.object] = it
            if region.kind == VmKind.PRIVATE:
                flags &= ~page.WRITE
        self._put(va, frame, flags)

    def copy(self, region: Region, va: int, shown: int) -> None:
        """Give a page that is mapped a copy in a frame of its own."""
        frame = next(self._left)
        if shown in self._contents:
            self._contents[frame] = self._contents[shown]
        self._put(va, frame, region.flags)

    def _put(self, va: int, frame: int, flags: int) -> None:
        table = self._editor.table_for(self._root, va, 1, self._left.__next__)
        table[table_index(va, 1)] = frame | leaf_bits(flags, 1)

    def done(self) -> KernelState:
        """Return the state after that; frames that were counted twice are free again."""
        return replace(
            self._state,
            pmm=frames.give_back(self._state.pmm, self._left),
            tables=self._editor.result,
            objects=self._objects,
            contents=self._contents,
        )


def _make_own(state: KernelState, name: str, va: int) -> tuple[KernelState, Status]:
    """Make a page that is mapped without WRITE the region's own, by a copy if it is borrowed."""
    space = state.spaces[name]
    region, leaf = _region_of(space, va), leaf_at(state.tables, space.root, va)
    if leaf is None or leaf_flags(leaf.raw, 1) & page.WRITE:
        return state, Status.DENIED
    if not is_borrowed(state, name, region, va, leaf.paddr):
        return paging_reflag(state, space.root, va, SIZE_4K, region.flags), Status.OK
    if state.pmm.free_count == 0:
        return state, Status.NO_MEMORY
    pmm, taken = frames.take(state.pmm, 1)
    filling = _Filling(replace(state, pmm=pmm), space, taken)
    filling.copy(region, va, leaf.paddr)
    return filling.done(), Status.OK


_Part = tuple[Region, int, int]
"""A part of a region: the addresses [base, end), whole pages."""


def _parts(space: Space, pages: range) -> Iterator[_Part]:
    """Yield the parts of regions that a range of pages is made of."""
    at, end = pages.start, pages.stop + -pages.stop % SIZE_4K
    while at < end:
        region = _region_of(space, at)
        stop = min(region.end, end)
        yield region, at, stop
        at = stop


def _frames_needed(state: KernelState, part: _Part, there: set[int]) -> int:
    """Count what pages of a part need, tables and borrowed ones aside."""
    region, base, end = part
    count = (end - base) // SIZE_4K
    if region.object is None or region.kind == VmKind.PRIVATE:
        return count - sum(base <= each < end for each in there)
    return object_frames_missing(state.objects[region.object], region.index(base), count)


def _region_of(space: Space, va: int) -> Region:
    region = region_at(space, va)
    assert region is not None, f"{va:#x} was found to be in a region"
    return region


def _chunks(va: int, length: int) -> Iterator[tuple[int, int, int]]:
    """Yield (page, offset in it, bytes) for a range, page by page."""
    end = va + length
    while va < end:
        offset = va % SIZE_4K
        size = min(SIZE_4K - offset, end - va)
        yield va - offset, offset, size
        va += size


def _frame(state: KernelState, name: str, va: int) -> int | None:
    """Return the frame that holds a page of a space, mapped or not, or None."""
    space = state.spaces[name]
    frame = present(state, space.root, va)
    if frame is None:
        region = _region_of(space, va)
        if region.object is not None:
            frame = state.objects[region.object].frames.get(region.index(va))
    return frame


def _bytes(state: KernelState, name: str, va: int, length: int) -> bytes:
    parts = []
    for each, offset, size in _chunks(va, length):
        frame = _frame(state, name, each)
        held = _ZEROS if frame is None else state.contents.get(frame, _ZEROS)
        parts.append(held[offset : offset + size])
    return b"".join(parts)


def _put(state: KernelState, name: str, va: int, data: bytes) -> KernelState:
    contents = dict(state.contents)
    done = 0
    for each, offset, size in _chunks(va, len(data)):
        frame = _frame(state, name, each)
        assert frame is not None, f"{each:#x} was made present"
        _write(contents, frame, offset, data[done : done + size])
        done += size
    return replace(state, contents=contents)


def put_byte(state: KernelState, frame: int, offset: int, byte: int) -> KernelState:
    """Return the state with a byte of a frame of a region, or of an object, written."""
    contents = dict(state.contents)
    _write(contents, frame, offset, bytes((byte,)))
    return replace(state, contents=contents)


def _write(contents: dict[int, bytes], frame: int, offset: int, data: bytes) -> None:
    old = contents.get(frame, _ZEROS)
    new = old[:offset] + data + old[offset + len(data) :]
    if new == _ZEROS:
        contents.pop(frame, None)
    else:
        contents[frame] = new
