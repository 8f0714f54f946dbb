"""The sound guest against the state that describes it; then one thing after another is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ringbench.arch.x86_64.entry import NX, A, D, P, U, W
from ringbench.check.comparison import DETAILED
from ringbench.check.mismatch import Mismatch
from ringbench.machine import BytesMemory
from ringbench.subjects.reference.check.compare import compare, compare_contents
from ringbench.subjects.reference.model.state import KernelState

HEAP = 0xFFFFC00000000000
BARE_ROOT = 538 << 12
KERNEL_SLAB, TASKS, TASK_SLAB = 0xFFFF800000201000, 0xFFFF800000202000, 0xFFFF800000203000
LENT_BITS = 0xFFFF800000209000 + 8 * 8
TASK_PT, TASK_PD = 537 << 12, 536 << 12


def bits(first: int, end: int) -> int:
    return (1 << end) - (1 << first)


def found(guest: Any, state: KernelState) -> list[Mismatch]:
    return [mismatch for layer in compare(guest.picture(), state) for mismatch in layer.mismatches]


def test_all_agree(guest: Any, state: KernelState) -> None:
    layers = compare(guest.picture(), state)
    assert [layer.mismatches for layer in layers] == [[]] * 12
    counts = {layer.layer: layer.comparisons for layer in layers}
    assert counts["pmm"] > 2 * 1024
    assert counts["paging"] >= 17 * 512
    assert all(counts.values())


def test_accessed_and_dirty_do_not_count(guest: Any, state: KernelState) -> None:
    guest.entry(TASK_PT, 0x12, 520 << 12 | P | W | U | NX | A | D)
    assert found(guest, state) == []


WRONG: dict[str, tuple[Callable[[Any], object], Mismatch]] = {
    "a frame that should be free": (
        lambda g: g.poke(0xFFFF800000200000 + 72, bits(1, 64)),
        Mismatch("pmm", "frame", "free", "used", "physical 0x240000..0x241000"),
    ),
    "frames that should be used": (
        lambda g: g.poke(0xFFFF800000200000 + 64, bits(60, 63)),
        Mismatch("pmm", "3 frames", "used", "free", "physical 0x23c000..0x23f000"),
    ),
    "a count": (
        lambda g: g.set("pmm.free_count", 4),
        Mismatch("pmm", "free frames", "448", "4", "pmm.free_count"),
    ),
    "a block's counter": (
        lambda g: g.poke(0xFFFF800000200000 + 274, 1, 2),
        Mismatch("pmm", "free frames of a block", "448", "1", "block 1, physical 0x200000"),
    ),
    "a tree": (
        lambda g: g.set("pmm.any.top", 3),
        Mismatch("pmm", "top of the tree", "0x1", "0x3", "pmm.any.top"),
    ),
    "a page-table entry": (
        lambda g: g.entry(TASK_PT, 0x12, 520 << 12 | P | U | NX),
        Mismatch(
            "paging",
            "page-table entry",
            "P|W|U|NX 0x208000",
            "P|U|NX 0x208000",
            "t1: PT 0x219000 entry 18 (for 0x12000)",
        ),
    ),
    "an entry of the kernel half": (
        lambda g: g.entry(BARE_ROOT, 416, 0),
        Mismatch(
            "paging",
            "page-table entry",
            "P|W 0x20d000",
            "0",
            "r0: PML4 0x21a000 entry 416 (for 0xffffd00000000000)",
        ),
    ),
    "a table that is not reached": (
        lambda g: g.entry(TASK_PD, 0, 0),
        Mismatch("paging", "page table", "a table", "no table", "table 0x219000"),
    ),
    "a root": (
        lambda g: g.set("console.roots[3]", BARE_ROOT),
        Mismatch("paging", "root", "none", "0x21a000", "r3"),
    ),
    "a region": (
        lambda g: g.poke(TASK_SLAB + 128 + 24, 2, 4),
        Mismatch(
            "vmm",
            "region",
            "0x10000 + 0x1000 anonymous flags 0x6 in 0xffff800000203080",
            "0x10000 + 0x1000 anonymous flags 0x2 in 0xffff800000203080",
            "t1: region 0",
        ),
    ),
    "a region that is missing": (
        lambda g: g.poke(KERNEL_SLAB + 128 + 2 * 56 + 32, 0),
        Mismatch(
            "vmm",
            "region",
            "0xffffd00000004000 + 0x2000 physical to 0xfee00000 flags 0x41 in 0xffff8000002010b8",
            "none",
            "kernel: region 2",
        ),
    ),
    "a free record": (
        lambda g: g.poke(TASK_SLAB + 56, (1 << 64) - 2),
        Mismatch(
            "slab",
            "free objects",
            hex((1 << 512) - (1 << 128) | (1 << 70) - 4),
            hex((1 << 512) - (1 << 128) | (1 << 70) - 2),
            "region: slab 0x203000",
        ),
    ),
    "a heap node": (
        lambda g: g.poke(HEAP + 0xC0 + 12, 7, 4),
        Mismatch(
            "heap",
            "node",
            "0x40 bytes used, previous 0xffffc00000000060",
            "0x40 bytes used, previous 0xffffc00000000060, guard wrong",
            "node 0xffffc000000000c0",
        ),
    ),
    "a free list": (
        lambda g: g.set("heap.free[6]", 0),
        Mismatch("heap", "next free node", "0xffffc00000000060", "none", "free list 0.6"),
    ),
    "a bitmap": (
        lambda g: g.set("heap.second_bitmap[0]", 0),
        Mismatch("heap", "second-level bitmap", "0x40", "0x0", "heap.second_bitmap[0]"),
    ),
    "the current task": (
        lambda g: g.set("current_task", g.types.variable("boot_task").address),
        Mismatch("task", "current task", "1", "0", "current_task"),
    ),
    "a task's id": (
        lambda g: g.poke(TASKS + 128, 5),
        Mismatch("task", "id", "1", "5", "t1"),
    ),
    "a lent frame": (
        lambda g: g.poke(LENT_BITS, bits(28, 64)),
        Mismatch("machine", "frame", "lent", "not lent", "physical 0x21b000..0x21c000"),
    ),
    "the memory map": (
        lambda g: g.set("boot_info.map.ranges[1].kind", 2),
        Mismatch(
            "machine",
            "memory range",
            "0x100000 + 0x100000 kernel",
            "0x100000 + 0x100000 reserved",
            "memory map 1",
        ),
    ),
    "what can't be followed": (
        lambda g: g.set("kernel_space.first", 8),
        Mismatch(
            "vmm",
            "structure",
            "can be followed",
            "the list of struct vm_region leads to 0x8",
            "kernel: first region",
        ),
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_named(guest: Any, state: KernelState, name: str) -> None:
    spoil, expected = WRONG[name]
    spoil(guest)
    assert expected in found(guest, state)


def test_the_first_are_described_and_the_rest_counted(guest: Any, state: KernelState) -> None:
    for slot in range(100):
        guest.entry(528 << 12, slot, P | NX | slot << 12)
    paging = compare(guest.picture(), state)[2]
    assert len(paging.mismatches) == DETAILED + 1
    assert paging.mismatches[-1].what == f"{100 - DETAILED} further mismatches"


def test_contents(guest: Any, state: KernelState) -> None:
    guest.memory[(519 << 12) + 5 : (519 << 12) + 8] = b"abc"
    page = bytes(5) + b"abc" + bytes(4088)
    known = replace(state, contents={519 << 12: page})
    memory = BytesMemory(bytes(guest.memory))
    assert compare_contents(memory, known).mismatches == []
    assert compare_contents(memory, known).comparisons == 3
    assert compare_contents(memory, state).mismatches == [
        Mismatch(
            "vmm",
            "contents",
            "0000000000000000 at offset 0x5",
            "6162630000000000 at offset 0x5",
            "t1: page 0x10000 (physical 0x207000)",
        )
    ]
