"""Coverage as a terminal table: a row a folder, below it the files that are not wholly covered."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ringbench.coverage.ranges import Range
from ringbench.coverage.summary import FileCoverage, Total, by_folder


def as_table(files: tuple[FileCoverage, ...]) -> RenderableType:
    """Lines with code, those that ran, and the numbers of those that did not.

    Of conditional jumps, if they were recorded, how many ways they have, and how many they went.
    """
    table = Table("kernel code", box=None, pad_edge=False)
    has_ways = any(file.jumps is not None for file in files)
    for column in ("lines", "ran", "%", *(("ways", "went", "%") if has_ways else ())):
        table.add_column(column, justify="right")
    table.add_column("did not run", overflow="fold")
    for folder, members in by_folder(files):
        table.add_row(folder, *_figures(Total.of(members), has_ways), "")
        for file in members:
            if file.missing:
                name = file.path.removeprefix(folder + "/")
                figures = _figures(Total.of([file]), has_ways)
                table.add_row(f"  {name}", *figures, stretches(file.missing), style="dim")
    table.add_section()
    table.add_row("all", *_figures(Total.of(files), has_ways), "", style="bold")
    return Group(table, Text("Files that ran whole are not listed.", style="dim"))


def _figures(total: Total, has_ways: bool) -> tuple[str, ...]:
    lines = f"{total.lines:,}", f"{total.ran:,}", percent(total)
    share = 100 * total.went / total.ways if total.ways else 100.0
    ways = f"{total.ways:,}", f"{total.went:,}", f"{int(share * 10) / 10:.1f}"
    return (*lines, *(ways if has_ways else ()))


def percent(total: Total) -> str:
    """The share that ran, never rounded up: 100 means every line."""
    return f"{int(total.percent * 10) / 10:.1f}"


def stretches(missing: Iterable[Range]) -> str:
    """Lines as text: `12, 20-24`."""
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in missing)
