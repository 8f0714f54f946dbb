"""Guests that want to be looked at for ever, and what it takes to look at each.

Run as a program, this takes the picture of one of them, makes every check and every table of it,
and prints as JSON what was found and how much memory that took:

    python -m tests.unit.reference.picture.hostile NAME guest.elf
"""

from __future__ import annotations

import io
import json
import mmap
import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from ringbench.arch.x86_64.entry import NX, PS, P, U, W
from ringbench.debuginfo.dwarf import Types
from ringbench.machine import MappedMemory, RamMap, RamRange
from ringbench.subjects.reference.check.compare import compare
from ringbench.subjects.reference.check.invariants import check_invariants
from ringbench.subjects.reference.check.ownership import owners
from ringbench.subjects.reference.observe.picture import Picture, take
from ringbench.subjects.reference.report.frames import frames_table
from ringbench.subjects.reference.report.heap import heap_table
from ringbench.subjects.reference.report.spaces import spaces_table
from tests.unit.reference.picture.conftest import sound_state
from tests.unit.reference.picture.guest import (
    DIRECT,
    FEATURES,
    HEAP,
    KERNEL_ROOT,
    TASK_ROOT,
    Guest,
    made,
)

MEMORY = 256 << 20
FREE = 1024
"""The first frame that nothing sound is in; frames from here on are direct-mapped as well."""

DIRECT_PD, HEAP_PD, HEAP_PT, TASK_PDPT = 529 << 12, 530 << 12, 531 << 12, 535 << 12
KERNEL_PAGE = P | W | NX
USER_PAGE = P | W | U | NX
NOWHERE = (1 << 64) - 1  # PADDR_NONE

Words = NDArray[np.uint64]


class Hostile:
    """A sound guest with much more memory, to be filled by the million words."""

    def __init__(self, elf: Path) -> None:
        self.memory = mmap.mmap(-1, MEMORY)
        self.types = Types.load(elf)
        self.guest: Guest = made(elf, self.types, self.memory)  # type: ignore[arg-type]
        self.words: Words = np.frombuffer(self.memory, np.uint64)
        for n in range(2, MEMORY >> 21):
            self.words[DIRECT_PD // 8 + n] = n << 21 | P | W | PS | NX

    def frames(self, first: int, count: int) -> Words:
        """The words of some frames, a row each, to be written."""
        return self.words[first * 512 : (first + count) * 512].reshape(count, 512)

    def entries(self, table: int, raws: Words | int) -> None:
        """Fill a table's first entries, or all of them."""
        row = self.words[table // 8 : table // 8 + 512]
        if isinstance(raws, int):
            row[:] = raws
        else:
            row[: len(raws)] = raws

    def picture(self) -> Picture:
        ram = RamMap((RamRange(0, MEMORY, 0),))
        return take(MappedMemory(self.memory, ram), self.types, TASK_ROOT, FEATURES)


def direct(frame: int) -> int:
    """The address by which the kernel has a frame."""
    return DIRECT + (frame << 12)


def run(first: int, count: int, flags: int) -> Words:
    """Entries for frames in a row."""
    return np.arange(first, first + count, dtype=np.uint64) << np.uint64(12) | np.uint64(flags)


def tree(guest: Hostile, first: int, page: int | Callable[[int], Words | int]) -> int:
    """Make a PD of 512 PTs, from frame `first` on; `page` is what each PT holds; the PD's frame."""
    guest.entries(first << 12, run(first + 1, 512, P | W | U))
    for number in range(512):
        raws = page if isinstance(page, int) else page(number)
        guest.entries((first + 1 + number) << 12, raws)
    return first


def task_with(guest: Hostile, page: int | Callable[[int], Words | int], trees: int = 4) -> None:
    """Give t1 a million leaves, or whatever `page` makes of them."""
    for number in range(trees):
        pd = tree(guest, FREE + number * 513, page)
        guest.words[TASK_PDPT // 8 + number] = pd << 12 | P | W | U


def tasks(guest: Hostile, count: int, row: Callable[[int], list[int]]) -> None:
    """Put so many tasks behind the boot task, a frame each; `row` is the space's five words."""
    first = (MEMORY >> 12) - count
    for number in range(count):
        after = direct(first + number + 1) if number + 1 < count else 0
        guest.frames(first + number, 1)[0, :7] = [number + 1, after, *row(number)]
    guest.guest.set("boot_task.next", direct(first))
    guest.guest.set("current_task", direct(first))
    guest.guest.set("current_space", direct(first) + 16)


def regions(
    guest: Hostile, first: int, count: int, bounds: Callable[[int], tuple[int, int]]
) -> int:
    """Make a list of so many regions, 64 to a frame, from frame `first` on; the first of them."""
    places = [direct(first + n // 64) + n % 64 * 64 for n in range(count)]
    rows = guest.frames(first, (count + 63) // 64)
    for n in range(count):
        base, length = bounds(n)
        after = places[n + 1] if n + 1 < count else 0
        before = places[n - 1] if n else 0
        at = n % 64 * 8
        rows[n // 64, at : at + 6] = [base, length, NOWHERE, 3, after, before]
    return places[0]


def overlapping_records(guest: Hostile) -> None:
    """Tasks at every eighth byte: the pointers of each are in the middle of others."""
    base = direct(FREE)
    here = np.arange(base, base + (64 << 20), 8, dtype=np.uint64)
    guest.frames(FREE, 64 << 8).reshape(-1)[:] = here
    guest.guest.set("boot_task.next", base)


def all_memory_is_regions(guest: Hostile) -> None:
    """A list of regions that fill all frames, and each other."""
    first = regions(guest, FREE, 500_000, lambda n: (0x10000, 1 << 40))
    guest.guest.set("kernel_space.first", first)


def one_list_of_many_owners(guest: Hostile) -> None:
    first = regions(guest, FREE, 100_000, lambda n: (0x10000 + n * 4096, 4096))
    tasks(guest, 3000, lambda n: [TASK_ROOT, 0x10000, 1 << 46, first, 100_000])


def many_tasks_of_one_root(guest: Hostile) -> None:
    task_with(guest, lambda n: run(FREE, 512, USER_PAGE))
    first = regions(guest, FREE + 3000, 1, lambda n: (0, 1 << 46))
    tasks(guest, 16000, lambda n: [TASK_ROOT, 0, 1 << 46, first, 1])


def many_roots_over_one_tree(guest: Hostile) -> None:
    task_with(guest, lambda n: run(FREE, 512, USER_PAGE))
    roots = FREE + 3000
    kernels = guest.words[KERNEL_ROOT // 8 : KERNEL_ROOT // 8 + 512].copy()
    for n in range(10_000):
        guest.entries((roots + n) << 12, kernels)
        guest.words[(roots + n) * 512] = TASK_PDPT | P | W | U
    tasks(guest, 10_000, lambda n: [(roots + n) << 12, 0, 1 << 46, 0, 0])


def many_small_roots(guest: Hostile) -> None:
    roots = FREE
    for n in range(16_000):
        guest.words[(roots + n) * 512] = (roots + n) << 12 | P | W | U
    tasks(guest, 16_000, lambda n: [(roots + n) << 12, 0, 1 << 46, 0, 0])


def reserved_bits_everywhere(guest: Hostile) -> None:
    task_with(guest, 1 << 50 | P)


def tables_outside_memory(guest: Hostile) -> None:
    task_with(guest, 0, trees=1)
    for number in range(512):
        guest.entries((FREE + 1 + number) << 12, 1 << 35 | P)
    guest.words[TASK_ROOT // 8] = FREE << 12 | P | U
    for entry in range(1, 256):
        guest.words[TASK_ROOT // 8 + entry] = FREE << 12 | P | U


def wrong_pages_by_the_million(guest: Hostile) -> None:
    task_with(guest, lambda n: run(256, 512, P | W | U))


def small_tables_by_the_thousand(guest: Hostile) -> None:
    """Every frame of memory a table, with one page in each."""
    count = (MEMORY >> 12) - FREE - 600
    guest.frames(FREE + 600, count)[:, 0] = 519 << 12 | USER_PAGE
    for number in range(min(count // 512, 500)):
        guest.entries((FREE + number) << 12, run(FREE + 600 + 512 * number, 512, P | W | U))
        guest.words[TASK_PDPT // 8 + number] = (FREE + number) << 12 | P | W | U


def heap_of_16_gib(guest: Hostile) -> None:
    """One frame of the smallest nodes, mapped over and over through the whole window."""
    place = FREE + 5000
    nodes = guest.frames(place, 1)[0]
    nodes[0::4], nodes[1::4] = 4 | (32 // 8 + 1) << 32, 0
    guest.entries(HEAP_PT, place << 12 | KERNEL_PAGE)
    guest.entries(HEAP_PD, HEAP_PT | P | W)
    guest.entries(524 << 12, HEAP_PD | P | W)
    guest.guest.set("heap.end", HEAP + (16 << 30))
    tasks(guest, 1, lambda n: [TASK_ROOT, 0x10000, 1 << 46, 0, 0])
    task_with(guest, lambda n: run(FREE, 512, USER_PAGE), trees=2)


def free_lists_into_one(guest: Hostile) -> None:
    """A million small free nodes, and all heads lead to the first of them."""
    frames = 4096
    nodes = guest.frames(FREE, frames).reshape(-1)
    here = np.arange(HEAP, HEAP + frames * 4096, 32, dtype=np.uint64)
    nodes[0::4], nodes[1::4] = (32 // 8) << 32, 0
    nodes[2::4], nodes[3::4] = here + np.uint64(32), 0
    for table in range(frames // 512):
        pt = FREE + frames + table
        guest.entries(pt << 12, run(FREE + 512 * table, 512, KERNEL_PAGE))
        guest.words[HEAP_PD // 8 + table] = pt << 12 | P | W
    guest.guest.set("heap.end", HEAP + frames * 4096)
    tasks(guest, 1, lambda n: [TASK_ROOT, 0x10000, 1 << 46, 0, 0])
    heads = guest.types.locate("heap.free")
    for n in range(heads.type.size // 8):
        guest.guest.poke(heads.address + 8 * n, HEAP)


def absurd_bitmaps(guest: Hostile) -> None:
    """Frames of 512 GiB, every second one free, lent and managed: one large page, many times."""
    guest.frames(FREE, 512)[:] = 0x5555_5555_5555_5555
    guest.entries(525 << 12, np.array([532 << 12 | P | W, 600 << 12 | P | W], np.uint64))
    guest.entries(600 << 12, (FREE >> 9) << 21 | P | W | PS | NX)
    window = 0xFFFFD000_40000000
    guest.guest.set("pmm.frame_limit", 1 << 27)
    tasks(guest, 1, lambda n: [TASK_ROOT, 0x10000, 1 << 46, 0, 0])
    for path in ("pmm.free_bits", "pmm.managed_bits", "pmm.block_free", "pmm.block_words"):
        guest.guest.set(path, window)
    for path in ("pmm.any.bottom", "pmm.whole.bottom", "console.lent_bits"):
        guest.guest.set(path, window)


def regions_over_everything(guest: Hostile) -> None:
    """Regions of every kind that each reach over a million pages."""
    task_with(guest, lambda n: run(FREE + n, 512, USER_PAGE))
    first = regions(guest, FREE + 3000, 200_000, lambda n: (n * 4096, 1 << 40))
    tasks(guest, 2, lambda n: [TASK_ROOT, 0, 1 << 46, first, 5])
    kinds = guest.frames(FREE + 3000, 200_000 // 64).reshape(-1, 8)
    for kind in range(4):
        kinds[kind::4, 3] = 3 | kind << 32


def large_and_sound(guest: Hostile) -> None:
    """A million leaves, 5,000 regions, 500 tasks: all of them are to be seen."""
    task_with(guest, lambda n: run(FREE, 512, USER_PAGE))
    roots = FREE + 3000
    kernels = guest.words[KERNEL_ROOT // 8 : KERNEL_ROOT // 8 + 512].copy()
    heads = []
    for n in range(500):
        guest.entries((roots + n) << 12, kernels)
        heads.append(regions(guest, roots + 500 + n, 10, lambda n: (0x10000 + 8192 * n, 4096)))
    places = [TASK_ROOT, *((roots + n) << 12 for n in range(1, 500))]
    tasks(guest, 500, lambda n: [places[n], 0x10000, 1 << 46, heads[n], 10])


GUESTS: dict[str, Callable[[Hostile], None]] = {
    each.__name__: each
    for each in (
        overlapping_records,
        all_memory_is_regions,
        one_list_of_many_owners,
        many_tasks_of_one_root,
        many_roots_over_one_tree,
        many_small_roots,
        reserved_bits_everywhere,
        tables_outside_memory,
        wrong_pages_by_the_million,
        small_tables_by_the_thousand,
        heap_of_16_gib,
        free_lists_into_one,
        absurd_bitmaps,
        regions_over_everything,
    )
}


def look(guest: Hostile) -> dict[str, object]:
    """Take the picture, make all checks and tables; what was found."""
    picture = guest.picture()
    mismatches = [each for layer in compare(picture, sound_state()) for each in layer.mismatches]
    invariants = check_invariants(picture)
    console = Console(file=io.StringIO(), width=120)
    claimed = owners(picture)
    for table in (
        frames_table(picture, claimed, ranges=True),
        heap_table(picture.heap),
        spaces_table(picture),
    ):
        console.print(table)
    return {
        "broken": [str(each) for each in picture.broken],
        "mismatches": len(mismatches),
        "invariants": len(invariants),
        "regions": sum(len(space.regions) for space in picture.spaces()),
        "tasks": len(picture.tasks.all),
        "leaves": sum(len(root.leaves) for root in picture.tables.roots),
    }


def peak() -> int:
    """The most memory that this process had so far, in bytes, the guest's own aside."""
    status = Path("/proc/self/status").read_text()
    rollup = Path("/proc/self/smaps_rollup").read_text()
    most = int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) * 1024
    shared = int(re.findall(r"Pss_Shmem:\s+(\d+)", rollup)[0]) * 1024
    return most - shared


def main() -> None:
    name, elf = sys.argv[1:]
    guest = Hostile(Path(elf))
    (GUESTS | {"large_and_sound": large_and_sound})[name](guest)
    found = look(guest)
    sys.stdout.write(json.dumps(found | {"peak": peak()}))


if __name__ == "__main__":
    main()
