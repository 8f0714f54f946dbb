"""What the processor makes of page tables: reads, writes, execution, and their error codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ringbench.subjects.reference.vocabulary.flags import (
    CACHE_UC,
    CACHE_WC,
    EXEC,
    GLOBAL,
    USER,
    WRITE,
)
from ringbench.subjects.reference.vocabulary.operations.paging import (
    PageMap,
    PageProtect,
    PageUnmap,
)
from ringbench.subjects.reference.vocabulary.operations.pmm import PmmAlloc, PmmAlloc2m
from ringbench.subjects.reference.vocabulary.operations.vmm import Touch
from tests.system.page_tables import ADDRESS_END, G1, G512, HALF, K4, M2

if TYPE_CHECKING:
    from tests.system.conftest import Kernel


RET = 0xC3


def faults(kernel: Kernel, root: str, address: int, mode: str, error: int) -> None:
    """A touch must raise a page fault with exactly this error code, which nobody resolves."""
    expected = ("page_fault", error, "not_mapped")
    assert kernel.values(Touch(root, address, mode), "fault") == expected, hex(address)


@pytest.mark.parametrize("size", [K4, M2])
def test_reads_and_writes(kernel: Kernel, root: str, size: int) -> None:
    """Error codes: bit 0 the page is present, bit 1 a write (SDM 3A 4.7)."""
    paddr = kernel.value(PmmAlloc()) if size == K4 else kernel.value(PmmAlloc2m())
    address = 3 * G512 + M2
    ends = (address, address + size - 1)
    for end in ends:
        faults(kernel, root, end, "r", 0)
        faults(kernel, root, end, "w", 2)
    kernel.values(PageMap(root, address, paddr, size, size, 0))
    for flags in (0, WRITE, USER, WRITE | USER | GLOBAL, EXEC, WRITE | CACHE_UC, USER | CACHE_WC):
        kernel.values(PageProtect(root, address, size, flags))
        for end in ends:
            kernel.values(Touch(root, end, "r"))
            if flags & WRITE:
                kernel.values(Touch(root, end, "w"))
            else:
                faults(kernel, root, end, "w", 3)
    faults(kernel, root, address - 1, "r", 0)
    faults(kernel, root, address + size, "w", 2)
    kernel.values(PageUnmap(root, address, size))
    for end in ends:
        faults(kernel, root, end, "r", 0)
        faults(kernel, root, end, "w", 2)


def test_a_1_gib_page_is_read_and_written(kernel: Kernel, root: str) -> None:
    """Memory from address 0, seen 5 GiB higher: low memory, which no one owns, and a lent frame."""
    frame = kernel.value(PmmAlloc())
    kernel.values(PageMap(root, 5 * G1, 0, G1, G1, 0))
    kernel.values(Touch(root, 5 * G1 + frame, "r"))
    faults(kernel, root, 5 * G1 + frame, "w", 3)
    kernel.values(PageProtect(root, 5 * G1, G1, WRITE))
    kernel.values(Touch(root, 5 * G1 + frame, "w"))
    faults(kernel, root, 6 * G1, "r", 0)


def test_addresses_that_are_not_canonical(kernel: Kernel, root: str) -> None:
    for address in (HALF, ADDRESS_END - HALF - 1, 1 << 62, 1 << 63):
        for mode in "rwx":
            for handle in (root, "kernel"):
                values = kernel.values(Touch(handle, address, mode), "fault")
                assert values == ("general_protection", 0, "non_canonical")


@pytest.mark.parametrize("size", [K4, M2])
def test_execution_and_that_pages_lead_where_they_should(
    kernel: Kernel, root: str, size: int
) -> None:
    """One RET in a page: only there, at the right distance, can be executed; and only with EXEC.

    Error code 0x11: the page is present, an instruction was fetched.
    """
    paddr = kernel.value(PmmAlloc(2)) if size == K4 else kernel.value(PmmAlloc2m())
    length = 2 * K4 if size == K4 else M2
    address, offset = 2 * G1, length - 3
    with kernel.machine.stopped():
        kernel.machine.memory.write(paddr, bytes(length))
        kernel.machine.memory.write(paddr + offset, bytes([RET]))
    kernel.values(PageMap(root, address, paddr, length, size, EXEC))

    # The model does not keep what lent frames hold, so these it can't predict.
    def execute(at: int) -> str:
        return kernel.machine.command(f"touch {root} {at:#x} x")

    assert execute(address + offset) == "ok"
    for at in (0, 1, offset - 1, offset + 1, length - 1, K4 - 3):
        assert execute(address + at).startswith("err denied "), at
    for flags in (0, USER, WRITE):
        kernel.values(PageProtect(root, address, length, flags))
        fault = "err fault page_fault error=0x11 cause=not_mapped"
        assert execute(address + offset) == fault
    kernel.values(PageProtect(root, address, length, EXEC | USER))
    assert execute(address + offset) == "ok"
    faults(kernel, root, address + offset, "w", 3)
    kernel.values(PageUnmap(root, address, length))
    assert execute(address + offset) == "err fault page_fault error=0x0 cause=not_mapped"
