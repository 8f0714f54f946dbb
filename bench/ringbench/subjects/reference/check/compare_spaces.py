"""Page tables and spaces of a picture against the model's: every entry and region."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from ringbench.arch.x86_64.address import ENTRIES, LEVEL_NAMES, LEVELS, entry_span, sign_extend
from ringbench.arch.x86_64.entry import describe
from ringbench.arch.x86_64.records import Table
from ringbench.check.comparison import Comparison, hexadecimal
from ringbench.observe.page_tables import PageTables, without_processor_bits
from ringbench.subjects.reference.model.state import KernelState, Space
from ringbench.subjects.reference.observe.picture import Picture
from ringbench.subjects.reference.observe.spaces import SeenSpace, first_or_after
from ringbench.subjects.reference.vocabulary.constants import PADDR_NONE, VmKind


def compare_paging(picture: Picture, state: KernelState) -> Comparison:
    """Compare every root, and all 512 entries of every table."""
    tally = Comparison("paging")
    name = picture.layout.spaces.kernel_root
    tally.equal("kernel's root", state.kernel_root, picture.kernel_root, name, hexadecimal)
    tally.equal("active root", state.active_root, picture.active_root, "CR3", hexadecimal)
    compare_tables(tally, picture.tables, state)
    return tally


def compare_tables(tally: Comparison, tables: PageTables, state: KernelState) -> None:
    """Compare roots and tables, and first what is in tables: an entry tells more than its lack."""
    expected = state.roots()
    seen = {root.name: root.paddr for root in tables.roots}
    for name in sorted(expected.keys() | seen.keys()):
        tally.equal("root", expected.get(name), seen.get(name), name, hexadecimal)
    places = _places(tables, {paddr: name for name, paddr in expected.items()})
    both = sorted(state.tables.keys() & places.keys())
    for level in range(LEVELS, 0, -1):
        here = [places[paddr] for paddr in both if places[paddr].table.level == level]
        if here:
            _entries(tally, here, tables, state)
    for paddr in sorted(state.tables.keys() ^ places.keys()):
        tally.comparisons += ENTRIES
        if paddr in places:
            tally.differs("page table", "no table", "a table", places[paddr].entry(0))
        else:
            tally.differs("page table", "a table", "no table", f"table {paddr:#x}")


@dataclass(frozen=True, slots=True)
class _Place:
    """A table and the root that it was found under."""

    root: str
    table: Table

    def entry(self, index: int) -> str:
        """Name an entry for people."""
        table = self.table
        address = table.vaddr + index * entry_span(table.level)
        if table.level == LEVELS:
            address = sign_extend(address)
        name = LEVEL_NAMES[table.level]
        return f"{self.root}: {name} {table.paddr:#x} entry {index} (for {address:#x})"


def _places(tables: PageTables, names: Mapping[int, str]) -> dict[int, _Place]:
    """Return the place of each table; `names` are the right ones of roots that have one."""
    return {
        table.paddr: _Place(names.get(root.paddr, root.name), table)
        for root in reversed(tables.roots)
        for table in reversed(root.tables)
    }


def _entries(
    tally: Comparison, places: Sequence[_Place], tables: PageTables, state: KernelState
) -> None:
    """Compare all entries of tables of one level."""
    tally.comparisons += ENTRIES * len(places)
    level, paddrs = places[0].table.level, [place.table.paddr for place in places]
    rows = [state.tables[paddr] for paddr in paddrs]
    slots = [row * ENTRIES + slot for row, entries in enumerate(rows) for slot in entries]
    raws = [raw for entries in rows for raw in entries.values()]
    expected = np.zeros((len(rows), ENTRIES), np.uint64)
    expected.reshape(-1)[slots] = np.array(raws, np.uint64)
    stored = np.stack([tables.entries[paddr] for paddr in paddrs])
    seen = without_processor_bits(stored, level, state.features)
    for row, slot in np.argwhere(expected != seen).tolist():
        tally.differs(
            "page-table entry",
            describe(int(expected[row, slot]), level),
            describe(int(seen[row, slot]), level),
            places[row].entry(slot),
        )


def compare_vmm(picture: Picture, state: KernelState) -> Comparison:
    """Compare every space: its window, each region and the place of its record.

    The boot task's is not in use: it has the kernel's root, an empty window, and no regions.
    """
    tally = Comparison("vmm")
    seen = {space.name: space for space in picture.spaces()}
    addresses = {name: space.address for name, space in seen.items()}
    for name in sorted(state.spaces.keys() | seen.keys()):
        one, other = state.spaces.get(name), seen.get(name)
        if one is None or other is None:
            words = ("none", "a space") if one is None else ("a space", "none")
            tally.comparisons += 1
            tally.differs("space", *words, name)
        else:
            _space(tally, name, state, one, other, addresses)
    if picture.tasks.all:
        boot = Space(state.kernel_root, 0, 0)
        _space(tally, "t0", state, boot, picture.tasks.all[0].space, addresses)
    name = picture.layout.spaces.current
    tally.equal("current space", state.current_space, picture.current_space, name)
    return tally


_Facts = tuple[int, int, str, int, int | None, int, int, int]


def _space(
    tally: Comparison,
    name: str,
    state: KernelState,
    model: Space,
    seen: SeenSpace,
    addresses: Mapping[str, int],
) -> None:
    """Compare a space and its regions; `addresses` are where the spaces' structs are, by name."""
    tally.equal("root", model.root, seen.root, f"{name}: root", hexadecimal)
    tally.equal("window", model.base, seen.base, f"{name}: base", hexadecimal)
    tally.equal("window", model.limit, seen.limit, f"{name}: limit", hexadecimal)
    tally.equal("region count", len(model.regions), seen.region_count, f"{name}: region count")
    kin = 0 if model.kin is None else addresses.get(model.kin, 0)
    tally.equal("kin", kin, seen.kin, f"{name}: kin", hexadecimal)
    expected: list[_Facts] = [
        (
            region.base,
            region.length,
            VmKind(region.kind).text,
            region.flags,
            None if region.paddr == PADDR_NONE else region.paddr,
            region.record,
            0 if region.object is None else state.objects[region.object].record,
            region.offset,
        )
        for region in model.regions
    ]
    facts: list[_Facts] = [
        (
            each.base,
            each.length,
            each.kind,
            each.flags,
            each.paddr,
            each.record,
            each.object,
            each.offset,
        )
        for each in seen.regions
    ]
    records = [region.record for region in model.regions]
    seen_records = [region.record for region in seen.regions]
    holder = partial(first_or_after, name, "region")
    tally.links("next region", records, seen_records, holder, hex)
    tally.equal_all("region", expected, facts, lambda n: f"{name}: region {n}", _region)


def _region(facts: _Facts) -> str:
    base, length, kind, flags, paddr, record, shown, offset = facts
    to = f" to {paddr:#x}" if paddr is not None else ""
    if shown or offset:
        to += f" to {offset:#x} of the object at {shown:#x}"
    return f"{base:#x} + {length:#x} {kind}{to} flags {flags:#x} in {record:#x}"
