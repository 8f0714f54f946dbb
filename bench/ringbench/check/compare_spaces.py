"""Page tables and spaces of a picture against the model's: every entry, region and slab."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ringbench.arch.x86_64.address import ENTRIES, LEVEL_NAMES, LEVELS, entry_span, sign_extend
from ringbench.arch.x86_64.entry import describe
from ringbench.arch.x86_64.leaves import Words
from ringbench.check.comparison import Comparison, hexadecimal
from ringbench.model.layout import PADDR_NONE, VmKind
from ringbench.model.state import KernelState
from ringbench.model.state import Space as ModelSpace
from ringbench.observe.page_tables import HARDWARE, PageTables, Table
from ringbench.observe.picture import Picture
from ringbench.observe.spaces import Space


def compare_paging(picture: Picture, state: KernelState) -> Comparison:
    """Every root, and all 512 entries of every table."""
    tally, tables = Comparison("paging"), picture.tables
    expected = state.roots()
    seen = {root.name: root.paddr for root in tables.roots}
    for name in sorted(expected.keys() | seen.keys()):
        tally.equal("root", expected.get(name), seen.get(name), name, hexadecimal)
    tally.equal("active root", state.active_root, picture.active_root, "CR3", hexadecimal)
    places = _places(tables)
    for paddr in sorted(state.tables.keys() | tables.entries.keys()):
        _table(tally, places.get(paddr), paddr, state.tables.get(paddr), tables.entries.get(paddr))
    return tally


@dataclass(frozen=True, slots=True)
class _Place:
    """A table and the root that it was found under."""

    root: str
    table: Table

    def entry(self, index: int) -> str:
        """Name an entry for people."""
        table = self.table
        address = table.virtual + index * entry_span(table.level)
        if table.level == LEVELS:
            address = sign_extend(address)
        name = LEVEL_NAMES[table.level]
        return f"{self.root}: {name} {table.paddr:#x} entry {index} (for {address:#x})"


def _places(tables: PageTables) -> dict[int, _Place]:
    return {
        table.paddr: _Place(root.name, table)
        for root in reversed(tables.roots)
        for table in reversed(root.tables)
    }


def _table(
    tally: Comparison,
    place: _Place | None,
    paddr: int,
    expected: Mapping[int, int] | None,
    seen: Words | None,
) -> None:
    tally.comparisons += ENTRIES
    where = place.entry(0) if place else f"table {paddr:#x}"
    if expected is None or seen is None:
        words = ("a table", "no table") if seen is None else ("no table", "a table")
        tally.differs("page table", *words, where)
        return
    wanted = np.zeros(ENTRIES, np.uint64)
    wanted[np.fromiter(expected.keys(), np.intp, len(expected))] = np.fromiter(
        expected.values(), np.uint64, len(expected)
    )
    level = place.table.level if place else 1
    kept = seen & ~HARDWARE
    for index in np.flatnonzero(wanted != kept).tolist():
        tally.differs(
            "page-table entry",
            describe(int(wanted[index]), level),
            describe(int(kept[index]), level),
            place.entry(index) if place else f"table {paddr:#x} entry {index}",
        )


def compare_vmm(picture: Picture, state: KernelState) -> Comparison:
    """Every space: its window, each region with the place of its record, each slab in order."""
    tally = Comparison("vmm")
    seen = {space.name: space for space in picture.spaces()}
    for name in sorted(state.spaces.keys() | seen.keys()):
        one, other = state.spaces.get(name), seen.get(name)
        if one is None or other is None:
            words = ("none", "a space") if one is None else ("a space", "none")
            tally.comparisons += 1
            tally.differs("space", *words, name)
        else:
            _space(tally, name, one, other)
    return tally


_Facts = tuple[int, int, str, int, int | None, int, int]


def _space(tally: Comparison, name: str, model: ModelSpace, seen: Space) -> None:
    tally.equal("root", model.root, seen.root, name, hexadecimal)
    tally.equal("window", model.base, seen.base, f"{name}: base", hexadecimal)
    tally.equal("window", model.limit, seen.limit, f"{name}: limit", hexadecimal)
    tally.equal("region count", len(model.regions), seen.region_count, name)
    expected: list[_Facts] = [
        (
            region.base,
            region.length,
            VmKind(region.kind).name.lower(),
            region.flags,
            None if region.physical == PADDR_NONE else region.physical,
            region.slab,
            region.slot,
        )
        for region in model.regions
    ]
    facts: list[_Facts] = [
        (each.base, each.length, each.kind, each.flags, each.physical, each.slab, each.slot)
        for each in seen.regions
    ]
    tally.equal_all("region", expected, facts, lambda n: f"{name}: region {n}", _region)
    slabs = [(slab.frame, slab.free_slots) for slab in model.slabs]
    seen_slabs = [(slab.paddr, slab.free_slots) for slab in seen.slabs]
    tally.equal_all("slab", slabs, seen_slabs, lambda n: f"{name}: slab {n}", _slab)


def _region(facts: _Facts) -> str:
    base, length, kind, flags, physical, slab, slot = facts
    to = f" to {physical:#x}" if physical is not None else ""
    return f"{base:#x} + {length:#x} {kind}{to} flags {flags:#x} in {slab:#x}[{slot}]"


def _slab(facts: tuple[int, int]) -> str:
    return f"{facts[0]:#x} free slots {facts[1]:#x}"
