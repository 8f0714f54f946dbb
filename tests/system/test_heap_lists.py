"""The heap's free lists: which of the free nodes an allocation takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.system.heap_nodes import alloc, clear, end, free, holes
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
    # classes of 16 bytes up to 4 KiB, where 1008 is the last of the first level
    ((1008, 1024, 1040), 1024, 1),
    ((1040, 1024, 1008), 1008, 2),
    ((1040, 1024, 1008), 1040, 0),
    ((4080, 4064), 4064, 1),
    ((4064, 4080), 4080, 1),
    # then 64 of them in each power of two: a node in the class of what is wanted may be too
    # small, and is passed by; but not at the class's lower end
    ((4096, 4160), 4096, 0),
    ((4112, 4160), 4112, 1),
    ((4160, 4112), 4096, 1),
    ((8192, 8320), 8192, 0),
    ((8304, 8320), 8304, 1),
    ((8448, 8320), 8208, 1),
    ((8448, 8320), 8336, 0),
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
    [hole] = holes(kernel, 4112)
    before = end(kernel)
    assert alloc(kernel, 4112) == [HEAP + before]
    assert end(kernel) == before + 2 * PAGE
    assert alloc(kernel, 4096) == [hole]
