"""A small sound guest: guest.c's structs and the page tables of this file, in a buffer."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.elffile import ELFFile

from ringbench.arch.x86_64.address import PAGE_SIZE, table_index
from ringbench.arch.x86_64.entry import NX, PAT_4K, PS, G, P, U, W
from ringbench.arch.x86_64.features import Features
from ringbench.debuginfo.dwarf import Types
from ringbench.machine import BytesMemory
from ringbench.subjects.reference.observe.names import RINGBENCH
from ringbench.subjects.reference.observe.picture import Picture, take
from tests.places import KERNEL

HERE = Path(__file__).parent
SIZE = 4 << 20

IMAGE = 0xFFFFFFFF80000000
DIRECT = 0xFFFF800000000000
HEAP = 0xFFFFC00000000000
WINDOW = 0xFFFFD00000000000
TASK = 0x10000

KERNEL_ROOT, TASK_ROOT, BARE_ROOT = 522 << 12, 534 << 12, 538 << 12
FRAME_SECTIONS = (512, 513, 514, 515, 521)


FEATURES = Features(physical_bits=36, pat=RINGBENCH.pat)
"""The processor of this guest."""


@dataclass(slots=True)
class Guest:
    """Bytes to spoil, and the picture that they then give."""

    types: Types
    memory: bytearray

    def picture(self) -> Picture:
        """Look at the memory as it now is."""
        return take(BytesMemory(bytes(self.memory)), self.types, TASK_ROOT, FEATURES)

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


def compiled(folder: Path) -> Path:
    """Compile guest.c as the kernel is, in a folder."""
    elf = folder / "guest.elf"
    command = ["gcc", "-std=gnu17", "-g", "-O1", "-ffreestanding", "-fno-pic", "-mcmodel=large"]
    command += ["-nostdlib", "-static", "-no-pie", "-Wl,--build-id=none", "-Wl,-e0"]
    command += [f"-Wl,-Tdata={IMAGE + (1 << 20):#x}", f"-Wl,--section-start=.heap={HEAP:#x}"]
    command += [f"-Wl,--section-start=.frame{n}={DIRECT + (n << 12):#x}" for n in FRAME_SECTIONS]
    command += ["-I", str(KERNEL), "-o", str(elf), str(HERE / "guest.c")]
    subprocess.run(command, check=True)
    return elf


def made(elf: Path, types: Types, memory: bytearray) -> Guest:
    """Return the sound guest, in memory that is all zeros."""
    guest = Guest(types, memory)
    with elf.open("rb") as file:
        for section in ELFFile(file).iter_sections():
            if section["sh_flags"] & 2 and section["sh_type"] == "SHT_PROGBITS":
                at = guest.paddr_of(section["sh_addr"])
                guest.memory[at : at + section["sh_size"]] = section.data()
    for (table, slot), raw in page_tables().items():
        guest.entry(table, slot, raw)
    return guest


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
