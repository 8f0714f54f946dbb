"""Linked lists by the names of a `[layout]`, whatever the guest's memory holds."""

from __future__ import annotations

from collections.abc import Iterator

from ringbench.observe.layout.fields import Fields, Row
from ringbench.observe.notebook import RECORD
from ringbench.observe.reader import UNREADABLE, GuestReader


def rows(
    guest: GuestReader,
    layer: str,
    fields: Fields,
    first: int,
    what: str,
    next_key: str = "next",
    cost: int = RECORD,
) -> Iterator[Row]:
    """Yield the records of a list, which ends at NULL, at its first one, or where it is broken.

    A list that leads to no memory, or back to one that is not its first, is noted.
    """
    seen: set[int] = set()
    address, where = first, f"the first {what}"
    while address and not (seen and address == first):
        if address in seen:
            guest.note(layer, f"the list returns to {address:#x}", where)
            return
        if not guest.notebook.spend(layer, where, cost):
            return
        seen.add(address)
        try:
            row = fields.row(address)
        except UNREADABLE:
            guest.note(layer, f"the list leads to {address:#x}, which is no memory", where)
            return
        yield row
        where = f"{what} {address:#x}"
        address = row[next_key]
