"""The records of open files and the indices of their pages, to flip bits of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ringbench.arch.x86_64.address import PAGE_SIZE
from ringbench.subjects.reference.flips.free import AFTER_NUL, PAST_COUNT, FreeBits
from ringbench.subjects.reference.flips.site import Site
from ringbench.subjects.reference.flips.structure import BYTE, Part, Spot, Structure, of_spots
from ringbench.subjects.reference.vocabulary.handles import file_handle

LAYER = "file"
ENTRY: Final = 8

_OF_ARRAY: Final = re.compile(r"\[(\d+)\]\.(\w+)(?:\[(\d+)\])?")


def file_structures(site: Site) -> Iterator[Structure]:
    """Yield the records of files, those that are not open, and the indices."""
    names = site.layout.files
    records, unused = [], []
    for part, paddr in site.variable(names.all):
        place, free = _sort(site, part)
        if free is None:
            records.append(part.spot(paddr, place, names.all))
        else:
            bits = part.size * BYTE
            path = f"{names.all}{part.path}"
            unused.append(Spot(path, paddr, bits, "none", free={free: (1 << bits) - 1}))
    yield of_spots("files", LAYER, records)
    yield of_spots("unused records of files", LAYER, unused)
    entries = [
        Spot(f"entry {n}", file.index + n * ENTRY, ENTRY * BYTE, f"{file_handle(number)}: page {n}")
        for number, file in site.state.files.items()
        for n in range(PAGE_SIZE // ENTRY)
    ]
    yield of_spots("indices of files", LAYER, entries)


def _sort(site: Site, part: Part) -> tuple[str, FreeBits | None]:
    """Return the place of a part of the records, and as what it is free, if it is."""
    names = site.layout.files
    found = _OF_ARRAY.match(part.path)
    if found is None:
        return names.all, None
    number, member, index = int(found[1]), found[2], found[3]
    if number not in site.state.files:
        return names.all, None if member == names.references else PAST_COUNT
    name = site.state.files[number].name
    if member == names.name and index is not None and int(index) > len(name):
        return names.all, AFTER_NUL
    return file_handle(number), None
