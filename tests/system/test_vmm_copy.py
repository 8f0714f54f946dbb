"""Reading, writing and copying through regions, of spaces that need not be the current one."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Final

import pytest

from ringbench.subjects.reference.vocabulary.flags import USER, WRITE
from ringbench.subjects.reference.vocabulary.operations.paging import PageQuery
from ringbench.subjects.reference.vocabulary.operations.task import TaskNew, TaskSwitch
from ringbench.subjects.reference.vocabulary.operations.vmm import (
    VmAlloc,
    VmAllocAt,
    VmCopy,
    VmFree,
    VmProtect,
    VmRead,
    VmWrite,
)
from tests.system.layout import MIB2, PAGE, TASK, WINDOW

if TYPE_CHECKING:
    from tests.system.conftest import Kernel


LINE: Final = 64
"""The most bytes that the console's `vm read` and `vm write` take."""


def put(kernel: Kernel, space: str, vaddr: int, data: bytes) -> None:
    for at in range(0, len(data), LINE):
        kernel.values(VmWrite(space, vaddr + at, data[at : at + LINE]))


def get(kernel: Kernel, space: str, vaddr: int, length: int) -> bytes:
    found = b""
    for at in range(0, length, LINE):
        [text] = kernel.values(VmRead(space, vaddr + at, min(LINE, length - at)))
        found += bytes.fromhex(str(text))
    return found


def test_read_and_write_span_regions(kernel: Kernel, task: str) -> None:
    """Anonymous, demand, anonymous, side by side; pages that nobody wrote stay without frames."""
    kernel.perform(
        VmAllocAt(task, TASK, PAGE, "anonymous", WRITE),
        VmAllocAt(task, TASK + PAGE, 3 * PAGE, "demand", WRITE),
        VmAllocAt(task, TASK + 4 * PAGE, PAGE, "anonymous", WRITE | USER),
    )
    with kernel.taking(0):
        for page in range(5):
            assert get(kernel, task, TASK + page * PAGE, LINE) == bytes(LINE)
    data = Random(1).randbytes(LINE)
    kernel.soil(3)
    with kernel.taking(1):
        put(kernel, task, TASK + PAGE - 20, data)
    with kernel.taking(1):
        put(kernel, task, TASK + 4 * PAGE - 3, data)
    with kernel.taking(0):
        put(kernel, task, TASK + 2 * PAGE - 1, b"!")
        assert get(kernel, task, TASK + PAGE - 40, LINE + 40) == bytes(20) + data + bytes(20)
        assert get(kernel, task, TASK + 2 * PAGE - 9, 20) == bytes(8) + b"!" + bytes(11)
        assert get(kernel, task, TASK + 4 * PAGE - 6, LINE + 9) == bytes(3) + data + bytes(6)
    assert kernel.walk(task, TASK + 2 * PAGE).leaf is None
    # The pages got their regions' flags.
    assert [kernel.values(PageQuery(task, TASK + n * PAGE))[3] for n in (0, 1, 3, 4)] == [
        *("rw", "rw", "rw", "rwu")
    ]
    # And the processor sees them as the kernel does.
    seen = kernel.machine.memory.read(kernel.paddr_of(task, TASK + PAGE - 20), 20)
    assert seen == data[:20]


BOARD: Final = (
    # 0x10: anonymous rw, 0x12: anonymous r, 0x13: guard, 0x14: demand rw, 0x15: physical,
    # 0x16: demand r, 0x17: nothing, 0x18: anonymous rw
    VmAllocAt("t1", 0x10000, 0x2000, "anonymous", WRITE),
    VmAllocAt("t1", 0x12000, 0x1000, "anonymous", 0),
    VmAllocAt("t1", 0x13000, 0x1000, "guard", 0),
    VmAllocAt("t1", 0x14000, 0x1000, "demand", WRITE),
    VmAllocAt("t1", 0x15000, 0x1000, "physical", WRITE, 0xB8000),
    VmAllocAt("t1", 0x16000, 0x1000, "demand", 0),
    VmAllocAt("t1", 0x18000, 0x1000, "anonymous", WRITE),
)
RANGES: Final = [
    # address, length, status of reading, status of writing
    (0x10000, 0x2000, "ok", "ok"),
    (0x12FFF, 1, "ok", "denied"),
    (0x11FF0, 0x20, "ok", "denied"),
    (0x16000, 0x1000, "ok", "denied"),
    (0x13000, 1, "denied", "denied"),
    (0x12FFF, 2, "denied", "denied"),
    (0x14FFF, 1, "ok", "ok"),
    (0x14FFF, 2, "denied", "denied"),
    (0x15FFF, 1, "denied", "denied"),
    (0x17000, 1, "not_mapped", "not_mapped"),
    (0x17FFF, 2, "not_mapped", "not_mapped"),
    (0x16FFF, 2, "not_mapped", "denied"),
    (0x18FFF, 2, "not_mapped", "not_mapped"),
    (0xFFFF, 2, "not_mapped", "not_mapped"),
    (0x14000, 0x5000, "denied", "denied"),
    (0x16000, 0x3000, "not_mapped", "denied"),
    (0x18FC0, 0x40, "ok", "ok"),
    (0, 1, "not_mapped", "not_mapped"),
    (0x7FFF_FFFF_FFFF, 2, "not_mapped", "not_mapped"),
    (0xFFFF_C000_0000_0000, 1, "not_mapped", "not_mapped"),
    ((1 << 64) - 8, 16, "not_mapped", "not_mapped"),
    ((1 << 64) - 8, 8, "not_mapped", "not_mapped"),
]


def test_ranges_that_may_not_be_copied(kernel: Kernel, task: str) -> None:
    kernel.perform(*BOARD)
    kernel.values(VmAllocAt("kernel", WINDOW, 0x8000, "anonymous", WRITE))
    for vaddr, length, reading, writing in RANGES:
        check_range(kernel, task, vaddr, length, reading, writing)


def check_range(
    kernel: Kernel, task: str, vaddr: int, length: int, reading: str, writing: str
) -> None:
    if length <= LINE:
        kernel.values(VmRead(task, vaddr, length), reading)
        kernel.values(VmWrite(task, vaddr, bytes(range(1, length + 1))), writing)
    kernel.values(VmCopy("kernel", WINDOW, task, vaddr, length), reading)
    kernel.values(VmCopy(task, vaddr, "kernel", WINDOW, length), writing)
    # The source is judged first.
    kernel.refuses(VmCopy(task, vaddr, "kernel", WINDOW + 0x7FFF + length, length), "not_mapped")
    if reading != "ok":
        kernel.refuses(VmCopy("kernel", WINDOW - 1, task, vaddr, length), reading)
    kernel.refuses(VmCopy(task, vaddr, "kernel", WINDOW, 0), "invalid")


@pytest.mark.parametrize("length", [0, LINE + 1, (1 << 64) - 1])
def test_lengths_that_the_console_does_not_read(kernel: Kernel, task: str, length: int) -> None:
    kernel.values(VmAlloc(task, PAGE, "anonymous", 0))
    kernel.refuses(VmRead(task, TASK, length), "invalid")


def test_copy_between_spaces(kernel: Kernel, task: str) -> None:
    """Neither end at a page's start, across regions and a 2 MiB border; no root need be active."""
    assert kernel.handle(TaskNew()) == "t2"
    data = Random(2).randbytes(PAGE + 700)
    length = len(data)
    kernel.perform(
        VmAllocAt(task, TASK, PAGE, "anonymous", WRITE),
        VmAllocAt(task, TASK + PAGE, 3 * PAGE, "demand", WRITE),
        VmAllocAt("t2", MIB2 - PAGE, PAGE, "demand", WRITE),
        VmAllocAt("t2", MIB2, 3 * PAGE, "demand", WRITE),
        VmAllocAt("kernel", WINDOW, 4 * PAGE, "demand", WRITE),
    )
    put(kernel, task, TASK + 0x345, data)
    kernel.values(VmProtect(task, TASK, 0))  # the source need not be writable
    with kernel.taking(3 + 2 + 2):  # pages, PDPT and PD, a PT on each side of the border
        kernel.values(VmCopy("t2", MIB2 - 0xFF, task, TASK + 0x345, length))
    assert get(kernel, "t2", MIB2 - 0x100, length + 2) == b"\0" + data + b"\0"
    kernel.values(TaskSwitch("t2"))
    with kernel.taking(2 + 2):
        kernel.values(VmCopy("kernel", WINDOW, task, TASK + 0x345, length))
    with kernel.taking(0):
        kernel.values(VmCopy("kernel", WINDOW + 100, "t2", MIB2 - 0xFF, 200))
        # The same address in another space is no overlap.
        kernel.values(VmCopy(task, TASK + PAGE + 8, "kernel", WINDOW, 100))
    found = get(kernel, "kernel", WINDOW, length)
    assert found == data[:100] + data[:200] + data[300:]
    assert get(kernel, task, TASK + PAGE + 8, 101) == data[:100] + data[PAGE - 0x345 + 108 :][:1]


def test_copying_pages_that_were_never_touched(kernel: Kernel, task: str) -> None:
    """They are zeros, and stay untouched; where they go, what was there is overwritten."""
    kernel.values(VmAlloc(task, 2 * PAGE, "demand", 0))
    kernel.values(VmAlloc("kernel", 2 * PAGE, "demand", WRITE))
    kernel.values(VmWrite("kernel", WINDOW + PAGE - 8, b"x" * 24))
    with kernel.taking(0):
        kernel.values(VmCopy("kernel", WINDOW + PAGE - 4, task, TASK + PAGE - 9, 16))
    expected = b"x" * 4 + bytes(16) + b"x" * 4
    assert get(kernel, "kernel", WINDOW + PAGE - 8, 24) == expected
    kernel.values(VmFree("kernel", WINDOW))
    kernel.values(VmAlloc("kernel", 2 * PAGE, "demand", WRITE))
    kernel.soil(3)
    with kernel.taking(3):
        kernel.values(VmCopy("kernel", WINDOW, task, TASK, 1))
    assert kernel.machine.memory.read(kernel.paddr_of("kernel", WINDOW), PAGE) == bytes(PAGE)


def test_copies_that_overlap_are_refused(kernel: Kernel, task: str) -> None:
    kernel.values(VmAlloc(task, 2 * PAGE, "anonymous", WRITE))
    kernel.values(VmWrite(task, TASK, b"abcdef"))
    for to, source, length in ((0, 0, 1), (0, 1, 2), (1, 0, 2), (0, 0xFFF, 0x1000), (8, 0, 9)):
        kernel.refuses(VmCopy(task, TASK + to, task, TASK + source, length), "invalid")
    kernel.refuses(VmCopy(task, 8, task, 0, 9), "invalid")  # before there being nothing
    kernel.values(VmCopy(task, TASK + 2, task, TASK, 2))
    kernel.values(VmCopy(task, TASK + 3, task, TASK + 4, 1))
    assert get(kernel, task, TASK, 6) == b"abaeef"
