"""Pages of bare roots that are accessed, changed, and accessed again, with their root active.

`touch` loads a root that is not active, and that empties QEMU's TLB: so gdb makes the bare root
the active one, and from then on a translation that was not flushed is met. Pages of all
sizes, global ones too, as far as QEMU keeps those (test_paging_flush.py has the rest).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pytest

from ringbench.arch.x86_64.vectors import PageFaultCode
from ringbench.subjects.reference.model.state import replace
from ringbench.subjects.reference.vocabulary.flags import GLOBAL, WRITE
from ringbench.subjects.reference.vocabulary.operations.paging import (
    PageDelete,
    PageMap,
    PageNew,
    PageProtect,
    PageUnmap,
)
from ringbench.subjects.reference.vocabulary.operations.pmm import PmmAlloc2m
from ringbench.subjects.reference.vocabulary.operations.vmm import Touch
from tests.system.conftest import Kernel
from tests.system.page_tables import G1, K4, M2

BASE: Final = 4 * G1
SIZES: Final = (K4, M2, G1)
GLOBALS: Final = (0, GLOBAL)
MISSING: Final = (0, "not_mapped")
FORBIDDEN: Final = (int(PageFaultCode.P | PageFaultCode.W), "not_mapped")


@dataclass(frozen=True, slots=True)
class Mapped:
    """Pages of a size in a bare root, and addresses in each of them."""

    root: str
    size: int
    flags: int
    count: int

    @property
    def length(self) -> int:
        """Of all pages."""
        return self.count * self.size

    def places(self) -> list[int]:
        """The first byte of each page, one in the middle of it, and the last."""
        pages = range(BASE, BASE + self.length, self.size)
        return [
            page + offset for page in pages for offset in (0, self.size // 2 + 8, self.size - 1)
        ]


def activate(kernel: Kernel, handle: str) -> None:
    """Load a root, and say so to the model."""
    root = kernel.state.root_of(handle)
    assert root is not None
    kernel.machine.gdb.set_register("cr3", root)
    kernel.machine.detach_gdb()
    kernel.lockstep.state = replace(kernel.state, active_root=root)


def mapped(kernel: Kernel, size: int, flags: int, count: int) -> Mapped:
    """Map pages of a size in a new root that becomes the active one, and read them all."""
    pages = Mapped(kernel.handle(PageNew()), size, flags, count)
    # What is below the first GiB is read only; smaller pages are the test's own.
    paddr = 0 if size == G1 else kernel.value(PmmAlloc2m())
    # The page behind them stays, so that no table goes, which would flush as well.
    for number in range(count + 1):
        at = BASE + number * size
        kernel.perform(PageMap(pages.root, at, paddr, size, size, WRITE | flags))
    activate(kernel, pages.root)
    for place in pages.places():
        kernel.perform(Touch(pages.root, place, "w" if size != G1 else "r"))
    return pages


def done(kernel: Kernel, pages: Mapped) -> None:
    """Go back to the kernel's own root, and compare everything."""
    kernel.look("with the bare root active")
    activate(kernel, "kernel")
    kernel.perform(PageDelete(pages.root))


@pytest.mark.parametrize("flags", GLOBALS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("count", [2])
def test_a_page_that_was_unmapped_is_gone(
    kernel: Kernel, size: int, flags: int, count: int
) -> None:
    pages = mapped(kernel, size, flags, count)
    kernel.perform(PageUnmap(pages.root, BASE, pages.length))
    for place in pages.places():
        assert kernel.fault(pages.root, place, "r") == MISSING
    done(kernel, pages)


@pytest.mark.parametrize("flags", GLOBALS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("count", [2])
def test_a_page_that_was_protected_cannot_be_written(
    kernel: Kernel, size: int, flags: int, count: int
) -> None:
    pages = mapped(kernel, size, flags, count)
    for place in pages.places():
        kernel.perform(Touch(pages.root, place, "w"))
    kernel.perform(PageProtect(pages.root, BASE, pages.length, flags))
    for place in pages.places():
        assert kernel.fault(pages.root, place, "w") == FORBIDDEN
        kernel.perform(Touch(pages.root, place, "r"))
    done(kernel, pages)


@pytest.mark.parametrize("flags", GLOBALS)
@pytest.mark.parametrize("size", [M2, G1])
def test_a_smaller_page_takes_the_place_of_a_large_one(
    kernel: Kernel, size: int, flags: int
) -> None:
    pages = mapped(kernel, size, flags, 1)
    kernel.perform(PageUnmap(pages.root, BASE, size))
    kernel.perform(PageMap(pages.root, BASE, 0, K4, K4, flags))
    kernel.perform(Touch(pages.root, BASE, "r"))
    assert kernel.fault(pages.root, BASE, "w") == FORBIDDEN
    assert kernel.fault(pages.root, BASE + size // 2 + 8, "r") == MISSING
    kernel.perform(PageUnmap(pages.root, BASE, K4))
    kernel.perform(PageMap(pages.root, BASE, 0, size, size, flags))
    kernel.perform(Touch(pages.root, BASE + size - 1, "r"))
    done(kernel, pages)


@pytest.mark.parametrize("flags", GLOBALS)
@pytest.mark.parametrize("size", SIZES)
def test_a_root_in_the_frame_of_another_has_nothing_of_it(
    kernel: Kernel, size: int, flags: int
) -> None:
    pages = mapped(kernel, size, flags, 1)
    frame = kernel.state.root_of(pages.root)
    activate(kernel, "kernel")
    kernel.perform(PageDelete(pages.root))
    assert kernel.handle(PageNew()) == pages.root
    assert kernel.state.root_of(pages.root) == frame
    for place in pages.places():
        assert kernel.fault(pages.root, place, "r") == MISSING
    activate(kernel, pages.root)
    for place in pages.places():
        assert kernel.fault(pages.root, place, "r") == MISSING
    done(kernel, pages)


def test_the_active_root_cannot_be_deleted(kernel: Kernel) -> None:
    pages = mapped(kernel, K4, 0, 1)
    kernel.refuses(PageDelete(pages.root), "busy")
    done(kernel, pages)
