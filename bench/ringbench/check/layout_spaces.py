"""What spaces owe that `[layout.spaces]` describes: regions apart, and page tables that agree."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import numpy as np

from ringbench.arch.x86_64.address import ADDRESS_END, PAGE_SIZE
from ringbench.arch.x86_64.leaves import Flags
from ringbench.arch.x86_64.records import permissions
from ringbench.check.mismatch import Mismatch
from ringbench.observe.layout.pages import Pages, pages_behind
from ringbench.observe.layout.picture import LayoutPicture
from ringbench.observe.layout.spaces import SeenRegion, SeenSpace

LAYER: Final = "spaces"
MOST: Final = 20
"""Pages of a region that are named one by one."""


def check_spaces(picture: LayoutPicture) -> Iterator[Mismatch]:
    """Regions are whole pages, apart, linked and counted, and mapped as they say."""
    for space in picture.spaces():
        if space.count is not None and space.count != len(space.regions):
            listed = f"{len(space.regions)} in the list"
            yield Mismatch(LAYER, "count of regions", listed, str(space.count), space.name)
        previous = 0
        for region in space.regions:
            where = _where(space, region)
            if not 0 <= region.base < region.end <= ADDRESS_END:
                yield Mismatch(LAYER, "region", "a range of addresses", "none", where)
                continue
            if region.base % PAGE_SIZE or region.end % PAGE_SIZE:
                yield Mismatch(LAYER, "region", "whole pages", "parts of pages", where)
            # The first of a ring has the last one there.
            if region.previous is not None and region.previous != previous and previous:
                seen = f"{region.previous:#x}"
                yield Mismatch(LAYER, "previous", f"{previous:#x}", seen, where)
            previous = region.address
            tables = picture.tables.get(space.root)
            if tables is not None:
                pages = pages_behind(tables.leaves, region.base, region.end)
                yield from _pages(picture, space, region, pages)
        ordered = sorted(space.regions, key=lambda region: region.base)
        for lower, upper in pairwise(ordered):
            if upper.base < lower.end:
                seen = f"overlaps {lower.base:#x}..{lower.end - 1:#x}"
                where = _where(space, upper)
                yield Mismatch(LAYER, "region", "apart from others", seen, where)


def _pages(
    picture: LayoutPicture, space: SeenSpace, region: SeenRegion, behind: Pages
) -> Iterator[Mismatch]:
    leaves, mapped = behind.leaves, behind.mapped // PAGE_SIZE
    pages = (region.end - region.base + PAGE_SIZE - 1) // PAGE_SIZE
    where = _where(space, region)
    if region.guard and mapped:
        yield Mismatch(LAYER, "pages of a guard", "none", f"{mapped}", where)
        return
    if region.filled and mapped < pages:
        yield Mismatch(LAYER, "pages of the region", f"{pages}", f"{mapped}", where)
    rights = [(region.write, leaves.write), (region.user, leaves.user)]
    if picture.nx:
        rights.append((region.execute, leaves.execute))
    wrong: Flags = np.zeros(len(leaves), np.bool_)
    for told, seen in rights:
        if told is not None:
            wrong |= seen != told
    for index in np.flatnonzero(wrong)[:MOST].tolist():
        yield Mismatch(
            LAYER,
            "rights",
            told_rights(region),
            permissions(
                bool(leaves.write[index]), bool(leaves.user[index]), bool(leaves.execute[index])
            ),
            f"{space.name}: {int(behind.vaddr[index]):#x}",
        )
    if region.physical is not None:
        expected = behind.vaddr - np.uint64(region.base) + np.uint64(region.physical)
        for index in np.flatnonzero(behind.paddr != expected)[:MOST].tolist():
            yield Mismatch(
                LAYER,
                "physical address",
                f"{int(expected[index]):#x}",
                f"{int(behind.paddr[index]):#x}",
                f"{space.name}: {int(behind.vaddr[index]):#x}",
            )


def told_rights(region: SeenRegion) -> str:
    """Return a region's rights as four letters, `?` for what is not told."""
    flags = ((region.user, "u"), (True, "r"), (region.write, "w"), (region.execute, "x"))
    return "".join("?" if flag is None else letter if flag else "-" for flag, letter in flags)


def _where(space: SeenSpace, region: SeenRegion) -> str:
    return f"{space.name}: {region.base:#x}..{region.end - 1:#x}"
