"""What the tests of the VMM's model share: a kernel with one task's space."""

from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.model.vmm import vm_space_create
from ringbench.subjects.reference.vocabulary.constants import (
    KERNEL_WINDOW_BASE,
    TASK_WINDOW_BASE,
    VmKind,
)
from ringbench.subjects.reference.vocabulary.status import Status
from tests.unit.reference.booted import bare

PAGE = 4096
ANONYMOUS, DEMAND, PHYSICAL, GUARD, SHARED, PRIVATE = VmKind
WINDOWS = {"t1": TASK_WINDOW_BASE, "kernel": KERNEL_WINDOW_BASE}


def booted() -> KernelState:
    state, status, _ = vm_space_create(bare(0x2A0000), "t1")
    assert status is Status.OK
    return state
