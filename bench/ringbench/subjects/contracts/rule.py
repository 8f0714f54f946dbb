"""A rule: what a function owes whoever calls it, and how a breach is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from ringbench.drive.reply import Predicate, Reply
from ringbench.subjects.contracts.ledger import Ledger

SeenT = TypeVar("SeenT")

NONE: Final = "none"
"""The status of a reply that says there was no memory; the call follows."""

BROKEN: Final = "broken:"
"""What the status of a reply begins with that breaks a rule; the rule's name follows."""


@dataclass(frozen=True, slots=True)
class Rule(Generic[SeenT]):
    """A rule.

    Attributes:
        name: one word.
        why: the sentence that says why it is owed, and by whose authority.
        broken: given what an operation did and the ledger before it, says what is wrong: the call,
            what was expected, what was seen, and what it collides with; None if nothing is.
    """

    name: str
    why: str
    broken: Callable[[SeenT, Ledger], str | None]


def breach(name: str, words: str) -> Reply:
    """Return the reply that says a rule was broken."""
    return Reply(BROKEN + name, (words,))


def refused(call: str) -> Reply:
    """Return the reply that says a call had nothing to give."""
    return Reply(NONE, (call,))


def first_broken(rules: Iterable[Rule[SeenT]], seen: SeenT, ledger: Ledger) -> Reply | None:
    """Return the reply that says which rule is broken first; None if none is."""
    for rule in rules:
        words = rule.broken(seen, ledger)
        if words is not None:
            return breach(rule.name, words)
    return None


def is_broken(reply: Reply) -> bool:
    """Tell whether a reply says that a rule was broken."""
    return reply.status.startswith(BROKEN)


def _is_kept(reply: Reply) -> bool:
    return not is_broken(reply)


KEPT: Final = Predicate("all rules kept", _is_kept)
"""What is expected of every operation."""
