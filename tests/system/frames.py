"""What the tests of physical frames share.

Most of them first take all of memory in one run and then cut the holes they need. So what must be
handed out next is known from the test alone, whatever the model thinks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ringbench.subjects.reference.vocabulary.operations.pmm import (
    PmmAlloc,
    PmmAlloc2m,
    PmmFree,
    PmmInfo,
)

if TYPE_CHECKING:
    from tests.system.conftest import Kernel


MEMORY: Final = 320 << 20
"""160 blocks: more than two words of 64 in the trees' bottom level."""

LARGE: Final = {"machine.memory": "320M"}
FRAME: Final = 0x1000
BLOCK: Final = 512 * FRAME
WORD: Final = 64 * FRAME
"""What a word of the bitmap covers."""

TREE_WORD: Final = 64 * BLOCK
"""What a word of a tree's bottom level covers."""

ADDRESS_END: Final = 1 << 64


def counts(kernel: Kernel) -> tuple[int, int]:
    """What the kernel says: frames managed, frames free."""
    managed, free = kernel.values(PmmInfo())
    assert isinstance(managed, int)
    assert isinstance(free, int)
    return managed, free


def take_everything(kernel: Kernel) -> tuple[int, int]:
    """Take all free frames, which are one run, and return where it begins and ends."""
    _, free = counts(kernel)
    base = kernel.value(PmmAlloc(free))
    assert counts(kernel)[1] == 0
    return base, base + free * FRAME


def free(kernel: Kernel, *runs: tuple[int, int]) -> None:
    """Give back each (address, count), exactly so many frames."""
    for base, count in runs:
        before = counts(kernel)[1]
        assert kernel.values(PmmFree(base, count)) == ()
        assert counts(kernel)[1] == before + count


def refuse_all_sizes(kernel: Kernel) -> None:
    for operation in (PmmAlloc(), PmmAlloc(1), PmmAlloc(2, BLOCK), PmmAlloc2m()):
        kernel.refuses(operation, "no_memory")
