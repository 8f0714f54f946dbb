"""Paging by function calls from gdb: what the console keeps to itself or cannot spell.

That is the kernel half, flags and sizes that have no words, the active root, the functions for the
VMM, and the TLB: the console loads CR3 to access through any root but the active one, which flushes
it, so what a change leaves in the TLB shows only if nothing comes between the change and the next
access. The model is not asked here, but every test leaves the kernel as it was, and that is
compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from ringbench.subjects.reference.drive.gdb import GdbChannel
from ringbench.subjects.reference.vocabulary.flags import (
    CACHE_WC,
    EXEC,
    FLAGS_ALL,
    GLOBAL,
    USER,
    WRITE,
    flags_text,
)
from ringbench.subjects.reference.vocabulary.operations.paging import PageNew, PageQuery
from ringbench.subjects.reference.vocabulary.operations.pmm import PmmAlloc, PmmFree, PmmInfo
from ringbench.subjects.reference.vocabulary.operations.task import TaskNew, TaskSwitch
from ringbench.subjects.reference.vocabulary.operations.vmm import VmAlloc, VmProtect, VmWrite
from tests.system.layout import HEAP, WINDOW
from tests.system.page_tables import ADDRESS_END, G1, G512, HALF, K4, M2, PHYSICAL_END

if TYPE_CHECKING:
    from ringbench.machine import Gdb
    from tests.system.conftest import Kernel

KERNEL_HALF = ADDRESS_END - HALF
DIRECT_MAP = KERNEL_HALF
UNUSED = KERNEL_HALF + 5 * G512  # a slot that nothing uses
IMAGE = 0xFFFF_FFFF_8000_0000
WX = WRITE | EXEC


class Caller:
    """Calls of kernel functions in the stopped guest, by name, and their statuses by name."""

    def __init__(self, gdb: Gdb) -> None:
        self.gdb = gdb

    def status(self, function: str, *arguments: int | str) -> str:
        """Call a function that returns an enum status: `ok`, `no_memory`, ..."""
        text = ", ".join(each if isinstance(each, str) else f"{each:#x}UL" for each in arguments)
        name = self.gdb.evaluate(f"(enum status){function}({text})")
        return name.removeprefix("STATUS_").lower()

    def free(self) -> int:
        return self.gdb.evaluate_int("pmm.free_count")

    def query(self, root: int, address: int) -> tuple[int, int, int, str]:
        assert self.status("paging_query", root, address, "(struct mapping *)debug_scratch") == "ok"
        mapping = "(*(struct mapping *)debug_scratch)"
        vaddr, paddr, size, flags = (
            self.gdb.evaluate_int(f"{mapping}.{name}")
            for name in ("virtual", "physical", "size", "flags")
        )
        return vaddr, paddr, size, flags_text(flags)

    def access(self, address: int, mode: str) -> tuple[int, int] | None:
        """Access a byte; None, or the vector and the error code of the fault."""
        fault = "(struct access_fault *)debug_scratch"
        status = self.status("cpu_access", address, f"ACCESS_{mode}", fault)
        if status == "ok":
            return None
        assert status == "fault"
        vector = self.gdb.evaluate_int(f"({fault})->vector")
        return vector, self.gdb.evaluate_int(f"({fault})->error")


@contextmanager
def calls(kernel: Kernel) -> Iterator[Caller]:
    """Stop the guest at its prompt for calls; afterwards the console is back."""
    GdbChannel.at_prompt(kernel.machine)
    try:
        yield Caller(kernel.machine.gdb)
    finally:
        kernel.machine.detach_gdb()


def root_of(kernel: Kernel, handle: str) -> int:
    root = kernel.state.root_of(handle)
    assert root is not None
    return root


# --- errors --------------------------------------------------------------------------------------


def test_sizes_and_flags_without_meaning(kernel: Kernel) -> None:
    root = root_of(kernel, kernel.handle(PageNew()))
    with calls(kernel) as call:
        before = call.free()
        for size in (0, 1, 8, 2 * K4, M2 - K4, 2 * M2, G512, 1 << 63, ADDRESS_END - K4):
            assert call.status("paging_map", root, 0, 0, size, size, 0) == "invalid", size
            # before UNSUPPORTED, MISALIGNED, NON_CANONICAL
            assert call.status("paging_map", root, 1 << 47, 1, 1, size, 0) == "invalid", size
        assert call.status("paging_map", root, 0, 0, K4, K4, 0) == "ok"
        unknown = (FLAGS_ALL + 1, 1 << 31, 0xFFFFFF80, 0x50, 0x60, 0x70, 0x51, WX, WX | USER)
        for flags in unknown:
            for size in (K4, M2, G1):
                assert call.status("paging_map", root, 0, 0, size, size, flags) == "invalid", flags
            assert call.status("paging_protect", root, 0, K4, flags) == "invalid", flags
            assert call.status("paging_protect", root, WINDOW + 1, K4, flags) == "invalid", flags
        assert call.query(root, 0) == (0, 0, K4, "r")
        assert call.status("paging_unmap", root, 0, K4) == "ok"
        assert call.free() == before


def test_the_kernel_half_refuses(kernel: Kernel) -> None:
    handle = kernel.handle(PageNew())
    large = DIRECT_MAP + 2 * M2
    assert kernel.values(PageQuery("kernel", large)) == (large, 2 * M2, M2, "rwg")
    roots = (root_of(kernel, "kernel"), root_of(kernel, handle))
    mapping = {  # va, pa, length, size, flags
        "misaligned": [(UNUSED + 1, 0, K4, K4, USER), (UNUSED, PHYSICAL_END + 1, K4, K4, 0)],
        "non_canonical": [
            (KERNEL_HALF - K4, 0, K4, K4, 0), (KERNEL_HALF - K4, 0, 2 * K4, K4, 0),
            ((1 << 47) - K4, 0, KERNEL_HALF - (1 << 47) + 2 * K4, K4, 0),
            (ADDRESS_END - K4, 0, 2 * K4, K4, 0), (ADDRESS_END - G1, 0, 2 * G1, G1, 0),
            (UNUSED, 0, ADDRESS_END - K4, K4, USER), (KERNEL_HALF - K4, PHYSICAL_END, K4, K4, USER),
        ],
        "out_of_range": [
            (UNUSED, PHYSICAL_END, K4, K4, 0), (WINDOW, PHYSICAL_END - K4, 2 * K4, K4, USER),
            (IMAGE, PHYSICAL_END, K4, K4, 0),
        ],
        "denied": [
            (UNUSED, 0, K4, K4, 0), (UNUSED, 0, M2, M2, 0), (UNUSED, 0, G1, G1, 0),
            (WINDOW, 0, K4, K4, USER), (WINDOW, 0, M2, M2, USER | WRITE),
            (DIRECT_MAP + G512 - K4, 0, 2 * K4, K4, 0), (HEAP - K4, 0, 2 * K4, K4, 0),
            (HEAP - G1, 0, 2 * G1, G1, 0), (WINDOW + G512 - M2, 0, 2 * M2, M2, 0),
            (IMAGE + M2, 0, K4, K4, USER), (DIRECT_MAP, 0, K4, K4, USER),
        ],
        "mapped": [
            (large, 0, K4, K4, 0), (large, 0, M2, M2, 0),
            (IMAGE, 0, G1, G1, 0), (IMAGE, 0, 2 * M2, M2, 0),
        ],
    }  # fmt: skip
    unmapping = {  # va, length
        "invalid": [(UNUSED, 0), (KERNEL_HALF - K4, 0)],
        "misaligned": [(UNUSED + 1, K4), (UNUSED, 1), (large, K4)],
        "non_canonical": [(KERNEL_HALF - K4, K4), (ADDRESS_END - K4, 2 * K4), (UNUSED, 1 << 63)],
        "not_mapped": [(UNUSED, K4), (ADDRESS_END - K4, K4), (WINDOW, G512), (HEAP, K4)],
    }
    with calls(kernel) as call:
        before = call.free()
        for root in roots:
            for status, rows in mapping.items():
                for row in rows:
                    assert call.status("paging_map", root, *row) == status, row
            for status, ranges in unmapping.items():
                for va, length in ranges:
                    assert call.status("paging_unmap", root, va, length) == status, hex(va)
                    given = call.status("paging_protect", root, va, length, WRITE)
                    assert given == status, hex(va)
            for va, length in unmapping["not_mapped"] + [(large, K4), (IMAGE, G1)]:
                assert call.status("paging_protect", root, va, length, USER) == "denied", va
            for va, length in unmapping["non_canonical"] + [(UNUSED + 1, K4)]:
                status = "misaligned" if va % K4 else "non_canonical"
                assert call.status("paging_protect", root, va, length, USER) == status, va
        assert call.free() == before


def test_the_kernel_half_keeps_its_pdpts(kernel: Kernel) -> None:
    """Page directories and page tables come and go; the root's entries never change."""
    bare = root_of(kernel, kernel.handle(PageNew()))
    kernel_root = root_of(kernel, "kernel")
    with calls(kernel) as call:
        before = call.free()
        for va, size, tables in (
            (WINDOW, K4, 2), (WINDOW + G512 - K4, K4, 2), (ADDRESS_END - K4, K4, 2),
            (ADDRESS_END - M2, M2, 1), (HEAP, M2, 1), (HEAP + G512 - G1, G1, 0),
        ):  # fmt: skip
            assert call.status("paging_map", bare, va, 4 * G1, size, size, WRITE) == "ok"
            assert call.free() == before - tables
            # What one root has in this half, all have.
            assert call.query(kernel_root, va + size - 1) == (va, 4 * G1, size, "rw")
            assert call.status("paging_map", kernel_root, va, 0, size, size, 0) == "mapped"
            assert call.status("paging_protect", kernel_root, va, size, EXEC | GLOBAL) == "ok"
            assert call.query(bare, va) == (va, 4 * G1, size, "rxg")
            assert call.status("paging_unmap", kernel_root, va, size) == "ok"
            assert call.free() == before


def test_roots_that_cannot_be_destroyed(kernel: Kernel) -> None:
    handle = kernel.handle(TaskNew())
    kernel_root, task_root = root_of(kernel, "kernel"), root_of(kernel, handle)
    with calls(kernel) as call:
        assert call.gdb.call("paging_kernel_root") == kernel_root
        assert call.gdb.call("paging_active_root") == kernel_root
        assert call.status("paging_root_destroy", kernel_root) == "busy"
    kernel.values(TaskSwitch(handle))
    with calls(kernel) as call:
        before = call.free()
        assert call.gdb.call("paging_kernel_root") == kernel_root
        assert call.gdb.call("paging_active_root") == task_root
        assert call.status("paging_root_destroy", kernel_root) == "denied"
        assert call.status("paging_root_destroy", task_root) == "busy"
        assert call.free() == before
    kernel.values(TaskSwitch("t0"))


# --- for the layer above -------------------------------------------------------------------------


def test_counting_missing_tables(kernel: Kernel) -> None:
    root = root_of(kernel, kernel.handle(PageNew()))
    with calls(kernel) as call:

        def missing(va: int, length: int) -> int:
            return call.gdb.call("paging_tables_missing", root, va, length)

        for va, length, tables in (
            (0, K4, 3), (0, M2, 3), (M2 - K4, 2 * K4, 4), (G1 - K4, 2 * K4, 5),
            (G512 - K4, 2 * K4, 6), (0, G1, 2 + 512), (0, G512, 1 + 512 + 512 * 512),
            ((1 << 47) - K4, K4, 3), (0, 1 << 47, 256 * (1 + 512 + 512 * 512)),
        ):  # fmt: skip
            assert missing(va, length) == tables, hex(va)
        assert call.status("paging_map", root, M2, 0, K4, K4, 0) == "ok"
        assert [missing(va, K4) for va in (M2, 2 * M2 - K4, 0, 2 * M2, G1, G512)] == [
            0, 0, 1, 1, 2, 3
        ]  # fmt: skip
        assert missing(0, 3 * M2) == 2
        assert missing(0, 2 * G512) == 2 * (1 + 512 + 512 * 512) - 3
        assert call.status("paging_unmap", root, M2, K4) == "ok"
        assert missing(M2, K4) == 3


def test_fill_reflag_and_clear(kernel: Kernel) -> None:
    """Per page the frame, then its missing tables; zeroed; what is there already stays."""
    root = root_of(kernel, kernel.handle(PageNew()))
    first = kernel.value(PmmAlloc(12))
    kernel.machine.memory.write(first, b"\xff" * 12 * K4)
    kernel.values(PmmFree(first, 12))
    frames = [first + number * K4 for number in range(12)]
    start = M2 - 2 * K4
    with calls(kernel) as call:
        before = call.free()

        def present(va: int, length: int) -> int:
            return call.gdb.call("paging_pages_present", root, va, length)

        def leaves(count: int) -> list[tuple[int, str]]:
            found = (call.query(root, start + page * K4) for page in range(count))
            return [(paddr, flags) for _, paddr, _, flags in found]

        assert present(0, 1 << 47) == 0
        assert call.status("paging_fill", root, start, 4 * K4, WRITE | USER) == "ok"
        assert call.free() == before - 8
        # The tables are: PDPT, PD and PT after the first page, the second PT after the third.
        pages = [frames[number] for number in (0, 4, 5, 7)]
        assert leaves(4) == [(page, "rwu") for page in pages]
        assert all(kernel.machine.memory.read(page, K4) == bytes(K4) for page in pages)
        assert [present(0, start), present(0, 1 << 47), present(M2, K4)] == [0, 4, 1]
        # Two more, and the four in between keep frames and flags.
        assert call.status("paging_fill", root, start - K4, 6 * K4, EXEC) == "ok"
        assert call.free() == before - 10
        assert call.query(root, start - K4)[1:] == (frames[8], K4, "rx")
        assert leaves(5) == [*((page, "rwu") for page in pages), (frames[9], "rx")]
        # Gaps are left alone.
        call.gdb.call("paging_reflag", root, 0, M2 + K4, CACHE_WC | GLOBAL)
        assert leaves(5) == [
            *((page, "rg:wc") for page in pages[:3]), (pages[3], "rwu"), (frames[9], "rx")
        ]  # fmt: skip
        call.gdb.call("paging_clear", root, 0, M2, 0)
        assert present(0, 1 << 47) == 3
        assert call.free() == before - 9
        call.gdb.call("paging_clear", root, M2 - K4, G1, 0)
        assert call.free() == before - 6
        for page in (*pages, frames[8], frames[9]):
            assert call.status("pmm_free", page, 1) == "ok"
        assert call.free() == before


@pytest.mark.parametrize(("va", "pages", "needed"), [(G512 - 2 * K4, 4, 10), (M2, 1, 4)])
def test_fill_out_of_memory(kernel: Kernel, va: int, pages: int, needed: int) -> None:
    """At every number of free frames up to the one that is enough."""
    root = root_of(kernel, kernel.handle(PageNew()))
    _, free = kernel.values(PmmInfo())
    assert isinstance(free, int)
    lowest = kernel.value(PmmAlloc(free))
    with calls(kernel) as call:
        channel = GdbChannel(call.gdb)
        for available in range(needed):
            assert call.free() == available
            assert call.status("paging_fill", root, va, pages * K4, WRITE) == "no_memory"
            assert call.free() == available
            assert call.gdb.call("paging_pages_present", root, 0, 1 << 47) == 0
            kernel.lockstep.step(channel, PmmFree(lowest + available * K4))
        assert call.status("paging_fill", root, va, pages * K4, WRITE) == "ok"
        assert call.free() == 0
        taken = [call.query(root, va + page * K4)[1] for page in range(pages)]
        call.gdb.call("paging_clear", root, va, pages * K4, 0)
        for frame in taken:
            assert call.status("pmm_free", frame, 1) == "ok"
        assert call.free() == needed


# --- what the processor makes of it --------------------------------------------------------------

READ_PAT = bytes.fromhex("b977020000 0f32 48c1e220 4809d0 c3")
"""mov ecx, 0x277; rdmsr; shl rdx, 32; or rax, rdx; ret"""


def test_the_pat_is_programmed(kernel: Kernel) -> None:
    """Entries 0..4 are WB, WT, UC-, UC, WC: one for each cache mode (SDM 3A 11.12.2)."""
    code = kernel.value(VmAlloc("kernel", K4, "anonymous", WRITE))
    kernel.values(VmWrite("kernel", code, READ_PAT))
    kernel.values(VmProtect("kernel", code, EXEC))
    with calls(kernel) as call:
        pat = call.gdb.evaluate_int(f"((unsigned long (*)()){code:#x})()")
    assert pat.to_bytes(8, "little")[:5] == bytes([6, 4, 7, 0, 1])


PAGE_FAULT = 14


@pytest.mark.parametrize("size", [K4, M2])
def test_a_changed_translation_is_flushed(kernel: Kernel, size: int) -> None:
    """In the active root. Each access is made, so it is in the TLB, before a change forbids it.

    Both neighbours of the page stay: its table does too, and no flush is owed to the table.
    """
    root = root_of(kernel, "kernel")
    frames = kernel.value(PmmAlloc(3 * size // K4, size))
    start = WINDOW + 16 * G1
    va = start + size
    last = va + size - 1
    with calls(kernel) as call:
        before = call.free()
        assert call.access(va, "READ") == (PAGE_FAULT, 0)
        assert call.status("paging_map", root, start, frames, 3 * size, size, WRITE) == "ok"
        for at in (va, last):
            assert call.access(at, "WRITE") is None
            assert call.access(at, "READ") is None
        # Write access goes.
        assert call.status("paging_protect", root, va, size, GLOBAL) == "ok"
        for at in (va, last):
            assert call.access(at, "READ") is None
            assert call.access(at, "WRITE") == (PAGE_FAULT, 3)
        # The page goes.
        assert call.access(last, "READ") is None
        assert call.status("paging_unmap", root, va, size) == "ok"
        assert call.access(last, "READ") == (PAGE_FAULT, 0)
        # The address gets one frame, then another.
        for frame, byte in ((frames, 0x11), (frames + size, 0x22)):
            call.gdb.write_physical(frame + size - 1, bytes([byte]))
        for frame in (frames, frames + size):
            assert call.status("paging_map", root, va, frame, size, size, WRITE) == "ok"
            same = DIRECT_MAP + frame + size - 1
            assert call.gdb.call("memcmp", last, same, 1) == 0
            call.gdb.call("paging_clear", root, va, size, 0)
        call.gdb.call("paging_clear", root, start, 3 * size, 0)
        assert call.free() == before
