"""All that is out, looked at: what was written to it must be there."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from ringbench.check.mismatch import Finding, Mismatch
from ringbench.config.contracts import Contracts, PagesCalls
from ringbench.errors import MemoryUnreadable
from ringbench.subjects.contracts.frames.perform import disturbed
from ringbench.subjects.contracts.frames.rules import CONTENTS, ONCE, TABLES
from ringbench.subjects.contracts.guest import Guest, Pages
from ringbench.subjects.contracts.heap.rules import CONTENTS as HEAP_CONTENTS
from ringbench.subjects.contracts.ledger import PAGE, Block, Ledger, Region, stretches
from ringbench.subjects.contracts.pages.rules import MAPPED, OTHERS
from ringbench.subjects.contracts.regions.perform import changed as region_changed
from ringbench.subjects.contracts.regions.rules import CONTENTS as REGION_CONTENTS
from ringbench.subjects.contracts.regions.rules import OTHERS as REGION_OTHERS
from ringbench.subjects.contracts.rule import MEMORY

MOST: Final = 8
"""Pages that are told, of those that are wrong."""


def compare(guest: Guest, ledger: Ledger, contracts: Contracts) -> Iterator[Finding]:
    """Yield what is wrong with blocks, frames and pages, a finding a layer."""
    pages = guest.pages()
    if ledger.blocks:
        found = [
            wrong
            for block in ledger.blocks.values()
            if (wrong := _block(guest, pages, ledger, block))
        ]
        yield Finding("heap", len(ledger.blocks), found)
    if ledger.runs:
        yield Finding("frames", len(ledger.runs), list(_runs(guest, pages, ledger)))
    if ledger.regions:
        found = [wrong for each in ledger.regions.values() if (wrong := _region(guest, each))]
        yield Finding("regions", len(ledger.regions), found)
    if contracts.pages is not None:
        found = list(islice(_pages(pages, ledger, contracts.pages), MOST))
        yield Finding("pages", len(ledger.pages) + 1, found)


def _pages(pages: Pages, ledger: Ledger, calls: PagesCalls) -> Iterator[Mismatch]:
    """See that in the range that is used, the tables have what was mapped and nothing else."""
    seen = dict(pages.within(*calls.range))
    for page in ledger.pages.values():
        found = seen.pop(page.virtual, None)
        if found != page.frame * PAGE:
            yield Mismatch(
                *("pages", MAPPED.name, f"that {page} leads to {page.frame * PAGE:#x}"),
                "nothing there" if found is None else f"{found:#x}",
                f"page {page.name}",
            )
    for virtual, physical in seen.items():
        yield Mismatch(
            *("pages", OTHERS.name, f"nothing at {virtual:#x}"),
            f"that it leads to {physical:#x}",
            "a page that was not mapped",
        )


def _region(guest: Guest, region: Region) -> Mismatch | None:
    """See that each page leads to its frame, with what was written there."""
    where = f"region {region.name}"
    for address, frame in zip(region.pages, region.frames, strict=False):
        leaf = guest.walk(address)
        if leaf is None or leaf.paddr + address - leaf.vaddr != frame * PAGE:
            seen = "nothing there" if leaf is None else f"{leaf.paddr:#x}"
            what = f"that {address:#x} of {region} leads to {frame * PAGE:#x}"
            return Mismatch("regions", REGION_OTHERS.name, what, seen, where)
    if (other := region_changed(region, guest)) is not None:
        return Mismatch(
            *("regions", REGION_CONTENTS.name, f"{region} as it was written"),
            f"another byte at {other:#x}",
            where,
        )
    return None


def _block(guest: Guest, pages: Pages, ledger: Ledger, block: Block) -> Mismatch | None:
    """Read a block by the page tables, as a processor would, and compare every byte of it."""
    where = f"block {block.name}"
    for start, length in stretches(block.size):
        at, end = block.address + start, block.address + start + length
        while at < end:
            until = min(end, (at & -PAGE) + PAGE)
            paddr = pages.translate(at)
            if paddr is None:
                return Mismatch(
                    "heap", MEMORY.name, f"that all of {block} is mapped", f"{at:#x} is not", where
                )
            if run := ledger.owners.get(paddr // PAGE):
                return Mismatch(
                    *("heap", ONCE.name, f"that {block} has its frames to itself"),
                    f"{at:#x} is in frame {paddr & -PAGE:#x}, which is of {run}",
                    where,
                )
            try:
                seen = guest.read(paddr, until - at)
            except MemoryUnreadable:
                return Mismatch(
                    "heap", MEMORY.name, f"that {block} is RAM", f"{paddr:#x} is none", where
                )
            if seen != bytes([block.byte]) * (until - at):
                offset = next(n for n, byte in enumerate(seen) if byte != block.byte)
                return Mismatch(
                    "heap",
                    HEAP_CONTENTS.name,
                    f"{block.byte:#04x} in all {block.size} bytes of {block}, as written",
                    f"{seen[offset]:#04x} in byte {at - block.address + offset}",
                    where,
                )
            at = until
    return None


def _runs(guest: Guest, pages: Pages, ledger: Ledger) -> Iterator[Mismatch]:
    for run in ledger.runs.values():
        where = f"frames {run.name}"
        table = next((frame for frame in run.frames if frame in pages.tables), None)
        if table is not None:
            yield Mismatch(
                *("frames", TABLES.name, f"that {run} is its owner's alone"),
                f"{table * PAGE:#x} is a page table in use",
                where,
            )
        elif run.name not in ledger.unfilled and (frame := disturbed(run, guest)) is not None:
            yield Mismatch(
                *("frames", CONTENTS.name, f"{run} as it was written"),
                f"other bytes in frame {frame * PAGE:#x}",
                where,
            )
