"""Findings about translations that were used before they were flushed, in words.

Kinds and details are those of plugin/translations.c, the sizes those of plugin/debts.h.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from ringbench.arch.x86_64 import entry
from ringbench.microscope.kind import Details, Kind, access_of
from ringbench.microscope.layout import NOWHERE, Access

ADDRESS, OLD, NEW, WHICH, ENTRY_AT, STALE = range(6)
SIZES: Final = ("4 KiB page", "2 MiB page", "1 GiB page", "2 MiB", "1 GiB", "512 GiB", "256 TiB")
"""What can be owed: pages, then what an upper-level entry leads to; by plugin/debts.h."""

UPPER: Final = 3
"""The first of the latter."""

TABLES: Final = ("", "page table", "page directory", "PDPT", "PML4", "PML5")
STORED: Final = ("the entry was stored to at",)


def _class(details: Details) -> int:
    return details[WHICH] & 0xFF


def _level(details: Details) -> int:
    return details[WHICH] >> 8 & 0xFF


def _lost(details: Details) -> Iterator[str]:
    """Yield what a store to an entry has taken away."""
    old, new, level = details[OLD], details[NEW], _level(details)
    if not new & entry.P:
        yield "the mapping"
        return
    leaves = entry.is_leaf(old, level), entry.is_leaf(new, level)
    if leaves[0] != leaves[1]:
        yield "the page's size" if leaves[0] else "the table below it"
    elif (old ^ new) & entry.address_mask(level, leaves[0]):
        yield "the frame" if leaves[0] else "the table below it"
    for bit, right in ((entry.W, "the right to write"), (entry.U, "the right of user code")):
        if old & bit and not new & bit:
            yield right
    if new & entry.NX and not old & entry.NX:
        yield "the right to execute"


def _store(details: Details) -> str:
    at, level = details[ENTRY_AT], _level(details)
    place = f"entry {at % 4096 // 8} of the {TABLES[level]} at {at & -4096:#x}"
    lost = " and ".join(_lost(details))
    return f"{place} went from {details[OLD]:#x} to {details[NEW]:#x}, which took away {lost}"


def _owed(details: Details) -> str:
    """Return what would have flushed it (Intel SDM volume 3A, 4.10.4.1)."""
    address = f"{details[ADDRESS]:#x}"
    if _class(details) >= UPPER:
        return "INVLPG of any address, or a load of CR3"
    if details[WHICH] >> 16 & 1:
        return f"INVLPG of {address}, or a change of CR4.PGE, since it is global"
    return f"INVLPG of {address}, or a load of CR3"


def _by_page(access: Access, details: Details) -> str:
    return (
        f"{access_of(access)}, of which the processor may still have the {SIZES[_class(details)]} "
        f"at {details[STALE]:#x}: {_store(details)}; owed is {_owed(details)}"
    )


def _by_table(access: Access, details: Details) -> str:
    """The same, where the processor may have kept the entry of an upper level."""
    found = "where no page is" if details[STALE] == NOWHERE else f"and comes to {details[STALE]:#x}"
    return (
        f"{access_of(access)}, where the processor may still go by the old entry for these "
        f"{SIZES[_class(details)]}, {found}: {_store(details)}; owed is {_owed(details)}"
    )


def _reused(access: Access, details: Details) -> str:
    return (
        f"{access_of(access)}, in the frame {details[STALE]:#x}, which the processor may still "
        f"take for a table: {_store(details)}; owed is {_owed(details)}"
    )


FLUSHED: Final = "a flush before the access"

TRANSLATIONS: Final[Mapping[int, Kind]] = {
    1: Kind("stale translation", FLUSHED, _by_page, STORED),
    2: Kind("stale upper-level entry", FLUSHED, _by_table, STORED),
    3: Kind(
        "table reused too early", "a flush before the frame gets other contents", _reused, STORED
    ),
}
"""Number -> kind."""
