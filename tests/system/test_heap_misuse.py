"""Pointers that must not be freed or resized, and what else the heap is not to be asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringbench.machine import Machine
from ringbench.subjects.reference.drive.console import ConsoleChannel
from ringbench.subjects.reference.drive.gdb import GdbChannel
from ringbench.subjects.reference.vocabulary.operations.heap import (
    HeapAlloc,
    HeapCheck,
    HeapFree,
    HeapInfo,
    HeapRealloc,
)
from ringbench.subjects.reference.vocabulary.status import Status
from tests.system.heap_nodes import ALIGN_MAX, ALLOC_MAX, BASE, HEADER, alloc, fill, free
from tests.system.layout import HEAP, PAGE

if TYPE_CHECKING:
    from tests.system.conftest import Kernel


def test_double_free(kernel: Kernel) -> None:
    """Named also where the node is gone because it merged."""
    a, b, c, d, e, _ = alloc(kernel, *[96] * 6)
    free(kernel, b)
    kernel.refuses(HeapFree(b), "double_free")
    free(kernel, c)  # merged with the one before
    kernel.refuses(HeapFree(c), "double_free")
    kernel.refuses(HeapFree(b), "double_free")
    free(kernel, e)
    free(kernel, d)  # merged with both
    for pointer in (b, c, d, e):
        kernel.refuses(HeapFree(pointer), "double_free")
        kernel.refuses(HeapRealloc(pointer, 8), "double_free")
    free(kernel, a)  # with the one after
    for pointer in (a, b, c, d, e):
        kernel.refuses(HeapFree(pointer), "double_free")
    kernel.values(HeapCheck())


def test_foreign_pointers(kernel: Kernel) -> None:
    kernel.refuses(HeapFree(BASE), "foreign")  # of an empty heap
    [a] = alloc(kernel, 96)
    foreign = (1, 16, 0x10000, HEAP - 16, HEAP, HEAP + 8, HEAP + PAGE, HEAP + PAGE + 16,
               0xFFFF_8000_0010_0000, 0xFFFF_D000_0000_0010, 0xFFFF_FFFF_8020_0000,
               (1 << 64) - 16, (1 << 64) - 1)  # fmt: skip
    misaligned = (a + 1, a + 8, a + 15, a - 8)
    for pointer in (*foreign, *misaligned):
        kernel.refuses(HeapFree(pointer), "foreign")
        kernel.refuses(HeapRealloc(pointer, 8), "foreign")
    free(kernel, a)
    kernel.refuses(HeapFree(a), "foreign")  # its memory is gone


def test_interior_pointers(kernel: Kernel) -> None:
    a, b, c = alloc(kernel, 96, 3 * PAGE, 96)
    fill(kernel, b, 3 * PAGE - HEADER)
    for pointer in (b + 16, b + PAGE, b + 2 * PAGE, b + 3 * PAGE - 32, a + 64, c + 64):
        kernel.refuses(HeapFree(pointer), "interior")
        kernel.refuses(HeapRealloc(pointer, 8), "interior")
    free(kernel, b)
    kernel.refuses(HeapFree(b + PAGE), "interior")  # of a free node as well


def test_arguments_that_the_console_keeps_away(machine: Machine, console: ConsoleChannel) -> None:
    """Where the console says `invalid`, the functions give NULL, and take nothing."""
    assert console.perform(HeapAlloc(80)).ok
    GdbChannel.at_prompt(machine)
    gdb = machine.gdb
    before = gdb.evaluate_int("pmm.free_count")
    for size in (0, ALLOC_MAX + 1, 1 << 40, (1 << 64) - 1):
        assert gdb.call("heap_alloc", size) == 0
        assert gdb.call("heap_zalloc", size) == 0
        for align in (1, 16, 32, ALIGN_MAX):
            assert gdb.call("heap_align", align, size) == 0
    for align in (0, 3, 24, ALIGN_MAX + 16, 2 * ALIGN_MAX, 1 << 63):
        assert gdb.call("heap_align", align, 16) == 0
    assert gdb.call("heap_free", 0) == Status.OK
    assert gdb.evaluate_int("pmm.free_count") == before
    machine.detach_gdb()
    assert console.perform(HeapInfo()).values == (HEAP + PAGE, 1, 1, 96, PAGE - 96)
