"""What the tests of page tables share: sizes and borders, and what an operation costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ringbench.arch.x86_64.walk import translate
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.paging import PageNew
from ringbench.subjects.reference.vocabulary.operations.pmm import PmmAlloc, PmmFree, PmmInfo

if TYPE_CHECKING:
    from tests.system.conftest import Kernel


K4: Final = 1 << 12
M2: Final = 1 << 21
G1: Final = 1 << 30
G512: Final = 1 << 39
"""What an entry of the PML4 spans."""

HALF: Final = 1 << 47
"""The first address that is not canonical."""

ADDRESS_END: Final = 1 << 64
PHYSICAL_END: Final = 1 << 40
"""QEMU's `max` has 40 physical bits."""

TABLES: Final = {K4: 3, M2: 2, G1: 1}
"""Below the root, for one page of each size."""


def free_frames(kernel: Kernel) -> int:
    _, free = kernel.values(PmmInfo())
    assert isinstance(free, int)
    return free


def costs(kernel: Kernel, operation: Operation, frames: int) -> None:
    """Perform, and insist on how many frames that takes, or, negative, gives back."""
    before = free_frames(kernel)
    assert kernel.values(operation) == ()
    assert before - free_frames(kernel) == frames, operation


def new_root(kernel: Kernel) -> str:
    before = free_frames(kernel)
    root = kernel.handle(PageNew())
    assert free_frames(kernel) == before - 1
    return root


def leave_frames(kernel: Kernel, count: int) -> list[int]:
    """Take all frames but the `count` highest; their addresses."""
    free = free_frames(kernel)
    base = kernel.value(PmmAlloc(free))
    left = [base + (free - count + number) * K4 for number in range(count)]
    if count:
        kernel.values(PmmFree(left[0], count))
    return left


def entries(kernel: Kernel, root: str, address: int) -> list[tuple[int, int]]:
    """(Physical address of the table, raw entry) at each level, top first, out of guest memory."""
    root_frame = kernel.state.root_of(root)
    assert root_frame is not None
    with kernel.machine.stopped():
        steps = translate(kernel.machine.memory, root_frame, address).steps
    return [(step.table, step.entry.raw) for step in steps]
