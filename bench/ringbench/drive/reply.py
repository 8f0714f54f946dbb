"""What a kernel answers to an operation, and what it must answer: plain values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol


class Expectation(Protocol):
    """What the reply to an operation must be; `str` says it to a person."""

    @property
    def facts(self) -> int:
        """How many single facts of a reply it decides on."""
        ...

    def allows(self, reply: Reply) -> bool:
        """Tell whether a reply is as it must be."""
        ...


@dataclass(frozen=True, slots=True)
class Reply:
    """What an operation answers: `ok` or the name of an error, and its values.

    Numbers are ints, whatever base they were printed in; all other values are strings. As an
    expectation it allows its equals alone.
    """

    status: str
    values: tuple[int | str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the operation was performed."""
        return self.status == "ok"

    @property
    def facts(self) -> int:
        """The status and every value."""
        return 1 + len(self.values)

    def allows(self, reply: Reply) -> bool:
        """Tell whether a reply has the same status and the same values."""
        return self == reply

    def __str__(self) -> str:
        values = (f"{value:#x}" if isinstance(value, int) else value for value in self.values)
        return " ".join((self.status, *values))


@dataclass(frozen=True, slots=True)
class Predicate:
    """A rule that a reply must keep, where no model can tell the reply itself.

    Attributes:
        rule: the rule in words: "a frame that nobody has".
        holds: tells whether a reply keeps it.
    """

    rule: str
    holds: Callable[[Reply], bool] = field(repr=False)

    @property
    def facts(self) -> int:
        """One: that the rule is kept."""
        return 1

    def allows(self, reply: Reply) -> bool:
        """Tell whether a reply keeps the rule."""
        return self.holds(reply)

    def __str__(self) -> str:
        return self.rule
