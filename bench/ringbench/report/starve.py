"""What starving found, as a terminal table."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from ringbench.engine.starve.result import Starved, StarveResult
from ringbench.report.tables import verdict


def as_table(result: StarveResult) -> RenderableType:
    """A row for each operation, and under them how the kernel was caught."""
    table = Table("case", "operation")
    for column in ("taken", "failed", "forced"):
        table.add_column(column, justify="right")
    table.add_column("verdict")
    for each in result.starved:
        table.add_row(*_row(each), verdict(each.caught is None))
    table.add_section()
    table.add_row(
        "all",
        f"{len(result.starved):,} of {result.operations:,} operations",
        "",
        f"{sum(each.failed for each in result.starved):,}",
        f"{sum(each.forced for each in result.starved):,}",
        verdict(result.passed),
    )
    return Group(table, *(Text(str(caught)) for caught in result.caught))


def _row(starved: Starved) -> tuple[str, str, str, str, str]:
    counts = ("", "", "")
    if starved.caught is None:
        counts = (f"{starved.taken:,}", f"{starved.failed:,}", f"{starved.forced:,}")
    return escape(starved.case), escape(starved.operation), *counts
