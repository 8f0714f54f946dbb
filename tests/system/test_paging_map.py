"""Mapping on the real kernel: where tables come from, and what is written into them.

The console reaches the lower half of bare roots. What it keeps to itself or cannot spell - the
kernel half, the functions for the VMM, numbers that are no flags - is in test_paging_calls.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ringbench.subjects.reference.vocabulary.flags import (
    CACHE_UC,
    CACHE_UC_MINUS,
    CACHE_WC,
    CACHE_WT,
    CACHES,
    EXEC,
    GLOBAL,
    USER,
    WRITE,
    flags_text,
)
from ringbench.subjects.reference.vocabulary.operations.paging import (
    PageMap,
    PageProtect,
    PageQuery,
    PageUnmap,
)
from ringbench.subjects.reference.vocabulary.operations.pmm import PmmAlloc, PmmFree
from tests.system.page_tables import (
    G1,
    G512,
    HALF,
    K4,
    M2,
    PHYSICAL_END,
    TABLES,
    costs,
    entries,
    free_frames,
    leave_frames,
)

if TYPE_CHECKING:
    from tests.system.conftest import Kernel


@pytest.mark.parametrize("size", [K4, M2, G1])
def test_one_page(kernel: Kernel, root: str, size: int) -> None:
    address, paddr = 5 * G512 + 7 * G1 + (9 * M2 + 11 * K4) // size * size, 3 * G1
    costs(kernel, PageMap(root, address, paddr, size, size, WRITE), TABLES[size])
    for inside in (address, address + 1, address + size // 2, address + size - 1):
        assert kernel.values(PageQuery(root, inside)) == (address, paddr, size, "rw")
    for outside in (address - 1, address + size, 0, HALF - 1):
        kernel.refuses(PageQuery(root, outside), "not_mapped")
    costs(kernel, PageUnmap(root, address, size), -TABLES[size])
    kernel.refuses(PageQuery(root, address), "not_mapped")


@pytest.mark.parametrize(
    ("size", "border", "tables"),
    [
        (K4, M2, 4), (K4, G1, 5), (K4, G512, 6), (K4, 200 * G512, 6),
        (M2, G1, 3), (M2, G512, 4), (G1, G512, 2),
    ],
)  # fmt: skip
def test_ranges_across_table_borders(
    kernel: Kernel, root: str, size: int, border: int, tables: int
) -> None:
    """Two pages before the border, three after it."""
    start, paddr, pages = border - 2 * size, 8 * G1, range(5)
    costs(kernel, PageMap(root, start, paddr, 5 * size, size, EXEC), tables)
    for page in pages:
        address = start + page * size
        leaf = (address, paddr + page * size, size, "rx")
        assert kernel.values(PageQuery(root, address + size - 1)) == leaf
    kernel.look("mapped")
    # The tables on one side of the border go with the pages there.
    here = tables - TABLES[size]
    costs(kernel, PageUnmap(root, border, 3 * size), -here)
    costs(kernel, PageUnmap(root, start, size), 0)
    costs(kernel, PageUnmap(root, border - size, size), -TABLES[size])


def test_whole_tables_and_the_first_and_last_address(kernel: Kernel, root: str) -> None:
    costs(kernel, PageMap(root, 0, 0, PHYSICAL_END, G1, 0), 2)  # all there can be: 1024 leaves
    assert kernel.values(PageQuery(root, PHYSICAL_END - 1)) == (
        PHYSICAL_END - G1, PHYSICAL_END - G1, G1, "r"
    )  # fmt: skip
    costs(kernel, PageMap(root, HALF - 2 * M2, 0, M2, K4, 0), 3)  # a full table
    costs(kernel, PageMap(root, HALF - M2, PHYSICAL_END - M2, M2, K4, USER), 1)
    last = (HALF - K4, PHYSICAL_END - K4, K4, "ru")
    assert kernel.values(PageQuery(root, HALF - 1)) == last
    kernel.look("mapped")
    costs(kernel, PageUnmap(root, HALF - 2 * M2, 2 * M2), -4)
    costs(kernel, PageUnmap(root, 0, PHYSICAL_END), -2)


def test_tables_are_the_lowest_frames_top_level_first(kernel: Kernel, root: str) -> None:
    left = leave_frames(kernel, 9)
    kernel.values(PmmAlloc(9))
    holes = left[::2]
    for hole in reversed(holes):
        kernel.values(PmmFree(hole))
    border = 3 * G1
    costs(kernel, PageMap(root, border - K4, 0, 2 * K4, K4, 0), 5)
    pdpt, below_pd, below_pt, above_pd, above_pt = holes
    root_frame = kernel.state.root_of(root)
    for address, pd, pt in ((border - K4, below_pd, below_pt), (border, above_pd, above_pt)):
        tables = [table for table, _ in entries(kernel, root, address)]
        assert tables == [root_frame, pdpt, pd, pt]


@pytest.mark.parametrize("size", [K4, M2, G1])
def test_entries_are_as_the_manual_has_them(kernel: Kernel, root: str, size: int) -> None:
    """Tables permit everything, the leaf restricts; each table is the next frame (SDM 3A 4.5.4)."""
    first = kernel.value(PmmAlloc())
    kernel.values(PmmFree(first))
    present, write, user, pwt, pcd, large, global_, nx = (
        1 << bit for bit in (0, 1, 2, 3, 4, 7, 8, 63)
    )
    pat = 1 << (7 if size == K4 else 12)
    is_large = 0 if size == K4 else large
    paddr = 0x40000000
    expected = {
        0: nx,
        WRITE: write | nx,
        USER: user | nx,
        EXEC: 0,
        GLOBAL: global_ | nx,
        WRITE | USER | GLOBAL: write | user | global_ | nx,
        USER | EXEC: user,
        CACHE_WT: pwt | nx,
        CACHE_UC_MINUS: pcd | nx,
        CACHE_UC: pwt | pcd | nx,
        CACHE_WC: pat | nx,
        WRITE | CACHE_WC | GLOBAL: pat | write | global_ | nx,
    }
    for flags, bits in expected.items():
        kernel.values(PageMap(root, 0, paddr, size, size, flags))
        *pointers, leaf = (raw for _, raw in entries(kernel, root, 0))
        tables = range(first, first + TABLES[size] * K4, K4)
        assert pointers == [table | present | write | user for table in tables]
        assert leaf == paddr | bits | present | is_large, flags_text(flags)
        assert kernel.values(PageQuery(root, 0)) == (0, paddr, size, flags_text(flags))
        kernel.values(PageUnmap(root, 0, size))


def test_every_flag_with_every_cache_mode(kernel: Kernel, root: str) -> None:
    """60 combinations, pages side by side; then each is turned into another."""
    combinations = [
        mode | flags
        for mode in CACHES
        for flags in range(16)
        if flags & (WRITE | EXEC) != WRITE | EXEC
    ]
    assert len(combinations) == 60
    places = [
        (number, base + number * size, number * size, size)
        for base, size, step in ((G512, G1, 7), (0, M2, 1), (G1, K4, 1))
        for number in range(0, len(combinations), step)
    ]
    for number, address, paddr, size in places:
        flags = combinations[number]
        kernel.values(PageMap(root, address, paddr, size, size, flags))
        leaf = (address, paddr, size, flags_text(flags))
        assert kernel.values(PageQuery(root, address + 5)) == leaf
    kernel.look("mapped")
    before = free_frames(kernel)
    for number, address, _, size in places:
        flags = combinations[(number + 17) % len(combinations)]
        kernel.values(PageProtect(root, address, size, flags))
        assert kernel.values(PageQuery(root, address + 5))[3] == flags_text(flags)
    assert free_frames(kernel) == before
