"""How operations on pages are performed: which calls, and what is looked at after them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from ringbench.config.call_text import CallText
from ringbench.config.contracts import FramesCalls, PagesCalls
from ringbench.drive.reply import Reply
from ringbench.subjects.contracts.batch import Batch, Performance
from ringbench.subjects.contracts.ledger import PAGE, Page, Run
from ringbench.subjects.contracts.operation import Operation
from ringbench.subjects.contracts.pages.look import look
from ringbench.subjects.contracts.pages.operations import (
    Map,
    MapAgain,
    Protect,
    Rounds,
    Unmap,
    UnmapNothing,
)
from ringbench.subjects.contracts.pages.rules import REFUSED, ROUNDS, RULES, Seen
from ringbench.subjects.contracts.rule import breach, first_broken, refused

OK: Final = Reply("ok")
LEFT_OUT: Final = Reply("left-out")

AT_ONCE: Final = 2000
"""Rounds that are performed at once."""

_INT: Final = (1 << 32) - 1


def perform(
    operation: Operation, calls: PagesCalls, frames: FramesCalls, batch: Batch
) -> Performance:
    """Return an operation's performance."""
    pages = batch.ledger.pages
    match operation:
        case Map(virtual=virtual) | Rounds(virtual=virtual) | UnmapNothing(virtual=virtual) if (
            virtual in batch.guest.own
        ):
            return nothing()
        case Map(name, virtual, frame, rights):
            run = batch.ledger.runs.get(frame)
            if run is not None:
                return _map(calls, batch, name, virtual, run, rights)
        case Unmap(name):
            if name in pages:
                return _unmap(calls, batch, pages[name])
        case Protect(name, rights):
            if name in pages:
                return _protect(calls, batch, pages[name], rights)
        case Rounds(rounds, virtual, frame):
            run = batch.ledger.runs.get(frame)
            if run is not None:
                return _rounds(calls, frames, batch, rounds, virtual, run)
        case MapAgain(name, frame):
            run = batch.ledger.runs.get(frame)
            if run is not None and name in pages:
                return _map_again(calls, batch, pages[name], run)
        case UnmapNothing(virtual):
            return _unmap_nothing(calls, batch, virtual)
    return nothing()


def nothing() -> Performance:
    """Return the performance of what cannot be performed here."""
    yield
    return LEFT_OUT


def _map(
    calls: PagesCalls, batch: Batch, name: str, virtual: int, run: Run, rights: str
) -> Performance:
    values = _values(calls, batch, virtual, run.first, rights)
    done = batch.call(calls.map, values)
    results = yield
    text = calls.map.shown(values)
    page = Page(name, batch.ledger.number, text, virtual, run.first, run.name, rights)
    if not _says_done(calls, batch, calls.map, results[done]):
        seen = Seen(text, calls, virtual, None, batch.guest.walk(virtual), done=False)
        return first_broken(RULES, seen, batch.ledger) or refused(text)
    seen = Seen(text, calls, virtual, page, None, done=True)
    broken = yield from look(seen, batch, page.frame, values)
    batch.ledger.pages[name] = page
    return broken or OK


def _unmap(calls: PagesCalls, batch: Batch, page: Page) -> Performance:
    values = _values(calls, batch, page.virtual)
    done = batch.call(calls.unmap, values)
    results = yield
    is_done = _says_done(calls, batch, calls.unmap, results[done])
    text = calls.unmap.shown(values)
    seen = Seen(text, calls, page.virtual, None, None, done=is_done, owed=True)
    broken = yield from look(seen, batch, page.frame, values)
    del batch.ledger.pages[page.name]
    return broken or OK


def _protect(calls: PagesCalls, batch: Batch, page: Page, rights: str) -> Performance:
    assert calls.protect is not None, "the operation is not drawn without"
    values = _values(calls, batch, page.virtual, page.frame, rights)
    done = batch.call(calls.protect, values)
    results = yield
    after = replace(page, rights=rights)
    is_done = _says_done(calls, batch, calls.protect, results[done])
    text = calls.protect.shown(values)
    seen = Seen(text, calls, page.virtual, after, None, done=is_done, owed=True)
    broken = yield from look(seen, batch, page.frame, values)
    batch.ledger.pages[page.name] = after
    return broken or OK


def _rounds(
    calls: PagesCalls, frames: FramesCalls, batch: Batch, rounds: int, virtual: int, run: Run
) -> Performance:
    """Map and unmap; after the first round, which may make tables, nothing is used up."""
    values = _values(calls, batch, virtual, run.first, "rw")
    text = calls.map.shown(values)
    counted = None
    done = 0
    while done < rounds:
        batch.steps.clear()
        now = min(AT_ONCE, rounds - done) if done else 1
        steps = []
        for _ in range(now):
            steps.append(batch.call(calls.map, values))
            steps.append(batch.call(calls.unmap, _values(calls, batch, virtual)))
        count = batch.count(frames.count)
        results = yield
        for number, step in enumerate(steps):
            if _says_done(calls, batch, (calls.map, calls.unmap)[number % 2], results[step]):
                continue
            if not done and not number:
                return refused(text)
            return breach(
                ROUNDS,
                f"round {done + number // 2 + 1} of {text} and unmapping it: expected what the "
                "rounds before it did, seen that it is refused",
            )
        if count is not None and counted is None:
            counted = results[count]
        if count is not None and results[count] != counted:
            return breach(
                ROUNDS,
                f"{done + now} rounds of {text} and unmapping it: expected that all but the first "
                f"leave the count of frames as it was, {counted}, seen {results[count]}",
            )
        done += now
    return OK


def _map_again(calls: PagesCalls, batch: Batch, page: Page, run: Run) -> Performance:
    values = _values(calls, batch, page.virtual, run.first, "rw")
    done = batch.call(calls.map, values)
    results = yield
    text = calls.map.shown(values)
    if says(calls, batch, calls.map) and _says_done(calls, batch, calls.map, results[done]):
        return breach(
            REFUSED, f"{text}: expected that it is refused, for {page} is there, seen that not"
        )
    seen = Seen(text, calls, page.virtual, page, None)
    broken = yield from look(seen, batch, page.frame, values)
    return broken or OK


def _unmap_nothing(calls: PagesCalls, batch: Batch, virtual: int) -> Performance:
    values = _values(calls, batch, virtual)
    done = batch.call(calls.unmap, values)
    results = yield
    if says(calls, batch, calls.unmap) and _says_done(calls, batch, calls.unmap, results[done]):
        text = calls.unmap.shown(values)
        return breach(
            REFUSED, f"{text}: expected that it is refused, for nothing is there, seen that not"
        )
    return OK


def _values(
    calls: PagesCalls, batch: Batch, virtual: int, frame: int = 0, rights: str = ""
) -> Mapping[str, int]:
    """Return what the calls' placeholders stand for."""
    flags = calls.always
    flags |= calls.write if "w" in rights else 0
    flags |= calls.user if "u" in rights else 0
    flags |= calls.no_execute if "x" not in rights else 0
    return {
        "root": batch.guest.root,
        "virtual": virtual,
        "physical": frame * PAGE,
        "flags": flags,
    }


def says(calls: PagesCalls, batch: Batch, call: CallText) -> bool:
    """Whether a call says if it was done: not where that is unknown, or it returns nothing."""
    return calls.ok is not None and call.function not in batch.guest.silent


def _says_done(calls: PagesCalls, batch: Batch, call: CallText, result: int) -> bool:
    """Whether a result says that it was done, or nothing; of 32 bits, anything may be above."""
    if calls.ok is None or not says(calls, batch, call):
        return True
    return (result ^ calls.ok) & _INT == 0
