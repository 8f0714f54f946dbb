"""The buddy allocator: blocks of powers of two, split and merged, in a region that grows.

Blocks are by their offset into the region. Each function of the kernel's has its name and returns
(state, status, value).
"""

from dataclasses import dataclass, field
from typing import Final

from ringbench.subjects.reference.model import pmm
from ringbench.subjects.reference.model.state import (
    BuddyBlock,
    BuddyState,
    KernelState,
    replace,
)
from ringbench.subjects.reference.model.vmm import vm_alloc_at, vm_free, vm_resize
from ringbench.subjects.reference.vocabulary.constants import (
    BUDDY_BASE,
    BUDDY_MAPPED,
    BUDDY_ORDER_MAX,
    BUDDY_ORDER_MIN,
    BUDDY_SIZE,
    BUDDY_TRIM,
    FRAME_SIZE,
    VmKind,
)
from ringbench.subjects.reference.vocabulary.flags import WRITE
from ringbench.subjects.reference.vocabulary.status import Status

SPACE: Final = "buddy"


@dataclass(slots=True)
class _Editor:
    """The blocks of a state while they are being changed."""

    length: int
    blocks: dict[int, BuddyBlock]
    free: dict[int, list[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, buddy: BuddyState) -> "_Editor":
        free = {order: list(offsets) for order, offsets in buddy.free.items()}
        return cls(buddy.length, dict(buddy.blocks), free)

    def result(self, maps: tuple[int, ...]) -> BuddyState:
        free = {order: tuple(offsets) for order, offsets in self.free.items() if offsets}
        return BuddyState(self.length, self.blocks, free, maps)

    def add(self, offset: int, order: int) -> None:
        self.free.setdefault(order, []).insert(0, offset)
        self.blocks[offset] = BuddyBlock(order, used=False)

    def remove(self, offset: int) -> None:
        self.free[self.blocks.pop(offset).order].remove(offset)

    def merge(self, offset: int, order: int) -> tuple[int, int]:
        """Merge a block, which is none yet, with its buddies, and add it; where and which."""
        while order < BUDDY_ORDER_MAX:
            other = offset ^ 1 << order
            if self.blocks.get(other) != BuddyBlock(order, used=False):
                break
            self.remove(other)
            offset &= ~(1 << order)
            order += 1
        self.add(offset, order)
        return offset, order


def order_for(size: int) -> int:
    """Return the least order whose blocks hold `size` bytes."""
    return max((size - 1).bit_length(), BUDDY_ORDER_MIN)


def buddy_alloc(state: KernelState, size: int) -> tuple[KernelState, Status, int]:
    """Take a block; its virtual address."""
    if not 0 < size <= 1 << BUDDY_ORDER_MAX:
        return state, Status.INVALID, 0
    order = order_for(size)
    if not any(each >= order for each in state.buddy.free):
        state, status = _grow(state, order)
        if status:
            return state, status, 0
    editor = _Editor.of(state.buddy)
    source = min(each for each, offsets in editor.free.items() if each >= order and offsets)
    offset = editor.free[source][0]
    editor.remove(offset)
    for half in range(source - 1, order - 1, -1):
        editor.add(offset + (1 << half), half)
    editor.blocks[offset] = BuddyBlock(order, used=True)
    return _with(state, editor), Status.OK, BUDDY_BASE + offset


def buddy_free(state: KernelState, vaddr: int) -> tuple[KernelState, Status, None]:
    """Free a block, and what of the region is then to go back."""
    offset = vaddr - BUDDY_BASE
    if not 0 <= offset < state.buddy.length:
        return state, Status.FOREIGN, None
    block = state.buddy.blocks.get(offset)
    if block is None:
        return state, Status.INTERIOR, None
    if not block.used:
        return state, Status.DOUBLE_FREE, None
    editor = _Editor.of(state.buddy)
    del editor.blocks[offset]
    offset, order = editor.merge(offset, block.order)
    if not any(each.used for each in editor.blocks.values()):
        editor = _Editor(0, {})
        state, _, _ = vm_free(state, SPACE, BUDDY_BASE)
    elif offset + (1 << order) == editor.length and 1 << order >= BUDDY_TRIM:
        editor.remove(offset)
        editor.length = offset
        state, _, _ = vm_resize(state, SPACE, BUDDY_BASE, offset)
    kept = _maps_of(editor.length)
    maps = state.buddy.maps
    state = replace(state, pmm=pmm.give_back(state.pmm, list(maps[kept:])))
    return replace(state, buddy=editor.result(maps[:kept])), Status.OK, None


def _grow(state: KernelState, order: int) -> tuple[KernelState, Status]:
    """Have a free block of that order or above."""
    size, begin = max(1 << order, FRAME_SIZE), state.buddy.length
    bottom = -(-begin // size) * size
    length = bottom + size
    if length > BUDDY_SIZE:
        return state, Status.NO_SPACE
    needed = _maps_of(length) - len(state.buddy.maps)
    if needed > state.pmm.free_count:
        return state, Status.NO_MEMORY
    frames, taken = pmm.take(state.pmm, needed)
    after = replace(state, pmm=frames)
    if begin:
        after, status, _ = vm_resize(after, SPACE, BUDDY_BASE, length)
    else:
        after, status, _ = vm_alloc_at(after, SPACE, BUDDY_BASE, length, WRITE, VmKind.ANONYMOUS)
    if status:
        return state, status
    editor = _Editor.of(state.buddy)
    editor.length, at = length, begin
    while at < length:
        piece = at & -at if at < bottom else size
        editor.merge(at, piece.bit_length() - 1)
        at += piece
    maps = (*state.buddy.maps, *taken)
    return replace(after, buddy=editor.result(maps)), Status.OK


def _maps_of(length: int) -> int:
    return -(-length // BUDDY_MAPPED)


def _with(state: KernelState, editor: _Editor) -> KernelState:
    return replace(state, buddy=editor.result(state.buddy.maps))
