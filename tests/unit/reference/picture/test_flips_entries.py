"""Each of the 64 bits of each kind of page-table entry is flipped: caught, or free by the table."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from ringbench.arch.x86_64.entry import (
    AVAILABLE_HIGH,
    AVAILABLE_LOW,
    NX,
    PAT_LARGE,
    PCD,
    PS,
    PWT,
    A,
    D,
    G,
    P,
    U,
    W,
    address_mask,
    is_leaf,
    reserved_mask,
)
from ringbench.arch.x86_64.features import Features
from ringbench.check.comparison import Comparison
from ringbench.check.mismatch import Mismatch
from ringbench.machine import BytesMemory
from ringbench.subjects.reference.check.compare_spaces import compare_tables
from ringbench.subjects.reference.flips.free import (
    ABSENT,
    ACCESSED,
    AVAILABLE,
    DIRTY,
    FREE,
    LEAF_ONLY,
    free_in_entry,
)
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.observe.picture import take_tables

IMAGE, DIRECT_PD, HEAP_PT = 526 << 12, 529 << 12, 531 << 12
TASK_ROOT, TASK_PDPT, TASK_PD = 534 << 12, 535 << 12, 536 << 12
GIB_SLOT = 7
ALL = (1 << 64) - 1


class Kind(NamedTuple):
    """One entry of a kind, as the state has it."""

    table: int
    slot: int
    level: int
    place: str


KINDS = {
    "PML4, table": Kind(TASK_ROOT, 0, 4, "t1: PML4 0x216000 entry 0"),
    "PML4, table, kernel half": Kind(TASK_ROOT, 511, 4, "t1: PML4 0x216000 entry 511"),
    "PML4, unused": Kind(TASK_ROOT, 9, 4, "t1: PML4 0x216000 entry 9"),
    "PDPT, table": Kind(TASK_PDPT, 0, 3, "t1: PDPT 0x217000 entry 0"),
    "PDPT, page": Kind(TASK_PDPT, GIB_SLOT, 3, "t1: PDPT 0x217000 entry 7"),
    "PDPT, unused": Kind(IMAGE, 3, 3, "kernel: PDPT 0x20e000 entry 3"),
    "PD, table": Kind(TASK_PD, 0, 2, "t1: PD 0x218000 entry 0"),
    "PD, page": Kind(DIRECT_PD, 1, 2, "kernel: PD 0x211000 entry 1"),
    "PD, unused": Kind(TASK_PD, 511, 2, "t1: PD 0x218000 entry 511"),
    "PT, page": Kind(HEAP_PT, 0, 1, "kernel: PT 0x213000 entry 0"),
    "PT, unused": Kind(HEAP_PT, 100, 1, "kernel: PT 0x213000 entry 100"),
}


def compared(guest: Any, state: KernelState) -> list[Mismatch]:
    tally = Comparison("paging")
    memory, features = BytesMemory(guest.memory), state.features
    tables, _ = take_tables(memory, guest.types, TASK_ROOT, state.roots(), features)
    compare_tables(tally, tables, state)
    return tally.done().mismatches


@pytest.fixture
def with_gib_page(guest: Any, state: KernelState) -> KernelState:
    """The sound guest has no 1 GiB page: one in the task's half."""
    raw = 3 << 30 | P | W | PS | NX
    guest.entry(TASK_PDPT, GIB_SLOT, raw)
    tables = {paddr: dict(entries) for paddr, entries in state.tables.items()}
    tables[TASK_PDPT][GIB_SLOT] = raw
    made = KernelState(**{**vars(state), "tables": tables})
    assert compared(guest, made) == []
    return made


@pytest.mark.parametrize("name", KINDS)
def test_every_bit_is_caught_or_free(guest: Any, with_gib_page: KernelState, name: str) -> None:
    state = with_gib_page
    table, slot, level, place = KINDS[name]
    raw = state.tables[table].get(slot, 0)
    free = free_in_entry(raw, level, state.features)
    excused = sum(mask for kind, mask in free.items() if not kind.compared)
    for number in range(64):
        guest.entry(table, slot, raw ^ 1 << number)
        found = compared(guest, state)
        if excused >> number & 1:
            assert found == [], f"bit {number} is not free"
        else:
            named = [each.what for each in found if each.where.startswith(f"{place} (")]
            assert "page-table entry" in named, f"bit {number} is neither caught nor free"
        guest.entry(table, slot, raw)
    assert compared(guest, state) == []


@pytest.mark.parametrize("name", KINDS)
def test_free_bits_are_those_of_the_manual(with_gib_page: KernelState, name: str) -> None:
    """What has a meaning, and what faults if it is set, is not free."""
    table, slot, level, _ = KINDS[name]
    raw = with_gib_page.tables[table].get(slot, 0)
    free = free_in_entry(raw, level)
    if not raw:
        assert free == {ABSENT: ALL & ~P}
        return
    leaf = is_leaf(raw, level)
    ignored = AVAILABLE_LOW | AVAILABLE_HIGH
    if leaf:
        assert free == {ACCESSED: A, DIRTY: D, AVAILABLE: ignored}
    else:
        assert free == {ACCESSED: A, LEAF_ONLY: D | G, AVAILABLE: ignored}
    meant = P | W | U | PWT | PCD | PS | NX
    meant |= (G if leaf else 0) | (PAT_LARGE if leaf and level > 1 else 0)
    for width in (36, 40, 52):
        features = Features(physical_bits=width)
        used = meant | address_mask(level, leaf, width)
        used |= reserved_mask(level, leaf, features)
        assert used | sum(free.values()) == ALL
        assert used & sum(free.values()) == 0


def test_only_the_processors_bits_are_excused_in_entries() -> None:
    kinds = ACCESSED, DIRTY, AVAILABLE, LEAF_ONLY, ABSENT
    excused = {kind for kind in kinds if not kind.compared}
    assert excused == {ACCESSED, DIRTY}
    assert len({kind.name for kind in FREE}) == len(FREE)
