"""Page-table entries to flip bits of: every root's, at every level, used and unused ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ringbench.arch.x86_64.address import ENTRIES, LEVEL_NAMES, LEVELS
from ringbench.arch.x86_64.entry import ADDRESS, is_leaf
from ringbench.subjects.reference.flips.free import free_in_entry
from ringbench.subjects.reference.flips.site import Site
from ringbench.subjects.reference.flips.structure import Spot, Structure, of_spots
from ringbench.subjects.reference.model.state import KernelState

LAYER = "paging"

KINDS = ("to a table", "of a page", "unused")


class Table(NamedTuple):
    """A page table under the root that owns it."""

    root: str
    level: int
    paddr: int


class Entry(NamedTuple):
    """An entry, as the model has it."""

    table: Table
    slot: int
    raw: int


def table_structures(site: Site) -> Iterator[Structure]:
    """Yield a structure for each level and kind of entry that there is, and the root's variable."""
    found: dict[tuple[int, str], list[Entry]] = {}
    for table in tables(site.state):
        entries = site.state.tables[table.paddr]
        for index in range(ENTRIES):
            entry = Entry(table, index, entries.get(index, 0))
            found.setdefault((table.level, _kind(entry, site.state)), []).append(entry)
    for level in range(LEVELS, 0, -1):
        for kind in KINDS:
            if entries_of := found.get((level, kind)):
                yield _structure(f"{LEVEL_NAMES[level]} entries {kind}", entries_of, site.state)
    name = site.layout.spaces.kernel_root
    spots = [part.spot(paddr, name, name) for part, paddr in site.variable(name)]
    yield of_spots("kernel root's address", LAYER, spots)


def tables(state: KernelState) -> Iterator[Table]:
    """Yield every table once: those of the kernel half under the kernel's root."""
    for name, root in state.roots().items():
        yield from _below(state, Table(name, LEVELS, root), ENTRIES if name == "kernel" else 256)


def _below(state: KernelState, table: Table, end: int) -> Iterator[Table]:
    yield table
    if table.level > 1:
        for index, raw in state.tables[table.paddr].items():
            if index < end and not is_leaf(raw, table.level, state.features):
                lower = Table(table.root, table.level - 1, raw & ADDRESS)
                yield from _below(state, lower, ENTRIES)


def _kind(entry: Entry, state: KernelState) -> str:
    if not entry.raw:
        return "unused"
    leaf = is_leaf(entry.raw, entry.table.level, state.features)
    return "of a page" if leaf else "to a table"


def _structure(name: str, entries: list[Entry], state: KernelState) -> Structure:
    def spot(number: int) -> Spot:
        table, slot, raw = entries[number]
        part = f"{LEVEL_NAMES[table.level]} {table.paddr:#x} entry {slot}"
        return Spot(
            f"{part} = {raw:#x}",
            table.paddr + slot * 8,
            64,
            f"{table.root}: {part}",
            free=free_in_entry(raw, table.level, state.features),
        )

    return Structure(name, LAYER, len(entries), spot)
