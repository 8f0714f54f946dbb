"""Maps that are refused: each error, in the order of the header, and nothing left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ringbench.subjects.reference.vocabulary.flags import CACHE_UC, EXEC, GLOBAL, USER, WRITE
from ringbench.subjects.reference.vocabulary.operations.paging import (
    PageMap,
    PageNew,
    PageProtect,
    PageQuery,
    PageUnmap,
)
from ringbench.subjects.reference.vocabulary.operations.pmm import PmmAlloc, PmmFree
from tests.system.page_tables import (
    ADDRESS_END,
    G1,
    G512,
    HALF,
    K4,
    M2,
    PHYSICAL_END,
    costs,
    free_frames,
    leave_frames,
)

if TYPE_CHECKING:
    from tests.system.conftest import Kernel


def test_map_refuses(kernel: Kernel, furnished: str) -> None:
    """Each error, and of two at once the one that the header lists first."""
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
            kernel.refuses(PageMap(furnished, va, pa, length, size, flags), status)
    assert free_frames(kernel) == before
    kernel.look("after what was refused")
    # Out of memory comes last: the end of these ranges is mapped, and there is nothing for tables.
    leave_frames(kernel, 0)
    for status in ("invalid", "mapped"):
        for va, pa, length, size, flags in refused[status]:
            kernel.refuses(PageMap(furnished, va, pa, length, size, flags), status)
    kernel.refuses(PageMap(furnished, G1 - M2 - K4, 0, 2 * K4, K4, 0), "no_memory")
    kernel.refuses(PageMap(furnished, G1 - M2, 0, M2 + K4, K4, 0), "mapped")


@pytest.mark.parametrize("pages", [1, 2, 511, 513, 1030])
def test_a_page_in_the_way_at_the_very_end(kernel: Kernel, root: str, pages: int) -> None:
    """No entry and no table of the range's beginning is left behind."""
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
    kernel: Kernel, root: str, va: int, length: int, size: int, tables: int
) -> None:
    """Exactly as many frames as missing tables are enough; one fewer changes nothing."""
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


def test_what_needs_no_table_needs_no_memory(kernel: Kernel, furnished: str) -> None:
    leave_frames(kernel, 0)
    for address, size in ((M2 + K4, K4), (4 * M2, M2), (7 * G1, G1)):
        costs(kernel, PageMap(furnished, address, 0, size, size, WRITE), 0)
    for address, size in ((0, K4), (5 * M2, K4), (2 * G1, M2), (G512, G1)):
        kernel.refuses(PageMap(furnished, address, 0, size, size, WRITE), "no_memory")
    kernel.refuses(PageNew(), "no_memory")
