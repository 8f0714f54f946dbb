"""What came of many flips: a tally for each structure, and every flip that was missed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from ringbench.check.mismatch import MACHINE, Mismatch
from ringbench.subjects.reference.flips.free import FREE
from ringbench.subjects.reference.flips.structure import Flip
from ringbench.subjects.reference.vocabulary.operations.table import LAYERS


class Verdict(StrEnum):
    """What the check made of a flip."""

    NAMED = "named"  # caught, and a mismatch of the right layer names the place
    MISNAMED = "misnamed"  # caught, but not that
    FREE = "free"  # of no meaning, and not caught
    MISSED = "missed"


def judge(flip: Flip, mismatches: Iterable[Mismatch]) -> Verdict:
    """Say what mismatches amount to that came of a flip and nothing else."""
    found = list(mismatches)
    place = re.compile(rf"(?<!\w){re.escape(flip.place)}(?!\w)")
    if any(each.layer == flip.layer and place.search(each.where) for each in found):
        return Verdict.NAMED
    if found:
        return Verdict.MISNAMED
    return Verdict.MISSED if flip.must_be_caught else Verdict.FREE


@dataclass(frozen=True, slots=True)
class Row:
    """The tally of one structure; `free` are those of no meaning that were not caught."""

    structure: str
    layer: str
    flips: int
    named: int
    misnamed: int
    free: int
    missed: int

    @property
    def caught(self) -> int:
        """How many were noticed at all."""
        return self.named + self.misnamed


@dataclass(frozen=True, slots=True)
class FlipsResult:
    """All flips of one call.

    Attributes:
        seed: what they were drawn from.
        seconds: from the first boot to the end.
        states: how many states of the kernel they were made in, and what each had, for people.
        rows: a tally for each structure, bottom layer first.
        free_kinds: of each kind of free bits (by name): flips that fell on it, and how many of
            those were caught nevertheless.
        misnamed, missed: the flips themselves, each with the mismatches that came of it in words.
    """

    seed: int
    seconds: float
    states: tuple[str, ...]
    rows: tuple[Row, ...]
    free_kinds: dict[str, tuple[int, int]]
    misnamed: tuple[str, ...]
    missed: tuple[str, ...]

    @property
    def total(self) -> Row:
        """The sum of all rows."""
        columns = zip(
            *((row.flips, row.named, row.misnamed, row.free, row.missed) for row in self.rows),
            strict=True,
        )
        return Row("all", "", *(sum(column) for column in columns))

    @property
    def passed(self) -> bool:
        """Whether every flip that means something was caught."""
        return not self.missed


@dataclass(slots=True)
class Tally:
    """A result in the making."""

    counts: dict[tuple[str, str], dict[Verdict, int]] = field(default_factory=dict)
    free_kinds: dict[str, tuple[int, int]] = field(
        default_factory=lambda: {kind.name: (0, 0) for kind in FREE}
    )
    misnamed: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    def add(self, flip: Flip, mismatches: list[Mismatch]) -> None:
        """Count a flip."""
        verdict = judge(flip, mismatches)
        key = flip.structure, flip.layer
        self.counts.setdefault(key, dict.fromkeys(Verdict, 0))[verdict] += 1
        if flip.free is not None:
            flips, caught = self.free_kinds[flip.free.name]
            self.free_kinds[flip.free.name] = flips + 1, caught + bool(mismatches)
        if verdict is Verdict.MISSED:
            self.missed.append(str(flip))
        elif verdict is Verdict.MISNAMED:
            said = "; ".join(str(each) for each in mismatches[:3])
            self.misnamed.append(f"{flip}: {said}")

    def result(self, seed: int, seconds: float, states: Iterable[str]) -> FlipsResult:
        """Return what was counted."""
        rows = [
            Row(
                structure,
                layer,
                sum(counts.values()),
                counts[Verdict.NAMED],
                counts[Verdict.MISNAMED],
                counts[Verdict.FREE],
                counts[Verdict.MISSED],
            )
            for (structure, layer), counts in self.counts.items()
        ]
        rows.sort(key=lambda row: (*LAYERS, MACHINE).index(row.layer))
        return FlipsResult(
            seed,
            seconds,
            tuple(states),
            tuple(rows),
            self.free_kinds,
            tuple(self.misnamed),
            tuple(self.missed),
        )
