"""`ringbench heap`: the kernel heap's nodes."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from ringbench.subjects.reference.cli.look import look, look_options, problems_of, show


@click.command()
@look_options
def heap(lines: tuple[str, ...], as_json: bool, save_dump: Path | None, **machine: object) -> int:
    """List the kernel heap's nodes and free lists, as they are in a booted kernel.

    Exit status 1: the heap contradicts itself.
    """
    with look(lines, save_dump, **machine) as picture:
        from ringbench.subjects.reference.report.heap import heap_json, heap_table

        seen, problems = picture.heap, problems_of(picture, ("heap",))
        return show(partial(heap_table, seen), partial(heap_json, seen), problems, as_json)
