"""What is owed to whoever maps pages: what the processor finds in the tables is what was asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ringbench.arch.x86_64.entry import ADDRESS, P
from ringbench.arch.x86_64.records import Leaf
from ringbench.config.contracts import PagesCalls
from ringbench.subjects.contracts.accesses import BEFORE, Access, disobeyed
from ringbench.subjects.contracts.ledger import PAGE, Ledger, Page
from ringbench.subjects.contracts.rule import Owed, Rule

INSIDE: Final = 0xABC
"""Offset within a page of what is translated, where all of the address is promised."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What an operation on a page did.

    Attributes:
        call: the call.
        calls: what is known of rights.
        virtual: which page.
        page: what must be there; None if nothing.
        leaf: what the walk finds there; None if nothing.
        why: why it finds nothing.
        done: whether the kernel says that it was done; None if it says nothing.
        owed: whether it has to be done, as what needs no memory.
        other: offset of the first byte that was read through the page and is not the frame's.
        translated: what the kernel's own translation says.
        accesses: what was tried there besides.
    """

    call: str
    calls: PagesCalls
    virtual: int
    page: Page | None
    leaf: Leaf | None
    why: str = ""
    done: bool | None = None
    owed: bool = False
    other: int | None = None
    translated: int | None = None
    accesses: tuple[Access, ...] = ()


def _done(seen: Seen, ledger: Ledger) -> str | None:
    if seen.done is not False or not seen.owed:
        return None
    return f"{seen.call}: expected that it is done, for it needs no memory, seen that it is refused"


def _mapped(seen: Seen, ledger: Ledger) -> str | None:
    page, leaf = seen.page, seen.leaf
    if page is None:
        return None
    what = f"{seen.call}: expected that {seen.virtual:#x} leads to {page.frame * PAGE:#x}"
    if leaf is None:
        return f"{what}, seen that it does not: {seen.why}"
    if leaf.size != PAGE or leaf.paddr != page.frame * PAGE:
        return f"{what}, a page of 4 KiB, seen {leaf.paddr:#x}, a page of {leaf.size:#x} bytes"
    return None


def _rights(seen: Seen, ledger: Ledger) -> str | None:
    page, leaf, calls = seen.page, seen.leaf, seen.calls
    if page is None or leaf is None:
        return None
    facts = (
        ("written", calls.write, leaf.write, "w" in page.rights),
        ("executed", calls.no_execute, leaf.execute, "x" in page.rights),
        ("used by programs", calls.user, leaf.user, "u" in page.rights),
    )
    for word, known, is_so, should in facts:
        if known and is_so != should:
            may = ("can not", "can")
            return (
                f"{seen.call}: expected that {seen.virtual:#x} {may[should]} be {word} "
                f"({page.rights}), seen that it {may[is_so]}, by the entries of all levels"
            )
    return None


def _gone(seen: Seen, ledger: Ledger) -> str | None:
    if seen.page is not None or seen.leaf is None:
        return None
    return (
        f"{seen.call}: expected that nothing is at {seen.virtual:#x} any more, seen that it leads "
        f"to {seen.leaf.paddr:#x}"
    )


def _obeyed(seen: Seen, ledger: Ledger) -> str | None:
    if seen.page is not None and seen.other is not None:
        frame = seen.page.frame * PAGE
        return (
            f"{seen.call}: expected that {seen.virtual:#x} reads as frame {frame:#x}, to which the "
            f"tables lead, seen another byte at offset {seen.other}: {BEFORE}"
        )
    return disobeyed(seen.call, seen.accesses)


def _translated(seen: Seen, ledger: Ledger) -> str | None:
    if seen.translated is None:
        return None
    inside = INSIDE if seen.calls.translated == "exact" else 0
    expected = seen.calls.not_mapped if seen.page is None else seen.page.frame * PAGE + inside
    if seen.translated == expected:
        return None
    if seen.calls.translated == "entry":  # rights and all
        present, found = bool(seen.translated & P), seen.translated & ADDRESS
        if present == (seen.page is not None) and (not present or found == expected):
            return None
    return (
        f"{seen.calls.translate} of {seen.virtual + inside:#x} after {seen.call}: "
        f"expected {expected:#x}, seen {seen.translated:#x}"
    )


MAPPED: Final = Rule(
    "mapped",
    "The walk of the tables leads to the frame that was asked for (Intel SDM 3A 4.5.4).",
    _mapped,
)
RULES: Final[tuple[Rule[Seen], ...]] = (
    Rule("done", "What takes away from a mapping, or changes it, needs no memory.", _done),
    MAPPED,
    Rule(
        "rights",
        "Rights are those of all levels together: those that were asked for (Intel SDM 3A 4.6).",
        _rights,
    ),
    Rule("gone", "What was unmapped is not there any more.", _gone),
    Rule(
        "stale",
        "What was changed in the tables, the processor has to be told (Intel SDM 3A 4.10.4).",
        _obeyed,
    ),
    Rule("translated", "The kernel's own walk finds what the processor's does.", _translated),
)
"""Those of single operations, in the order in which they are tried."""

REFUSED: Final = Owed("refused", "What is there already is not replaced without a word.")
OTHERS: Final = Owed(
    "others", "A call changes what it was asked for: nothing else appears in the tables."
)
ROUNDS: Final = Owed(
    "rounds",
    "A page can be mapped and unmapped for ever: tables that went out of use are not lost.",
)
