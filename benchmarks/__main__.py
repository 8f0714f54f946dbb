"""Run the benchmarks: one table, build/perf.json, and the exact figures' baseline.

python -m benchmarks              everything
python -m benchmarks --exact      instruction counts only
python -m benchmarks --update     instruction counts, and make them the baseline
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from benchmarks import baseline, instructions, wallclock
from benchmarks.figure import Figure
from ringbench.config import Config, load
from ringbench.errors import RingbenchError

WIDTH = 100


def table(figures: Sequence[Figure]) -> Table:
    """The figures as a table for people."""
    result = Table("figure", title="make perf")
    result.add_column("value", justify="right")
    result.add_column("unit")
    result.add_column("goal", justify="right")
    result.add_column("met")
    marks = {None: "", True: "[green]yes[/]", False: "[red]NO[/]"}
    for figure in figures:
        bound = "≤" if figure.goal_is == "at most" else "≥"
        result.add_row(
            figure.name,
            f"{figure.value:.2f}".rstrip("0").rstrip("."),
            figure.unit,
            "" if figure.goal is None else f"{bound} {figure.goal:g}",
            marks[figure.met],
        )
    return result


def summary(figures: Sequence[Figure], old: baseline.Baseline, compiler: str) -> list[str]:
    """How many goals are met, and which exact figures have grown."""
    with_goal = [figure for figure in figures if figure.met is not None]
    met = sum(figure.met is True for figure in with_goal)
    lines = [f"{met} of {len(with_goal)} goals met"]
    lines += [f"grown: {growth}" for growth in baseline.grown(old, figures, compiler)]
    return lines


def measure(config: Config, *, clock: bool) -> list[Figure]:
    """All figures, or the exact ones only."""
    figures = list(instructions.measure(config))
    if clock:
        for measurement in wallclock.MEASUREMENTS:
            figures.extend(measurement(config))
    return figures


@click.command()
@click.option("--exact", is_flag=True, help="Only what is counted in instructions.")
@click.option("--update", is_flag=True, help="Make the exact figures the new baseline.")
@click.option(
    "--json", "json_path", type=click.Path(path_type=Path), default=Path("build/perf.json")
)
def main(exact: bool, update: bool, json_path: Path) -> None:
    """Measure, and print one table."""
    console = Console(width=None if Console().is_terminal else WIDTH)
    try:
        config = load()
        figures = measure(config, clock=not (exact or update))
        compiler = baseline.compiler_of(config.kernel.elf)
        if update:
            baseline.save(figures, compiler)
        old = baseline.load()
    except RingbenchError as error:
        click.echo(f"error: {error}", err=True)
        raise SystemExit(error.exit_code) from None
    json_path.parent.mkdir(parents=True, exist_ok=True)
    json_path.write_text(json.dumps([figure.as_json() for figure in figures], indent=1) + "\n")
    console.print(table(figures))
    for line in summary(figures, old, compiler):
        console.print(line, highlight=False)
    console.print(f"written to {json_path}", highlight=False)


if __name__ == "__main__":
    main()
