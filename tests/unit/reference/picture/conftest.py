"""A small sound guest: guest.c's structs and the page tables of this file, in a buffer."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from ringbench.arch.x86_64.address import PAGE_SIZE, table_index
from ringbench.arch.x86_64.entry import NX, PAT_4K, PS, G, P, U, W
from ringbench.arch.x86_64.features import Features
from ringbench.debuginfo.dwarf import Types
from ringbench.machine import BytesMemory
from ringbench.subjects.reference.model.state import (
    Console,
    HeapState,
    KernelState,
    Node,
    PmmState,
    Region,
    Sizes,
    Slab,
    Space,
    Task,
)
from ringbench.subjects.reference.observe.layout import RINGBENCH
from ringbench.subjects.reference.observe.picture import Picture, take
from ringbench.subjects.reference.vocabulary.boot_values import MemoryRange
from ringbench.subjects.reference.vocabulary.constants import PADDR_NONE
from tests.places import KERNEL

HERE = Path(__file__).parent
SIZE = 4 << 20

IMAGE = 0xFFFFFFFF80000000
DIRECT = 0xFFFF800000000000
HEAP = 0xFFFFC00000000000
WINDOW = 0xFFFFD00000000000
TASK = 0x10000

KERNEL_ROOT, TASK_ROOT, BARE_ROOT = 522 << 12, 534 << 12, 538 << 12
SLOTS = (1 << 63) - 1
FRAME_SECTIONS = (512, 513, 514, 515, 521)


@dataclass(slots=True)
class Guest:
    """Bytes to spoil, and the picture that they then give."""

    types: Types
    memory: bytearray

    def picture(self) -> Picture:
        """Look at the memory as it now is."""
        features = Features(physical_bits=36, pat=RINGBENCH.pat)
        return take(BytesMemory(bytes(self.memory)), self.types, TASK_ROOT, features)

    def paddr_of(self, vaddr: int) -> int:
        """Where this guest keeps a virtual address."""
        for base, to in ((IMAGE, 0), (WINDOW, 518 << 12), (HEAP, 516 << 12), (DIRECT, 0)):
            if vaddr >= base:
                return vaddr - base + to
        raise ValueError(f"{vaddr:#x} is not the kernel's")

    def poke(self, vaddr: int, value: int, size: int = 8) -> None:
        """Overwrite an integer."""
        at = self.paddr_of(vaddr)
        self.memory[at : at + size] = value.to_bytes(size, "little")

    def set(self, path: str, value: int) -> None:
        """Overwrite a global, or a part of one, by its C name."""
        found = self.types.locate(path)
        self.poke(found.address, value, found.type.size)

    def entry(self, table: int, slot: int, raw: int) -> None:
        """Overwrite a page-table entry."""
        self.poke(DIRECT + table + 8 * slot, raw)


@pytest.fixture(scope="session")
def guest_elf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """guest.c, compiled as the kernel is."""
    elf = tmp_path_factory.mktemp("guest") / "guest.elf"
    command = ["gcc", "-std=gnu17", "-g", "-O1", "-ffreestanding", "-fno-pic", "-mcmodel=large"]
    command += ["-nostdlib", "-static", "-no-pie", "-Wl,--build-id=none", "-Wl,-e0"]
    command += [f"-Wl,-Tdata={IMAGE + (1 << 20):#x}", f"-Wl,--section-start=.heap={HEAP:#x}"]
    command += [f"-Wl,--section-start=.frame{n}={DIRECT + (n << 12):#x}" for n in FRAME_SECTIONS]
    command += ["-I", str(KERNEL), "-o", str(elf), str(HERE / "guest.c")]
    subprocess.run(command, check=True)
    return elf


@pytest.fixture(scope="session")
def types(guest_elf: Path) -> Types:
    """The types and addresses of guest.c."""
    return Types.load(guest_elf)


@pytest.fixture
def guest(guest_elf: Path, types: Types) -> Guest:
    """The sound guest, the test's own to spoil."""
    made = Guest(types, bytearray(SIZE))
    with guest_elf.open("rb") as file:
        for section in ELFFile(file).iter_sections():
            if section["sh_flags"] & 2 and section["sh_type"] == "SHT_PROGBITS":
                at = made.paddr_of(section["sh_addr"])
                made.memory[at : at + section["sh_size"]] = section.data()
    for (table, slot), raw in page_tables().items():
        made.entry(table, slot, raw)
    return made


@pytest.fixture
def table_entries() -> dict[tuple[int, int], int]:
    """The entries of all page tables, by table and index."""
    return page_tables()


def bits(first: int, end: int) -> int:
    return (1 << end) - (1 << first)


def region(base: int, length: int, flags: int, kind: int, slab: int, slot: int) -> Region:
    paddr = 0xFEE00000 if kind == 2 else PADDR_NONE
    return Region(base, length, paddr, flags, kind, slab << 12, slot)


@pytest.fixture
def state(table_entries: dict[tuple[int, int], int]) -> KernelState:
    """What guest.c says, in the model's terms."""
    tables: dict[int, dict[int, int]] = {frame << 12: {} for frame in range(522, 539)}
    for (table, slot), raw in table_entries.items():
        tables[table][slot] = raw
    kernel = (
        region(WINDOW, 0x1000, 1, 0, 513, 0),
        region(WINDOW + 0x1000, 0x1000, 0, 3, 513, 2),
        region(WINDOW + 0x4000, 0x2000, 0x41, 2, 513, 1),
    )
    task = (region(0x10000, 0x1000, 6, 0, 515, 0), region(0x12000, 0x2000, 3, 1, 515, 1))
    heap = (region(HEAP, 0x2000, 1, 0, 514, 0),)
    return KernelState(
        features=Features(physical_bits=36),
        sizes=Sizes(),
        memory_map=(
            MemoryRange(0, 1 << 20, 1),
            MemoryRange(1 << 20, 1 << 20, 5),
            MemoryRange(2 << 20, 2 << 20, 0),
        ),
        image=(),
        pmm=PmmState(1024, bits(513, 1024), bits(576, 1024), 512 << 12, 4096),
        tables=tables,
        kernel_root=KERNEL_ROOT,
        active_root=TASK_ROOT,
        spaces={
            "kernel": Space(
                KERNEL_ROOT, WINDOW, WINDOW + (1 << 39), kernel, (Slab(513 << 12, SLOTS & ~7),)
            ),
            "heap": Space(
                KERNEL_ROOT, HEAP, HEAP + (16 << 30), heap, (Slab(514 << 12, SLOTS & ~1),)
            ),
            "t1": Space(TASK_ROOT, TASK, 0x7FFFFFFFF000, task, (Slab(515 << 12, SLOTS & ~3),)),
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
        tasks=(Task(0, 0), Task(1, HEAP + 16)),
        current_task=1,
        console=Console(bits(539, 576), 521 << 12, 4096, (BARE_ROOT, *[None] * 15)),
        contents={},
    )


def page_tables() -> dict[tuple[int, int], int]:
    """All entries, by table and index: the kernel's root, t1's, and an empty bare one."""
    direct, heap, window, image = (frame << 12 for frame in range(523, 527))
    entries = {}
    for root in (KERNEL_ROOT, TASK_ROOT, BARE_ROOT):
        for base, table in ((DIRECT, direct), (HEAP, heap), (WINDOW, window), (IMAGE, image)):
            entries[root, table_index(base, 4)] = table | P | W
    image_pd, image_pt, direct_pd, heap_pd, heap_pt, window_pd, window_pt = (
        frame << 12 for frame in range(527, 534)
    )
    entries[image, table_index(IMAGE, 3)] = image_pd | P | W
    entries[image_pd, 0] = image_pt | P | W
    for page in range(256, 512):
        rights = 0 if page == 256 else W | NX
        entries[image_pt, page] = page << 12 | P | G | rights
    entries[direct, 0] = direct_pd | P | W
    entries |= {(direct_pd, n): n << 21 | P | W | PS | G | NX for n in range(2)}
    entries[heap, 0], entries[heap_pd, 0] = heap_pd | P | W, heap_pt | P | W
    entries |= {(heap_pt, n): (516 + n) << 12 | P | W | NX for n in range(2)}
    entries[window, 0], entries[window_pd, 0] = window_pd | P | W, window_pt | P | W
    entries[window_pt, 0] = 518 << 12 | P | W | NX
    entries |= {
        (window_pt, 4 + n): 0xFEE00000 + n * PAGE_SIZE | P | W | NX | PAT_4K for n in (0, 1)
    }
    task_pdpt, task_pd, task_pt = (frame << 12 for frame in range(535, 538))
    entries[TASK_ROOT, 0] = task_pdpt | P | W | U
    entries[task_pdpt, 0] = task_pd | P | W | U
    entries[task_pd, 0] = task_pt | P | W | U
    entries[task_pt, 0x10] = 519 << 12 | P | U
    entries[task_pt, 0x12] = 520 << 12 | P | W | U | NX
    return entries
