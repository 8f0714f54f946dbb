"""Every page table of every root, and the leaves under each.

Roots share the kernel half: their upper PML4 entries lead to the same tables. Those belong to the
kernel root and are read once; a root's own tables are its PML4 and what hangs off the entries that
differ from the kernel's. In a sound kernel these are the entries of the lower half only, but
nothing here relies on it.

A frame that is met again at the same level of one root is noted and not followed: a picture is of
what is stored, and no larger than that. All roots share the picture's budget (`notebook`): what a
thousand roots have in common is not read a thousand times.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from ringbench.arch.x86_64.address import LEVEL_NAMES, LEVELS, UPPER_HALF_SLOT
from ringbench.arch.x86_64.bulk import Decoder
from ringbench.arch.x86_64.entry import P, describe, large_bit, set_by_processor
from ringbench.arch.x86_64.features import Features
from ringbench.arch.x86_64.leaves import Flags, Leaves, Words
from ringbench.arch.x86_64.records import Problem, Stop, Table
from ringbench.observe.notebook import FRAMES, PROBLEM, TABLE
from ringbench.observe.reader import GuestReader

LAYER = "paging"


@dataclass(frozen=True, slots=True, eq=False)
class Root:
    """A root, its own tables (itself first, top level first), and the leaves under those.

    The kernel root's are all there are under it; another's leave out what it shares.
    """

    paddr: int
    name: str
    tables: tuple[Table, ...]
    leaves: Leaves


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PageTables:
    """All roots. `entries` has the 512 raw entries of each table frame."""

    kernel: Root
    others: tuple[Root, ...]
    entries: Mapping[int, Words]

    @property
    def roots(self) -> tuple[Root, ...]:
        """All roots, the kernel's first."""
        return (self.kernel, *self.others)


def read_page_tables(guest: GuestReader, kernel: int, others: Mapping[str, int]) -> PageTables:
    """Read the tables of the kernel root and of other roots, each given by name and address."""
    entries: dict[int, Words] = {}
    decoder = Decoder(guest.memory, guest.features, once=True, entries=entries, most=FRAMES)
    kernel_root = _root(guest, decoder, "kernel", kernel, None)
    shared = entries.get(kernel_root.paddr)
    rest: list[Root] = []
    for name, paddr in others.items():
        if guest.notebook.pages <= 0:
            missing = len(others) - len(rest)
            guest.note(LAYER, f"too much is mapped: {missing} roots are not read", name)
            break
        rest.append(_root(guest, decoder, name, paddr, shared))
    return PageTables(kernel_root, tuple(rest), entries)


def _root(
    guest: GuestReader, decoder: Decoder, name: str, paddr: int, shared: Words | None
) -> Root:
    """Decode a root's own part, and note what can't be followed."""
    ignore = None if shared is None else partial(_same, shared, guest.features)
    space = decoder.decode(paddr, ignore, guest.notebook.pages)
    for problem in space.problems:
        guest.note(LAYER, *_words(problem, name))
    tables = space.tables
    guest.notebook.pages -= (
        len(space.leaves) + TABLE * max(len(tables), 1) + PROBLEM * len(space.problems)
    )
    columns = (tables.paddr, tables.level, tables.vaddr, tables.present)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return Root(paddr, name, tuple(Table(*row) for row in rows), space.leaves)


def without_processor_bits(entries: Words, level: int, features: Features) -> Words:
    """Return a level's entries without the bits that the processor sets by itself."""
    present = (entries & np.uint64(P)) != 0
    of_table, of_leaf = (np.uint64(set_by_processor(leaf)) for leaf in (False, True))
    if level == 1:
        return entries & ~np.where(present, of_leaf, np.uint64(0))
    leaf = (entries & np.uint64(large_bit(level, features))) != 0
    return entries & ~np.where(present, np.where(leaf, of_leaf, of_table), np.uint64(0))


def _same(shared: Words, features: Features, entries: Words) -> Flags:
    """Return which entries of a PML4 are in the kernel half, and the kernel's."""
    kernels, own = (without_processor_bits(each, LEVELS, features) for each in (shared, entries))
    same: Flags = own == kernels
    same[:UPPER_HALF_SLOT] = False
    return same


def _words(problem: Problem, name: str) -> tuple[str, str]:
    """Return what is wrong, and where, for people."""
    level, table, raw = problem.level, problem.table, problem.raw or 0
    where = f"{name}: {LEVEL_NAMES[level]} for {problem.vaddr:#x}"
    match problem.stop:
        case Stop.UNREADABLE:
            return f"table {table:#x} is not in memory", where
        case Stop.REPEATED:
            return f"table {table:#x} is used twice", where
        case Stop.RESERVED:
            entry = f"{LEVEL_NAMES[level]} {table:#x} entry {problem.index}"
            what = f"reserved bits are set in {raw:#x} ({describe(raw, level)})"
            return what, f"{name}: {entry} (for {problem.vaddr:#x})"
        case _:
            return f"the tables were left: {problem.stop.value}", where
