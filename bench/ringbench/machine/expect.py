"""Waiting for something that a guest says: any of several texts or patterns, on any output.

Which of them comes first, and what stands before it, is pexpect's own search. It is given the text
as a terminal shows it, anew whenever something has come: what a line editor has written over was
never there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pexpect import TIMEOUT
from pexpect.spawnbase import SpawnBase

from ringbench.errors import SerialTimeout
from ringbench.machine.deadline import Deadline
from ringbench.machine.found import Awaited, Found
from ringbench.machine.output import Output
from ringbench.machine.outputs import Outputs

if TYPE_CHECKING:  # generic for the type checker only
    TextSpawn = SpawnBase[str]
else:
    TextSpawn = SpawnBase

REST_SECONDS = 0.05  # of silence, before a match that more could belong to is taken
LOOK_BACK = 8  # lines; as many as a pattern can span


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
    searches = [_Search(outputs.by_name[name], patterns) for name in names]
    outputs.drain()
    while True:
        for search in searches:
            found = search.look()
            while found is not None and search.is_open and _goes_on(outputs, search, deadline):
                found = search.look()
            if found is not None:
                search.take()
                return found
        check()
        if not outputs.wait(deadline):
            named = " or ".join(repr(e if isinstance(e, str) else e.pattern) for e in awaited)
            raise SerialTimeout(f"no {named} within {deadline.seconds:g} s")


class Said(TextSpawn):
    """What an output has said so far, to be read by pexpect: that, and nothing more."""

    def __init__(self, text: str) -> None:
        super().__init__(encoding="utf-8")
        self.delayafterread = None
        self._text = text

    def read_nonblocking(self, size: int = 1, timeout: float | None = None) -> str:
        """Return all of it at first: pexpect's own method, as its base class has it."""
        text, self._text = self._text, ""
        if not text:
            raise TIMEOUT("nothing more has come")
        return text


class _Search:
    """Looks for the first of several patterns in what nobody has taken of one output."""

    def __init__(self, output: Output, patterns: list[re.Pattern[str]]) -> None:
        self.output = output
        self.is_open = False
        self._patterns = patterns
        self._searched = 0
        self._end = 0

    def look(self) -> Found | None:
        """Return what has come, if it has; `is_open` is whether more could belong to it."""
        lines = self.output.lines
        start = max(0, self._searched - LOOK_BACK)
        self._searched = len(lines)
        said = Said("\n".join([*lines[start:], self.output.last]))
        index = said.expect_list([*self._patterns, TIMEOUT], timeout=0)
        if not (isinstance(said.match, re.Match) and isinstance(said.before, str)):
            return None
        self._searched = start
        self.is_open = said.buffer == ""
        before = "".join(f"{line}\n" for line in lines[:start]) + said.before
        text = said.match.group()
        self._end = len(before) + len(text)
        return Found(index, self.output.name, before, text, said.match)

    def take(self) -> None:
        """Take all up to the end of what `look` has just found."""
        self.output.take_to(self._end)


def _goes_on(outputs: Outputs, search: _Search, deadline: Deadline) -> bool:
    """Whether more comes on the output within a moment, and before the deadline."""
    output = search.output
    heard, rest = output.heard, Deadline(min(REST_SECONDS, deadline.remaining()))
    while output.heard == heard and not rest.expired:
        outputs.wait(rest, alarming=False)
    return output.heard != heard
