"""Invariants of the page tables of all roots."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ringbench.arch.x86_64.address import (
    LEVEL_NAMES,
    LEVELS,
    PAGE_SHIFT,
    UPPER_HALF,
    UPPER_HALF_SLOT,
)
from ringbench.arch.x86_64.entry import describe
from ringbench.arch.x86_64.leaves import Leaves, Words
from ringbench.arch.x86_64.records import permissions
from ringbench.check.mismatch import Mismatch
from ringbench.observe.page_tables import Root, without_processor_bits
from ringbench.subjects.reference.check.ownership import OwnerKind, owners
from ringbench.subjects.reference.check.region_pages import inside, rooted
from ringbench.subjects.reference.observe.picture import Picture

LAYER = "paging"

HIDDEN = frozenset(
    {
        OwnerKind.TABLE,
        OwnerKind.SLAB,
        OwnerKind.METADATA,
        OwnerKind.CONSOLE,
        OwnerKind.HEAP,
        OwnerKind.BUDDY,
        OwnerKind.MAP,
        OwnerKind.KERNEL,
        OwnerKind.BOOT_INFO,
    }
)
"""Frames that no user page may show, unless a fixed-physical mapping asks for it."""


def upper_halves_are_identical(picture: Picture) -> Iterator[Mismatch]:
    """Every root has the kernel root's entries in the kernel half."""
    tables, features = picture.tables, picture.features
    kernel = tables.entries.get(tables.kernel.paddr)
    others = [root for root in tables.others if root.paddr in tables.entries]
    if kernel is None or not others:
        return

    def half(entries: Words) -> Words:
        return without_processor_bits(entries[UPPER_HALF_SLOT:], LEVELS, features)

    expected = half(kernel)
    for root in others:
        seen = half(tables.entries[root.paddr])
        for slot in np.flatnonzero(expected != seen).tolist():
            yield Mismatch(
                LAYER,
                "kernel half",
                describe(int(expected[slot]), LEVELS),
                describe(int(seen[slot]), LEVELS),
                f"{root.name}: PML4 {root.paddr:#x} entry {UPPER_HALF_SLOT + slot}",
            )


def kernel_root_has_no_low_half(picture: Picture) -> Iterator[Mismatch]:
    """The kernel root maps nothing in the task's half: the boot-time identity map is gone."""
    root = picture.tables.kernel
    low = root.leaves.vaddr < np.uint64(UPPER_HALF)
    yield from _leaves(root, root.leaves.pick(low), "page in the task's half", "none")


def kernel_half_is_the_kernels(picture: Picture) -> Iterator[Mismatch]:
    """No page of the kernel half is a user page."""
    for root in picture.tables.roots:
        leaves = root.leaves
        wrong = leaves.user & (leaves.vaddr >= np.uint64(UPPER_HALF))
        yield from _leaves(root, leaves.pick(wrong), "user page in the kernel half", "no user")


def nothing_is_writable_and_executable(picture: Picture) -> Iterator[Mismatch]:
    """No page is both writable and executable, by the effective permissions of all levels."""
    for root in picture.tables.roots:
        wrong = root.leaves.write & root.leaves.execute
        yield from _leaves(root, root.leaves.pick(wrong), "permissions", "not w with x")


def tables_are_not_empty(picture: Picture) -> Iterator[Mismatch]:
    """Every table has an entry, but for roots and the kernel half's PDPTs, which are for ever."""
    for root in picture.tables.roots:
        for table in root.tables:
            if table.level == LEVELS or (table.level == 3 and table.vaddr >= UPPER_HALF):
                continue
            if table.present == 0:
                where = f"{root.name}: {LEVEL_NAMES[table.level]} for {table.vaddr:#x}"
                yield Mismatch(LAYER, "table", "has an entry", "empty", f"{where} {table.paddr:#x}")


def kernel_frames_are_hidden_from_users(picture: Picture) -> Iterator[Mismatch]:
    """No user page of a space shows a page table or other memory of the kernel.

    Regions of fixed physical memory and the console's bare roots map what they are told to.
    """
    claimed = owners(picture)
    hidden = np.array([owner.kind in HIDDEN for owner in claimed.owners])[claimed.ids]
    starts, ends = claimed.starts[hidden], claimed.ends[hidden]
    for space, root in rooted(picture):
        leaves = root.leaves.pick(root.leaves.user)
        asked = inside(leaves, (each for each in space.regions if each.kind == "physical"))
        shown = leaves.pick(~asked)
        wrong = shown.pick(_touching(shown, starts, ends))
        yield from _leaves(root, wrong, "user page on kernel memory", "none")


def _touching(
    leaves: Leaves, starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return which leaves map a frame of these ascending runs."""
    first = (leaves.paddr >> np.uint64(PAGE_SHIFT)).astype(np.int64)
    last = first + (leaves.size >> np.uint64(PAGE_SHIFT)).astype(np.int64)
    if len(starts) == 0:
        return np.zeros(len(leaves), np.bool_)
    candidate = np.searchsorted(ends, first, side="right")
    padded = np.append(starts, np.iinfo(np.int64).max)
    hit: NDArray[np.bool_] = padded[candidate] < last
    return hit


def _leaves(root: Root, wrong: Leaves, what: str, expected: str) -> Iterator[Mismatch]:
    """Yield a mismatch for each of these leaves."""
    for index in range(len(wrong)):
        rights = permissions(
            bool(wrong.write[index]), bool(wrong.user[index]), bool(wrong.execute[index])
        )
        entry = describe(int(wrong.raw[index]), int(wrong.level[index]))
        where = f"{root.name}: {int(wrong.vaddr[index]):#x} (table {int(wrong.table[index]):#x})"
        yield Mismatch(LAYER, what, expected, f"{rights} {entry}", where)
