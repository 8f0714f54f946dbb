"""States of the model for its tests: as at the first prompt, after operations, short of frames."""

from __future__ import annotations

from functools import cache

from ringbench.arch.x86_64.features import Features
from ringbench.subjects.reference.model.frame_set import FrameSet
from ringbench.subjects.reference.model.kernel import boot, perform
from ringbench.subjects.reference.model.state import (
    Disk,
    KernelState,
    Segment,
    Sizes,
    replace,
)
from ringbench.subjects.reference.vocabulary.boot_values import MemoryRange
from ringbench.subjects.reference.vocabulary.constants import IMAGE_BASE, MemoryKind
from ringbench.subjects.reference.vocabulary.operations.base import Operation

MEMORY = (
    MemoryRange(0, 1 << 20, MemoryKind.LOW),
    MemoryRange(1 << 20, 1 << 20, MemoryKind.KERNEL),
    MemoryRange(2 << 20, 30 << 20, MemoryKind.AVAILABLE),
)
IMAGE = (Segment(IMAGE_BASE + (1 << 20), 1 << 16, 4), Segment(IMAGE_BASE + 0x110000, 1 << 16, 1))

AVAILABLE = 0x160000
"""Where the frames of a bare kernel begin."""


@cache
def booted() -> KernelState:
    """A kernel with an image and 30 MiB to hand out."""
    return boot(MEMORY, IMAGE, Features(physical_bits=40, gib_pages=True), Sizes())


def disk(serial: str, image: bytes = b"", sectors: int = 64, *, read_only: bool = False) -> Disk:
    """A disk before the kernel has set it up; a short image is followed by zeros."""
    return Disk(serial, sectors, read_only, (0xFEBF_4000, 0x4000), image)


@cache
def with_disks() -> KernelState:
    """The same kernel with a disk `data`, whose bytes count up, and one `swap` of 4 MiB."""
    data = disk("data", bytes(range(256)) * 40)
    features = Features(physical_bits=40, gib_pages=True)
    return boot(MEMORY, IMAGE, features, Sizes(), (data, disk("swap", sectors=8192)))


@cache
def bare(length: int) -> KernelState:
    """A kernel without an image, and `length` bytes to hand out, from AVAILABLE on."""
    memory = (
        MemoryRange(0x100000, 0x60000, MemoryKind.KERNEL),
        MemoryRange(AVAILABLE, length, MemoryKind.AVAILABLE),
    )
    return boot(memory, (), Features(40), Sizes())


def with_free(state: KernelState, count: int) -> KernelState:
    """The same state with only its `count` lowest free frames left."""
    lowest, _ = state.pmm.free.split_lowest(count)
    return replace(state, pmm=replace(state.pmm, free=FrameSet.of(lowest)))


def performed(state: KernelState, *operations: Operation) -> KernelState:
    """The state after operations that must succeed."""
    for operation in operations:
        state, reply = perform(state, operation)
        assert reply.ok, f"{operation}: {reply}"
    return state
