"""The model of a kernel with 30 MiB to hand out, as at its first prompt, and after operations."""

from __future__ import annotations

from functools import cache

from ringbench.arch.x86_64.features import Features
from ringbench.drive.operations import Operation
from ringbench.model.kernel import boot, perform
from ringbench.model.layout import IMAGE_BASE, MemoryKind
from ringbench.model.state import KernelState, MemoryRange, Segment, Sizes

MEMORY = (
    MemoryRange(0, 1 << 20, MemoryKind.LOW),
    MemoryRange(1 << 20, 1 << 20, MemoryKind.KERNEL),
    MemoryRange(2 << 20, 30 << 20, MemoryKind.AVAILABLE),
)
IMAGE = (Segment(IMAGE_BASE + (1 << 20), 1 << 16, 4), Segment(IMAGE_BASE + 0x110000, 1 << 16, 1))


@cache
def booted() -> KernelState:
    return boot(MEMORY, IMAGE, Features(physical_bits=40, gib_pages=True), Sizes(task=64))


def performed(state: KernelState, *operations: Operation) -> KernelState:
    """The state after operations that must succeed."""
    for operation in operations:
        state, reply = perform(state, operation)
        assert reply.ok, f"{operation}: {reply}"
    return state
