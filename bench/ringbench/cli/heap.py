"""`ringbench heap`: the kernel heap's nodes."""

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
def heap(lines: tuple[str, ...], as_json: bool, save_dump: Path | None, **machine: object) -> int:
    """List the kernel heap's nodes and free lists, as they are in a booted kernel.

    Of this tree's kernel, or of any whose [layout.heap] is told. Exit status 1: the heap
    contradicts itself.
    """

    def shown(picture: LayoutPicture) -> Shown:
        from ringbench.check.layout import check_layout
        from ringbench.report.layout import heap_json, heap_table

        problems = check_layout(picture, ("heap",))
        return partial(heap_table, picture), partial(heap_json, picture), problems

    return look("heap", shown, lines, as_json, save_dump, machine)
