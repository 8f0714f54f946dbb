"""Operations on bare roots. Leaves are found by going down at random, not all equally likely."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final

from ringbench.arch.x86_64.address import SIZE_1G, SIZE_2M, SIZE_4K, UPPER_HALF_SLOT, entry_shift
from ringbench.arch.x86_64.entry import ADDRESS
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.model.tables import is_leaf
from ringbench.subjects.reference.vocabulary import flags as page_flags
from ringbench.subjects.reference.vocabulary.constants import FRAME_SIZE, KERNEL_WINDOW_BASE
from ringbench.subjects.reference.vocabulary.handles import root_handle
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.paging import (
    PageDelete,
    PageMap,
    PageNew,
    PageProtect,
    PageQuery,
    PageUnmap,
)
from ringbench.subjects.reference.vocabulary.operations.vmm import Touch
from ringbench.subjects.reference.workload.draws import crowded, draw_flags, pick, turned
from ringbench.subjects.reference.workload.edges import beside, entries_to_end, far_address, index

ROOTS: Final = 4
"""Bare roots to hover about."""

FAR_SHARE: Final = 0.12
"""Share of addresses that are in the first or last entries of tables."""

TABLE_SHARE: Final = 0.08
"""Share of ranges that go to the end of a table, or a page less or more."""

LEAF_SIZES: Final = (SIZE_4K, SIZE_2M, SIZE_1G)


def bare_roots(state: KernelState) -> list[str]:
    """Handles of the bare roots that exist."""
    return [root_handle(n) for n, root in enumerate(state.console.roots) if root is not None]


def page_new(random: Random, state: KernelState) -> Operation | None:
    """Make a bare root, or delete one where there are many."""
    roots = bare_roots(state)
    if roots and crowded(random, len(roots), ROOTS):
        return PageDelete(pick(random, roots))
    return PageNew()


def near(random: Random, size: int) -> int:
    """An address where mappings crowd: few tables, neighbours, overlaps, the last slot; or far."""
    if random.random() < FAR_SHARE:
        return far_address(random) // size * size
    slot = pick(random, (0, 0, 0, SIZE_1G, 255 << 39))
    address = slot + random.randrange(3) * SIZE_2M + random.randrange(16) * FRAME_SIZE
    return address // size * size


def page_map(random: Random, state: KernelState) -> Operation | None:
    """Map some pages of a size in a bare root, close to others."""
    roots = bare_roots(state)
    if not roots:
        return PageNew()
    size = random.choices(LEAF_SIZES, (6, 3, 1))[0]
    pages = pick(random, (1, 1, 2, 3, 8, 600 if size == FRAME_SIZE else 2))
    memory = state.pmm.frame_limit * FRAME_SIZE
    flags = draw_flags(random, user=True, cached=False)
    if random.random() < 0.2:
        flags |= page_flags.GLOBAL
    paddr = index(random, memory // size or 1) * size
    vaddr = near(random, size)
    if random.random() < TABLE_SHARE:
        pages = max(1, beside(random, entries_to_end(vaddr, size)))
    return PageMap(pick(random, roots), vaddr, paddr, pages * size, size, flags)


def some_leaf(random: Random, state: KernelState) -> tuple[str, int, int] | None:
    """A bare root, with the start and size of one of its leaves: a way down, drawn entry by entry.

    Few roots, and few entries of their lower halves, are without a leaf, so that another is tried.
    """
    for handle in turned(random, bare_roots(state)):
        root = state.root_of(handle)
        assert root is not None
        indices = [index for index in state.tables[root] if index < UPPER_HALF_SLOT]
        if not indices:
            continue
        table, level, vaddr = root, 4, 0
        while True:
            index = pick(random, indices)
            raw = state.tables[table][index]
            vaddr += index << entry_shift(level)
            if is_leaf(raw, level):
                return handle, vaddr, 1 << entry_shift(level)
            table, level = raw & ADDRESS, level - 1
            indices = list(state.tables[table])
    return None


def page_unmap(random: Random, state: KernelState) -> Operation | None:
    """Unmap a leaf, or some more than that."""
    leaf = some_leaf(random, state)
    if leaf is None:
        return None
    root, vaddr, size = leaf
    return PageUnmap(root, vaddr, size * _pages(random, vaddr, size, (1, 1, 2, 4)))


def _pages(random: Random, vaddr: int, size: int, few: Sequence[int]) -> int:
    """How many pages of a range: few, or about as many as there are to the end of a table."""
    if random.random() < TABLE_SHARE:
        return max(1, beside(random, entries_to_end(vaddr, size)))
    return pick(random, few)


def page_protect(random: Random, state: KernelState) -> Operation | None:
    """Change a leaf's flags, or those of some more."""
    leaf = some_leaf(random, state)
    if leaf is None:
        return None
    root, vaddr, size = leaf
    flags = draw_flags(random, user=True, cached=False)
    return PageProtect(root, vaddr, size * _pages(random, vaddr, size, (1, 1, 2)), flags)


def page_query(random: Random, state: KernelState) -> Operation | None:
    """Ask at a leaf, or anywhere in any root."""
    if random.random() < 0.3:
        root = pick(random, list(state.roots()))
        return PageQuery(root, pick(random, (near(random, 1), KERNEL_WINDOW_BASE)))
    leaf = some_leaf(random, state)
    if leaf is None:
        return None
    root, vaddr, size = leaf
    return PageQuery(root, vaddr + index(random, size))


def page_touch(random: Random, state: KernelState) -> Operation | None:
    """Access a leaf or the page behind it through its bare root."""
    leaf = some_leaf(random, state)
    if leaf is None:
        return None
    root, vaddr, size = leaf
    return Touch(root, vaddr + index(random, 2 * size), pick(random, "rw"))
