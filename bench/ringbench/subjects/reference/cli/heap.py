"""The reference kernel's part of `ringbench heap`."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from pathlib import Path

from ringbench.cli.look import show
from ringbench.config import Config
from ringbench.subjects.reference.cli.look import look, problems_of


def heap(config: Config, lines: Collection[str], as_json: bool, save_dump: Path | None) -> int:
    """List the kernel heap's nodes and free lists, as they are in a booted kernel.

    Exit status 1: the heap contradicts itself.
    """
    with look(config, lines, save_dump) as picture:
        from ringbench.subjects.reference.report.heap import heap_json, heap_table

        seen, problems = picture.heap, problems_of(picture, ("heap",))
        return show(partial(heap_table, seen), partial(heap_json, seen), problems, as_json)
