"""Regions that are there: freeing, resizing, asking for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringbench.subjects.reference.vocabulary.flags import CACHE_WC, EXEC, USER, WRITE
from ringbench.subjects.reference.vocabulary.operations.vmm import (
    VmAlloc,
    VmAllocAt,
    VmFree,
    VmQuery,
    VmRead,
    VmResize,
    VmWrite,
)
from tests.system.layout import MIB2, PAGE, TASK, TASK_END

if TYPE_CHECKING:
    from tests.system.conftest import Kernel


def test_free_takes_the_start_of_a_region_only(kernel: Kernel, task: str) -> None:
    kernel.refuses(VmFree(task, TASK), "not_mapped")
    kernel.values(VmAlloc(task, 2 * PAGE, "anonymous", WRITE))
    for vaddr in (TASK + PAGE, TASK + 1, TASK - PAGE, TASK + 2 * PAGE, 0, 1 << 47, (1 << 64) - 1):
        kernel.refuses(VmFree(task, vaddr), "not_mapped")
    kernel.refuses(VmFree("kernel", TASK), "not_mapped")
    kernel.values(VmFree(task, TASK))
    kernel.refuses(VmFree(task, TASK), "not_mapped")
    assert kernel.fault(task, TASK, "r") == (0, "not_mapped")


def test_resize(kernel: Kernel, task: str) -> None:
    base = MIB2 - PAGE
    kernel.values(VmAllocAt(task, base, PAGE, "anonymous", WRITE))
    kernel.values(VmAllocAt(task, base + 5 * PAGE, PAGE, "guard", 0))
    kernel.values(VmWrite(task, base + PAGE - 4, b"kept"))
    first = kernel.paddr_of(task, base)
    lowest = kernel.soil(5)
    with kernel.taking(5):  # 4 pages, and a table behind the border
        kernel.values(VmResize(task, base, 5 * PAGE))
    assert kernel.paddr_of(task, base) == first
    frames = [kernel.paddr_of(task, base + n * PAGE) for n in range(1, 5)]
    assert frames == [lowest + n * PAGE for n in (0, 2, 3, 4)]
    for frame in frames:
        assert kernel.machine.memory.read(frame, PAGE) == bytes(PAGE)
    assert kernel.values(VmRead(task, base + PAGE - 4, 8)) == (b"kept\0\0\0\0".hex(),)
    kernel.values(VmWrite(task, base + 2 * PAGE - 4, b"and that"))
    with kernel.taking(0):
        kernel.values(VmResize(task, base, 5 * PAGE))
    kernel.refuses(VmResize(task, base, 6 * PAGE), "mapped")
    with kernel.taking(-3):
        kernel.values(VmResize(task, base, 2 * PAGE))
    assert kernel.fault(task, base + 2 * PAGE, "r") == (0, "not_mapped")
    assert kernel.values(VmQuery(task, base)) == (base, 2 * PAGE, "anonymous", "rw")
    kernel.values(VmResize(task, base, 3 * PAGE))
    assert kernel.values(VmRead(task, base + 2 * PAGE - 4, 8)) == (b"and \0\0\0\0".hex(),)
    with kernel.taking(-3):  # the table behind the border too
        kernel.values(VmResize(task, base, PAGE))
    assert kernel.values(VmRead(task, base + PAGE - 4, 4)) == (b"kept".hex(),)


def test_resize_is_refused(kernel: Kernel, task: str) -> None:
    last = TASK_END - 2 * PAGE
    kernel.perform(
        VmAllocAt(task, 0x100000, PAGE, "anonymous", 0),
        VmAllocAt(task, 0x200000, PAGE, "demand", WRITE),
        VmAllocAt(task, 0x300000, PAGE, "physical", 0, 0),
        VmAllocAt(task, 0x400000, PAGE, "guard", 0),
        VmAllocAt(task, last, PAGE, "anonymous", 0),
    )
    for vaddr in (0x100000, 0x200000, 0x500000):
        kernel.refuses(VmResize(task, vaddr, 0), "invalid")
        kernel.refuses(VmResize(task, vaddr, PAGE + 1), "misaligned")
        kernel.refuses(VmResize(task, vaddr, (1 << 64) - 1), "misaligned")
    for vaddr in (0x500000, 0x100001, 0x101000, 0, 1 << 63):
        kernel.refuses(VmResize(task, vaddr, 2 * PAGE), "not_mapped")
    for vaddr in (0x200000, 0x300000, 0x400000):
        kernel.refuses(VmResize(task, vaddr, PAGE), "denied")
        kernel.refuses(VmResize(task, vaddr, (1 << 64) - PAGE), "denied")
    for vaddr, length in ((last, 3 * PAGE), (0x100000, TASK_END), (last, (1 << 64) - PAGE)):
        kernel.refuses(VmResize(task, vaddr, length), "out_of_range")
    kernel.refuses(VmResize(task, 0x100000, 0x100000 + PAGE), "mapped")
    kernel.refuses(VmResize(task, 0x100000, TASK_END - 0x100000), "mapped")
    kernel.values(VmFree(task, 0x200000))
    kernel.values(VmFree(task, 0x300000))
    kernel.values(VmFree(task, 0x400000))
    kernel.refuses(VmResize(task, 0x100000, 1 << 30), "no_memory")
    kernel.values(VmResize(task, last, 2 * PAGE))


def test_query_says_what_was_asked_for(kernel: Kernel, task: str) -> None:
    regions: list[tuple[int, int, str, int, str, int | None]] = [
        (TASK, 3 * PAGE, "anonymous", WRITE | USER, "rwu", None),
        (0x20000, PAGE, "demand", EXEC, "rx", None),
        (0x21000, 2 * PAGE, "guard", 0, "r", None),
        (TASK_END - PAGE, PAGE, "physical", WRITE | CACHE_WC, "rw:wc", 0xB8000),
    ]
    for base, length, kind, flags, words, paddr in regions:
        kernel.values(VmAllocAt(task, base, length, kind, flags, paddr))
        expected = (base, length, kind, words, *(() if paddr is None else (paddr,)))
        for vaddr in (base, base + 1, base + length // 2 - 1, base + length - 1):
            assert kernel.values(VmQuery(task, vaddr)) == expected
    for vaddr in (0, TASK - 1, 0x13000, 0x1FFFF, 0x23000, TASK_END, 1 << 47, (1 << 64) - 1):
        kernel.refuses(VmQuery(task, vaddr), "not_mapped")
    kernel.refuses(VmQuery("kernel", TASK), "not_mapped")
