"""Flipped bits as a table and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ringbench.report.tables import rest
from ringbench.subjects.reference.flips.free import FREE
from ringbench.subjects.reference.flips.result import FlipsResult, Row

SHOWN = 20
"""Missed and misnamed flips printed on the terminal; JSON has all of them."""


def flips_table(result: FlipsResult) -> RenderableType:
    """A row a structure, a row a kind of free bits, and each flip that was not as it must be."""
    table = Table("layer", "structure")
    for column in ("flips", "free", "caught", "named exactly", "missed"):
        table.add_column(column, justify="right")
    for row in result.rows:
        table.add_row(row.layer, row.structure, *_columns(row))
    table.add_section()
    table.add_row("all", "", *_columns(result.total))
    states = "\n".join(result.states)
    return Group(Text(headline(result)), Text(states), table, _free_table(result), *_wrong(result))


def headline(result: FlipsResult) -> str:
    """One line on what came of it."""
    row = result.total
    meant = row.flips - row.free
    return (
        f"seed {result.seed}: {row.flips:,} flips in {len(result.states)} states, "
        f"{result.seconds:.1f} s; of {meant:,} that mean something {_share(row.caught, meant)} "
        f"caught, {_share(row.named, meant)} with layer and place"
    )


def _share(part: int, whole: int) -> str:
    return f"{part:,} ({part / whole:.2%})" if whole else "0"


def _columns(row: Row) -> list[str]:
    numbers = (row.flips, row.free, row.caught, row.named, row.missed)
    return [f"{number:,}" if number else "-" for number in numbers]


def _free_table(result: FlipsResult) -> Table:
    table = Table("bits that are free by nature", "why")
    table.add_column("flips", justify="right")
    table.add_column("caught all the same", justify="right")
    for kind in FREE:
        flips, caught = result.free_kinds.get(kind.name, (0, 0))
        table.add_row(kind.name, kind.reason, f"{flips:,}", f"{caught:,}" if caught else "-")
    return table


def _wrong(result: FlipsResult) -> Iterator[RenderableType]:
    for word, flips in (("MISSED", result.missed), ("not named", result.misnamed)):
        for flip in flips[:SHOWN]:
            yield Text(f"{word}: {flip}", style="red")
        yield from rest(len(flips), SHOWN, f" {word}")


def flips_json(result: FlipsResult) -> dict[str, Any]:
    """Return the result of flips as plain data, rows and totals spelled out."""
    return {
        "seed": result.seed,
        "seconds": round(result.seconds, 3),
        "passed": result.passed,
        "states": list(result.states),
        "all": _row(result.total),
        "structures": [
            {"layer": row.layer, "structure": row.structure} | _row(row) for row in result.rows
        ],
        "free": [
            {
                "bits": kind.name,
                "why": kind.reason,
                "must_be_caught": kind.compared,
                "flips": result.free_kinds.get(kind.name, (0, 0))[0],
                "caught": result.free_kinds.get(kind.name, (0, 0))[1],
            }
            for kind in FREE
        ],
        "missed": list(result.missed),
        "misnamed": list(result.misnamed),
    }


def _row(row: Row) -> dict[str, int]:
    return {
        "flips": row.flips,
        "free": row.free,
        "caught": row.caught,
        "named": row.named,
        "missed": row.missed,
    }
