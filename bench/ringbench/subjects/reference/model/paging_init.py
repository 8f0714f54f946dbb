"""The kernel root as paging_init builds it: which frame every table gets, and every entry."""

from collections.abc import Iterator, Sequence
from typing import Final

from ringbench.arch.x86_64.address import (
    LEVELS,
    SIZE_1G,
    SIZE_2M,
    SIZE_4K,
    table_index,
)
from ringbench.arch.x86_64.entry import P, W
from ringbench.arch.x86_64.features import Features
from ringbench.subjects.reference.model.paging import LEAF_LEVELS, leaf_bits
from ringbench.subjects.reference.model.pmm import pmm_alloc
from ringbench.subjects.reference.model.state import PmmState, Segment, Tables
from ringbench.subjects.reference.model.tables import TableEditor
from ringbench.subjects.reference.vocabulary import flags as page
from ringbench.subjects.reference.vocabulary.boot_values import MemoryRange
from ringbench.subjects.reference.vocabulary.constants import (
    BOOT_MAP_SIZE,
    DIRECT_MAP_BASE,
    DIRECT_MAP_SIZE,
    HEAP_BASE,
    IMAGE_BASE,
    KERNEL_WINDOW_BASE,
    MemoryKind,
)
from ringbench.subjects.reference.vocabulary.status import Panic, Status

SLOTS: Final = tuple(
    table_index(base, LEVELS)
    for base in (DIRECT_MAP_BASE, HEAP_BASE, KERNEL_WINDOW_BASE, IMAGE_BASE)
)
"""The PML4 slots of the kernel half in use, ascending."""


def paging_init(
    pmm: PmmState, memory_map: Sequence[MemoryRange], image: Sequence[Segment], features: Features
) -> tuple[PmmState, Tables, int]:
    """Return the frames left, the tables, and the kernel root.

    Raises:
        Panic: a table finds no frame below 4 GiB: the kernel can reach no other yet.
    """

    def take() -> int:
        nonlocal pmm
        pmm, status, frame = pmm_alloc(pmm)
        if status is not Status.OK or frame >= BOOT_MAP_SIZE:
            raise Panic("paging: no memory below 4 GiB for the kernel's tables")
        return frame

    root = take()
    editor = TableEditor({})
    editor.add(root, {})
    for slot in SLOTS:
        table = take()
        editor.add(table, {})
        editor.entries(root)[slot] = table | P | W
    for segment in sorted(image, key=lambda each: each.vaddr):
        start = segment.vaddr // SIZE_4K * SIZE_4K
        end = -(-(segment.vaddr + segment.length) // SIZE_4K) * SIZE_4K
        bits = leaf_bits(segment.flags | page.GLOBAL, 1)
        raws = [va - IMAGE_BASE | bits for va in range(start, end, SIZE_4K)]
        editor.fill(root, start, 1, raws, take)
    for paddr, size in direct_map(memory_map, features):
        level = LEAF_LEVELS[size]
        raw = paddr | leaf_bits(page.WRITE | page.GLOBAL, level)
        editor.fill(root, DIRECT_MAP_BASE + paddr, level, [raw], take)
    return pmm, editor.result, root


def direct_map(memory_map: Sequence[MemoryRange], features: Features) -> Iterator[tuple[int, int]]:
    """Yield (physical address, size) of each leaf of the direct map, ascending."""
    sizes = (SIZE_1G, SIZE_2M, SIZE_4K) if features.gib_pages else (SIZE_2M, SIZE_4K)
    for base, end in _joined(memory_map):
        position = base
        while position < end:
            size = next(s for s in sizes if not position % s and position + s <= end)
            yield position, size
            position += size


def _joined(memory_map: Sequence[MemoryRange]) -> Iterator[tuple[int, int]]:
    """Yield what is not RESERVED as (base, end), neighbours joined."""
    base, end = 0, 0
    for each in memory_map:
        if each.kind == MemoryKind.RESERVED or each.base >= DIRECT_MAP_SIZE:
            continue
        if each.base != end:
            if end > base:
                yield base, end
            base = each.base
        end = min(each.base + each.length, DIRECT_MAP_SIZE)
    if end > base:
        yield base, end
