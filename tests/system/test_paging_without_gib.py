"""A processor without 1 GiB pages: they are refused, and nothing else changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringbench.subjects.reference.vocabulary.flags import EXEC, WRITE
from ringbench.subjects.reference.vocabulary.operations.paging import (
    PageMap,
    PageNew,
    PageQuery,
    PageUnmap,
)
from ringbench.subjects.reference.vocabulary.operations.pmm import PmmAlloc, PmmInfo
from ringbench.subjects.reference.vocabulary.operations.vmm import Touch
from tests.system.page_tables import ADDRESS_END, G1, HALF, K4, M2

if TYPE_CHECKING:
    from tests.system.conftest import Kernel

MACHINE = {"machine.cpu": "max,-pdpe1gb", "machine.memory": "2G"}

DIRECT_MAP = ADDRESS_END - HALF


def test_the_direct_map_has_2_mib_pages(kernel: Kernel) -> None:
    leaf = (DIRECT_MAP + G1 + M2, G1 + M2, M2, "rwg")
    assert kernel.values(PageQuery("kernel", DIRECT_MAP + G1 + 2 * M2 - 1)) == leaf


def test_1_gib_pages_are_unsupported(kernel: Kernel) -> None:
    root = kernel.handle(PageNew())
    kernel.values(PageMap(root, 0, 0, K4, K4, 0))
    before = kernel.values(PmmInfo())
    # INVALID comes first, everything else after it.
    for length, flags in ((0, 0), (G1, WRITE | EXEC), (1, WRITE | EXEC)):
        kernel.refuses(PageMap(root, G1, 0, length, G1, flags), "invalid")
    for va, pa, length in (
        (G1, G1, G1), (G1 + 1, 0, G1), (G1, M2, G1), (G1, 0, M2), (HALF, 0, G1), (0, 0, 1 << 63),
        (G1, 1 << 40, G1), (0, 0, G1),
    ):  # fmt: skip
        kernel.refuses(PageMap(root, va, pa, length, G1, WRITE), "unsupported")
    (_, free) = kernel.values(PmmInfo())
    kernel.values(PmmAlloc(int(free)))
    kernel.refuses(PageMap(root, G1, 0, G1, G1, WRITE), "unsupported")
    assert before[1] == free


def test_the_other_sizes_work(kernel: Kernel) -> None:
    """A whole GiB of 2 MiB pages, and 4 KiB pages beside it."""
    root = kernel.handle(PageNew())
    frame = kernel.value(PmmAlloc())
    kernel.values(PageMap(root, G1, 0, G1, M2, WRITE))
    kernel.values(PageMap(root, 2 * G1, frame, K4, K4, 0))
    assert kernel.value(PmmAlloc()) == frame + 5 * K4  # PDPT, PD; PD, PT
    kernel.values(Touch(root, G1 + frame, "w"))
    kernel.values(Touch(root, 2 * G1, "r"))
    assert kernel.values(PageQuery(root, 2 * G1 - 1)) == (2 * G1 - M2, G1 - M2, M2, "rw")
    kernel.values(PageUnmap(root, G1, G1 + K4))
    assert kernel.value(PmmAlloc()) == frame + K4
