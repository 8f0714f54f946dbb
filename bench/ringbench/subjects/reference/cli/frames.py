"""The reference kernel's part of `ringbench frames`."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from pathlib import Path

from ringbench.cli.look import show
from ringbench.config import Config
from ringbench.subjects.reference.cli.look import look, problems_of


def frames(
    config: Config, lines: Collection[str], as_json: bool, save_dump: Path | None, ranges: bool
) -> int:
    """Show physical memory by owner, as it is in a booted kernel.

    Exit status 1: a frame has no owner or two, or the frame allocator contradicts itself.
    """
    with look(config, lines, save_dump) as picture:
        from ringbench.subjects.reference.check.ownership import owners
        from ringbench.subjects.reference.report.frames import frames_json, frames_table

        claimed = owners(picture)
        table = partial(frames_table, picture, claimed, ranges=ranges)
        problems = problems_of(picture, ("pmm", "machine"))
        return show(table, partial(frames_json, picture, claimed), problems, as_json)
