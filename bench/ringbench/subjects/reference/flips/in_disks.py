"""What the kernel keeps of its disks, and the queues that it shares with them, to flip bits of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ringbench.subjects.reference.flips.free import AFTER_NUL, PAST_COUNT, REQUEST_DONE, FreeBits
from ringbench.subjects.reference.flips.site import Site
from ringbench.subjects.reference.flips.structure import BYTE, Part, Spot, Structure, of_spots
from ringbench.subjects.reference.vocabulary.constants import DIRECT_MAP_BASE
from ringbench.subjects.reference.vocabulary.handles import disk_handle

LAYER = "disk"

_OF_ARRAY: Final = re.compile(r"\[(\d+)\]\.(\w+)(?:\[(\d+)\])?")


def disk_structures(site: Site) -> Iterator[Structure]:
    """Yield the count of disks, their records and their queues."""
    names = site.layout.disks
    counts = [
        part.spot(paddr, names.count, names.count) for part, paddr in site.variable(names.count)
    ]
    records, unused = [], []
    for part, paddr in site.variable(names.all):
        free, number = _free_part(site, part)
        if free is None:
            records.append(part.spot(paddr, disk_handle(number), names.all))
        else:
            unused.append(_free(part, paddr, names.all, free))
    yield of_spots("disks", LAYER, [*counts, *records])
    yield of_spots("unused records of disks", LAYER, unused)
    used, done = [], []
    counted = (f".{names.told}.{names.index}", f".{names.done}.{names.index}")
    for number, disk in enumerate(site.state.disks):
        for part in site.members(names.queue_type):
            paddr = site.paddr_of(DIRECT_MAP_BASE + disk.queue) + part.offset
            if part.path in (*counted, f".{names.told}.{names.queue_flags}"):
                used.append(part.spot(paddr, disk_handle(number), "queue"))
            else:
                done.append(_free(part, paddr, "queue", REQUEST_DONE))
    yield of_spots("queues of disks", LAYER, used)
    yield of_spots("rest of the queues of disks", LAYER, done)


def _free_part(site: Site, part: Part) -> tuple[FreeBits | None, int]:
    """Return as what a part of the disks' records is free, if it is, and of which disk it is."""
    found = _OF_ARRAY.match(part.path)
    if found is None:
        return (None if part.padding else PAST_COUNT), 0
    number, member, index = int(found[1]), found[2], found[3]
    if number >= len(site.state.disks):
        return PAST_COUNT, number
    serial = site.state.disks[number].serial
    if member == site.layout.disks.serial and index is not None and int(index) > len(serial):
        return AFTER_NUL, number
    return None, number


def _free(part: Part, paddr: int, name: str, kind: FreeBits) -> Spot:
    bits = part.size * BYTE
    return Spot(f"{name}{part.path}", paddr, bits, "none", free={kind: (1 << bits) - 1})
