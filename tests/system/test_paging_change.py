"""Unmap, protect and query on the real kernel: what they change, and what they refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ringbench.subjects.reference.vocabulary.flags import (
    CACHE_UC,
    CACHE_WC,
    EXEC,
    GLOBAL,
    USER,
    WRITE,
)
from ringbench.subjects.reference.vocabulary.operations.paging import (
    PageMap,
    PageProtect,
    PageQuery,
    PageUnmap,
)
from tests.system.page_tables import ADDRESS_END, G1, G512, HALF, K4, M2, costs

if TYPE_CHECKING:
    from tests.system.conftest import Kernel


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


def test_unmap_refuses(kernel: Kernel, furnished: str) -> None:
    for status, calls in range_errors(kernel, furnished).items():
        for va, length in calls:
            kernel.refuses(PageUnmap(furnished, va, length), status)


def test_protect_refuses(kernel: Kernel, furnished: str) -> None:
    for status, calls in range_errors(kernel, furnished).items():
        for va, length in calls:
            kernel.refuses(PageProtect(furnished, va, length, USER), status)
            kernel.refuses(PageProtect(furnished, va, length, WRITE | EXEC), "invalid")
    kernel.refuses(PageProtect(furnished, M2, K4, WRITE | EXEC), "invalid")


def test_query_refuses(kernel: Kernel, furnished: str) -> None:
    for address in (HALF, HALF + 1, 1 << 62, (1 << 63) - 1, 1 << 63, ADDRESS_END - HALF - 1):
        for handle in (furnished, "kernel", "t0"):
            kernel.refuses(PageQuery(handle, address), "non_canonical")
    for address in (0, M2 - 1, M2 + K4, 3 * M2, G1 - 1, 2 * G1, HALF - 1):
        kernel.refuses(PageQuery(furnished, address), "not_mapped")
    for address in (M2, 2 * M2, G1, 0):
        kernel.refuses(PageQuery("kernel", address), "not_mapped")


def test_tables_go_when_their_last_page_goes(kernel: Kernel, root: str) -> None:
    for address, tables in ((0, 3), (511 * K4, 0), (M2, 1), (G1, 2), (G512, 3)):
        costs(kernel, PageMap(root, address, 0, K4, K4, 0), tables)
    for address, tables in ((0, 0), (511 * K4, 1), (G1, 2), (M2, 3), (G512, 3)):
        costs(kernel, PageUnmap(root, address, K4), -tables)


def test_one_unmap_of_pages_of_all_sizes(kernel: Kernel, root: str) -> None:
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


def test_a_large_page_where_a_table_was(kernel: Kernel, root: str) -> None:
    costs(kernel, PageMap(root, 4 * M2, 0, M2, K4, 0), 3)
    kernel.refuses(PageMap(root, 4 * M2, 0, M2, M2, 0), "mapped")
    costs(kernel, PageMap(root, 5 * M2, 0, K4, K4, 0), 1)
    costs(kernel, PageUnmap(root, 4 * M2, M2), -1)
    costs(kernel, PageMap(root, 4 * M2, 6 * M2, M2, M2, 0), 0)
    assert kernel.values(PageQuery(root, 5 * M2 - 1)) == (4 * M2, 6 * M2, M2, "r")
    costs(kernel, PageUnmap(root, 4 * M2, M2), 0)
    costs(kernel, PageMap(root, 4 * M2, 0, K4, K4, 0), 1)


@pytest.mark.parametrize("size", [K4, M2, G1])
def test_protect_changes_the_range_and_nothing_else(kernel: Kernel, root: str, size: int) -> None:
    kernel.values(PageMap(root, 0, 0, 6 * size, size, WRITE | USER | GLOBAL | CACHE_WC))
    costs(kernel, PageProtect(root, 2 * size, 3 * size, EXEC | CACHE_UC), 0)
    for page in range(6):
        flags = "rx:uc" if 2 <= page < 5 else "rwug:wc"
        leaf = (page * size, page * size, size, flags)
        assert kernel.values(PageQuery(root, page * size)) == leaf
    costs(kernel, PageProtect(root, 0, 6 * size, 0), 0)
    for page in range(6):
        assert kernel.values(PageQuery(root, page * size + 1))[3] == "r"
