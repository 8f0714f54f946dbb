"""Regions: every operation and every error of vmm/vmm.h, on the real kernel beside the model.

What is expected - addresses, frame counts, error codes, bytes - is stated here, not asked of the
model; that the model agrees, and that nothing else changed, is compared after every operation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import TYPE_CHECKING, Final

import pytest

from ringbench.arch.x86_64.walk import Translation, translate
from ringbench.drive.flags import (
    CACHE_UC,
    CACHE_UC_MINUS,
    CACHE_WB,
    CACHE_WC,
    CACHE_WT,
    EXEC,
    GLOBAL,
    USER,
    WRITE,
)
from ringbench.drive.gdb import GdbChannel
from ringbench.drive.monitor import MonitorChannel
from ringbench.drive.operations import (
    Operation,
    PageNew,
    PageQuery,
    PmmAlloc,
    PmmFree,
    TaskDelete,
    TaskNew,
    TaskSwitch,
    Touch,
    VmAlloc,
    VmAllocAt,
    VmCopy,
    VmFree,
    VmProtect,
    VmQuery,
    VmRead,
    VmResize,
    VmWrite,
)
from ringbench.machine import Machine
from ringbench.model.pmm import runs
from ringbench.model.status import Status

if TYPE_CHECKING:
    from tests.system.conftest import Kernel

PAGE: Final = 0x1000
MIB2: Final = 2 << 20
TASK: Final = 0x10000
TASK_END: Final = 0x7FFF_FFFF_F000
WINDOW: Final = 0xFFFF_D000_0000_0000
WINDOW_END: Final = 0xFFFF_D080_0000_0000
SLAB_REGIONS: Final = 63
LINE: Final = 64
"""The most bytes that the monitor's `vm read` and `vm write` take."""


@pytest.fixture
def task(kernel: Kernel) -> str:
    """A task with an empty space."""
    assert kernel.handle(TaskNew()) == "t1"
    return "t1"


def free_frames(kernel: Kernel) -> int:
    """The allocator's count, from the guest's memory."""
    return kernel.lockstep.inspector.free_frames()


@contextmanager
def taking(kernel: Kernel, frames: int) -> Iterator[None]:
    """What is done inside takes so many frames more than it gives back."""
    before = free_frames(kernel)
    yield
    assert before - free_frames(kernel) == frames


def walk(kernel: Kernel, root: str, vaddr: int) -> Translation:
    """Translate an address by the tables in the guest's memory."""
    address = kernel.state.root_of(root)
    assert address is not None
    return translate(kernel.machine.memory, address, vaddr)


def physical(kernel: Kernel, root: str, vaddr: int) -> int:
    """Where an address that is mapped leads."""
    found = walk(kernel, root, vaddr).physical
    assert found is not None
    return found


def touched(kernel: Kernel, root: str, vaddr: int, mode: str) -> tuple[int, str]:
    """A touch that must fault: the error code, and what the page-fault handler said."""
    vector, error, cause = kernel.values(Touch(root, vaddr, mode), "fault")
    assert vector == "page_fault"
    assert isinstance(error, int)
    assert isinstance(cause, str)
    return error, cause


def soil(kernel: Kernel, frames: int) -> int:
    """Fill the lowest free frames with rubbish; the address of the first."""
    base = kernel.value(PmmAlloc(frames))
    kernel.machine.memory.write(base, b"\xa5" * (frames * PAGE))
    kernel.values(PmmFree(base, frames))
    return base


def perform(kernel: Kernel, operations: Sequence[Operation]) -> None:
    for operation in operations:
        kernel.values(operation)


# --- where regions go ----------------------------------------------------------------------------


@pytest.mark.parametrize(("space", "base"), [("kernel", WINDOW), ("t1", TASK)])
def test_alloc_takes_the_lowest_gap_that_holds_it(
    kernel: Kernel, task: str, space: str, base: int
) -> None:
    assert kernel.value(VmAlloc(space, 3 * PAGE, "anonymous", WRITE)) == base
    assert kernel.value(VmAlloc(space, PAGE, "demand", 0)) == base + 0x3000
    assert kernel.value(VmAlloc(space, 2 * PAGE, "guard", 0)) == base + 0x4000
    kernel.values(VmAllocAt(space, base + 0x8000, PAGE, "guard", 0))
    assert kernel.value(VmAlloc(space, 3 * PAGE, "guard", 0)) == base + 0x9000
    assert kernel.value(VmAlloc(space, 2 * PAGE, "physical", 0, 0)) == base + 0x6000
    kernel.values(VmFree(space, base))
    assert kernel.value(VmAlloc(space, PAGE, "demand", WRITE)) == base
    assert kernel.value(VmAlloc(space, 3 * PAGE, "demand", WRITE)) == base + 0xC000
    assert kernel.value(VmAlloc(space, 2 * PAGE, "anonymous", EXEC)) == base + 0x1000
    assert kernel.value(VmAlloc(space, PAGE, "guard", 0)) == base + 0xF000


@pytest.mark.parametrize(
    ("space", "base", "end"), [("kernel", WINDOW, WINDOW_END), ("t1", TASK, TASK_END)]
)
def test_alloc_at_is_exact_or_refused(
    kernel: Kernel, task: str, space: str, base: int, end: int
) -> None:
    def at(vaddr: int, pages: int) -> VmAllocAt:
        return VmAllocAt(space, vaddr % (1 << 64), pages * PAGE, "guard", 0)

    kernel.values(at(base + 0x10000, 3))
    for vaddr, pages in ((0x10000, 3), (0xF000, 2), (0x12000, 9), (0x11000, 1), (0, 0x40)):
        kernel.refuses(at(base + vaddr, pages), "mapped")
    kernel.values(at(base + 0xF000, 1))
    kernel.values(at(base + 0x13000, 1))
    for vaddr in (base + 1, base + 0x800, base - 1, end + 8, 0x8000_0000_0001):
        kernel.refuses(at(vaddr, 1), "misaligned")
    outside = ((base - PAGE, 1), (base - PAGE, 2), (end, 1), (end - PAGE, 2), (0, 1),
               (0x8000_0000_0000, 1), (0xFFFF_8000_0000_0000, 1), (0xFFFF_FFFF_FFFF_F000, 2),
               (base, (end - base) // PAGE + 1), (base + PAGE, (1 << 52) - 1))  # fmt: skip
    for vaddr, pages in outside:
        kernel.refuses(at(vaddr, pages), "out_of_range")
    kernel.values(at(base, 1))
    kernel.values(at(end - PAGE, 1))


def test_a_window_that_is_full_has_no_space(kernel: Kernel, task: str) -> None:
    """Regions as large as the windows cost their record, and are usable from end to end."""
    for space, base, end in (("kernel", WINDOW, WINDOW_END), ("t1", TASK, TASK_END)):
        kernel.refuses(VmAlloc(space, end - base + PAGE, "demand", WRITE), "no_space")
        kernel.refuses(VmAlloc(space, (1 << 64) - PAGE, "guard", 0), "no_space")
        with taking(kernel, 1):
            assert kernel.value(VmAlloc(space, end - base, "demand", WRITE)) == base
        kernel.values(Touch(space, base, "w"))
        kernel.values(Touch(space, end - 1, "w"))
        for kind in ("anonymous", "demand", "guard"):
            kernel.refuses(VmAlloc(space, PAGE, kind, 0), "no_space")
        kernel.refuses(VmAlloc(space, PAGE, "physical", 0, 0), "no_space")
        kernel.refuses(VmAllocAt(space, end - PAGE, PAGE, "guard", 0), "mapped")
        kernel.values(VmFree(space, base))
        with taking(kernel, 1):
            assert kernel.value(VmAlloc(space, end - base - PAGE, "guard", 0)) == base
        assert kernel.value(VmAlloc(space, PAGE, "guard", 0)) == end - PAGE


# --- arguments that make no sense ----------------------------------------------------------------

WIDTH: Final = 1 << 40
"""End of the physical addresses of this machine's processor; a test below asks it."""

BAD_REGIONS: Final = [
    # length, kind, flags, physical address; in the order in which the errors are looked for
    (0, "anonymous", WRITE, None, "invalid"),
    (0, "physical", GLOBAL, WIDTH + 1, "invalid"),
    (PAGE, "anonymous", WRITE | GLOBAL, None, "invalid"),
    (PAGE, "demand", GLOBAL, None, "invalid"),
    (PAGE, "physical", GLOBAL, 0, "invalid"),
    (PAGE, "anonymous", WRITE | EXEC, None, "invalid"),
    (PAGE, "demand", WRITE | EXEC | USER, None, "invalid"),
    (PAGE, "physical", WRITE | EXEC, 0, "invalid"),
    *((PAGE, kind, cache, None, "invalid") for kind in ("anonymous", "demand", "guard")
      for cache in (CACHE_WT, CACHE_UC_MINUS, CACHE_UC, CACHE_WC)),
    *((PAGE, "guard", flags, None, "invalid") for flags in (WRITE, EXEC, USER, GLOBAL)),
    (PAGE + 1, "anonymous", GLOBAL, None, "invalid"),
    (PAGE + 1, "anonymous", WRITE, None, "misaligned"),
    (PAGE // 2, "demand", WRITE, None, "misaligned"),
    (PAGE - 16, "guard", 0, None, "misaligned"),
    ((1 << 64) - 1, "guard", 0, None, "misaligned"),
    (2 * PAGE + 8, "physical", 0, WIDTH, "misaligned"),
    (PAGE, "physical", 0, 0x800, "misaligned"),
    (PAGE, "physical", 0, WIDTH + 1, "misaligned"),
    (PAGE, "physical", 0, WIDTH, "out_of_range"),
    (2 * PAGE, "physical", 0, WIDTH - PAGE, "out_of_range"),
    (WIDTH + PAGE, "physical", 0, 0, "out_of_range"),
    (2 * PAGE, "physical", 0, (1 << 64) - PAGE, "out_of_range"),
    ((1 << 64) - PAGE, "physical", 0, PAGE, "out_of_range"),
]  # fmt: skip


@pytest.mark.parametrize(("space", "base"), [("kernel", WINDOW), ("t1", TASK)])
def test_bad_regions_are_refused(kernel: Kernel, task: str, space: str, base: int) -> None:
    assert f" physical_bits={WIDTH.bit_length() - 1} " in kernel.machine.command("info")
    for length, kind, flags, paddr, status in BAD_REGIONS:
        kernel.refuses(VmAlloc(space, length, kind, flags, paddr), status)
        kernel.refuses(VmAllocAt(space, base, length, kind, flags, paddr), status)
        # these come before what is wrong with the place
        kernel.refuses(VmAllocAt(space, 1, length, kind, flags, paddr), status)
        kernel.refuses(VmAllocAt(space, 1 << 63, length, kind, flags, paddr), status)
    if space == "kernel":
        for kind, paddr in (("anonymous", None), ("demand", None), ("physical", 0)):
            kernel.refuses(VmAlloc(space, PAGE, kind, USER, paddr), "invalid")
            kernel.refuses(VmAllocAt(space, base, PAGE, kind, USER | WRITE, paddr), "invalid")
    kernel.values(VmAlloc(space, PAGE, "physical", 0, WIDTH - PAGE))
    kernel.refuses(VmAllocAt(space, base, 1 << 30, "anonymous", 0), "mapped")
    kernel.refuses(VmAllocAt(space, base + PAGE, 1 << 30, "anonymous", 0), "no_memory")
    kernel.refuses(VmAlloc(space, 1 << 30, "anonymous", 0), "no_memory")
    kernel.refuses(VmAlloc(space, 1 << 38, "physical", 0, 0), "no_memory")  # for the tables


def test_spaces_that_are_not_there(kernel: Kernel, task: str) -> None:
    for space, status in (("t0", "denied"), ("t2", "not_found")):
        for operation in (
            VmAlloc(space, PAGE, "demand", 0),
            VmAllocAt(space, TASK, PAGE, "demand", 0),
            VmFree(space, TASK),
            VmProtect(space, TASK, 0),
            VmResize(space, TASK, PAGE),
            VmQuery(space, TASK),
            VmRead(space, TASK, 1),
            VmWrite(space, TASK, b"a"),
            VmCopy(space, TASK, "kernel", WINDOW, 1),
            VmCopy("kernel", WINDOW, space, TASK, 1),
        ):
            kernel.refuses(operation, status)
    kernel.refuses(Touch("t2", TASK, "r"), "not_found")
    kernel.refuses(Touch("r0", TASK, "r"), "not_found")


# --- the four kinds ------------------------------------------------------------------------------


def test_anonymous_pages_are_there_at_once_zeroed_lowest_frames_first(
    kernel: Kernel, task: str
) -> None:
    lowest = soil(kernel, 7)
    with taking(kernel, 7):  # slab, 3 pages, 3 tables
        kernel.values(VmAlloc(task, 3 * PAGE, "anonymous", WRITE))
    # In this order: the slab, the first page, its tables from the top, the other pages.
    first = walk(kernel, task, TASK)
    assert [step.table for step in first.steps[1:]] == [lowest + n * PAGE for n in (2, 3, 4)]
    frames = [physical(kernel, task, TASK + n * PAGE) for n in range(3)]
    assert frames == [lowest + n * PAGE for n in (1, 5, 6)]
    for frame in frames:
        assert kernel.machine.memory.read(frame, PAGE) == bytes(PAGE)
    for mode in "rw":
        with taking(kernel, 0):
            kernel.values(Touch(task, TASK + 3 * PAGE - 1, mode))
    with taking(kernel, -7):
        kernel.values(VmFree(task, TASK))


def test_pages_on_demand_come_one_by_one_zeroed(kernel: Kernel, task: str) -> None:
    with taking(kernel, 1):
        kernel.values(VmAlloc(task, 4 << 20, "demand", WRITE | USER))
    lowest = soil(kernel, 5)
    with taking(kernel, 4):  # a page and its three tables
        kernel.values(Touch(task, TASK + 5 * PAGE + 0x123, "r"))
    assert physical(kernel, task, TASK + 5 * PAGE) == lowest
    assert kernel.machine.memory.read(lowest, PAGE) == bytes(PAGE)
    with taking(kernel, 0):
        for mode in "rwr":
            kernel.values(Touch(task, TASK + 5 * PAGE, mode))
    with taking(kernel, 1):
        kernel.values(Touch(task, TASK + 6 * PAGE, "w"))
    assert physical(kernel, task, TASK + 6 * PAGE) == lowest + 4 * PAGE
    assert kernel.machine.memory.read(lowest + 4 * PAGE, PAGE) == bytes(PAGE)
    with taking(kernel, 2):  # across a 2 MiB border: a page and a table
        kernel.values(Touch(task, MIB2, "r"))
    assert walk(kernel, task, TASK).leaf is None
    assert walk(kernel, task, TASK + 4 * PAGE).leaf is None
    with taking(kernel, -8):
        kernel.values(VmFree(task, TASK))
    assert touched(kernel, task, TASK + 5 * PAGE, "r") == (0, "not_mapped")


def test_demand_in_the_kernels_window_serves_every_root(kernel: Kernel, task: str) -> None:
    assert kernel.handle(PageNew()) == "r0"
    kernel.values(VmAlloc("kernel", 4 * PAGE, "demand", WRITE))
    with taking(kernel, 3):  # the window's PDPT is there from boot on
        kernel.values(Touch("r0", WINDOW, "w"))
    for number, root in enumerate(("kernel", "t0", task)):
        with taking(kernel, 1):
            kernel.values(Touch(root, WINDOW + (number + 1) * PAGE, "w"))
        assert physical(kernel, root, WINDOW) == physical(kernel, "r0", WINDOW)


def test_a_touch_is_resolved_in_the_space_of_its_root_only(kernel: Kernel, task: str) -> None:
    """Whichever task is current; and a bare root has no space at all."""
    assert kernel.handle(TaskNew()) == "t2"
    assert kernel.handle(PageNew()) == "r0"
    kernel.values(VmAlloc(task, 4 * PAGE, "demand", WRITE))
    for current, page in (("t0", 0), ("t1", 1), ("t2", 2)):
        kernel.values(TaskSwitch(current))
        for root in ("kernel", "t0", "t2", "r0"):
            assert touched(kernel, root, TASK + page * PAGE, "w") == (2, "not_mapped")
        kernel.values(Touch(task, TASK + page * PAGE, "w"))


def test_guards_are_hit(kernel: Kernel, task: str) -> None:
    for space, base in (("kernel", WINDOW), (task, TASK)):
        kernel.values(VmAllocAt(space, base, PAGE, "demand", WRITE))
        with taking(kernel, 0):
            kernel.values(VmAllocAt(space, base + PAGE, 2 * PAGE, "guard", 0))
        kernel.values(VmAllocAt(space, base + 3 * PAGE, PAGE, "demand", WRITE))
        for vaddr in (base + PAGE, base + 2 * PAGE, base + 3 * PAGE - 1):
            assert touched(kernel, space, vaddr, "r") == (0, "guard")
            assert touched(kernel, space, vaddr, "w") == (2, "guard")
            assert touched(kernel, space, vaddr, "x") == (0, "guard")
        kernel.values(Touch(space, base + PAGE - 1, "w"))
        kernel.values(Touch(space, base + 3 * PAGE, "w"))
        assert touched(kernel, space, base + PAGE, "r") == (0, "guard")  # tables are there now


CACHE_BITS: Final = {CACHE_WB: 0, CACHE_WT: 0x08, CACHE_UC_MINUS: 0x10, CACHE_UC: 0x18,
                     CACHE_WC: 0x80}  # fmt: skip
"""PWT, PCD and PAT of a 4 KiB leaf for PAT entries 0 to 4 (Intel SDM 3A 4.9.2)."""


@pytest.mark.parametrize(("space", "base"), [("kernel", WINDOW), ("t1", TASK)])
def test_physical_regions_in_every_cache_mode(
    kernel: Kernel, task: str, space: str, base: int
) -> None:
    """They cost tables and a record, and their frames stay whose they were."""
    frames = kernel.value(PmmAlloc(2))
    kernel.machine.memory.write(frames, b"\xc3" * (2 * PAGE))
    with taking(kernel, 3 if space == "kernel" else 4):
        for number, (cache, bits) in enumerate(CACHE_BITS.items()):
            vaddr = base + 2 * number * PAGE
            for flags, entry in ((0, 1 << 63 | 1), (WRITE, 1 << 63 | 3), (EXEC, 1)):
                if kernel.state.spaces[space].regions[number:]:
                    kernel.values(VmFree(space, vaddr))
                operation = VmAlloc(space, 2 * PAGE, "physical", flags | cache, frames)
                assert kernel.value(operation) == vaddr
                for page in (0, PAGE):
                    leaf = walk(kernel, space, vaddr + page).leaf
                    assert leaf is not None
                    assert leaf.raw & ~0x60 == frames + page | entry | bits
            kernel.values(Touch(space, vaddr + 2 * PAGE - 1, "r"))
            assert touched(kernel, space, vaddr, "w") == (3, "denied")
            # The model does not know what these bytes are.
            assert kernel.machine.command(f"touch {space} {vaddr + PAGE + 5:#x} x") == "ok"
            values = kernel.values(VmQuery(space, vaddr + 1))
            assert values[:3] == (vaddr, 2 * PAGE, "physical")
            assert values[4] == frames
    for region in kernel.state.spaces[space].regions:
        kernel.values(VmFree(space, region.base))
    kernel.values(PmmFree(frames, 2))


def test_physical_regions_of_what_is_no_memory(kernel: Kernel, task: str) -> None:
    """A device: the local APIC, whose version register's lowest byte is not 0."""
    kernel.values(VmAlloc(task, PAGE, "physical", CACHE_UC, 0xFEE0_0000))
    assert kernel.values(PageQuery(task, TASK)) == (TASK, 0xFEE0_0000, PAGE, "r:uc")
    kernel.values(Touch(task, TASK + 0x30, "r"))
    for operation in (VmRead(task, TASK, 1), VmWrite(task, TASK, b"a"), VmResize(task, TASK, PAGE)):
        kernel.refuses(operation, "denied")


# --- permissions ---------------------------------------------------------------------------------

RET: Final = b"\xc3"
PERMISSIONS: Final = [
    # flags, then what a write and an execution of a RET that is there must meet (SDM 3A 4.7)
    (0, 0x3, 0x11),
    (WRITE, None, 0x11),
    (EXEC, 0x3, None),
]


@pytest.mark.parametrize(("flags", "write", "execute"), PERMISSIONS)
@pytest.mark.parametrize("kind", ["anonymous", "demand"])
def test_permissions_by_touch(
    kernel: Kernel, task: str, kind: str, flags: int, write: int | None, execute: int | None
) -> None:
    """A supervisor may use a user's pages: neither SMEP nor SMAP is on."""
    for user in (0, USER):
        check_permissions(kernel, task, kind, flags | user, write, execute)
        kernel.values(VmFree(task, TASK))


def check_permissions(
    kernel: Kernel, task: str, kind: str, flags: int, write: int | None, execute: int | None
) -> None:
    kernel.values(VmAlloc(task, 3 * PAGE, kind, WRITE))
    kernel.values(VmWrite(task, TASK + PAGE + 0x42, RET))
    kernel.values(VmProtect(task, TASK, flags))
    there = TASK + PAGE + 0x42
    for mode, error in (("r", None), ("w", write), ("x", execute)):
        if error is None:
            kernel.values(Touch(task, there, mode))
        else:
            assert touched(kernel, task, there, mode) == (error, "denied")
    kernel.refuses(Touch(task, there + 1, "x"), "denied")  # readable, and no RET
    if kind == "demand":
        untouched = TASK + 2 * PAGE
        if write is not None:
            with taking(kernel, 0):  # refused before a page is taken for it
                assert touched(kernel, task, untouched, "w") == (0x2, "denied")
        with taking(kernel, 1):  # it reads as zero, which is no RET
            kernel.values(Touch(task, untouched, "x"), "denied")
        if write is not None:
            assert touched(kernel, task, untouched, "w") == (0x3, "denied")


def test_touches_where_there_is_no_region(kernel: Kernel, task: str) -> None:
    kernel.values(VmAlloc(task, PAGE, "anonymous", WRITE))
    nowhere = (0, TASK - 1, TASK + PAGE, TASK_END, WINDOW, WINDOW_END, 0xFFFF_C000_4000_0000)
    for vaddr in nowhere:
        for mode, error in (("r", 0), ("w", 2), ("x", 0)):
            assert touched(kernel, task, vaddr, mode) == (error, "not_mapped")
    for root in ("kernel", "t0"):
        assert touched(kernel, root, TASK, "r") == (0, "not_mapped")
    for vaddr in (0x8000_0000_0000, 0xFFFF_7FFF_FFFF_FFFF, 0xDEAD_0000_0000_0000):
        for mode in "rwx":
            reply = kernel.values(Touch(task, vaddr, mode), "fault")
            assert reply == ("general_protection", 0, "non_canonical")
    # What is mapped, and no region's: the image's text, and the direct map.
    text = kernel.lockstep.inspector.types.symbols.address("image_text_start")
    kernel.values(Touch(task, text, "r"))
    assert touched(kernel, task, text, "w") == (3, "not_mapped")
    frame = kernel.value(PmmAlloc())
    kernel.machine.memory.write(frame, RET)
    kernel.values(Touch(task, 0xFFFF_8000_0000_0000 + frame, "w"))
    said = kernel.machine.command(f"touch {task} {0xFFFF_8000_0000_0000 + frame:#x} x")
    assert said == "err fault page_fault error=0x11 cause=not_mapped"


def test_protect(kernel: Kernel, task: str) -> None:
    """It holds for pages that are there and for those to come; the cache mode stays."""
    kernel.values(VmAlloc(task, 2 * PAGE, "demand", WRITE))
    kernel.values(Touch(task, TASK, "w"))
    with taking(kernel, 0):
        kernel.values(VmProtect(task, TASK, USER))
    assert kernel.values(VmQuery(task, TASK))[3] == "ru"
    assert kernel.values(PageQuery(task, TASK))[3] == "ru"
    assert touched(kernel, task, TASK, "w") == (3, "denied")
    assert touched(kernel, task, TASK + PAGE, "w") == (2, "denied")
    kernel.values(VmProtect(task, TASK, WRITE))
    kernel.values(Touch(task, TASK, "w"))
    kernel.values(Touch(task, TASK + PAGE, "w"))

    frame = kernel.value(PmmAlloc())
    for number, (cache, bits) in enumerate(CACHE_BITS.items()):
        vaddr = kernel.value(VmAlloc(task, PAGE, "physical", cache, frame))
        assert vaddr == TASK + (2 + number) * PAGE
        for flags, entry in ((WRITE | USER, 1 << 63 | 7), (EXEC, 1), (0, 1 << 63 | 1)):
            kernel.values(VmProtect(task, vaddr, flags))
            leaf = walk(kernel, task, vaddr).leaf
            assert leaf is not None
            assert leaf.raw & ~0x60 == frame | entry | bits

    kernel.values(VmAllocAt(task, 0x100000, PAGE, "guard", 0))
    kernel.values(VmAllocAt("kernel", WINDOW, PAGE, "anonymous", 0))
    for flags in (GLOBAL, CACHE_WT, CACHE_WC | WRITE, WRITE | EXEC):
        for vaddr in (TASK, 0x100000, 0):  # before what is wrong with the region
            kernel.refuses(VmProtect(task, vaddr, flags), "invalid")
    kernel.refuses(VmProtect("kernel", WINDOW, USER), "invalid")
    for vaddr in (TASK + PAGE, TASK + 1, TASK - PAGE, 0x101000, 1 << 63):
        kernel.refuses(VmProtect(task, vaddr, WRITE), "not_mapped")
    for flags in (0, WRITE):
        kernel.refuses(VmProtect(task, 0x100000, flags), "denied")


# --- freeing, resizing, asking -------------------------------------------------------------------


def test_free_takes_the_start_of_a_region_only(kernel: Kernel, task: str) -> None:
    kernel.refuses(VmFree(task, TASK), "not_mapped")
    kernel.values(VmAlloc(task, 2 * PAGE, "anonymous", WRITE))
    for vaddr in (TASK + PAGE, TASK + 1, TASK - PAGE, TASK + 2 * PAGE, 0, 1 << 47, (1 << 64) - 1):
        kernel.refuses(VmFree(task, vaddr), "not_mapped")
    kernel.refuses(VmFree("kernel", TASK), "not_mapped")
    kernel.values(VmFree(task, TASK))
    kernel.refuses(VmFree(task, TASK), "not_mapped")
    assert touched(kernel, task, TASK, "r") == (0, "not_mapped")


def test_resize(kernel: Kernel, task: str) -> None:
    base = MIB2 - PAGE
    kernel.values(VmAllocAt(task, base, PAGE, "anonymous", WRITE))
    kernel.values(VmAllocAt(task, base + 5 * PAGE, PAGE, "guard", 0))
    kernel.values(VmWrite(task, base + PAGE - 4, b"kept"))
    first = physical(kernel, task, base)
    lowest = soil(kernel, 5)
    with taking(kernel, 5):  # 4 pages, and a table behind the border
        kernel.values(VmResize(task, base, 5 * PAGE))
    assert physical(kernel, task, base) == first
    frames = [physical(kernel, task, base + n * PAGE) for n in range(1, 5)]
    assert frames == [lowest + n * PAGE for n in (0, 2, 3, 4)]
    for frame in frames:
        assert kernel.machine.memory.read(frame, PAGE) == bytes(PAGE)
    assert kernel.values(VmRead(task, base + PAGE - 4, 8)) == (b"kept\0\0\0\0".hex(),)
    kernel.values(VmWrite(task, base + 2 * PAGE - 4, b"and that"))
    with taking(kernel, 0):
        kernel.values(VmResize(task, base, 5 * PAGE))
    kernel.refuses(VmResize(task, base, 6 * PAGE), "mapped")
    with taking(kernel, -3):
        kernel.values(VmResize(task, base, 2 * PAGE))
    assert touched(kernel, task, base + 2 * PAGE, "r") == (0, "not_mapped")
    assert kernel.values(VmQuery(task, base)) == (base, 2 * PAGE, "anonymous", "rw")
    kernel.values(VmResize(task, base, 3 * PAGE))
    assert kernel.values(VmRead(task, base + 2 * PAGE - 4, 8)) == (b"and \0\0\0\0".hex(),)
    with taking(kernel, -3):  # the table behind the border too
        kernel.values(VmResize(task, base, PAGE))
    assert kernel.values(VmRead(task, base + PAGE - 4, 4)) == (b"kept".hex(),)


def test_resize_is_refused(kernel: Kernel, task: str) -> None:
    last = TASK_END - 2 * PAGE
    perform(
        kernel,
        [
            VmAllocAt(task, 0x100000, PAGE, "anonymous", 0),
            VmAllocAt(task, 0x200000, PAGE, "demand", WRITE),
            VmAllocAt(task, 0x300000, PAGE, "physical", 0, 0),
            VmAllocAt(task, 0x400000, PAGE, "guard", 0),
            VmAllocAt(task, last, PAGE, "anonymous", 0),
        ],
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


# --- copying -------------------------------------------------------------------------------------


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
    perform(
        kernel,
        [
            VmAllocAt(task, TASK, PAGE, "anonymous", WRITE),
            VmAllocAt(task, TASK + PAGE, 3 * PAGE, "demand", WRITE),
            VmAllocAt(task, TASK + 4 * PAGE, PAGE, "anonymous", WRITE | USER),
        ],
    )
    with taking(kernel, 0):
        for page in range(5):
            assert get(kernel, task, TASK + page * PAGE, LINE) == bytes(LINE)
    data = Random(1).randbytes(LINE)
    soil(kernel, 3)
    with taking(kernel, 1):
        put(kernel, task, TASK + PAGE - 20, data)
    with taking(kernel, 1):
        put(kernel, task, TASK + 4 * PAGE - 3, data)
    with taking(kernel, 0):
        put(kernel, task, TASK + 2 * PAGE - 1, b"!")
        assert get(kernel, task, TASK + PAGE - 40, LINE + 40) == bytes(20) + data + bytes(20)
        assert get(kernel, task, TASK + 2 * PAGE - 9, 20) == bytes(8) + b"!" + bytes(11)
        assert get(kernel, task, TASK + 4 * PAGE - 6, LINE + 9) == bytes(3) + data + bytes(6)
    assert walk(kernel, task, TASK + 2 * PAGE).leaf is None
    # The pages got their regions' flags.
    assert [kernel.values(PageQuery(task, TASK + n * PAGE))[3] for n in (0, 1, 3, 4)] == [
        *("rw", "rw", "rw", "rwu")
    ]
    # And the processor sees them as the kernel does.
    seen = kernel.machine.memory.read(physical(kernel, task, TASK + PAGE - 20), 20)
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
    perform(kernel, BOARD)
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
    perform(
        kernel,
        [
            VmAllocAt(task, TASK, PAGE, "anonymous", WRITE),
            VmAllocAt(task, TASK + PAGE, 3 * PAGE, "demand", WRITE),
            VmAllocAt("t2", MIB2 - PAGE, PAGE, "demand", WRITE),
            VmAllocAt("t2", MIB2, 3 * PAGE, "demand", WRITE),
            VmAllocAt("kernel", WINDOW, 4 * PAGE, "demand", WRITE),
        ],
    )
    put(kernel, task, TASK + 0x345, data)
    kernel.values(VmProtect(task, TASK, 0))  # the source need not be writable
    with taking(kernel, 3 + 2 + 2):  # pages, PDPT and PD, a PT on each side of the border
        kernel.values(VmCopy("t2", MIB2 - 0xFF, task, TASK + 0x345, length))
    assert get(kernel, "t2", MIB2 - 0x100, length + 2) == b"\0" + data + b"\0"
    kernel.values(TaskSwitch("t2"))
    with taking(kernel, 2 + 2):
        kernel.values(VmCopy("kernel", WINDOW, task, TASK + 0x345, length))
    with taking(kernel, 0):
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
    with taking(kernel, 0):
        kernel.values(VmCopy("kernel", WINDOW + PAGE - 4, task, TASK + PAGE - 9, 16))
    expected = b"x" * 4 + bytes(16) + b"x" * 4
    assert get(kernel, "kernel", WINDOW + PAGE - 8, 24) == expected
    kernel.values(VmFree("kernel", WINDOW))
    kernel.values(VmAlloc("kernel", 2 * PAGE, "demand", WRITE))
    soil(kernel, 3)
    with taking(kernel, 3):
        kernel.values(VmCopy("kernel", WINDOW, task, TASK, 1))
    assert kernel.machine.memory.read(physical(kernel, "kernel", WINDOW), PAGE) == bytes(PAGE)


def test_copies_that_overlap_are_refused(kernel: Kernel, task: str) -> None:
    kernel.values(VmAlloc(task, 2 * PAGE, "anonymous", WRITE))
    kernel.values(VmWrite(task, TASK, b"abcdef"))
    for to, source, length in ((0, 0, 1), (0, 1, 2), (1, 0, 2), (0, 0xFFF, 0x1000), (8, 0, 9)):
        kernel.refuses(VmCopy(task, TASK + to, task, TASK + source, length), "invalid")
    kernel.refuses(VmCopy(task, 8, task, 0, 9), "invalid")  # before there being nothing
    kernel.values(VmCopy(task, TASK + 2, task, TASK, 2))
    kernel.values(VmCopy(task, TASK + 3, task, TASK + 4, 1))
    assert get(kernel, task, TASK, 6) == b"abaeef"


# --- records -------------------------------------------------------------------------------------


def test_a_second_slab_comes_and_goes(kernel: Kernel, task: str) -> None:
    before = free_frames(kernel)
    for number in range(2 * SLAB_REGIONS + 1):
        with taking(kernel, 1 if number % SLAB_REGIONS == 0 else 0):
            kernel.values(VmAlloc(task, PAGE, "guard", 0))
    slabs = [slab.frame for slab in kernel.state.spaces[task].slabs]
    assert len(set(slabs)) == 3
    # A record freed in a full slab is the next one taken: no slab comes.
    with taking(kernel, 0):
        kernel.values(VmFree(task, TASK + 70 * PAGE))
        kernel.values(VmFree(task, TASK + 5 * PAGE))
        for number in (5, 70):
            assert kernel.value(VmAlloc(task, PAGE, "guard", 0)) == TASK + number * PAGE
    order = [*range(SLAB_REGIONS), *reversed(range(SLAB_REGIONS, 2 * SLAB_REGIONS + 1))]
    Random(3).shuffle(order)
    for number in order:
        kernel.values(VmFree(task, TASK + number * PAGE))
    assert free_frames(kernel) == before


def test_each_slab_goes_with_its_last_record(kernel: Kernel, task: str) -> None:
    for _ in range(2 * SLAB_REGIONS):
        kernel.values(VmAlloc(task, PAGE, "guard", 0))
    for number in range(2 * SLAB_REGIONS):
        with taking(kernel, -1 if number % SLAB_REGIONS == SLAB_REGIONS - 1 else 0):
            kernel.values(VmFree(task, TASK + number * PAGE))


def test_destroying_a_space_gives_every_frame_back(kernel: Kernel) -> None:
    """All kinds, two slabs, pages far apart; but what a physical region maps is not its own."""
    frame = kernel.value(PmmAlloc())
    with taking(kernel, 0):
        assert kernel.handle(TaskNew()) == "t1"
        with taking(kernel, 2):
            for _ in range(SLAB_REGIONS + 1):
                kernel.values(VmAlloc("t1", PAGE, "demand", WRITE | USER))
        for number in range(0, SLAB_REGIONS + 1, 3):
            kernel.values(Touch("t1", TASK + number * PAGE, "w"))
        for slot in (1, 100, 255):
            vaddr = (slot << 39) + (3 << 30) - PAGE
            kernel.values(VmAllocAt("t1", vaddr, 3 * PAGE, "anonymous", WRITE))
            kernel.values(VmAllocAt("t1", vaddr + 3 * PAGE, PAGE, "physical", WRITE, frame))
            kernel.values(VmAllocAt("t1", vaddr + 4 * PAGE, 1 << 30, "guard", 0))
            kernel.values(VmAllocAt("t1", vaddr + (2 << 30), 1 << 31, "demand", EXEC))
            kernel.values(Touch("t1", vaddr + (3 << 30), "r"))
        kernel.look("before the space is destroyed")
        kernel.values(TaskDelete("t1"))
    kernel.values(PmmFree(frame))


# --- out of memory -------------------------------------------------------------------------------

FULL_SLAB: Final = tuple(VmAlloc("t1", PAGE, "guard", 0) for _ in range(SLAB_REGIONS))
ONE_PAGE: Final = (VmAlloc("t1", PAGE, "anonymous", WRITE),)
DEMAND: Final = (VmAllocAt("t1", MIB2 - 2 * PAGE, 4 * PAGE, "demand", WRITE),)
BORDER: Final = VmAllocAt("t1", MIB2 - PAGE, PAGE, "anonymous", WRITE)

SHORTAGES: Final = [
    # what is there, the operation, the frames that it takes
    # - the slab is one of them
    ("guard", (), VmAlloc("t1", PAGE, "guard", 0), 1),
    ("demand", (), VmAlloc("t1", 1 << 40, "demand", WRITE), 1),
    ("64th guard", FULL_SLAB, VmAlloc("t1", PAGE, "guard", 0), 1),
    ("64th demand", FULL_SLAB, VmAllocAt("t1", 1 << 40, PAGE, "demand", 0), 1),
    ("64th anonymous", FULL_SLAB, VmAlloc("t1", PAGE, "anonymous", 0), 1 + 1 + 3),
    ("64th physical", FULL_SLAB, VmAlloc("t1", PAGE, "physical", 0, 0), 1 + 3),
    ("kernel's first guard", (), VmAlloc("kernel", PAGE, "guard", 0), 1),
    # - and the tables
    ("anonymous", (), VmAlloc("t1", 3 * PAGE, "anonymous", WRITE), 1 + 3 + 3),
    ("over 2 MiB", (), VmAllocAt("t1", MIB2 - PAGE, 2 * PAGE, "anonymous", 0), 1 + 2 + 4),
    ("over 1 GiB", (), VmAllocAt("t1", (1 << 30) - PAGE, 2 * PAGE, "anonymous", 0), 1 + 2 + 5),
    ("over 512 GiB", (), VmAllocAt("t1", (1 << 39) - PAGE, 2 * PAGE, "anonymous", 0), 1 + 2 + 6),
    ("600 pages", (), VmAlloc("t1", 600 * PAGE, "physical", 0, 0), 1 + 4),
    ("physical", (), VmAllocAt("t1", MIB2 - PAGE, 2 * PAGE, "physical", 0, 0), 1 + 4),
    ("kernel's anonymous", (), VmAlloc("kernel", 2 * PAGE, "anonymous", WRITE), 1 + 2 + 2),
    ("kernel's physical", (), VmAlloc("kernel", 2 * PAGE, "physical", 0, 0), 1 + 2),
    # - where some are there already
    ("second guard", ONE_PAGE, VmAlloc("t1", PAGE, "guard", 0), 0),
    ("second physical", ONE_PAGE, VmAlloc("t1", PAGE, "physical", 0, 0), 0),
    ("second anonymous", ONE_PAGE, VmAlloc("t1", 2 * PAGE, "anonymous", 0), 2),
    ("beside", ONE_PAGE, VmAllocAt("t1", MIB2 - PAGE, 2 * PAGE, "anonymous", 0), 2 + 1),
    ("resize", ONE_PAGE, VmResize("t1", TASK, 3 * PAGE), 2),
    ("resize over 2 MiB", (BORDER,), VmResize("t1", MIB2 - PAGE, 3 * PAGE), 2 + 1),
    ("resize to less", ONE_PAGE, VmResize("t1", TASK, PAGE), 0),
    # - pages on demand
    ("first touch", DEMAND, Touch("t1", MIB2 - PAGE, "r"), 1 + 3),
    ("first write", DEMAND, Touch("t1", MIB2 - PAGE, "w"), 1 + 3),
    ("next touch", (*DEMAND, Touch("t1", MIB2, "r")), Touch("t1", MIB2 + PAGE, "w"), 1),
    ("touch beyond", (*DEMAND, Touch("t1", MIB2 - 1, "r")), Touch("t1", MIB2, "r"), 1 + 1),
    ("second time", (*DEMAND, Touch("t1", MIB2, "r")), Touch("t1", MIB2, "w"), 0),
    ("write", DEMAND, VmWrite("t1", MIB2 - PAGE, b"a"), 1 + 3),
    ("write over 2 MiB", DEMAND, VmWrite("t1", MIB2 - 1, b"ab"), 2 + 4),
    ("write half there", (*DEMAND, Touch("t1", MIB2, "r")), VmWrite("t1", MIB2 - 1, b"ab"), 1 + 1),
    ("write in place", ONE_PAGE, VmWrite("t1", TASK, b"ab"), 0),
    ("read", DEMAND, VmRead("t1", MIB2 - 1, 2), 0),
    ("copy", (*DEMAND, VmAlloc("kernel", 4 * PAGE, "demand", WRITE)),
     VmCopy("t1", MIB2 - PAGE - 1, "kernel", WINDOW, PAGE + 2), 3 + 4),
    ("copy out", (*DEMAND, VmAlloc("kernel", 4 * PAGE, "anonymous", WRITE)),
     VmCopy("kernel", WINDOW, "t1", MIB2 - PAGE - 1, PAGE + 2), 0),
]  # fmt: skip


def hoard(kernel: Kernel) -> list[int]:
    """Take every free frame; those that a test may give back one by one, none beside another."""
    taken: list[int] = []
    for _, count in sorted(runs(kernel.state.pmm.free), key=lambda run: -run[1]):
        base = kernel.value(PmmAlloc(count))
        taken += range(base, base + count * PAGE, 3 * PAGE)
    assert free_frames(kernel) == 0
    return taken


@pytest.mark.parametrize(
    ("there", "operation", "needed"), [row[1:] for row in SHORTAGES], ids=[r[0] for r in SHORTAGES]
)
def test_out_of_memory_at_each_frame(
    kernel: Kernel, task: str, there: tuple[Operation, ...], operation: Operation, needed: int
) -> None:
    perform(kernel, there)
    spare = hoard(kernel)
    for have in range(needed):
        if isinstance(operation, Touch):
            error = 2 if operation.mode == "w" else 0
            assert touched(kernel, operation.root, operation.vaddr, operation.mode) == (
                *(error, "no_memory"),
            )
        else:
            kernel.refuses(operation, "no_memory")
        if have == needed - 1:
            kernel.look("after all refusals")
        kernel.values(PmmFree(spare.pop()))
    kernel.values(operation)
    assert free_frames(kernel) == 0


# --- what the console has no words for -----------------------------------------------------------

CODES: Final = [
    # address, error code (1 present, 2 write, 4 user, 8 reserved bit, 16 fetch), what is said
    (0x10000, 0, Status.OK), (0x11000, 2, Status.OK), (0x12000, 4, Status.DENIED),
    (0x12000, 6, Status.DENIED), (0x12000, 16, Status.DENIED), (0x12000, 1, Status.DENIED),
    (0x12000, 3, Status.DENIED), (0x12000, 8, Status.DENIED), (0x12000, 2, Status.OK),
    (0x20000, 4, Status.OK), (0x21000, 6, Status.OK), (0x22000, 20, Status.DENIED),
    (0x30000, 20, Status.OK), (0x31000, 16, Status.OK), (0x32000, 6, Status.DENIED),
    (0x32000, 2, Status.DENIED), (0x32FFF, 4, Status.OK),
    (0x40000, 0, Status.GUARD), (0x40FFF, 6, Status.GUARD), (0x40000, 3, Status.GUARD),
    (0x50000, 0, Status.DENIED), (0x50000, 3, Status.DENIED), (0x60000, 3, Status.DENIED),
    (0xFFFF, 0, Status.NOT_MAPPED), (0x13000, 2, Status.NOT_MAPPED), (0, 2, Status.NOT_MAPPED),
    (WINDOW, 2, Status.OK), (WINDOW + PAGE, 4, Status.DENIED), (WINDOW_END, 0, Status.NOT_MAPPED),
    (0xFFFF_C000_0000_0000, 2, Status.NOT_MAPPED), (0xFFFF_8000_0000_0000, 3, Status.NOT_MAPPED),
]  # fmt: skip


def test_page_faults_of_every_sort(machine: Machine, monitor: MonitorChannel) -> None:
    """The handler, called with the codes of a user's accesses too, which the console can't make."""
    for operation in (
        TaskNew(),
        TaskSwitch("t1"),
        VmAllocAt("t1", 0x10000, 3 * PAGE, "demand", WRITE),
        VmAllocAt("t1", 0x20000, 3 * PAGE, "demand", WRITE | USER),
        VmAllocAt("t1", 0x30000, 3 * PAGE, "demand", EXEC | USER),
        VmAllocAt("t1", 0x40000, PAGE, "guard", 0),
        VmAllocAt("t1", 0x50000, PAGE, "physical", 0, 0xB8000),
        VmAllocAt("t1", 0x60000, PAGE, "anonymous", 0),
        VmAllocAt("kernel", WINDOW, 3 * PAGE, "demand", WRITE),
    ):
        assert monitor.perform(operation).ok, operation
    GdbChannel.at_prompt(machine)
    gdb = machine.gdb
    resolved = set()
    for address, error, status in CODES:
        before = gdb.evaluate_int("pmm.free_count")
        assert gdb.call("vm_fault", address, error) == status, f"{address:#x} {error:#x}"
        taken = before - gdb.evaluate_int("pmm.free_count")
        assert (taken > 0) == (status is Status.OK)
        if taken:
            resolved.add(address & -PAGE)
            assert gdb.call("vm_fault", address, error) == Status.OK  # it came too late
            assert gdb.evaluate_int("pmm.free_count") == before - taken
    machine.detach_gdb()
    for page in (*range(0x10000, 0x33000, PAGE), WINDOW, WINDOW + PAGE):
        assert monitor.perform(PageQuery("t1", page)).ok == (page in resolved), hex(page)


def test_arguments_that_have_no_words(machine: Machine, monitor: MonitorChannel) -> None:
    """Unknown flags, kinds and cache modes, nothing to copy, and a space that is in use."""
    assert monitor.perform(TaskNew()).ok
    assert monitor.perform(VmAlloc("t1", PAGE, "anonymous", WRITE)).ok
    assert monitor.perform(TaskSwitch("t1")).ok
    GdbChannel.at_prompt(machine)
    gdb = machine.gdb
    space = gdb.evaluate_int("(unsigned long)&current_task->space")
    scratch = gdb.symbol("debug_scratch")
    before = gdb.evaluate_int("pmm.free_count")

    def alloc(kind: int, flags: int) -> tuple[int, int]:
        gdb.write_memory(scratch, kind.to_bytes(8, "little") + bytes(8))
        backing = "*(struct vm_backing *)debug_scratch"
        new = f"{space:#x}, {PAGE}, {flags:#x}, {backing}, &debug_scratch[4]"
        at = f"{space:#x}, 0x20000, {PAGE}, {flags:#x}, {backing}"
        return gdb.evaluate_int(f"vm_alloc({new})"), gdb.evaluate_int(f"vm_alloc_at({at})")

    both = (Status.INVALID, Status.INVALID)
    for kind in (4, 5, 0x7FFF_FFFF, 0xFFFF_FFFF):
        assert alloc(kind, 0) == both
    for flags in (0x80, 0x100, 0x8000_0000, 0x50, 0x60, 0x70):
        for kind in range(4):
            assert alloc(kind, flags) == both, (kind, hex(flags))
        assert gdb.call("vm_protect", space, TASK, flags) == Status.INVALID
    assert gdb.call("vm_read", space, TASK, scratch, 0) == Status.INVALID
    assert gdb.call("vm_write", space, TASK, scratch, 0) == Status.INVALID
    assert gdb.call("vm_read", space, 0, scratch, 0) == Status.INVALID
    assert gdb.call("vm_space_destroy", space) == Status.BUSY
    assert gdb.evaluate_int("pmm.free_count") == before
    machine.detach_gdb()
    assert monitor.perform(VmQuery("t1", TASK)).values == (TASK, PAGE, "anonymous", "rw")
