"""The heap's free lists: which of the free nodes an allocation takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.system.heap_nodes import FREE, HEADER, alloc, clear, end, free, holes, nodes
from tests.system.layout import HEAP, PAGE

if TYPE_CHECKING:
    from tests.system.conftest import Kernel


def test_last_in_first_out_in_a_class(kernel: Kernel) -> None:
    a, b, c, d = holes(kernel, 96, 96, 96, 96)
    assert alloc(kernel, 96) == [d]
    free(kernel, d)
    assert alloc(kernel, 96, 96) == [d, c]
    free(kernel, c)
    assert alloc(kernel, 96, 96, 96) == [c, b, a]
    # A node that leaves the middle of its list, by a merge, takes none of the others along.
    free(kernel, a, b, c, d)
    free(kernel, b + 96)  # the fence between b and c: they merge
    assert alloc(kernel, 96, 96) == [d, a]
    assert alloc(kernel, 96 + 32 + 96) == [b]


FITS: Final = [
    # free nodes in the order in which they were freed, the node wanted, which of them it comes from
    # the smallest that is large enough, wherever it is and whenever it was freed
    ((512, 96, 256), 80, 1),
    ((96, 512, 256), 112, 2),
    ((256, 96, 512), 272, 2),
    ((48, 32, 64), 32, 1),
    ((48, 32, 64), 48, 0),
    # classes of 16 bytes up to 1 KiB, where 496 is the last of the first level
    ((496, 512, 528), 512, 1),
    ((528, 512, 496), 496, 2),
    ((528, 512, 496), 528, 0),
    ((1008, 992), 992, 1),
    ((992, 1008), 1008, 1),
    # then 32 of them in each power of two: a node in the class of what is wanted may be too
    # small, and is passed by; but not at the class's lower end
    ((1024, 1056), 1024, 0),
    ((1040, 1056), 1040, 1),
    ((1056, 1040), 1024, 1),
    ((4096, 4224), 4096, 0),
    ((4208, 4224), 4208, 1),
    ((4352, 4224), 4112, 1),
    ((4352, 4224), 4240, 0),
    ((8192, 8448, 12288), 8208, 1),
    ((65536, 32768), 30000, 1),
]


def test_the_class_that_fits_best(kernel: Kernel) -> None:
    for sizes, wanted, taken in FITS:
        pointers = holes(kernel, *sizes)
        assert alloc(kernel, wanted) == [pointers[taken]], (sizes, wanted)
        clear(kernel)


def test_a_node_in_the_class_that_is_too_small_or_not_sure_to_do_is_left(kernel: Kernel) -> None:
    """The heap grows although a node would have been large enough: its class does not say so."""
    [hole] = holes(kernel, 1040)
    before = end(kernel)
    assert alloc(kernel, 1040) == [HEAP + before + HEADER]
    assert end(kernel) == before + PAGE
    # But the last node is looked at itself.
    [last] = alloc(kernel, PAGE - 1040 - 1040)
    assert nodes(kernel)[-1] == (before + PAGE - 1040, 1040, FREE)
    assert alloc(kernel, 1040) == [last + PAGE - 2080]
    assert end(kernel) == before + PAGE
    assert alloc(kernel, 1024) == [hole]
