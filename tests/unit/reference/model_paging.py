"""What the tests of the paging model share: a kernel with an image, and one bare root more."""

from ringbench.arch.x86_64.features import Features
from ringbench.subjects.reference.model.kernel import boot
from ringbench.subjects.reference.model.paging import paging_root_create
from ringbench.subjects.reference.model.state import KernelState, Segment, Sizes
from ringbench.subjects.reference.vocabulary import flags as page
from ringbench.subjects.reference.vocabulary.boot_values import MemoryRange
from ringbench.subjects.reference.vocabulary.constants import IMAGE_BASE, MemoryKind
from ringbench.subjects.reference.vocabulary.status import Status

KIB4, MIB2, GIB1 = 1 << 12, 1 << 21, 1 << 30
SIZES = (KIB4, MIB2, GIB1)
FEATURES = Features(40, gib_pages=True)

MEMORY = (
    MemoryRange(0, 0x9F000, MemoryKind.LOW),
    MemoryRange(0x9F000, 0x1000, MemoryKind.RESERVED),
    MemoryRange(0xF0000, 0x10000, MemoryKind.RESERVED),
    MemoryRange(0x100000, 0x60000, MemoryKind.KERNEL),
    MemoryRange(0x160000, 0x1EA0000, MemoryKind.AVAILABLE),
)

IMAGE = (
    Segment(IMAGE_BASE + 0x101000, 0x5000, page.EXEC),
    Segment(IMAGE_BASE + 0x106000, 0x1001, 0),
    Segment(IMAGE_BASE + 0x108000, 0x2000, page.WRITE),
)


def booted(features: Features = FEATURES) -> KernelState:
    return boot(MEMORY, IMAGE, features, Sizes())


def with_root() -> tuple[KernelState, int]:
    state, status, root = paging_root_create(booted())
    assert status is Status.OK
    return state, root
