"""Coverage as a terminal table: a row a folder, below it the files that are not wholly covered."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ringbench.coverage.ranges import Range
from ringbench.coverage.summary import FileCoverage, Total, by_folder


def as_table(files: tuple[FileCoverage, ...]) -> RenderableType:
    """Lines with code, those that ran, and the numbers of those that did not."""
    table = Table("kernel code", box=None, pad_edge=False)
    for column in ("lines", "ran", "%"):
        table.add_column(column, justify="right")
    table.add_column("did not run", overflow="fold")
    for folder, members in by_folder(files):
        table.add_row(folder, *_figures(Total.of(members)), "")
        for file in members:
            if file.missing:
                name = file.path.removeprefix(folder + "/")
                figures = _figures(Total.of([file]))
                table.add_row(f"  {name}", *figures, stretches(file.missing), style="dim")
    table.add_section()
    table.add_row("all", *_figures(Total.of(files)), "", style="bold")
    return Group(table, Text("Files that ran whole are not listed.", style="dim"))


def _figures(total: Total) -> tuple[str, str, str]:
    return f"{total.lines:,}", f"{total.ran:,}", percent(total)


def percent(total: Total) -> str:
    """The share that ran, never rounded up: 100 means every line."""
    return f"{int(total.percent * 10) / 10:.1f}"


def stretches(missing: Iterable[Range]) -> str:
    """Lines as text: `12, 20-24`."""
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in missing)
