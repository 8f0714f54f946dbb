"""Why a run ended, as plain values: for `ringbench.explain` to find and for errors to carry.

Everything is said in words or in numbers as a person wants them, so that this stands below
everything else; `str` of an `Explanation` is the page that is printed, `as_json` the same for
programs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any, Final

FRAMES_SHOWN: Final = 24
"""Lines of a backtrace that are printed; JSON has all of them."""


@dataclass(frozen=True, slots=True)
class Place:
    """An address in code: `symbol` is like ``kmain+0x12``, `file` and `line` from DWARF.

    What is not known is empty, and line 0; `guessed` is of a caller that only may be one.
    """

    address: int
    symbol: str = ""
    file: str = ""
    line: int = 0
    guessed: bool = False

    def __str__(self) -> str:
        name = ("perhaps " if self.guessed else "") + (self.symbol or f"{self.address:#x}")
        return f"{name} ({self.file}:{self.line})" if self.line else name


@dataclass(frozen=True, slots=True)
class Fault:
    """An exception that a processor raised.

    Attributes:
        vector: its number, 0..31.
        name: in words: ``#PF page fault``.
        code: the error code, None for an exception that has none.
        meaning: the error code in words; empty if it says nothing.
        place: where it was raised.
        address: what the instruction wanted, of a page fault; None of others.
        walk: how the address was translated, and where that ended; empty without an address.
    """

    vector: int
    name: str
    code: int | None
    meaning: str
    place: Place
    address: int | None = None
    walk: str = ""

    def __str__(self) -> str:
        what = f"{self.name}: {self.meaning}" if self.meaning else self.name
        return f"{what}, at {self.place}"


@dataclass(frozen=True, slots=True)
class Processor:
    """One processor as it is at the end: where, and who called, innermost first.

    `state` says in words what it does: ``running, interrupts off``.
    """

    number: int
    state: str
    place: Place
    callers: tuple[Place, ...] = ()

    def lines(self) -> Iterator[str]:
        """Yield what it does, and a line for each frame."""
        yield f"processor {self.number}: {self.state}, at {self.place}"
        yield from backtrace_lines(self.place, self.callers)


@dataclass(frozen=True, slots=True)
class Explanation:
    """What happened to a guest.

    Attributes:
        summary: one sentence.
        fault: the first exception of those that the end came from; None if there was none.
        undelivered: why its delivery failed, one reason for each exception that could not be
            delivered, in order; empty if the kernel got it.
        callers: who called where the fault was raised, innermost first.
        notes: what else is known, a sentence each.
        processors: all that have begun to run the kernel, and the first in any case.
        lost: the one of the notes that a processor runs where no code can be; empty if none does.
    """

    summary: str
    fault: Fault | None = None
    undelivered: tuple[str, ...] = ()
    callers: tuple[Place, ...] = ()
    notes: tuple[str, ...] = ()
    processors: tuple[Processor, ...] = ()
    lost: str = ""

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        if self.fault is None:
            yield self.summary
            yield from (f"  {each}" for each in self.notes)
        else:
            what = "exception" if self.fault.name.startswith("#") else "interrupt"
            yield f"first {what}: {self.fault}"
            walk = (self.fault.walk,) if self.fault.walk else ()
            yield from (f"  {each}" for each in (*walk, *self.notes, *self.undelivered))
            yield f"backtrace of the {what}:"
            yield from backtrace_lines(self.fault.place, self.callers)
        for each in self.processors:
            yield from each.lines()

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


def backtrace_lines(place: Place, callers: tuple[Place, ...]) -> Iterator[str]:
    """Yield a line for each frame; frames of a recursion that repeat are counted, not listed."""
    frames = [(str(frame), len(list(same))) for frame, same in groupby((place, *callers))]
    number = 0
    for text, count in frames[:FRAMES_SHOWN]:
        again = f"  [{count} times]" if count > 1 else ""
        yield f"  #{number} {text}{again}"
        number += count
    if len(frames) > FRAMES_SHOWN:
        yield f"  ... and {1 + len(callers) - number} more"
