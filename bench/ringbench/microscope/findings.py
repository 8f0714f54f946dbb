"""What instruments object to, in words: kind, place, who called, and what happened before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ringbench.explain.names import Names
from ringbench.explanation import Place
from ringbench.microscope.kinds import KINDS
from ringbench.microscope.layout import Event, Lacking, RawFinding
from ringbench.microscope.microscope import Microscope

LEFT_OUT = {
    Lacking.REGISTERS: (
        "calls of the allocators' functions were not seen: this QEMU does not show the guest's "
        "registers"
    ),
    Lacking.CONTROL: (
        "translations were not watched: that needs a QEMU of 9.1 or later (`ringbench doctor`)"
    ),
    Lacking.ROOM: "not everything was watched: there was no room for more",
}


@dataclass(frozen=True, slots=True)
class Path:
    """Where a processor was when something happened: the calls that led there, innermost first."""

    what: str
    place: Place
    callers: tuple[Place, ...]

    def lines(self) -> Iterator[str]:
        """Yield it for people: `freed at main+0x12 (main.c:7)`, then a line for each caller."""
        yield f"{self.what} {self.place}"
        yield from (f"  called by {each}" for each in self.callers)


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that an instrument objects to.

    Attributes:
        instrument: which one: "heap", "frames".
        kind: what is wrong, in a few words: "overrun".
        should: what would have been right.
        words: what happened, in a sentence with addresses and sizes.
        times: how often the same was seen at the same instruction.
        instruction: how many the guest had executed the first time.
        cpu: number of the processor.
        address: the virtual address that was accessed, or what a call was given.
        physical: where that is in memory; None if it is none, or was not looked at.
        path: where it happened.
        before: what had happened to the same memory before: where it was allocated, and freed.
    """

    instrument: str
    kind: str
    should: str
    words: str
    times: int
    instruction: int
    cpu: int
    address: int
    physical: int | None
    path: Path
    before: tuple[Path, ...]

    def lines(self) -> Iterator[str]:
        """Yield it for people."""
        often = f" ({self.times:,} times)" if self.times > 1 else ""
        yield f"{self.instrument}: {self.kind}: {self.words}{often}"
        for each in (self.path, *self.before):
            yield from (f"  {line}" for line in each.lines())


def seen(microscope: Microscope, names: Names) -> tuple[Seen, ...]:
    """Return what was found so far, in that order, of a guest that is still."""
    return tuple(_seen(each, names) for each in microscope.findings())


def left_out(microscope: Microscope) -> tuple[str, ...]:
    """Return what was not watched though it should have been, a line each."""
    lines = [text for lack, text in LEFT_OUT.items() if microscope.lacking & lack]
    if microscope.further:
        lines.append(f"{microscope.further:,} more findings that there was no room for")
    return tuple(lines)


def _seen(raw: RawFinding, names: Names) -> Seen:
    kind = KINDS[raw.instrument, raw.kind]
    before = zip(kind.before, raw.related, strict=False)
    return Seen(
        instrument=str(raw.instrument.name).lower(),
        kind=kind.name,
        should=kind.should,
        words=kind.words(raw.access, raw.details),
        times=raw.times,
        instruction=raw.event.instruction,
        cpu=raw.event.cpu,
        address=raw.access.address,
        physical=raw.access.physical,
        path=_path("at", raw.event, names),
        before=tuple(_path(what, event, names) for what, event in before if event is not None),
    )


def _path(what: str, event: Event, names: Names) -> Path:
    return Path(what, names.place(event.pc), tuple(map(names.place, event.callers)))
