"""A touch: the fault that the processor must raise, what vm_fault makes of it, and the retry.

The fault comes from arch's rules and a walk over the model's tables, for a supervisor with CR0.WP
and EFER.NXE set, CR4.SMEP and CR4.SMAP clear.
"""

from typing import Final, NamedTuple

from ringbench.arch.x86_64.access import AccessKind, NonCanonicalFault, access
from ringbench.arch.x86_64.address import ENTRIES, LEVELS, SIZE_4K, entry_shift, is_canonical
from ringbench.arch.x86_64.entry import ADDRESS
from ringbench.arch.x86_64.records import Leaf, Stop, Translation
from ringbench.arch.x86_64.walk import EVERYTHING, inherit, leaf_attributes
from ringbench.subject import Unpredictable
from ringbench.subjects.reference.model.paging import present
from ringbench.subjects.reference.model.state import KernelState, replace
from ringbench.subjects.reference.model.tables import is_leaf, leaf_address
from ringbench.subjects.reference.model.vm_copy import byte_at, put_byte, vm_fault
from ringbench.subjects.reference.model.vmm import HELD, region_at
from ringbench.subjects.reference.vocabulary.constants import KERNEL_HALF, AccessVector
from ringbench.subjects.reference.vocabulary.handles import KERNEL
from ringbench.subjects.reference.vocabulary.status import Status

RET: Final = 0xC3
ACCESSES: Final = {
    "r": (AccessKind.READ,),
    "w": (AccessKind.WRITE,),
    "x": (AccessKind.READ, AccessKind.EXECUTE),
}
"""What is done in each mode of a touch; the byte is read before it is called."""


class AccessFault(NamedTuple):
    """What ended an access (struct access_fault)."""

    vector: AccessVector
    error: int
    cause: Status


def touch(
    state: KernelState, root: int, space: str | None, va: int, mode: str
) -> tuple[KernelState, Status, AccessFault | None]:
    """Access a byte with `root` active and `space` current; then both are as before.

    A denied execution may have given a page its frame: the byte had to be read. A write stores the
    byte that is there, but a zero where nothing was mapped yet.

    Raises:
        Unpredictable: mode `x` at a byte that the model does not keep, as of a physical region.
    """
    before = state.active_root, state.current_space
    state = replace(state, active_root=root, current_space=space)
    status, fault = Status.OK, None
    unmapped = mode == "w" and walk(state, root, va).leaf is None
    for kind in ACCESSES[mode]:
        if kind is AccessKind.EXECUTE and _byte(state, va) != RET:
            status = Status.DENIED
            break
        state, fault = _access(state, va, kind)
        if fault:
            status = Status.FAULT
            break
    if unmapped and status is Status.OK:
        frame = present(state, root, va)
        assert frame is not None, "what was written is mapped"
        state = put_byte(state, frame, va % SIZE_4K, 0)
    return replace(state, active_root=before[0], current_space=before[1]), status, fault


def _access(
    state: KernelState, va: int, kind: AccessKind
) -> tuple[KernelState, AccessFault | None]:
    """Access until it goes through or its fault cannot be resolved."""
    while True:
        fault = access(walk(state, state.active_root, va), kind, user=False)
        if fault is None:
            return state, None
        if isinstance(fault, NonCanonicalFault):
            return state, AccessFault(
                AccessVector.GENERAL_PROTECTION, fault.code, Status.NON_CANONICAL
            )
        state, status, _ = vm_fault(state, va, fault.code)
        if status:
            return state, AccessFault(AccessVector.PAGE_FAULT, int(fault.code), status)


def walk(state: KernelState, root: int, va: int) -> Translation:
    """Return arch's translation of an address, without its steps, from the model's own entries.

    None of these has a reserved bit. A test holds it equal to `translate` over the rendered tables.
    """
    if not is_canonical(va):
        return Translation(va, root, (), None, Stop.NON_CANONICAL, LEVELS)
    table, above = root, EVERYTHING
    for level in range(LEVELS, 0, -1):
        raw = state.tables[table].get(va >> entry_shift(level) & ENTRIES - 1, 0)
        if not raw:
            return Translation(va, root, (), None, Stop.NOT_PRESENT, level)
        if is_leaf(raw, level):
            size = 1 << entry_shift(level)
            attributes = leaf_attributes(raw, level, above, state.features)
            leaf = Leaf(va & -size, leaf_address(raw, level), size, *attributes, raw)
            return Translation(va, root, (), leaf, None, level)
        table, above = raw & ADDRESS, inherit(above, raw)
    raise AssertionError("a PT entry that is not zero is a leaf")


def _byte(state: KernelState, va: int) -> int:
    name = KERNEL if va >= KERNEL_HALF else state.current_space
    region = region_at(state.spaces[name], va) if name else None
    frame = present(state, state.active_root, va)
    if region is None or frame is None or region.kind not in HELD:
        raise Unpredictable(f"what lies at {va:#x} is not kept by the model")
    return byte_at(state, frame, va % SIZE_4K)
