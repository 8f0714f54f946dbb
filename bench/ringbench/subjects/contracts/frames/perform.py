"""How operations of the frame allocator are performed: which calls, and what is looked at."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Final

from ringbench.config.call_text import CallText
from ringbench.config.contracts import FramesCalls
from ringbench.drive.guest_calls import SKIPPED, Operand, Result
from ringbench.drive.reply import Reply
from ringbench.subjects.contracts.batch import Batch, Performance, Planned, Results, in_order
from ringbench.subjects.contracts.frames.operations import Alloc, Drain, Free, FreeAgain
from ringbench.subjects.contracts.frames.operations import Run as GetRun
from ringbench.subjects.contracts.frames.rules import ALL_BACK, COUNT, ONCE, RULES, Places, Seen
from ringbench.subjects.contracts.guest import Guest
from ringbench.subjects.contracts.ledger import PAGE, Ledger, Run, byte_of
from ringbench.subjects.contracts.operation import Operation
from ringbench.subjects.contracts.rule import breach, first_broken, refused

FEW_AT_ONCE, AT_ONCE = 256, 4096
"""Calls of a drain that are made at once: at first, and at most."""

LEFT_OUT: Final = Reply("left-out")


def perform(operation: Operation, calls: FramesCalls, batch: Batch, places: Places) -> Performance:
    """Return an operation's performance."""
    match operation:
        case Alloc(name):
            return _get(calls, batch, places, calls.alloc, name, 1)
        case GetRun(name, count, align):
            assert calls.alloc_run is not None, "the operation is not drawn without"
            return _get(calls, batch, places, calls.alloc_run, name, count, align)
        case Free(name):
            return _free(name, calls, batch, places)
        case FreeAgain(name):
            return _free_again(name, calls, batch)
        case Drain(order):
            return _drain(order, calls, batch, places)
    raise AssertionError(operation)


def frame_of(handle: int, calls: FramesCalls, places: Places) -> int | None:
    """Return the number of the frame that the kernel calls so; None if none can be called so."""
    if calls.address == "number":
        return handle * calls.size // PAGE
    paddr = places.pages.translate(handle) if calls.address == "virtual" else handle
    return None if paddr is None or paddr % PAGE else paddr // PAGE


def disturbed(run: Run, guest: Guest) -> int | None:
    """Return the first frame of a run that is not as it was filled."""
    content = bytes([byte_of(run.name)]) * PAGE
    for frame in run.frames:
        if guest.read(frame * PAGE, PAGE) != content:
            return frame
    return None


def fill(ledger: Ledger, guest: Guest) -> None:
    """Fill the runs that were got and have not been filled yet."""
    for name in ledger.unfilled:
        run = ledger.runs[name]
        guest.write(run.first * PAGE, bytes([byte_of(name)]) * PAGE * len(run.frames))
    ledger.unfilled.clear()


def _get(
    calls: FramesCalls,
    batch: Batch,
    places: Places,
    call: CallText,
    name: str,
    count: int,
    align: int = PAGE,
) -> Performance:
    before = batch.count(calls.count)
    values = {"count": count, "bytes": count * calls.size, "align": max(align, calls.size)}
    got = batch.call(call, values, calls.none)
    after = batch.count(calls.count)
    batch.gets(name, Planned(Result(got), count))
    results = yield
    ledger, text = batch.ledger, call.shown(values)
    handle = None if results[got] == calls.none else results[got]
    first = None if handle is None else frame_of(handle, calls, places)
    run = None
    if handle is not None and first is not None:
        run = Run(name, ledger.number, text, handle, first, count, calls.size // PAGE)
    moved = _moved(calls, batch, results, before, after)
    seen = Seen(text, places, count, max(align, calls.size), run, handle, moved=moved)
    if broken := first_broken(RULES, seen, ledger):
        return broken
    if run is None:
        return refused(text)
    if moved:
        ledger.sign = 1 if moved > 0 else -1
    ledger.give_run(run)
    return Reply("ok", (run.handle,))


def _free(name: str, calls: FramesCalls, batch: Batch, places: Places) -> Performance:
    planned = batch.gives(name)
    if planned is None:
        yield
        return LEFT_OUT
    ledger = batch.ledger
    run = ledger.runs.get(name)
    changed = None  # of a run that is got in this same batch, it is not known
    if run is not None and name not in ledger.unfilled:
        changed = disturbed(run, batch.guest)
    before = batch.count(calls.count)
    freed = _give(calls, batch, planned)
    after = batch.count(calls.count)
    results = yield
    if results[freed] == SKIPPED:
        return LEFT_OUT
    run = ledger.runs[name]
    text = _text(calls, run)
    moved = _moved(calls, batch, results, before, after)
    seen = Seen(text, places, run.count, old=run, changed=changed, moved=moved)
    if broken := first_broken(RULES, seen, ledger):
        return broken
    ledger.take_run(run)
    ledger.freed = run
    return Reply("ok")


def _give(calls: FramesCalls, batch: Batch, planned: Planned) -> int:
    """Plan the call that gives a frame or a run back."""
    address = planned.address
    names: Mapping[str, Operand] = (
        {"frame": address} if isinstance(address, Result) else calls.names(address)
    )
    if planned.size == 1 or calls.free_run is None:
        return batch.call(calls.free, names)
    many = {"count": planned.size, "bytes": planned.size * calls.size}
    return batch.call(calls.free_run, {**names, **many})


def _text(calls: FramesCalls, run: Run) -> str:
    call = calls.free if run.count == 1 or calls.free_run is None else calls.free_run
    many = {"count": run.count, "bytes": run.count * calls.size}
    return call.shown({**calls.names(run.handle), **many})


def _free_again(name: str, calls: FramesCalls, batch: Batch) -> Performance:
    """Give back what was given back just before: later on, it may be a table's, or the heap's."""
    gone = batch.ledger.freed
    if not isinstance(gone, Run) or gone.name != name:
        yield
        return LEFT_OUT
    _give(calls, batch, Planned(gone.handle, gone.count))
    yield
    return Reply("ok")


def _moved(
    calls: FramesCalls, batch: Batch, results: Results, before: int | None, after: int | None
) -> int | None:
    if before is None or after is None:
        return None
    bits = _count_bits(calls, batch)
    moved = (results[after] - results[before]) % (1 << bits)
    return moved - (1 << bits) if moved >> bits - 1 else moved


def _counted(calls: FramesCalls, batch: Batch, results: Results, step: int | None) -> int:
    """Return what the kernel's own count was at a step."""
    return 0 if step is None else results[step] % (1 << _count_bits(calls, batch))


def _count_bits(calls: FramesCalls, batch: Batch) -> int:
    size = batch.guest.sizes.get(calls.count, 8) if isinstance(calls.count, str) else 8
    return 8 * min(size, 8)


# -- all frames at once ---------------------------------------------------------------------------


def _drain(order: int, calls: FramesCalls, batch: Batch, places: Places) -> Performance:
    """Take all, give all back, and do so once more: as many must be there."""
    ledger = batch.ledger
    got: list[int] = []
    counts = []
    for _ in range(2):
        got, broken = yield from _take_all(calls, batch, places)
        if broken is not None:
            return broken
        counts.append(len(got))
        yield from give_all(in_order(got, order), calls, batch)
    owned = len(ledger.owners) * PAGE // calls.size
    before = ledger.capacity if ledger.capacity is not None else counts[0] + owned
    for count in counts:
        if count + owned != before:
            text = calls.alloc.shown({})
            return breach(
                ALL_BACK,
                f"{text} until there are none: expected {before - owned} frames, as many as could "
                f"be had before, seen {count}",
            )
    ledger.capacity = before
    return Reply("ok", (counts[-1],))


def _take_all(
    calls: FramesCalls, batch: Batch, places: Places
) -> Generator[None, Results, tuple[list[int], Reply | None]]:
    """Take frames until there are none, and fill them; of the first that is wrong, the breach."""
    ledger, guest, text = batch.ledger, batch.guest, calls.alloc.shown({})
    got: list[int] = []
    seen: set[int] = set()
    while True:
        before = batch.count(calls.count)
        wanted = at_once(len(got))
        steps = [batch.call(calls.alloc, {}, calls.none) for _ in range(wanted)]
        after = batch.count(calls.count)
        results = yield
        handles = [results[step] for step in steps]
        moved = _moved(calls, batch, results, before, after)
        there = sum(handle != calls.none for handle in handles)
        if moved is not None and abs(moved) != there:
            words = (
                f"{there} times {text}: expected that the count moves by as much, seen {moved:+d}"
            )
            return got, breach(COUNT, words)
        for handle in handles:
            if handle == calls.none:
                continue
            frame = frame_of(handle, calls, places)
            run = None
            if frame is not None:
                run = Run("one", ledger.number, text, handle, frame, 1, calls.size // PAGE)
            if broken := first_broken(
                RULES, Seen(text, places, 1, calls.size, run, handle), ledger
            ):
                return got, broken
            assert frame is not None, "one that cannot be named breaks a rule"
            if frame in seen:
                return got, breach(
                    ONCE,
                    f"{text} until there are none: expected a frame that nobody has, seen "
                    f"{frame * PAGE:#x} twice",
                )
            seen.add(frame)
            got.append(handle)
            guest.write(frame * PAGE, b"\xd7" * PAGE)
        if there < wanted:
            goes_down = ledger.sign < 0 if not moved else moved < 0
            left = _counted(calls, batch, results, after) if goes_down else 0
            if left:
                words = (
                    f"{text} until there are none: expected that the count, of frames that are "
                    f"free, comes to 0, seen {left}: there are some that cannot be had"
                )
                return got, breach(COUNT, words)
            return got, None


def at_once(held: int) -> int:
    """Return how many frames to ask for at once where so many are held: few of a small machine."""
    return min(max(held, FEW_AT_ONCE), AT_ONCE)


def give_all(
    handles: Sequence[int], calls: FramesCalls, batch: Batch
) -> Generator[None, Results, None]:
    """Give frames back one by one, by what the kernel calls them."""
    for start in range(0, len(handles), AT_ONCE):
        for handle in handles[start : start + AT_ONCE]:
            batch.call(calls.free, calls.names(handle))
        yield
