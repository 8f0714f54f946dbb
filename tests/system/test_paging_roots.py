"""Bare roots: coming, going, what they share, and what is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringbench.subjects.reference.vocabulary.flags import EXEC, WRITE
from ringbench.subjects.reference.vocabulary.operations.paging import (
    PageDelete,
    PageMap,
    PageNew,
    PageProtect,
    PageQuery,
    PageUnmap,
)
from ringbench.subjects.reference.vocabulary.operations.pmm import PmmAlloc, PmmAlloc2m, PmmFree
from ringbench.subjects.reference.vocabulary.operations.task import TaskNew
from ringbench.subjects.reference.vocabulary.operations.vmm import Touch, VmAlloc
from tests.system.page_tables import (
    ADDRESS_END,
    G1,
    G512,
    HALF,
    K4,
    M2,
    costs,
    free_frames,
    leave_frames,
    new_root,
)

if TYPE_CHECKING:
    from tests.system.conftest import Kernel


def test_handles_that_are_no_bare_roots(kernel: Kernel) -> None:
    kernel.handle(TaskNew())
    kernel_half = ADDRESS_END - HALF
    for handle, status in (
        ("r0", "not_found"), ("r15", "not_found"), ("r16", "not_found"), ("t2", "not_found"),
        ("kernel", "denied"), ("t0", "denied"), ("t1", "denied"),
    ):  # fmt: skip
        # Before every other error: length 0, odd addresses, the kernel half.
        kernel.refuses(PageMap(handle, kernel_half + 1, 1, 0, K4, WRITE | EXEC), status)
        kernel.refuses(PageUnmap(handle, kernel_half + 1, 0), status)
        kernel.refuses(PageProtect(handle, kernel_half + 1, 0, WRITE | EXEC), status)
        kernel.refuses(PageDelete(handle), status)
        if status == "not_found":
            kernel.refuses(PageQuery(handle, HALF), status)
            kernel.refuses(Touch(handle, HALF, "r"), status)
    root = new_root(kernel)
    for address in (kernel_half, 1 << 63, ADDRESS_END - 1):
        kernel.refuses(PageMap(root, address, 1, 0, K4, WRITE | EXEC), "denied")
        kernel.refuses(PageUnmap(root, address, 0), "denied")
        kernel.refuses(PageProtect(root, address, 0, WRITE | EXEC), "denied")


def test_there_are_sixteen_bare_roots(kernel: Kernel) -> None:
    before = free_frames(kernel)
    assert [new_root(kernel) for _ in range(16)] == [f"r{number}" for number in range(16)]
    kernel.refuses(PageNew(), "no_space")
    kernel.values(PageMap("r7", 0, 0, K4, K4, 0))
    for number in (7, 3, 15):
        kernel.values(PageDelete(f"r{number}"))
        kernel.refuses(PageDelete(f"r{number}"), "not_found")
        kernel.refuses(PageQuery(f"r{number}", 0), "not_found")
    assert [new_root(kernel) for _ in range(3)] == ["r3", "r7", "r15"]
    kernel.refuses(PageQuery("r7", 0), "not_mapped")
    leave_frames(kernel, 0)
    kernel.refuses(PageNew(), "no_space")  # rather than no_memory
    kernel.values(PageDelete("r9"))
    assert free_frames(kernel) == 1
    new_frame = kernel.value(PmmAlloc())
    kernel.refuses(PageNew(), "no_memory")
    kernel.values(PmmFree(new_frame))
    assert kernel.handle(PageNew()) == "r9"
    assert free_frames(kernel) == 0 < before


def test_delete_frees_every_table_and_no_page(kernel: Kernel, furnished: str) -> None:
    page, block = kernel.value(PmmAlloc()), kernel.value(PmmAlloc2m())
    root = furnished  # 1 + 3 tables
    costs(kernel, PageMap(root, 6 * G512, page, K4, K4, WRITE), 3)
    costs(kernel, PageMap(root, 6 * G512 + G1, block, M2, M2, WRITE), 1)
    costs(kernel, PageMap(root, HALF - 3 * M2, 0, 3 * M2, K4, 0), 5)
    costs(kernel, PageDelete(root), -(1 + 3 + 3 + 1 + 5))
    kernel.values(PmmFree(page))
    kernel.values(PmmFree(block, 512))


def test_roots_are_apart_in_one_half_and_one_in_the_other(kernel: Kernel) -> None:
    first, second = new_root(kernel), new_root(kernel)
    kernel.values(PageMap(first, 0, 0, K4, K4, WRITE))
    kernel.values(PageMap(second, 0, K4, K4, K4, EXEC))
    assert kernel.values(PageQuery(first, 0)) == (0, 0, K4, "rw")
    assert kernel.values(PageQuery(second, 0)) == (0, K4, K4, "rx")
    # A region of the kernel's made later is there in both, and in the kernel's own.
    region = kernel.value(VmAlloc("kernel", K4, "anonymous", WRITE))
    found = kernel.values(PageQuery("kernel", region))
    direct = ADDRESS_END - HALF
    for root in (first, second, "t0"):
        assert kernel.values(PageQuery(root, region)) == found
        kernel.values(Touch(root, region, "w"))
        kernel.values(Touch(root, direct, "r"))
