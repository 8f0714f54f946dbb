"""A touch: the fault that the processor must raise, what vm_fault makes of it, and the retry.

The fault comes from arch's walk over the model's tables, for a supervisor with CR0.WP and
EFER.NXE set, CR4.SMEP and CR4.SMAP clear.
"""

from dataclasses import replace
from typing import Final, NamedTuple

from ringbench.arch.x86_64.access import Kind, NonCanonicalFault, access
from ringbench.arch.x86_64.address import SIZE_4K
from ringbench.arch.x86_64.exceptions import Vector
from ringbench.arch.x86_64.walk import translate
from ringbench.model.layout import KERNEL_HALF, VmKind
from ringbench.model.paging import present
from ringbench.model.render import RenderedMemory
from ringbench.model.state import KernelState
from ringbench.model.status import Status
from ringbench.model.vm_copy import byte_at, vm_fault
from ringbench.model.vmm import region_at

RET: Final = 0xC3
MODES: Final = {"r": (Kind.READ,), "w": (Kind.WRITE,), "x": (Kind.READ, Kind.EXECUTE)}
"""What each mode does; the byte is read before it is called."""

VECTOR_NAMES: Final = {Vector.GP: "general_protection", Vector.PF: "page_fault"}
"""The monitor's words for what an access can raise."""


class Unpredictable(ValueError):
    """The answer depends on a byte that the model doesn't keep."""


class AccessFault(NamedTuple):
    """What ended an access (struct access_fault)."""

    vector: Vector
    error: int
    cause: Status


def touch(
    state: KernelState, root: int, space: str | None, va: int, mode: str
) -> tuple[KernelState, Status, AccessFault | None]:
    """Access a byte with `root` active and `space` current; then both are as before.

    A denied execution may have given a demand page its frame: the byte had to be read.

    Raises:
        Unpredictable: mode `x` at a byte that is neither anonymous nor demand memory of a space.
    """
    before = state.active_root, state.current_space
    state = replace(state, active_root=root, current_space=space)
    status, fault = Status.OK, None
    for kind in MODES[mode]:
        if kind is Kind.EXECUTE and _byte(state, va) != RET:
            status = Status.DENIED
            break
        state, fault = _access(state, va, kind)
        if fault:
            status = Status.FAULT
            break
    return replace(state, active_root=before[0], current_space=before[1]), status, fault


def _access(state: KernelState, va: int, kind: Kind) -> tuple[KernelState, AccessFault | None]:
    """Access until it goes through or its fault cannot be resolved."""
    while True:
        memory = RenderedMemory(state.tables)
        translation = translate(memory, state.active_root, va, state.features)
        fault = access(translation, kind, user=False)
        if fault is None:
            return state, None
        if isinstance(fault, NonCanonicalFault):
            return state, AccessFault(Vector.GP, fault.code, Status.NON_CANONICAL)
        state, status, _ = vm_fault(state, va, fault.code)
        if status:
            return state, AccessFault(Vector.PF, int(fault.code), status)


def _byte(state: KernelState, va: int) -> int:
    name = "kernel" if va >= KERNEL_HALF else state.current_space
    region = region_at(state.spaces[name], va) if name else None
    frame = present(state, state.active_root, va)
    if region is None or frame is None or region.kind not in (VmKind.ANONYMOUS, VmKind.DEMAND):
        raise Unpredictable(f"what lies at {va:#x} is not kept by the model")
    return byte_at(state, frame, va % SIZE_4K)
