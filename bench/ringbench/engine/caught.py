"""How a kernel was caught: what every part of the bench that hunts for bugs hands back alike."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

from ringbench.check.mismatch import Mismatch
from ringbench.errors import MachineError

NUMBERS: Final = re.compile(r"0x[0-9a-f]+|\b[a-z]?\d+\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Caught:
    """One way in which a kernel was seen to be wrong.

    Attributes:
        check: the part of the bench that saw it: "run", "hunt", "boots", "starve".
        after: how many operations (boots, for "boots") it had performed by then, this one included.
        mismatches: what did not agree; empty if the machine ended instead.
        ending: how the machine ended where it should not have, in one line; otherwise empty.
    """

    check: str
    after: int
    mismatches: tuple[Mismatch, ...] = ()
    ending: str = ""

    @classmethod
    def by_ending(cls, check: str, after: int, error: MachineError) -> Self:
        """Return what an unexpected end amounts to: a panic, an exception, a hang, a reset."""
        words = error.ending.block[:1] if error.ending else ()
        return cls(check, after, ending="; ".join([str(error).splitlines()[0], *words]))

    @property
    def key(self) -> str:
        """What is the same for two catches of one bug: the first disagreement without numbers.

        For a reply also the statuses and, if they differ, the command: a wrong value is mostly
        the late effect of another command.
        """
        if not self.mismatches:
            return NUMBERS.sub("#", self.ending)
        first = self.mismatches[0]
        place, _, line = first.where.partition(": ")
        words = [f"{first.layer}: {first.what} at {place}"]
        if first.what == "reply":
            should, did = first.expected.split()[0], first.seen.split()[0]
            words = [f"{first.layer}: reply {did}"]
            if did != should:
                words += [f"for {should} to", *line.split()[:2]]
        return NUMBERS.sub("#", " ".join(words))

    def __str__(self) -> str:
        return f"{self.check}: {self.mismatches[0] if self.mismatches else self.ending}"
