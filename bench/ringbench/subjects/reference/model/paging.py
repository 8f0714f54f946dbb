"""4-level paging: the kernel's calls, on raw entries (A and D aside) that are predicted exactly.

Every call takes the root. What the layer above passes to the last four is valid, aligned, and
mapped with 4 KiB leaves or not at all. Entry formats: Intel SDM 3A 4.5.4.
"""

from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from ringbench.arch.x86_64.address import (
    ADDRESS_END,
    LEVELS,
    OFFSET_MASK,
    PAGE_SIZES,
    SIZE_1G,
    SIZE_2M,
    SIZE_4K,
    UPPER_HALF_SLOT,
    is_canonical,
    table_index,
)
from ringbench.arch.x86_64.entry import NX, PAT_4K, PAT_LARGE, PCD, PS, PWT, G, P, U, W
from ringbench.subjects.reference.model import pmm as frames
from ringbench.subjects.reference.model.state import KernelState, replace
from ringbench.subjects.reference.model.tables import (
    Leaf,
    TableEditor,
    find,
    leaf_at,
    leaves,
    lower_tables,
    tables_missing,
)
from ringbench.subjects.reference.vocabulary import flags as page
from ringbench.subjects.reference.vocabulary.constants import KERNEL_HALF
from ringbench.subjects.reference.vocabulary.status import Status

LEAF_LEVELS: Final = {size: level for level, size in PAGE_SIZES.items()}
_CACHE_SHIFT: Final = 4


class PageMapping(NamedTuple):
    """The leaf that maps an address (struct mapping)."""

    vaddr: int
    paddr: int
    size: int
    flags: int


@lru_cache(maxsize=1024)
def leaf_bits(flags: int, level: int) -> int:
    """Return the bits of a leaf entry, all but the address, for page flags.

    The cache mode's number is the index of its PAT field: PAT, PCD, PWT (Intel SDM 3A 4.9.2).
    """
    raw = P if level == 1 else P | PS
    for flag, bit in ((page.WRITE, W), (page.USER, U), (page.GLOBAL, G)):
        raw |= bit if flags & flag else 0
    if not flags & page.EXEC:
        raw |= NX
    mode = flags >> _CACHE_SHIFT
    raw |= (PWT if mode & 1 else 0) | (PCD if mode & 2 else 0)
    if mode & 4:
        raw |= PAT_4K if level == 1 else PAT_LARGE
    return raw


def leaf_flags(raw: int, level: int) -> int:
    """Return the page flags of a leaf entry: the inverse of `leaf_bits`."""
    flags = 0
    for flag, bit in ((page.WRITE, W), (page.USER, U), (page.GLOBAL, G)):
        flags |= flag if raw & bit else 0
    if not raw & NX:
        flags |= page.EXEC
    high = raw & (PAT_4K if level == 1 else PAT_LARGE)
    mode = (4 if high else 0) | (2 if raw & PCD else 0) | (1 if raw & PWT else 0)
    return flags | mode << _CACHE_SHIFT


def flags_are_valid(flags: int) -> bool:
    """Tell whether flags are known, have a cache mode, and are not both WRITE and EXEC."""
    return (
        not flags & ~page.FLAGS_ALL
        and flags & (page.WRITE | page.EXEC) != page.WRITE | page.EXEC
        and flags & page.CACHE_MASK <= page.CACHE_WC
    )


def paging_root_create(state: KernelState) -> tuple[KernelState, Status, int]:
    """Make a root whose upper half is the kernel's; its address."""
    pmm, status, root = frames.pmm_alloc(state.pmm)
    if status:
        return state, status, 0
    kernel = state.tables[state.kernel_root]
    upper = {index: raw for index, raw in kernel.items() if index >= UPPER_HALF_SLOT}
    return replace(state, pmm=pmm, tables={**state.tables, root: upper}), Status.OK, root


def paging_root_destroy(state: KernelState, root: int) -> tuple[KernelState, Status, None]:
    """Free a root and the tables of its lower half, not what they map."""
    if root == state.active_root:
        return state, Status.BUSY, None
    if root == state.kernel_root:
        return state, Status.DENIED, None
    gone = [root, *(table for table, _ in lower_tables(state.tables, root))]
    tables = dict(state.tables)
    for table in gone:
        del tables[table]
    return replace(state, pmm=frames.give_back(state.pmm, gone), tables=tables), Status.OK, None


def paging_activate(state: KernelState, root: int) -> KernelState:
    """Load CR3."""
    return state if root == state.active_root else replace(state, active_root=root)


def paging_map(
    state: KernelState, root: int, va: int, pa: int, length: int, page_size: int, flags: int
) -> tuple[KernelState, Status, None]:
    """Map a range with leaves of one size, whole or not at all."""
    status = _map_status(state, root, va, pa, length, page_size, flags)
    if status:
        return state, status, None
    level = LEAF_LEVELS[page_size]
    missing = tables_missing(state.tables, root, va, length, level)
    if missing > state.pmm.free_count:
        return state, Status.NO_MEMORY, None
    pmm, taken = frames.take(state.pmm, missing)
    editor = TableEditor(state.tables)
    bits = leaf_bits(flags, level)
    raws = [bits | paddr for paddr in range(pa, pa + length, page_size)]
    editor.fill(root, va, level, raws, iter(taken).__next__)
    return replace(state, pmm=pmm, tables=editor.result), Status.OK, None


def _map_status(
    state: KernelState, root: int, va: int, pa: int, length: int, page_size: int, flags: int
) -> Status:
    if page_size not in LEAF_LEVELS or not flags_are_valid(flags) or length == 0:
        return Status.INVALID
    if page_size == SIZE_1G and not state.features.gib_pages:
        return Status.UNSUPPORTED
    if (va | pa | length) % page_size:
        return Status.MISALIGNED
    if not _is_canonical_range(va, length):
        return Status.NON_CANONICAL
    if pa + length > 1 << state.features.physical_bits:
        return Status.OUT_OF_RANGE
    if va >= KERNEL_HALF:
        slots = range(table_index(va, LEVELS), table_index(va + length - 1, LEVELS) + 1)
        if flags & page.USER or any(slot not in state.tables[root] for slot in slots):
            return Status.DENIED
    if next(leaves(state.tables, root, va, va + length - 1), None):
        return Status.MAPPED
    return Status.OK


def paging_unmap(
    state: KernelState, root: int, va: int, length: int
) -> tuple[KernelState, Status, None]:
    """Unmap a range that is mapped throughout and cuts no leaf."""
    status = _range_status(va, length) or _covered(state, root, va, length)
    if status:
        return state, status, None
    return _remove(state, root, va, length)[0], Status.OK, None


def paging_protect(
    state: KernelState, root: int, va: int, length: int, flags: int
) -> tuple[KernelState, Status, None]:
    """Give every leaf of a range, mapped throughout, new flags."""
    if not flags_are_valid(flags):
        return state, Status.INVALID, None
    status = _range_status(va, length)
    if not status and flags & page.USER and va >= KERNEL_HALF:
        status = Status.DENIED
    status = status or _covered(state, root, va, length)
    if status:
        return state, status, None
    return paging_reflag(state, root, va, length, flags), Status.OK, None


def paging_query(
    state: KernelState, root: int, va: int
) -> tuple[KernelState, Status, PageMapping | None]:
    """Return the leaf that maps an address."""
    if not is_canonical(va):
        return state, Status.NON_CANONICAL, None
    leaf = leaf_at(state.tables, root, va)
    if leaf is None:
        return state, Status.NOT_MAPPED, None
    flags = leaf_flags(leaf.raw, leaf.level)
    return state, Status.OK, PageMapping(leaf.vaddr, leaf.paddr, leaf.size, flags)


def paging_tables_missing(state: KernelState, root: int, va: int, length: int) -> int:
    """Count the tables that mapping a range with 4 KiB pages would take."""
    return tables_missing(state.tables, root, va, length)


def paging_clear(
    state: KernelState,
    root: int,
    va: int,
    length: int,
    *,
    release: bool,
    stay: Collection[int] = (),
) -> KernelState:
    """Unmap what is mapped in a range; with `release`, its frames go back, and what they held.

    The frames of `stay` do not.
    """
    state, pages = _remove(state, root, va, length)
    if stay:
        pages = [frame for frame in pages if frame not in stay]
    if not release or not pages:
        return state
    contents = state.contents
    if not contents.keys().isdisjoint(pages):
        gone = set(pages)
        contents = {frame: held for frame, held in contents.items() if frame not in gone}
    return replace(state, pmm=frames.give_back(state.pmm, pages), contents=contents)


def paging_reflag(state: KernelState, root: int, va: int, length: int, flags: int) -> KernelState:
    """Give what is mapped in a range new flags."""

    def raw_of(leaf: Leaf) -> int:
        return leaf.paddr | leaf_bits(flags, leaf.level)

    editor = TableEditor(state.tables)
    editor.change(root, va, va + length - 1, raw_of)
    return replace(state, tables=editor.result)


def present(state: KernelState, root: int, va: int) -> int | None:
    """Return the frame that maps a 4 KiB page, or None."""
    slot = find(state.tables, root, va)
    return None if not slot.raw else _frame(slot.raw)


def populate(
    state: KernelState, root: int, pages: Iterable[tuple[int, int]], taken: Iterable[int]
) -> KernelState:
    """Map pages, (address, flags) each, to new frames as the VMM does: page, then its tables.

    `taken` are the frames, already out of the PMM, in the order in which they are used.
    """
    editor = TableEditor(state.tables)
    take = iter(taken).__next__
    table: dict[int, int] = {}
    served = -1
    for va, flags in pages:
        frame = take()
        if va // SIZE_2M != served:
            table, served = editor.table_for(root, va, 1, take), va // SIZE_2M
        table[table_index(va, 1)] = frame | leaf_bits(flags, 1)
    return replace(state, tables=editor.result)


def _frame(raw: int) -> int:
    return raw & ~(NX | OFFSET_MASK)


def _remove(state: KernelState, root: int, va: int, length: int) -> tuple[KernelState, list[int]]:
    editor = TableEditor(state.tables)
    pages, emptied = editor.remove(root, va, va + length - 1)
    if not pages:
        return state, pages
    pmm = frames.give_back(state.pmm, emptied) if emptied else state.pmm
    return replace(state, pmm=pmm, tables=editor.result), pages


def _range_status(va: int, length: int) -> Status:
    if length == 0:
        return Status.INVALID
    if (va | length) % SIZE_4K:
        return Status.MISALIGNED
    return Status.OK if _is_canonical_range(va, length) else Status.NON_CANONICAL


def _is_canonical_range(va: int, length: int) -> bool:
    last = va + length - 1
    return (
        last < ADDRESS_END
        and is_canonical(va)
        and is_canonical(last)
        and (va < KERNEL_HALF) == (last < KERNEL_HALF)
    )


def _covered(state: KernelState, root: int, va: int, length: int) -> Status:
    """Judge the lowest page of the range that is not mapped, or whose leaf reaches outside."""
    position, end = va, va + length
    for leaf in leaves(state.tables, root, va, end - 1):
        if leaf.vaddr > position:
            return Status.NOT_MAPPED
        if leaf.vaddr < position or leaf.vaddr + leaf.size > end:
            return Status.MISALIGNED
        position += leaf.size
    return Status.OK if position == end else Status.NOT_MAPPED
