"""How a page is looked at after a call: in the tables, through it, by accesses that may fault."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import replace
from typing import Final

from ringbench.arch.x86_64.access import AccessKind
from ringbench.drive.reply import Reply
from ringbench.subjects.contracts.accesses import met, plan
from ringbench.subjects.contracts.batch import Batch, Results, first_other
from ringbench.subjects.contracts.frames.rules import CONTENTS, changed
from ringbench.subjects.contracts.ledger import PAGE, Page, byte_of
from ringbench.subjects.contracts.pages.rules import INSIDE, RULES, Seen
from ringbench.subjects.contracts.rule import breach, first_broken

EDGE: Final = 64
"""Bytes at both ends of a page that are read through it; those at its end are written, too."""

PROBED: Final = 0x800
"""Offset of the byte that is accessed where that may fault."""

INT3: Final = b"\xcc"
"""What is there to be executed (Intel SDM 2A, INT n/INTO/INT3/INT1)."""


def look(
    seen: Seen, batch: Batch, frame: int, values: Mapping[str, int]
) -> Generator[None, Results, Reply | None]:
    """Look at a page after a call with `values` that was to map `frame` there, or to unmap it.

    It is read and written through only when the tables are right: nothing faults then, unless the
    processor goes by something else. Executed is what is there last of all, when all else is known
    to lead to that frame.
    """
    calls, page = seen.calls, seen.page
    leaf = batch.guest.walk(seen.virtual)
    seen = replace(seen, leaf=leaf, why=batch.guest.why_unmapped(seen.virtual))
    if broken := first_broken(RULES, seen, batch.ledger):
        return broken
    batch.steps.clear()
    translated = None
    if calls.translate is not None:
        asked = seen.virtual + (INSIDE if calls.translated == "exact" else 0)
        translated = batch.call(calls.translate, {**values, "virtual": asked})
    parts = ((0, EDGE), (PAGE - EDGE, EDGE))
    checks = range(0)
    if page is not None and ("u" not in page.rights or batch.guest.reaches_user):
        checks = batch.check(page.virtual, parts, byte_of(page.run))
        if "w" in page.rights:
            batch.fill(page.virtual, parts[1:], byte_of(page.run))
    probes = plan(batch, seen.virtual + PROBED, (AccessKind.READ, AccessKind.WRITE))
    results = yield
    if page is not None and (words := _disturbed(page, batch)):
        return breach(CONTENTS, f"before {seen.call}: {words}")
    seen = replace(
        seen,
        other=first_other(results, checks, parts) if checks else None,
        translated=None if translated is None else results[translated],
        accesses=met(batch, probes, results),
    )
    broken = first_broken(RULES, seen, batch.ledger)
    return broken or (yield from _execute(seen, batch, frame * PAGE + PROBED))


def _execute(seen: Seen, batch: Batch, place: int) -> Generator[None, Results, Reply | None]:
    """Execute what is at a page, with INT3 in the frame for as long as it takes."""
    batch.steps.clear()
    probes = plan(batch, seen.virtual + PROBED, (AccessKind.EXECUTE,))
    if not probes:
        return None
    kept = batch.guest.read(place, len(INT3))
    batch.guest.write(place, INT3)
    results = yield
    batch.guest.write(place, kept)
    seen = replace(seen, accesses=met(batch, probes, results))
    return first_broken(RULES, seen, batch.ledger)


def _disturbed(page: Page, batch: Batch) -> str | None:
    """Say what is wrong with a page's frame itself, however it is read."""
    run = batch.ledger.runs[page.run]
    content = bytes([byte_of(run.name)]) * PAGE
    is_filled = run.name not in batch.ledger.unfilled
    if is_filled and batch.guest.read(page.frame * PAGE, PAGE) != content:
        return changed(run, page.frame)
    return None
