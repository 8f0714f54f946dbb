"""The kernel heap: heap_alloc and its kin above the node list, growing and shrinking by the VMM."""

from ringbench.arch.x86_64.address import SIZE_4K
from ringbench.subjects.reference.model import heap_search
from ringbench.subjects.reference.model.heap_search import HeapEditor
from ringbench.subjects.reference.model.state import EMPTY_HEAP, HeapState, KernelState, replace
from ringbench.subjects.reference.model.vmm import vm_alloc_at, vm_free, vm_resize
from ringbench.subjects.reference.vocabulary.constants import (
    HEAP_ALIGN,
    HEAP_ALIGN_MAX,
    HEAP_ALLOC_MAX,
    HEAP_BASE,
    HEAP_HEADER,
    HEAP_NODE_MIN,
    HEAP_TRIM,
    VmKind,
)
from ringbench.subjects.reference.vocabulary.flags import WRITE
from ringbench.subjects.reference.vocabulary.status import Status

SPACE = "heap"


def heap_alloc(state: KernelState, size: int) -> tuple[KernelState, Status, int]:
    """Allocate `size` bytes; the address, or 0 where the kernel returns NULL."""
    if not 0 < size <= HEAP_ALLOC_MAX:
        return state, Status.INVALID, 0
    needed = node_size(size)
    state, editor, address = _find(state, needed)
    if address is None:
        return state, Status.NO_MEMORY, 0
    editor.use(address, needed)
    return replace(state, heap=editor.result), Status.OK, address + HEAP_HEADER


def heap_zalloc(state: KernelState, size: int) -> tuple[KernelState, Status, int]:
    """Allocate `size` bytes of zeros; the address, or 0 where the kernel returns NULL."""
    state, status, pointer = heap_alloc(state, size)
    if status:
        return state, status, pointer
    return written(state, pointer, size, zeros=True), status, pointer


def heap_align(state: KernelState, align: int, size: int) -> tuple[KernelState, Status, int]:
    """Allocate at a multiple of `align`; what is in front becomes a free node."""
    if align <= 0 or align & (align - 1) or align > HEAP_ALIGN_MAX:
        return state, Status.INVALID, 0
    if align <= HEAP_ALIGN or not 0 < size <= HEAP_ALLOC_MAX:
        return heap_alloc(state, size)
    needed = node_size(size)
    state, editor, address = _find(state, needed + align + HEAP_HEADER)
    if address is None:
        return state, Status.NO_MEMORY, 0
    pointer = (address + HEAP_HEADER + align - 1) & -align
    if pointer - HEAP_HEADER - address == HEAP_HEADER:
        pointer += align
    editor.use(address, needed, front=pointer - HEAP_HEADER - address)
    return replace(state, heap=editor.result), Status.OK, pointer


def heap_realloc(state: KernelState, pointer: int, size: int) -> tuple[KernelState, Status, int]:
    """Resize in place if possible, else move; the new address."""
    if not 0 < size <= HEAP_ALLOC_MAX:
        return state, Status.INVALID, 0
    if pointer == 0:
        return heap_alloc(state, size)
    status = _pointer_status(state.heap, pointer)
    if status:
        return state, status, 0
    address = pointer - HEAP_HEADER
    editor = HeapEditor(state.heap)
    if editor.resize(address, node_size(size)):
        return replace(state, heap=editor.result), Status.OK, pointer
    copied = state.heap.nodes[address].size - HEAP_HEADER
    state, status, moved = heap_alloc(state, size)
    if status:
        return state, status, 0
    state, status, _ = heap_free(written(state, moved, copied), pointer)
    return state, status, moved


def heap_free(state: KernelState, pointer: int) -> tuple[KernelState, Status, None]:
    """Free what one of the above returned; 0 is fine."""
    if pointer == 0:
        return state, Status.OK, None
    status = _pointer_status(state.heap, pointer)
    if status:
        return state, status, None
    editor = HeapEditor(state.heap)
    is_last = editor.release(pointer - HEAP_HEADER)
    if is_last and editor.last == HEAP_BASE:
        state, status, _ = vm_free(state, SPACE, HEAP_BASE)
        return replace(state, heap=EMPTY_HEAP), status, None
    if is_last and editor.nodes[editor.last].size >= HEAP_TRIM:
        end = -(-(editor.last + HEAP_HEADER) // SIZE_4K) * SIZE_4K
        state, status, _ = vm_resize(state, SPACE, HEAP_BASE, end - HEAP_BASE)
        editor.cut(end)
    return replace(state, heap=editor.result), status, None


def heap_check(state: KernelState) -> tuple[KernelState, Status, None]:
    """Nothing can be smashed here."""
    return state, Status.OK, None


def node_size(size: int) -> int:
    """Return the bytes, header included, of the node for a request."""
    return max(HEAP_NODE_MIN, -(-(size + HEAP_HEADER) // HEAP_ALIGN) * HEAP_ALIGN)


def written(state: KernelState, pointer: int, length: int, *, zeros: bool = False) -> KernelState:
    """Note that bytes were written to a payload."""
    heap = heap_search.written(state.heap, pointer, length, zeros=zeros)
    return state if heap is state.heap else replace(state, heap=heap)


def _pointer_status(heap: HeapState, pointer: int) -> Status:
    if not HEAP_BASE + HEAP_HEADER <= pointer < heap.end or pointer % HEAP_ALIGN:
        return Status.FOREIGN
    node = heap.nodes.get(pointer - HEAP_HEADER)
    if node is not None:
        return Status.OK if node.used else Status.DOUBLE_FREE
    return Status.DOUBLE_FREE if pointer - HEAP_HEADER in heap.stale else Status.INTERIOR


def _find(state: KernelState, needed: int) -> tuple[KernelState, HeapEditor, int | None]:
    """Return a free node to take `needed` bytes from, grown if there is none; None: no memory."""
    editor = HeapEditor(state.heap)
    address = editor.find(needed)
    if address is not None:
        return state, editor, address
    last = state.heap.nodes.get(state.heap.last)
    missing = needed + HEAP_HEADER - (last.size if last else 0)
    grown = -(-missing // SIZE_4K) * SIZE_4K
    if last is None:
        state, status, _ = vm_alloc_at(state, SPACE, HEAP_BASE, grown, WRITE, VmKind.ANONYMOUS)
    else:
        length = state.heap.end - HEAP_BASE + grown
        state, status, _ = vm_resize(state, SPACE, HEAP_BASE, length)
    return state, editor, None if status else editor.extend(grown)
