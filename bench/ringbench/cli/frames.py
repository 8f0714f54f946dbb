"""`ringbench frames`: who owns physical memory."""

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
@click.option("--ranges", is_flag=True, help="Also list which frames are whose.")
def frames(
    lines: tuple[str, ...],
    as_json: bool,
    save_dump: Path | None,
    ranges: bool,
    **machine: object,
) -> int:
    """Show physical memory by owner, as it is in a booted kernel.

    Of this tree's kernel, or of any whose [layout.frames] is told. Exit status 1: the frame
    allocator contradicts itself, or somebody has what it calls free.
    """

    def shown(picture: LayoutPicture) -> Shown:
        from ringbench.check.layout import check_layout
        from ringbench.check.layout_frames import frame_owners
        from ringbench.report.layout import frames_json, frames_table

        owners = frame_owners(picture)
        problems = check_layout(picture, ("frames",))
        table = partial(frames_table, picture, owners, ranges=ranges)
        return table, partial(frames_json, picture, owners), problems

    return look("frames", shown, lines, as_json, save_dump, machine, ranges=ranges)
