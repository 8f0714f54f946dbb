"""What a region's flags make of its leaves, and of the accesses to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from ringbench.subjects.reference.vocabulary.flags import (
    CACHE_UC,
    CACHE_WC,
    CACHE_WT,
    CACHES,
    EXEC,
    GLOBAL,
    USER,
    WRITE,
)
from ringbench.subjects.reference.vocabulary.operations.paging import PageQuery
from ringbench.subjects.reference.vocabulary.operations.pmm import PmmAlloc, PmmFree
from ringbench.subjects.reference.vocabulary.operations.vmm import (
    Touch,
    VmAlloc,
    VmAllocAt,
    VmFree,
    VmProtect,
    VmQuery,
    VmRead,
    VmResize,
    VmWrite,
)
from tests.system.layout import BASES, PAGE, TASK, TASK_END, WINDOW, WINDOW_END

if TYPE_CHECKING:
    from tests.system.conftest import Kernel


# --- cache modes, of what is physical ------------------------------------------------------------

CACHE_BITS: Final = dict(zip(CACHES, (0, 0x08, 0x10, 0x18, 0x80), strict=True))
"""PWT, PCD and PAT of a 4 KiB leaf for PAT entries 0 to 4 (Intel SDM 3A 4.9.2)."""


@pytest.mark.parametrize(("space", "base"), BASES)
def test_physical_regions_in_every_cache_mode(
    kernel: Kernel, task: str, space: str, base: int
) -> None:
    """They cost tables and a record, and their frames stay whose they were."""
    frames = kernel.value(PmmAlloc(2))
    kernel.machine.memory.write(frames, b"\xc3" * (2 * PAGE))
    with kernel.taking(3 if space == "kernel" else 4):
        for number, (cache, bits) in enumerate(CACHE_BITS.items()):
            vaddr = base + 2 * number * PAGE
            for flags, entry in ((0, 1 << 63 | 1), (WRITE, 1 << 63 | 3), (EXEC, 1)):
                if kernel.state.spaces[space].regions[number:]:
                    kernel.values(VmFree(space, vaddr))
                operation = VmAlloc(space, 2 * PAGE, "physical", flags | cache, frames)
                assert kernel.value(operation) == vaddr
                for page in (0, PAGE):
                    leaf = kernel.walk(space, vaddr + page).leaf
                    assert leaf is not None
                    assert leaf.raw & ~0x60 == frames + page | entry | bits
            kernel.values(Touch(space, vaddr + 2 * PAGE - 1, "r"))
            assert kernel.fault(space, vaddr, "w") == (3, "denied")
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
            assert kernel.fault(task, there, mode) == (error, "denied")
    kernel.refuses(Touch(task, there + 1, "x"), "denied")  # readable, and no RET
    if kind == "demand":
        untouched = TASK + 2 * PAGE
        if write is not None:
            with kernel.taking(0):  # refused before a page is taken for it
                assert kernel.fault(task, untouched, "w") == (0x2, "denied")
        with kernel.taking(1):  # it reads as zero, which is no RET
            kernel.values(Touch(task, untouched, "x"), "denied")
        if write is not None:
            assert kernel.fault(task, untouched, "w") == (0x3, "denied")


def test_touches_where_there_is_no_region(kernel: Kernel, task: str) -> None:
    kernel.values(VmAlloc(task, PAGE, "anonymous", WRITE))
    nowhere = (0, TASK - 1, TASK + PAGE, TASK_END, WINDOW, WINDOW_END, 0xFFFF_C000_4000_0000)
    for vaddr in nowhere:
        for mode, error in (("r", 0), ("w", 2), ("x", 0)):
            assert kernel.fault(task, vaddr, mode) == (error, "not_mapped")
    for root in ("kernel", "t0"):
        assert kernel.fault(root, TASK, "r") == (0, "not_mapped")
    for vaddr in (0x8000_0000_0000, 0xFFFF_7FFF_FFFF_FFFF, 0xDEAD_0000_0000_0000):
        for mode in "rwx":
            reply = kernel.values(Touch(task, vaddr, mode), "fault")
            assert reply == ("general_protection", 0, "non_canonical")
    # What is mapped, and no region's: the image's text, and the direct map.
    text = kernel.lockstep.kernel.inspector.types.symbols.address("image_text_start")
    kernel.values(Touch(task, text, "r"))
    assert kernel.fault(task, text, "w") == (3, "not_mapped")
    frame = kernel.value(PmmAlloc())
    kernel.machine.memory.write(frame, RET)
    kernel.values(Touch(task, 0xFFFF_8000_0000_0000 + frame, "w"))
    said = kernel.machine.command(f"touch {task} {0xFFFF_8000_0000_0000 + frame:#x} x")
    assert said == "err fault page_fault error=0x11 cause=not_mapped"


def test_protect(kernel: Kernel, task: str) -> None:
    """It holds for pages that are there and for those to come; the cache mode stays."""
    kernel.values(VmAlloc(task, 2 * PAGE, "demand", WRITE))
    kernel.values(Touch(task, TASK, "w"))
    with kernel.taking(0):
        kernel.values(VmProtect(task, TASK, USER))
    assert kernel.values(VmQuery(task, TASK))[3] == "ru"
    assert kernel.values(PageQuery(task, TASK))[3] == "ru"
    assert kernel.fault(task, TASK, "w") == (3, "denied")
    assert kernel.fault(task, TASK + PAGE, "w") == (2, "denied")
    kernel.values(VmProtect(task, TASK, WRITE))
    kernel.values(Touch(task, TASK, "w"))
    kernel.values(Touch(task, TASK + PAGE, "w"))

    frame = kernel.value(PmmAlloc())
    for number, (cache, bits) in enumerate(CACHE_BITS.items()):
        vaddr = kernel.value(VmAlloc(task, PAGE, "physical", cache, frame))
        assert vaddr == TASK + (2 + number) * PAGE
        for flags, entry in ((WRITE | USER, 1 << 63 | 7), (EXEC, 1), (0, 1 << 63 | 1)):
            kernel.values(VmProtect(task, vaddr, flags))
            leaf = kernel.walk(task, vaddr).leaf
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
