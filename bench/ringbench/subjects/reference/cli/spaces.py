"""The reference kernel's part of `ringbench spaces`."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from pathlib import Path

from ringbench.cli.look import show
from ringbench.config import Config
from ringbench.subjects.reference.cli.look import look, problems_of


def spaces(config: Config, lines: Collection[str], as_json: bool, save_dump: Path | None) -> int:
    """List the address spaces of a booted kernel, their regions, and the tasks.

    Exit status 1: regions, page tables or tasks contradict each other.
    """
    with look(config, lines, save_dump) as picture:
        from ringbench.subjects.reference.report.spaces import spaces_json, spaces_table

        problems = problems_of(picture, ("paging", "vmm", "task"))
        table, data = partial(spaces_table, picture), partial(spaces_json, picture)
        return show(table, data, problems, as_json)
