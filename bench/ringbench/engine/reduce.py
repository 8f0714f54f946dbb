"""Making a failing sequence shorter and its numbers plainer, by trying.

Delta debugging (Zeller and Hildebrandt, 2002): take away ever smaller pieces, keep what still
fails. Each operation names what is there by number, and taking an earlier one away may move that;
so some pieces that could go only go together, which the passes over pairs and numbers find.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import combinations
from typing import Any, Final

from ringbench.engine.runner import AnyRunner, Failure, Operations
from ringbench.machine import Deadline

Fails = Callable[[Operations], bool]
"""Whether a sequence still fails in the same way."""

TRIES: Final = 1500
"""How often the sequence of one cause is tried in a smaller form, at most."""

SHRINK_SECONDS: Final = 120.0
"""Seconds that making one cause smaller takes at most: a kernel that hangs takes ten a try."""

PAIRS: Final = 24
"""Sequences up to this long are tried without any two of their operations."""

Plainer = Callable[[Any], Iterable[Any]]
"""The subject's: gives operations that say the same with plainer values, plainest first."""


def locate(runner: AnyRunner, failure: Failure) -> Failure:
    """Return the failure of the shortest beginning of its sequence that leaves memory wrong.

    If none does, not the whole sequence either, it is the failure itself, which does not repeat.

    Raises:
        RingbenchError: no kernel can be started.
    """
    best, right, wrong = replace(failure, repeats=False), 0, len(failure.operations) + 1
    while wrong - right > 1:
        middle = (right + wrong) // 2
        found = runner.play(failure.operations[:middle], whole=failure.whole)
        if found is None:
            right = middle
        else:
            best, wrong = found, min(middle, len(found.operations))
    return best


def shrink(runner: AnyRunner, failure: Failure) -> Failure:
    """Return the smallest sequence that fails in the same way, as far as it is found by trying.

    What parts of it fail in other ways, it has as its `faces`.

    Raises:
        RingbenchError: no kernel can be started.
    """
    best, tries, deadline = failure, 0, Deadline(SHRINK_SECONDS if failure.repeats else 0.0)
    faces: set[str] = set()

    def fails(operations: Operations) -> bool:
        nonlocal best, tries
        tries += 1
        if tries > TRIES or deadline.expired:
            return False
        found = runner.play(operations, whole=failure.whole)
        if found is None:
            return False
        if found.key != failure.key:
            faces.add(found.key)
            return False
        best = found
        return True

    reduce(failure.operations, fails, runner.subject.plainer)
    return replace(best, faces=frozenset(faces))


def reduce(sequence: Operations, fails: Fails, plainer: Plainer) -> Operations:
    """Return a sequence that fails, of which no single operation can be left out."""
    while True:
        shorter = _without_pieces(sequence, fails)
        if len(shorter) <= PAIRS:
            shorter = _without_pairs(shorter, fails)
        plain = _with_plainer_values(shorter, fails, plainer)
        if plain == sequence:
            return sequence
        sequence = plain


def _without_pieces(sequence: Operations, fails: Fails) -> Operations:
    size = max(1, len(sequence) // 2)
    while size:
        end = len(sequence)
        while end > 0:  # from the end: what comes last depends on the most
            start = max(0, end - size)
            shorter = sequence[:start] + sequence[end:]
            if fails(shorter):
                sequence = shorter
            end = start
        size //= 2
    return sequence


def _without_pairs(sequence: Operations, fails: Fails) -> Operations:
    for first, second in combinations(range(len(sequence)), 2):
        shorter = sequence[:first] + sequence[first + 1 : second] + sequence[second + 1 :]
        if fails(shorter):
            return _without_pairs(shorter, fails)
    return sequence


def _with_plainer_values(sequence: Operations, fails: Fails, plainer: Plainer) -> Operations:
    for position, operation in enumerate(sequence):
        for other in plainer(operation):
            changed = (*sequence[:position], other, *sequence[position + 1 :])
            if fails(changed):
                sequence = changed
                break
    return sequence
