"""How operations on regions are performed: which calls, and what is looked at after them."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from ringbench.arch.x86_64.access import AccessKind
from ringbench.arch.x86_64.records import Leaf
from ringbench.config.contracts import FramesCalls, RegionsCalls
from ringbench.drive.guest_calls import Operand, Result
from ringbench.drive.reply import Reply
from ringbench.subjects.contracts.accesses import met, plan
from ringbench.subjects.contracts.batch import Batch, Performance, Results, first_other
from ringbench.subjects.contracts.frames.rules import Places
from ringbench.subjects.contracts.guest import Guest
from ringbench.subjects.contracts.ledger import PAGE, Ledger, Region, byte_of
from ringbench.subjects.contracts.operation import Operation
from ringbench.subjects.contracts.regions.operations import Alloc, Free, Rounds
from ringbench.subjects.contracts.regions.rules import ROUNDS, RULES, Seen
from ringbench.subjects.contracts.rule import breach, first_broken, refused

OK: Final = Reply("ok")
LEFT_OUT: Final = Reply("left-out")

EDGE: Final = 64
"""Bytes at both ends of a page that are read through it."""

AT_ONCE: Final = 1000
"""Rounds that are performed at once."""

ACCESSES: Final = (AccessKind.READ, AccessKind.WRITE)


@dataclass(frozen=True, slots=True)
class Layer:
    """What all operations on regions need.

    Attributes:
        calls: how regions are called.
        frames: how frames are; None if that is not known.
        batch: where the steps go.
        places: what the frames of the guest are.
    """

    calls: RegionsCalls
    frames: FramesCalls | None
    batch: Batch
    places: Places

    @property
    def ledger(self) -> Ledger:
        """What is out."""
        return self.batch.ledger

    def pages(self, region: Region) -> Mapping[int, Leaf | None]:
        """Return what the walk finds at each page, as if all were pages of 4 KiB."""
        found = {}
        for address in region.pages:
            leaf = self.batch.guest.walk(address)
            if leaf is not None:
                paddr = leaf.paddr + address - leaf.vaddr
                leaf = leaf._replace(vaddr=address, paddr=paddr)
            found[address] = leaf
        return found

    def is_reached(self, region: Region) -> bool:
        """Whether the kernel itself can use the pages."""
        return "u" not in region.rights or self.batch.guest.reaches_user


def perform(operation: Operation, layer: Layer) -> Performance:
    """Return an operation's performance."""
    match operation:
        case Alloc(name, size, rights):
            return _get(layer, name, size, rights)
        case Free(name):
            return _free(layer, name)
        case Rounds(rounds, size):
            return _rounds(layer, rounds, size)
    raise AssertionError(operation)


def changed(region: Region, guest: Guest) -> int | None:
    """Return the address of the first byte of a region that is not as it was filled."""
    content = bytes([byte_of(region.name)]) * PAGE
    for address, frame in zip(region.pages, region.frames, strict=False):
        seen = guest.read(frame * PAGE, PAGE)
        if seen != content:
            return address + next(at for at, byte in enumerate(seen) if byte != content[0])
    return None


def _get(layer: Layer, name: str, size: int, rights: str) -> Performance:
    calls, batch, ledger = layer.calls, layer.batch, layer.ledger
    values = yield from _values(layer, size, rights)
    got = batch.call(calls.alloc, values, calls.none)
    results = yield
    text = calls.alloc.shown(values)
    if results[got] == calls.none:
        return refused(text)
    address = values["old"] if calls.grows else results[got]
    region = Region(name, ledger.number, text, address, -(-size // PAGE) * PAGE, rights)
    seen = Seen(text, calls, asked=size, region=region)
    if broken := first_broken(RULES, seen, ledger):  # of the address alone
        return broken
    if calls.demand:
        yield from _touch(layer, region)
    leaves = layer.pages(region)
    if not calls.demand or None not in leaves.values():
        frames = tuple(leaf.paddr // PAGE for leaf in leaves.values() if leaf is not None)
        region = replace(region, frames=frames)
    seen = replace(
        seen,
        places=replace(layer.places, pages=batch.guest.pages()),
        region=region,
        leaves=leaves if region.frames or not calls.demand else {},
        moved=_moved(layer),
    )
    broken = first_broken(RULES, seen, ledger)
    if broken is None and region.frames:
        broken = yield from _use(layer, seen, region)
    ledger.regions[name] = region
    return broken or Reply("ok", (address,))


def _touch(layer: Layer, region: Region) -> Generator[None, Results, None]:
    """Write to each page, as far as that is allowed: an access brings a page of its own."""
    if "w" in region.rights and layer.is_reached(region):
        layer.batch.steps.clear()
        for address in region.pages:
            layer.batch.fill(address, ((0, 1),), 0)
        yield


def _use(layer: Layer, seen: Seen, region: Region) -> Generator[None, Results, Reply | None]:
    """Look for zeros, fill the frames, and read through the pages what is in them."""
    batch = layer.batch
    if layer.calls.zeroed:
        seen = replace(seen, nonzero=_nonzero(region, batch))
    byte = byte_of(region.name)
    for frame in region.frames:
        batch.guest.write(frame * PAGE, bytes([byte]) * PAGE)
    batch.steps.clear()
    parts = ((0, EDGE), (PAGE - EDGE, EDGE))
    checks = {}
    for address in region.pages if layer.is_reached(region) else ():
        checks[address] = batch.check(address, parts, byte)
    probes = {**plan(batch, region.address, ACCESSES), **plan(batch, region.end - 1, ACCESSES)}
    results = yield
    other = next(
        (
            address + offset
            for address, steps in checks.items()
            if (offset := first_other(results, steps, parts)) is not None
        ),
        None,
    )
    seen = replace(seen, other=other, accesses=met(batch, probes, results))
    return first_broken(RULES, seen, batch.ledger)


def _free(layer: Layer, name: str) -> Performance:
    calls, batch, ledger = layer.calls, layer.batch, layer.ledger
    region = ledger.regions.get(name)
    if region is None or (calls.grows and any(r.end > region.end for r in ledger.regions.values())):
        yield
        return LEFT_OUT
    seen = Seen("", calls, old=region, changed=changed(region, batch.guest))
    values = yield from _values(layer, region.size, region.rights, region)
    batch.call(calls.free, values)
    text = calls.free.shown(values)
    yield
    del ledger.regions[name]
    seen = replace(seen, call=text, leaves=layer.pages(region), moved=_moved(layer))
    if broken := first_broken(RULES, seen, ledger):
        return broken
    batch.steps.clear()
    probes = {**plan(batch, region.address, ACCESSES), **plan(batch, region.end - 1, ACCESSES)}
    results = yield
    seen = replace(seen, accesses=met(batch, probes, results))
    return first_broken(RULES, seen, ledger) or OK


def _rounds(layer: Layer, rounds: int, size: int) -> Performance:
    """Get and give back; after the first round, which may make tables, nothing is used up."""
    calls, batch = layer.calls, layer.batch
    count = None if layer.frames is None else layer.frames.count
    values = yield from _values(layer, size, "rw")
    text = calls.alloc.shown(values)
    counted, done = None, 0
    while done < rounds:
        batch.steps.clear()
        now = min(AT_ONCE, rounds - done) if done else 1
        got = [_round(layer, values, size) for _ in range(now)]
        after = batch.count(count)
        results = yield
        for number, step in enumerate(got):
            if results[step] != calls.none:
                continue
            if not done:
                return refused(text)
            return breach(
                ROUNDS,
                f"round {done + number + 1} of {text} and freeing it: expected what the rounds "
                "before it got, seen that it is refused",
            )
        if after is not None:
            counted = results[after] if counted is None else counted
            if results[after] != counted:
                return breach(
                    ROUNDS,
                    f"{done + now} rounds of {text} and freeing it: expected that all but the "
                    f"first leave the count of frames as it was, {counted}, seen {results[after]}",
                )
        done += now
    return OK


def _round(layer: Layer, values: Mapping[str, int], size: int) -> int:
    """Plan one round; return the step that gets the region."""
    calls, batch = layer.calls, layer.batch
    got = batch.call(calls.alloc, values, calls.none)
    address = Result(got)
    if calls.demand:
        for offset in range(0, size, PAGE):
            batch.fill(address, ((offset, 1),), 0)
    back: dict[str, Operand] = {
        **values,
        "address": address,
        "old": values["new"],
        "new": values["old"],
    }
    batch.call(calls.free, back)
    return got


def _values(
    layer: Layer, size: int, rights: str, region: Region | None = None
) -> Generator[None, Results, dict[str, int]]:
    """Return what the calls' placeholders stand for; of a `region` that is given back, its own."""
    calls, batch = layer.calls, layer.batch
    batch.steps.clear()
    space = 0
    if calls.space is not None:
        step = batch.value(calls.space)
        results = yield
        space = results[step.step] if isinstance(step, Result) else step
        batch.steps.clear()
    flags = calls.always
    flags |= calls.write if "w" in rights else 0
    flags |= calls.user if "u" in rights else 0
    flags |= calls.no_execute if "x" not in rights else 0
    end = max((each.end for each in layer.ledger.regions.values()), default=calls.base)
    ends = (end, end + size) if region is None else (region.end, region.address)
    return {
        "size": size,
        "pages": -(-size // PAGE),
        "flags": flags,
        "root": batch.guest.root,
        "space": space,
        "old": ends[0],
        "new": ends[1],
        "address": 0 if region is None else region.address,
    }


def _nonzero(region: Region, batch: Batch) -> int | None:
    for address, frame in zip(region.pages, region.frames, strict=True):
        seen = batch.guest.read(frame * PAGE, PAGE)
        if any(seen):
            return address + next(at for at, byte in enumerate(seen) if byte)
    return None


def _moved(layer: Layer) -> tuple[Region, int] | None:
    """Return a region that is out of which a page does not lead to its frame, and that page."""
    for region in layer.ledger.regions.values():
        for (address, leaf), frame in zip(layer.pages(region).items(), region.frames, strict=False):
            if leaf is None or leaf.paddr // PAGE != frame:
                return region, address
    return None
