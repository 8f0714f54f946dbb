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
from ringbench.subjects.reference.model.paging import leaf_bits, paging_tables_missing, present
from ringbench.subjects.reference.model.state import KernelState, Region, Space, replace
from ringbench.subjects.reference.model.tables import TableEditor, leaves
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
        state, status = _make_present(state, name, va, len(data))
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
    state, status = _make_present(state, to, to_va, length)
    if status:
        return state, status, None
    if not state.objects:  # so no two pages of the ranges are one
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
    if error & (PageFaultCode.P | PageFaultCode.RSVD) or not _permits(region, error):
        return state, Status.DENIED, None
    if region.object is not None and _is_past_end(state, region, address):
        return state, Status.OUT_OF_RANGE, None
    state, status = _make_present(state, name, address & -SIZE_4K, SIZE_4K)
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
    allowed = all(region.flags & flag for bit, flag in needed if error & bit)
    return region.kind in (VmKind.DEMAND, VmKind.SHARED) and allowed


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


def _make_present(
    state: KernelState, name: str, va: int, length: int
) -> tuple[KernelState, Status]:
    """Give every page of a range that has no frame a zeroed one, or none of them.

    In regions that show an object that is the object's, and it is mapped.
    """
    space = state.spaces[name]
    pages = range(va & -SIZE_4K, va + length, SIZE_4K)
    there = {leaf.vaddr for leaf in leaves(state.tables, space.root, va, va + length - 1)}
    if len(there) == len(pages):
        return state, Status.OK
    needed = _frames_needed(state, space, pages, there)
    if needed <= state.pmm.free_count:
        needed += paging_tables_missing(state, space.root, va, length)
    if needed > state.pmm.free_count:
        return state, Status.NO_MEMORY
    pmm, taken = frames.take(state.pmm, needed)
    left = iter(taken)
    editor, objects = TableEditor(state.tables), dict(state.objects)
    for each in pages:
        if each in there:
            continue
        region = _region_of(space, each)
        if region.object is None:
            frame = next(left)
        else:
            it = objects[region.object]
            it, frame = object_take_page(it, region.index(each), left.__next__)
            objects[region.object] = it
        table = editor.table_for(space.root, each, 1, left.__next__)
        table[table_index(each, 1)] = frame | leaf_bits(region.flags, 1)
    pmm = frames.give_back(pmm, left)  # counted twice, for two regions that show the same page
    return replace(state, pmm=pmm, tables=editor.result, objects=objects), Status.OK


def _frames_needed(state: KernelState, space: Space, pages: range, there: set[int]) -> int:
    """Count what pages of a range need, tables aside, region by region."""
    needed, at = 0, pages.start
    while at < pages.stop:
        region = _region_of(space, at)
        stop = min(region.end, pages.stop + -pages.stop % SIZE_4K)
        count = (stop - at) // SIZE_4K
        if region.object is None:
            needed += count - sum(at <= each < stop for each in there)
        else:
            it = state.objects[region.object]
            needed += object_frames_missing(it, region.index(at), count)
        at = stop
    return needed


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
