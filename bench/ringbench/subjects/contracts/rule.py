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
class Owed:
    """What is owed.

    Attributes:
        name: one word, by which a finding names it.
        why: the sentence that says why it is owed, and by whose authority.
    """

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Rule(Owed, Generic[SeenT]):
    """What is owed of a single operation, and how it is seen that it is not kept.

    Attributes:
        broken: given what an operation did and the ledger before it, says what is wrong: the call,
            what was expected, what was seen, and what it collides with; None if nothing is.
    """

    broken: Callable[[SeenT, Ledger], str | None]


RETURNS: Final = Owed("returns", "A function returns, whatever it is asked that it may be asked.")
MEMORY: Final = Owed("memory", "What was got is memory: it can be read and written (C17 6.2.4).")


def breach(rule: Owed, words: str) -> Reply:
    """Return the reply that says a rule was broken."""
    return Reply(BROKEN + rule.name, (words,))


def refused(call: str) -> Reply:
    """Return the reply that says a call had nothing to give."""
    return Reply(NONE, (call,))


def first_broken(rules: Iterable[Rule[SeenT]], seen: SeenT, ledger: Ledger) -> Reply | None:
    """Return the reply that says which rule is broken first; None if none is."""
    for rule in rules:
        words = rule.broken(seen, ledger)
        if words is not None:
            return breach(rule, words)
    return None


def is_broken(reply: Reply) -> bool:
    """Tell whether a reply says that a rule was broken."""
    return reply.status.startswith(BROKEN)


def _is_kept(reply: Reply) -> bool:
    return not is_broken(reply)


KEPT: Final = Predicate("all rules kept", _is_kept)
"""What is expected of every operation."""
