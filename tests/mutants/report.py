"""The table of a campaign, and its totals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from tests.mutants.campaign import Result
from tests.mutants.mutant import Change, Mutant, Patch, Survivor, key_of


@dataclass(frozen=True, slots=True)
class Totals:
    """What a campaign comes to.

    Attributes:
        hand: hand-written mutants caught, and all of them.
        generated: the same of the generated ones that are not equivalent.
        equivalent: generated ones that are listed as no different from the right kernel.
        unlisted: mutants that were not caught and are not in the list of survivors, hand-written
            ones included.
        needless: in the list, but caught.
        stages: how many were caught where.
        classes: survivors by class.
    """

    hand: tuple[int, int]
    generated: tuple[int, int]
    equivalent: int
    unlisted: tuple[str, ...]
    needless: tuple[str, ...]
    stages: dict[str, int]
    classes: dict[str, int]

    @property
    def share(self) -> float:
        """Of the generated mutants that are not equivalent, those caught, in per cent."""
        caught, total = self.generated
        return 100 * caught / total if total else 100.0


def totals(
    mutants: Sequence[Mutant],
    results: dict[str, Result],
    known: dict[tuple[str, int, str, str], Survivor],
) -> Totals:
    """Count; mutants without a result, and those that do not build, are left out."""
    hand: Counter[bool] = Counter()
    made: Counter[bool] = Counter()
    classes: Counter[str] = Counter()
    stages: Counter[str] = Counter()
    unlisted, needless = [], []
    for mutant in mutants:
        result = results.get(mutant.name)
        if result is None and is_equivalent(mutant, known):
            classes["equivalent"] += 1
        if result is None or result.verdict == "no mutant":
            continue
        caught = result.verdict == "caught"
        listed = known.get(key_of(mutant)) if isinstance(mutant, Change) else None
        if caught:
            stages[result.stage] += 1
            if listed is not None:
                needless.append(mutant.name)
        elif listed is None:
            unlisted.append(mutant.name)
        else:
            classes[listed.kind] += 1
        if isinstance(mutant, Patch):
            hand[caught] += 1
        elif caught or listed is None or listed.kind != "equivalent":
            made[caught] += 1
    return Totals(
        (hand[True], hand.total()),
        (made[True], made.total()),
        classes["equivalent"],
        tuple(unlisted),
        tuple(needless),
        dict(stages),
        dict(classes),
    )


def is_equivalent(mutant: Mutant, known: dict[tuple[str, int, str, str], Survivor]) -> bool:
    """Whether a mutant is listed as no different from the right kernel."""
    listed = known.get(key_of(mutant)) if isinstance(mutant, Change) else None
    return listed is not None and listed.kind == "equivalent"


def line(result: Result) -> str:
    """A result in one line, as it comes."""
    what = result.check.splitlines()[-1] if result.check else ""
    where = f"{result.stage}: {what}" if what else result.stage
    return (
        f"{result.verdict:9} {result.seconds:6.1f} s {result.operations:8,} ops  "
        f"{result.name}  [{where[:120]}]"
    )


def as_table(mutants: Sequence[Mutant], results: dict[str, Result]) -> Table:
    """A row a mutant, in the order of the list."""
    table = Table("mutant", "mistake", "verdict", "caught by", "operations", "seconds")
    for mutant in mutants:
        if result := results.get(mutant.name):
            what = result.check.splitlines()[-1] if result.check else ""
            table.add_row(
                mutant.name,
                mutant.mistake[:80],
                result.verdict,
                f"{result.stage}: {what}"[:80],
                f"{result.operations:,}",
                f"{result.seconds:.1f}",
            )
    return table


def summary(found: Totals) -> str:
    """Some lines of figures."""
    lines = [
        f"hand-written: {found.hand[0]} of {found.hand[1]} caught",
        f"generated: {found.generated[0]} of {found.generated[1]} caught ({found.share:.1f} %); "
        f"{found.equivalent} more are equivalent",
        "caught by: " + ", ".join(f"{name} {count}" for name, count in found.stages.items()),
    ]
    if found.classes:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(found.classes.items()))
        lines.append(f"survivors listed: {kinds}")
    lines += [f"not caught and not in survivors.toml: {name}" for name in found.unlisted]
    lines += [f"in survivors.toml, but caught: {name}" for name in found.needless]
    return "\n".join(lines)
