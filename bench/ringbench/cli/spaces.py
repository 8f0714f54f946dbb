"""`ringbench spaces`: address spaces and their regions."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ringbench.cli.look import Shown, look, look_options

if TYPE_CHECKING:
    from ringbench.observe.layout.picture import LayoutPicture


@click.command()
@look_options
def spaces(lines: tuple[str, ...], as_json: bool, save_dump: Path | None, **machine: object) -> int:
    """List the address spaces of a booted kernel, their regions, and the tasks.

    Of this tree's kernel, or of any whose [layout.spaces] or [layout.tasks] is told. Exit status 1:
    regions, page tables or tasks contradict each other.
    """

    def shown(picture: LayoutPicture) -> Shown:
        from ringbench.check.layout import check_layout
        from ringbench.report.layout import spaces_json, spaces_table

        problems = check_layout(picture, ("spaces",))
        return partial(spaces_table, picture), partial(spaces_json, picture), problems

    return look("spaces", shown, lines, as_json, save_dump, machine)
