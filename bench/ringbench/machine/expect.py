"""Waiting for something that a guest says: any of several texts or patterns, on any output."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ringbench.errors import SerialTimeout
from ringbench.machine.deadline import Deadline
from ringbench.machine.output import Output, Place
from ringbench.machine.outputs import Outputs

REST_SECONDS = 0.05  # of silence, before a match that more could belong to is taken

Awaited = str | re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Found:
    """What came of several things that were awaited.

    `index` says which it was, `output` where it came, `before` is what stood before it, and `text`
    is the text itself. `match` has the groups of a pattern. At the end of the run, `index` is the
    number of patterns, and all that was said is in `before`.
    """

    index: int
    output: str
    before: str
    text: str = ""
    match: re.Match[str] | None = None

    @property
    def ended(self) -> bool:
        """Whether the run came to its end instead."""
        return self.match is None


def compiled(awaited: Sequence[Awaited]) -> list[re.Pattern[str]]:
    """Return patterns: a text stands for itself, and ``^`` and ``$`` are the ends of lines."""
    return [
        re.compile(re.escape(each))
        if isinstance(each, str)
        else re.compile(each.pattern, each.flags | re.MULTILINE)
        for each in awaited
    ]


def wait_for(
    outputs: Outputs,
    names: Sequence[str],
    awaited: Sequence[Awaited],
    deadline: Deadline,
    check: Callable[[], None],
) -> Found:
    """Wait for the first of `awaited` on the outputs `names`, and take all up to its end.

    `check` is called whenever something came, and may raise to end the wait.

    Raises:
        SerialTimeout: none came in time.
        SerialClosed: QEMU is gone, or the run has ended.
    """
    patterns = compiled(awaited)
    outputs.drain()
    while True:
        for name in names:
            output = outputs.by_name[name]
            place = output.find(patterns)
            while place is not None and place.open_ended and _goes_on(outputs, output, deadline):
                place = output.find(patterns)
            if place is not None:
                return _taken(output, place)
        check()
        if not outputs.wait(deadline):
            named = " or ".join(repr(e if isinstance(e, str) else e.pattern) for e in awaited)
            raise SerialTimeout(f"no {named} within {deadline.seconds:g} s")


def _goes_on(outputs: Outputs, output: Output, deadline: Deadline) -> bool:
    """Whether more comes on the output within a moment, and before the deadline."""
    heard, rest = output.heard, Deadline(min(REST_SECONDS, deadline.remaining()))
    while output.heard == heard and not rest.expired:
        outputs.wait(rest, alarming=False)
    return output.heard != heard


def _taken(output: Output, place: Place) -> Found:
    before = output.take_to(place)
    return Found(place.pattern, output.name, before, place.match.group(), place.match)
