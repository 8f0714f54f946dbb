"""The guest of guest.py for each test, and what the model says of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringbench.arch.x86_64.features import Features
from ringbench.debuginfo.dwarf import Types
from ringbench.subjects.reference.model.frame_set import FrameSet
from ringbench.subjects.reference.model.state import (
    Cache,
    Console,
    HeapState,
    KernelState,
    Node,
    PmmState,
    Region,
    Sizes,
    Space,
    Task,
)
from ringbench.subjects.reference.vocabulary.boot_values import MemoryRange
from ringbench.subjects.reference.vocabulary.constants import DIRECT_MAP_BASE, PADDR_NONE
from tests.unit.reference.picture.guest import (
    BARE_ROOT,
    HEAP,
    KERNEL_ROOT,
    SIZE,
    TASK,
    TASK_ROOT,
    WINDOW,
    Guest,
    compiled,
    made,
    page_tables,
)

REGIONS, TASKS = (1 << 70) - 1, (1 << 55) - 1
"""All objects of a slab."""


@pytest.fixture(scope="session")
def guest_elf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """guest.c, compiled as the kernel is."""
    return compiled(tmp_path_factory.mktemp("guest"))


@pytest.fixture(scope="session")
def types(guest_elf: Path) -> Types:
    """The types and addresses of guest.c."""
    return Types.load(guest_elf)


@pytest.fixture
def guest(guest_elf: Path, types: Types) -> Guest:
    """The sound guest, the test's own to spoil."""
    return made(guest_elf, types, bytearray(SIZE))


def run(first: int, end: int) -> FrameSet:
    return FrameSet.of_runs([(first, end - first)])


def region(base: int, length: int, flags: int, kind: int, slab: int, number: int) -> Region:
    paddr = 0xFEE00000 if kind == 2 else PADDR_NONE
    record = DIRECT_MAP_BASE + (slab << 12) + 128 + 56 * number
    return Region(base, length, paddr, flags, kind, record)


@pytest.fixture
def state() -> KernelState:
    """What guest.c says, in the model's terms."""
    return sound_state()


def sound_state() -> KernelState:
    """Return what guest.c says, in the model's terms."""
    tables: dict[int, dict[int, int]] = {frame << 12: {} for frame in range(522, 539)}
    for (table, slot), raw in page_tables().items():
        tables[table][slot] = raw
    kernel = (
        region(WINDOW, 0x1000, 1, 0, 513, 0),
        region(WINDOW + 0x1000, 0x1000, 0, 3, 513, 2),
        region(WINDOW + 0x4000, 0x2000, 0x41, 2, 513, 1),
    )
    task = (region(0x10000, 0x1000, 6, 0, 515, 0), region(0x12000, 0x2000, 3, 1, 515, 1))
    heap = (region(HEAP, 0x2000, 1, 0, 513, 3),)
    return KernelState(
        features=Features(physical_bits=36, smep=False, smap=False, umip=False),
        sizes=Sizes(),
        memory_map=(
            MemoryRange(0, 1 << 20, 1),
            MemoryRange(1 << 20, 1 << 20, 5),
            MemoryRange(2 << 20, 2 << 20, 0),
        ),
        image=(),
        pmm=PmmState(1024, run(513, 1024), run(576, 1024), 512 << 12, 4096),
        tables=tables,
        kernel_root=KERNEL_ROOT,
        active_root=TASK_ROOT,
        spaces={
            "kernel": Space(KERNEL_ROOT, WINDOW, WINDOW + (1 << 39), kernel),
            "heap": Space(KERNEL_ROOT, HEAP, HEAP + (16 << 30), heap),
            "buddy": Space(KERNEL_ROOT, HEAP + (1 << 38), HEAP + (1 << 38) + (1 << 30)),
            "t1": Space(TASK_ROOT, TASK, 0x7FFFFFFFF000, task),
        },
        current_space="t1",
        heap=HeapState(
            end=HEAP + 0x2000,
            last=HEAP + 0x100,
            nodes={
                HEAP: Node(0x60, True, 0),
                HEAP + 0x60: Node(0x60, False, HEAP),
                HEAP + 0xC0: Node(0x40, True, HEAP + 0x60),
                HEAP + 0x100: Node(0x1F00, False, HEAP + 0xC0),
            },
            free={(0, 6): (HEAP + 0x60,)},
            stale={},
            used_count=2,
            used_bytes=0xA0,
        ),
        tasks=(Task(0, 0), Task(1, DIRECT_MAP_BASE + (514 << 12) + 128)),
        current_task=1,
        console=Console(run(539, 576), 521 << 12, 4096, (BARE_ROOT, *[None] * 15)),
        contents={},
        caches={
            "region": Cache(
                56,
                8,
                {513 << 12: REGIONS & ~15, 515 << 12: REGIONS & ~3},
                (515 << 12, 513 << 12),
            ),
            "task": Cache(72, 8, {514 << 12: TASKS & ~1}, (514 << 12,)),
        },
    )
