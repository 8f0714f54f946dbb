"""`ringbench spaces`: address spaces and their regions."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from ringbench.subjects.reference.cli.look import look, look_options, problems_of, show


@click.command()
@look_options
def spaces(lines: tuple[str, ...], as_json: bool, save_dump: Path | None, **machine: object) -> int:
    """List the address spaces of a booted kernel, their regions, and the tasks.

    Exit status 1: regions, page tables or tasks contradict each other.
    """
    with look(lines, save_dump, **machine) as picture:
        from ringbench.subjects.reference.report.spaces import spaces_json, spaces_table

        problems = problems_of(picture, ("paging", "vmm", "task"))
        table, data = partial(spaces_table, picture), partial(spaces_json, picture)
        return show(table, data, problems, as_json)
