"""Page tables on the real kernel: map, unmap, protect, query, roots, and what the CPU makes of it.

The console reaches the lower half of bare roots. What it keeps to itself or cannot spell - the
kernel half, the functions for the VMM, numbers that are no flags - is in test_paging_calls.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ringbench.arch.x86_64.walk import translate
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
    flags_text,
)
from ringbench.drive.operations import (
    Operation,
    PageDelete,
    PageMap,
    PageNew,
    PageProtect,
    PageQuery,
    PageUnmap,
    PmmAlloc,
    PmmAlloc2m,
    PmmFree,
    PmmInfo,
    TaskNew,
    Touch,
    VmAlloc,
)

if TYPE_CHECKING:
    from tests.system.conftest import Kernel

K4, M2, G1 = 1 << 12, 1 << 21, 1 << 30
G512 = 1 << 39  # what an entry of the PML4 spans
HALF = 1 << 47  # the first address that is not canonical
PHYSICAL_END = 1 << 40  # QEMU's `max` has 40 physical bits
ADDRESS_END = 1 << 64
TABLES = {K4: 3, M2: 2, G1: 1}  # below the root, for one page
RET = 0xC3


def free_frames(kernel: Kernel) -> int:
    _, free = kernel.values(PmmInfo())
    assert isinstance(free, int)
    return free


def costs(kernel: Kernel, operation: Operation, frames: int) -> None:
    """Perform, and insist on how many frames that takes, or, negative, gives back."""
    before = free_frames(kernel)
    assert kernel.values(operation) == ()
    assert before - free_frames(kernel) == frames, operation


def new_root(kernel: Kernel) -> str:
    before = free_frames(kernel)
    root = kernel.handle(PageNew())
    assert free_frames(kernel) == before - 1
    return root


def leave_frames(kernel: Kernel, count: int) -> list[int]:
    """Take all frames but the `count` highest; their addresses."""
    free = free_frames(kernel)
    base = kernel.value(PmmAlloc(free))
    left = [base + (free - count + number) * K4 for number in range(count)]
    if count:
        kernel.values(PmmFree(left[0], count))
    return left


def entries(kernel: Kernel, root: str, address: int) -> list[tuple[int, int]]:
    """(Physical address of the table, raw entry) at each level, top first, out of guest memory."""
    root_frame = kernel.state.root_of(root)
    assert root_frame is not None
    with kernel.machine.stopped():
        steps = translate(kernel.machine.memory, root_frame, address).steps
    return [(step.table, step.entry.raw) for step in steps]


# --- map -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [K4, M2, G1])
def test_one_page(kernel: Kernel, size: int) -> None:
    root = new_root(kernel)
    address, physical = 5 * G512 + 7 * G1 + (9 * M2 + 11 * K4) // size * size, 3 * G1
    costs(kernel, PageMap(root, address, physical, size, size, WRITE), TABLES[size])
    for inside in (address, address + 1, address + size // 2, address + size - 1):
        assert kernel.values(PageQuery(root, inside)) == (address, physical, size, "rw")
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
def test_ranges_across_table_borders(kernel: Kernel, size: int, border: int, tables: int) -> None:
    """Two pages before the border, three after it."""
    root = new_root(kernel)
    start, physical, pages = border - 2 * size, 8 * G1, range(5)
    costs(kernel, PageMap(root, start, physical, 5 * size, size, EXEC), tables)
    for page in pages:
        address = start + page * size
        leaf = (address, physical + page * size, size, "rx")
        assert kernel.values(PageQuery(root, address + size - 1)) == leaf
    kernel.look("mapped")
    # The tables on one side of the border go with the pages there.
    here = tables - TABLES[size]
    costs(kernel, PageUnmap(root, border, 3 * size), -here)
    costs(kernel, PageUnmap(root, start, size), 0)
    costs(kernel, PageUnmap(root, border - size, size), -TABLES[size])


def test_whole_tables_and_the_first_and_last_address(kernel: Kernel) -> None:
    root = new_root(kernel)
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


def test_tables_are_the_lowest_frames_top_level_first(kernel: Kernel) -> None:
    root = new_root(kernel)
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
def test_entries_are_as_the_manual_has_them(kernel: Kernel, size: int) -> None:
    """Tables permit everything, the leaf restricts; each table is the next frame (SDM 3A 4.5.4)."""
    root = new_root(kernel)
    first = kernel.value(PmmAlloc())
    kernel.values(PmmFree(first))
    present, write, user, pwt, pcd, large, global_, nx = (
        1 << bit for bit in (0, 1, 2, 3, 4, 7, 8, 63)
    )
    pat = 1 << (7 if size == K4 else 12)
    is_large = 0 if size == K4 else large
    physical = 0x40000000
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
        kernel.values(PageMap(root, 0, physical, size, size, flags))
        *pointers, leaf = (raw for _, raw in entries(kernel, root, 0))
        tables = range(first, first + TABLES[size] * K4, K4)
        assert pointers == [table | present | write | user for table in tables]
        assert leaf == physical | bits | present | is_large, flags_text(flags)
        assert kernel.values(PageQuery(root, 0)) == (0, physical, size, flags_text(flags))
        kernel.values(PageUnmap(root, 0, size))


def test_every_flag_with_every_cache_mode(kernel: Kernel) -> None:
    """60 combinations, pages side by side; then each is turned into another."""
    root = new_root(kernel)
    combinations = [
        mode | flags
        for mode in (CACHE_WB, CACHE_WT, CACHE_UC_MINUS, CACHE_UC, CACHE_WC)
        for flags in range(16)
        if flags & (WRITE | EXEC) != WRITE | EXEC
    ]
    assert len(combinations) == 60
    places = [
        (number, base + number * size, number * size, size)
        for base, size, step in ((G512, G1, 7), (0, M2, 1), (G1, K4, 1))
        for number in range(0, len(combinations), step)
    ]
    for number, address, physical, size in places:
        flags = combinations[number]
        kernel.values(PageMap(root, address, physical, size, size, flags))
        leaf = (address, physical, size, flags_text(flags))
        assert kernel.values(PageQuery(root, address + 5)) == leaf
    kernel.look("mapped")
    before = free_frames(kernel)
    for number, address, _, size in places:
        flags = combinations[(number + 17) % len(combinations)]
        kernel.values(PageProtect(root, address, size, flags))
        assert kernel.values(PageQuery(root, address + 5))[3] == flags_text(flags)
    assert free_frames(kernel) == before


# --- errors --------------------------------------------------------------------------------------


def furnished(kernel: Kernel) -> str:
    """A root with a page of 4 KiB at 2 MiB, one of 2 MiB at 4 MiB, and one of 1 GiB at 1 GiB."""
    root = new_root(kernel)
    kernel.values(PageMap(root, M2, 0, K4, K4, WRITE))
    kernel.values(PageMap(root, 2 * M2, 0, M2, M2, WRITE))
    kernel.values(PageMap(root, G1, 0, G1, G1, WRITE))
    return root


def test_map_refuses(kernel: Kernel) -> None:
    """Each error, and of two at once the one that the header lists first."""
    root = furnished(kernel)
    wx = WRITE | EXEC
    refused: dict[str, list[tuple[int, int, int, int, int]]] = {  # va, pa, length, size, flags
        "invalid": [
            (0, 0, 0, K4, 0), (0, 0, 0, M2, 0), (0, 0, 0, G1, 0), (0, 0, K4, K4, wx),
            (0, 0, M2, M2, wx | USER | GLOBAL), (0, 0, G1, G1, wx | CACHE_UC),
            (1, 1, 0, K4, 0), (1, 1, 1, K4, wx), (HALF, 0, 0, K4, 0), (HALF, 0, K4, K4, wx),
            (0, PHYSICAL_END, K4, K4, wx), (M2, 0, 0, K4, 0), (M2, 0, K4, K4, wx),
        ],
        "misaligned": [
            (1, 0, K4, K4, 0), (0, 1, K4, K4, 0), (0, 0, 1, K4, 0), (0, 0, K4 + 8, K4, 0),
            (K4, 0, M2, M2, 0), (0, K4, M2, M2, 0), (0, 0, K4, M2, 0), (0, 0, M2 + K4, M2, 0),
            (M2, 0, G1, G1, 0), (0, M2, G1, G1, 0), (0, 0, M2, G1, 0), (0, 0, G1 + M2, G1, 0),
            (HALF + 1, 0, K4, K4, 0), (HALF, 0, 1, K4, 0), (0, PHYSICAL_END + 1, K4, K4, 0),
            (M2, 1, K4, K4, 0), (HALF, 0, K4, M2, 0),
        ],
        "non_canonical": [
            (HALF, 0, K4, K4, 0), (HALF, 0, M2, M2, 0), (HALF, 0, G1, G1, 0),
            (HALF - K4, 0, 2 * K4, K4, 0), (HALF - M2, 0, 2 * M2, M2, 0),
            (HALF - G1, 0, 2 * G1, G1, 0), ((1 << 63) - K4, 0, K4, K4, 0),
            (0, 0, HALF + K4, K4, 0), (0, 0, 1 << 63, K4, 0), (K4, 0, ADDRESS_END - K4, K4, 0),
            (0, 0, ADDRESS_END - K4, K4, 0), (2 * K4, 0, ADDRESS_END - K4, K4, 0),
            (HALF, PHYSICAL_END, K4, K4, 0), (1 << 62, 0, G1, G1, 0),
        ],
        "out_of_range": [
            (0, PHYSICAL_END, K4, K4, 0), (0, PHYSICAL_END - K4, 2 * K4, K4, 0),
            (0, PHYSICAL_END - M2, 2 * M2, M2, 0), (0, PHYSICAL_END - G1, 2 * G1, G1, 0),
            (0, ADDRESS_END - K4, K4, K4, 0), (0, ADDRESS_END - K4, 2 * K4, K4, 0),
            (0, 1 << 52, K4, K4, 0), (0, 1 << 63, M2, M2, 0), (0, 0, PHYSICAL_END + G1, G1, 0),
            (0, K4, PHYSICAL_END, K4, 0), (0, 0, HALF, K4, 0), (M2, PHYSICAL_END, K4, K4, 0),
        ],
        "mapped": [
            (M2, 0, K4, K4, 0), (M2 - K4, 0, 2 * K4, K4, 0), (0, 0, M2 + K4, K4, 0),
            (M2, 0, 3 * K4, K4, 0), (0, 0, 2 * M2, M2, 0), (2 * M2 - K4, 0, 2 * K4, K4, 0),
            (2 * M2, 0, K4, K4, 0), (3 * M2 - K4, 0, K4, K4, 0), (2 * M2, 0, M2, M2, 0),
            (G1 - M2, 0, 2 * M2, M2, 0), (G1, 0, G1, G1, 0), (0, 0, G1, G1, 0),
            (2 * G1 - K4, 0, 2 * K4, K4, 0), (2 * G1 - M2, 0, M2, M2, 0),
            (G1 - K4, 0, 2 * K4, K4, 0), (0, 0, 2 * G1, G1, 0), (M2 + K4, 0, M2, K4, 0),
        ],
    }  # fmt: skip
    before = free_frames(kernel)
    for status, calls in refused.items():
        for va, pa, length, size, flags in calls:
            kernel.refuses(PageMap(root, va, pa, length, size, flags), status)
    assert free_frames(kernel) == before
    kernel.look("after what was refused")
    # Out of memory comes last: the end of these ranges is mapped, and there is nothing for tables.
    leave_frames(kernel, 0)
    for status in ("invalid", "mapped"):
        for va, pa, length, size, flags in refused[status]:
            kernel.refuses(PageMap(root, va, pa, length, size, flags), status)
    kernel.refuses(PageMap(root, G1 - M2 - K4, 0, 2 * K4, K4, 0), "no_memory")
    kernel.refuses(PageMap(root, G1 - M2, 0, M2 + K4, K4, 0), "mapped")


@pytest.mark.parametrize("pages", [1, 2, 511, 513, 1030])
def test_a_page_in_the_way_at_the_very_end(kernel: Kernel, pages: int) -> None:
    """No entry and no table of the range's beginning is left behind."""
    root = new_root(kernel)
    obstacle = 40 * G1
    kernel.values(PageMap(root, obstacle, 7 * K4, K4, K4, 0))
    before = free_frames(kernel)
    start = obstacle - pages * K4
    kernel.refuses(PageMap(root, start, 0, (pages + 1) * K4, K4, WRITE), "mapped")
    assert free_frames(kernel) == before
    kernel.look("after the refusal")
    for page in (start, obstacle - K4):
        kernel.refuses(PageQuery(root, page), "not_mapped")
    tables = -(-(pages * K4) // M2) + 1  # and the PD below the border at 40 GiB
    costs(kernel, PageMap(root, start, 0, pages * K4, K4, WRITE), tables)


@pytest.mark.parametrize(
    ("va", "length", "size", "tables"),
    [
        (G512 - 2 * K4, 4 * K4, K4, 6),
        (G1 - 2 * M2 - K4, 3 * M2, K4, 7),
        (G512 - M2, 2 * M2, M2, 4),
        (G512 - G1, 2 * G1, G1, 2),
        (2 * G1 - 20 * M2, 40 * M2 + K4, K4, 44),
    ],
)
def test_out_of_memory_at_every_number_of_free_frames(
    kernel: Kernel, va: int, length: int, size: int, tables: int
) -> None:
    """Exactly as many frames as missing tables are enough; one fewer changes nothing."""
    root = new_root(kernel)
    operation = PageMap(root, va, 0, length, size, WRITE)
    left = leave_frames(kernel, tables)
    fewest = max(0, tables - 8)
    taken = [kernel.value(PmmAlloc()) for _ in range(tables - fewest)]
    assert taken == left[: tables - fewest]
    for available, frame in enumerate(taken, start=fewest):
        assert free_frames(kernel) == available
        kernel.refuses(operation, "no_memory")
        kernel.values(PmmFree(frame))
    kernel.look("before it succeeds")
    costs(kernel, operation, tables)
    assert free_frames(kernel) == 0
    kernel.look("after it has succeeded")
    costs(kernel, PageProtect(root, va, length, USER), 0)
    costs(kernel, PageUnmap(root, va, length), -tables)


def test_what_needs_no_table_needs_no_memory(kernel: Kernel) -> None:
    root = furnished(kernel)
    leave_frames(kernel, 0)
    for address, size in ((M2 + K4, K4), (4 * M2, M2), (7 * G1, G1)):
        costs(kernel, PageMap(root, address, 0, size, size, WRITE), 0)
    for address, size in ((0, K4), (5 * M2, K4), (2 * G1, M2), (G512, G1)):
        kernel.refuses(PageMap(root, address, 0, size, size, WRITE), "no_memory")
    kernel.refuses(PageNew(), "no_memory")


def range_errors(kernel: Kernel, root: str) -> dict[str, list[tuple[int, int]]]:
    """(Address, length) that unmap and protect must refuse in a furnished root."""
    kernel.values(PageMap(root, 5 * M2, 0, 3 * K4, K4, 0))
    kernel.values(PageMap(root, 8 * M2, 0, 2 * M2, M2, 0))
    kernel.values(PageMap(root, 10 * M2, 0, K4, K4, 0))
    return {
        "invalid": [(0, 0), (1, 0), (HALF, 0), (M2, 0)],
        "misaligned": [
            (1, K4), (0, 1), (M2 + 1, K4), (M2, K4 + 1), (M2, K4 - 1), (HALF + 1, K4), (HALF, 1),
            # a leaf that reaches outside
            (2 * M2, K4), (2 * M2 + K4, M2 - K4), (3 * M2 - K4, K4), (2 * M2, M2 - K4),
            (2 * M2 + K4, K4), (G1, M2), (G1 + M2, M2), (2 * G1 - K4, K4), (G1, G1 - K4),
            (8 * M2, M2 + K4), (8 * M2 + K4, 2 * M2), (9 * M2 + K4, M2),
        ],
        "non_canonical": [
            (HALF, K4), (HALF - K4, 2 * K4), ((1 << 63) - K4, K4), (0, 1 << 63),
            (K4, ADDRESS_END - K4), (2 * K4, ADDRESS_END - K4), (0, HALF + K4),
        ],
        "not_mapped": [
            (0, K4), (M2 - K4, 2 * K4), (M2, 2 * K4), (M2 + K4, K4), (HALF - K4, K4), (0, HALF),
            (M2, 2 * M2), (3 * M2, K4), (2 * M2, M2 + K4), (G1 - K4, 2 * K4), (2 * G1, G1),
            (5 * M2, 4 * K4), (5 * M2 + K4, 3 * K4), (G1, G1 + K4), (8 * M2, 3 * M2),
            # the lowest offending page decides
            (2 * M2 - K4, 2 * K4), (5 * M2 + 2 * K4, 3 * M2), (7 * M2, M2 + K4),
        ],
    }  # fmt: skip


def test_unmap_refuses(kernel: Kernel) -> None:
    root = furnished(kernel)
    for status, calls in range_errors(kernel, root).items():
        for va, length in calls:
            kernel.refuses(PageUnmap(root, va, length), status)


def test_protect_refuses(kernel: Kernel) -> None:
    root = furnished(kernel)
    for status, calls in range_errors(kernel, root).items():
        for va, length in calls:
            kernel.refuses(PageProtect(root, va, length, USER), status)
            kernel.refuses(PageProtect(root, va, length, WRITE | EXEC), "invalid")
    kernel.refuses(PageProtect(root, M2, K4, WRITE | EXEC), "invalid")


def test_query_refuses(kernel: Kernel) -> None:
    root = furnished(kernel)
    for address in (HALF, HALF + 1, 1 << 62, (1 << 63) - 1, 1 << 63, ADDRESS_END - HALF - 1):
        for handle in (root, "kernel", "t0"):
            kernel.refuses(PageQuery(handle, address), "non_canonical")
    for address in (0, M2 - 1, M2 + K4, 3 * M2, G1 - 1, 2 * G1, HALF - 1):
        kernel.refuses(PageQuery(root, address), "not_mapped")
    for address in (M2, 2 * M2, G1, 0):
        kernel.refuses(PageQuery("kernel", address), "not_mapped")


def test_handles_that_are_no_bare_roots(kernel: Kernel) -> None:
    kernel.handle(TaskNew())
    kernel_half = ADDRESS_END - HALF
    for handle, status in (
        ("r0", "not_found"), ("r15", "not_found"), ("r16", "not_found"), ("t2", "not_found"),
        ("kernel", "denied"), ("t0", "denied"), ("t1", "denied"),
    ):  # fmt: skip
        # Before every other error: length 0, odd addresses, the kernel half.
        kernel.refuses(PageMap(handle, kernel_half + 1, 1, 0, K4, WRITE | EXEC), status)
        kernel.refuses(PageUnmap(handle, kernel_half + 1, 0), status)
        kernel.refuses(PageProtect(handle, kernel_half + 1, 0, WRITE | EXEC), status)
        kernel.refuses(PageDelete(handle), status)
        if status == "not_found":
            kernel.refuses(PageQuery(handle, HALF), status)
            kernel.refuses(Touch(handle, HALF, "r"), status)
    root = new_root(kernel)
    for address in (kernel_half, 1 << 63, ADDRESS_END - 1):
        kernel.refuses(PageMap(root, address, 1, 0, K4, WRITE | EXEC), "denied")
        kernel.refuses(PageUnmap(root, address, 0), "denied")
        kernel.refuses(PageProtect(root, address, 0, WRITE | EXEC), "denied")


# --- unmap and protect ---------------------------------------------------------------------------


def test_tables_go_when_their_last_page_goes(kernel: Kernel) -> None:
    root = new_root(kernel)
    for address, tables in ((0, 3), (511 * K4, 0), (M2, 1), (G1, 2), (G512, 3)):
        costs(kernel, PageMap(root, address, 0, K4, K4, 0), tables)
    for address, tables in ((0, 0), (511 * K4, 1), (G1, 2), (M2, 3), (G512, 3)):
        costs(kernel, PageUnmap(root, address, K4), -tables)


def test_one_unmap_of_pages_of_all_sizes(kernel: Kernel) -> None:
    root = new_root(kernel)
    costs(kernel, PageMap(root, G1 - M2 - 3 * K4, 0, 3 * K4, K4, 0), 3)
    costs(kernel, PageMap(root, G1 - M2, 0, M2, M2, 0), 0)
    costs(kernel, PageMap(root, G1, 0, 2 * G1, G1, 0), 0)
    costs(kernel, PageMap(root, 3 * G1, 0, M2, M2, 0), 1)
    costs(kernel, PageMap(root, 3 * G1 + M2, 0, M2 + K4, K4, 0), 2)
    costs(kernel, PageProtect(root, G1 - M2 - 2 * K4, 2 * G1 + 3 * M2 + 2 * K4, USER), 0)
    for address, flags in (
        (G1 - M2 - 3 * K4, "r"), (G1 - M2 - 2 * K4, "ru"), (G1 - 1, "ru"), (2 * G1, "ru"),
        (3 * G1, "ru"), (3 * G1 + 2 * M2 - 1, "ru"), (3 * G1 + 2 * M2, "r"),
    ):  # fmt: skip
        assert kernel.values(PageQuery(root, address))[3] == flags, hex(address)
    kernel.look("mapped")
    # All but the first and the last page, which hold the outermost tables.
    costs(kernel, PageUnmap(root, G1 - M2 - 2 * K4, 2 * G1 + 3 * M2 + 2 * K4), -1)
    kernel.look("with two pages left")
    costs(kernel, PageUnmap(root, 3 * G1 + 2 * M2, K4), -2)
    costs(kernel, PageUnmap(root, G1 - M2 - 3 * K4, K4), -3)


def test_a_large_page_where_a_table_was(kernel: Kernel) -> None:
    root = new_root(kernel)
    costs(kernel, PageMap(root, 4 * M2, 0, M2, K4, 0), 3)
    kernel.refuses(PageMap(root, 4 * M2, 0, M2, M2, 0), "mapped")
    costs(kernel, PageMap(root, 5 * M2, 0, K4, K4, 0), 1)
    costs(kernel, PageUnmap(root, 4 * M2, M2), -1)
    costs(kernel, PageMap(root, 4 * M2, 6 * M2, M2, M2, 0), 0)
    assert kernel.values(PageQuery(root, 5 * M2 - 1)) == (4 * M2, 6 * M2, M2, "r")
    costs(kernel, PageUnmap(root, 4 * M2, M2), 0)
    costs(kernel, PageMap(root, 4 * M2, 0, K4, K4, 0), 1)


@pytest.mark.parametrize("size", [K4, M2, G1])
def test_protect_changes_the_range_and_nothing_else(kernel: Kernel, size: int) -> None:
    root = new_root(kernel)
    kernel.values(PageMap(root, 0, 0, 6 * size, size, WRITE | USER | GLOBAL | CACHE_WC))
    costs(kernel, PageProtect(root, 2 * size, 3 * size, EXEC | CACHE_UC), 0)
    for page in range(6):
        flags = "rx:uc" if 2 <= page < 5 else "rwug:wc"
        leaf = (page * size, page * size, size, flags)
        assert kernel.values(PageQuery(root, page * size)) == leaf
    costs(kernel, PageProtect(root, 0, 6 * size, 0), 0)
    for page in range(6):
        assert kernel.values(PageQuery(root, page * size + 1))[3] == "r"


# --- roots ---------------------------------------------------------------------------------------


def test_there_are_sixteen_bare_roots(kernel: Kernel) -> None:
    before = free_frames(kernel)
    assert [new_root(kernel) for _ in range(16)] == [f"r{number}" for number in range(16)]
    kernel.refuses(PageNew(), "no_space")
    kernel.values(PageMap("r7", 0, 0, K4, K4, 0))
    for number in (7, 3, 15):
        kernel.values(PageDelete(f"r{number}"))
        kernel.refuses(PageDelete(f"r{number}"), "not_found")
        kernel.refuses(PageQuery(f"r{number}", 0), "not_found")
    assert [new_root(kernel) for _ in range(3)] == ["r3", "r7", "r15"]
    kernel.refuses(PageQuery("r7", 0), "not_mapped")
    leave_frames(kernel, 0)
    kernel.refuses(PageNew(), "no_space")  # rather than no_memory
    kernel.values(PageDelete("r9"))
    assert free_frames(kernel) == 1
    new_frame = kernel.value(PmmAlloc())
    kernel.refuses(PageNew(), "no_memory")
    kernel.values(PmmFree(new_frame))
    assert kernel.handle(PageNew()) == "r9"
    assert free_frames(kernel) == 0 < before


def test_delete_frees_every_table_and_no_page(kernel: Kernel) -> None:
    page, block = kernel.value(PmmAlloc()), kernel.value(PmmAlloc2m())
    root = furnished(kernel)  # 1 + 3 tables
    costs(kernel, PageMap(root, 6 * G512, page, K4, K4, WRITE), 3)
    costs(kernel, PageMap(root, 6 * G512 + G1, block, M2, M2, WRITE), 1)
    costs(kernel, PageMap(root, HALF - 3 * M2, 0, 3 * M2, K4, 0), 5)
    costs(kernel, PageDelete(root), -(1 + 3 + 3 + 1 + 5))
    kernel.values(PmmFree(page))
    kernel.values(PmmFree(block, 512))


def test_roots_are_apart_in_one_half_and_one_in_the_other(kernel: Kernel) -> None:
    first, second = new_root(kernel), new_root(kernel)
    kernel.values(PageMap(first, 0, 0, K4, K4, WRITE))
    kernel.values(PageMap(second, 0, K4, K4, K4, EXEC))
    assert kernel.values(PageQuery(first, 0)) == (0, 0, K4, "rw")
    assert kernel.values(PageQuery(second, 0)) == (0, K4, K4, "rx")
    # A region of the kernel's made later is there in both, and in the kernel's own.
    region = kernel.value(VmAlloc("kernel", K4, "anonymous", WRITE))
    found = kernel.values(PageQuery("kernel", region))
    direct = ADDRESS_END - HALF
    for root in (first, second, "t0"):
        assert kernel.values(PageQuery(root, region)) == found
        kernel.values(Touch(root, region, "w"))
        kernel.values(Touch(root, direct, "r"))


# --- what the processor makes of it --------------------------------------------------------------


def faults(kernel: Kernel, root: str, address: int, mode: str, error: int) -> None:
    """A touch must raise a page fault with exactly this error code, which nobody resolves."""
    expected = ("page_fault", error, "not_mapped")
    assert kernel.values(Touch(root, address, mode), "fault") == expected, hex(address)


@pytest.mark.parametrize("size", [K4, M2])
def test_reads_and_writes(kernel: Kernel, size: int) -> None:
    """Error codes: bit 0 the page is present, bit 1 a write (SDM 3A 4.7)."""
    root = new_root(kernel)
    physical = kernel.value(PmmAlloc()) if size == K4 else kernel.value(PmmAlloc2m())
    address = 3 * G512 + M2
    ends = (address, address + size - 1)
    for end in ends:
        faults(kernel, root, end, "r", 0)
        faults(kernel, root, end, "w", 2)
    kernel.values(PageMap(root, address, physical, size, size, 0))
    for flags in (0, WRITE, USER, WRITE | USER | GLOBAL, EXEC, WRITE | CACHE_UC, USER | CACHE_WC):
        kernel.values(PageProtect(root, address, size, flags))
        for end in ends:
            kernel.values(Touch(root, end, "r"))
            if flags & WRITE:
                kernel.values(Touch(root, end, "w"))
            else:
                faults(kernel, root, end, "w", 3)
    faults(kernel, root, address - 1, "r", 0)
    faults(kernel, root, address + size, "w", 2)
    kernel.values(PageUnmap(root, address, size))
    for end in ends:
        faults(kernel, root, end, "r", 0)
        faults(kernel, root, end, "w", 2)


def test_a_1_gib_page_is_read_and_written(kernel: Kernel) -> None:
    """Memory from address 0, seen 5 GiB higher: low memory, which no one owns, and a lent frame."""
    root = new_root(kernel)
    frame = kernel.value(PmmAlloc())
    kernel.values(PageMap(root, 5 * G1, 0, G1, G1, 0))
    kernel.values(Touch(root, 5 * G1 + frame, "r"))
    faults(kernel, root, 5 * G1 + frame, "w", 3)
    kernel.values(PageProtect(root, 5 * G1, G1, WRITE))
    kernel.values(Touch(root, 5 * G1 + frame, "w"))
    faults(kernel, root, 6 * G1, "r", 0)


def test_addresses_that_are_not_canonical(kernel: Kernel) -> None:
    root = new_root(kernel)
    for address in (HALF, ADDRESS_END - HALF - 1, 1 << 62, 1 << 63):
        for mode in "rwx":
            for handle in (root, "kernel"):
                values = kernel.values(Touch(handle, address, mode), "fault")
                assert values == ("general_protection", 0, "non_canonical")


@pytest.mark.parametrize("size", [K4, M2])
def test_execution_and_that_pages_lead_where_they_should(kernel: Kernel, size: int) -> None:
    """One RET in a page: only there, at the right distance, can be executed; and only with EXEC.

    Error code 0x11: the page is present, an instruction was fetched.
    """
    root = new_root(kernel)
    physical = kernel.value(PmmAlloc(2)) if size == K4 else kernel.value(PmmAlloc2m())
    length = 2 * K4 if size == K4 else M2
    address, offset = 2 * G1, length - 3
    with kernel.machine.stopped():
        kernel.machine.memory.write(physical, bytes(length))
        kernel.machine.memory.write(physical + offset, bytes([RET]))
    kernel.values(PageMap(root, address, physical, length, size, EXEC))

    # The model does not keep what lent frames hold, so these it can't predict.
    def execute(at: int) -> str:
        return kernel.machine.command(f"touch {root} {at:#x} x")

    assert execute(address + offset) == "ok"
    for at in (0, 1, offset - 1, offset + 1, length - 1, K4 - 3):
        assert execute(address + at).startswith("err denied "), at
    for flags in (0, USER, WRITE):
        kernel.values(PageProtect(root, address, length, flags))
        fault = "err fault page_fault error=0x11 cause=not_mapped"
        assert execute(address + offset) == fault
    kernel.values(PageProtect(root, address, length, EXEC | USER))
    assert execute(address + offset) == "ok"
    faults(kernel, root, address + offset, "w", 3)
    kernel.values(PageUnmap(root, address, length))
    assert execute(address + offset) == "err fault page_fault error=0x0 cause=not_mapped"
