"""`ringbench frames`: who owns physical memory."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from ringbench.subjects.reference.cli.look import look, look_options, problems_of, show


@click.command()
@look_options
@click.option("--ranges", is_flag=True, help="Also list which frames are whose.")
def frames(
    lines: tuple[str, ...],
    as_json: bool,
    save_dump: Path | None,
    ranges: bool,
    **machine: object,
) -> int:
    """Show physical memory by owner, as it is in a booted kernel.

    Exit status 1: a frame has no owner or two, or the frame allocator contradicts itself.
    """
    with look(lines, save_dump, **machine) as picture:
        from ringbench.subjects.reference.check.ownership import owners
        from ringbench.subjects.reference.report.frames import frames_json, frames_table

        claimed = owners(picture)
        table = partial(frames_table, picture, claimed, ranges=ranges)
        problems = problems_of(picture, ("pmm", "machine"))
        return show(table, partial(frames_json, picture, claimed), problems, as_json)
