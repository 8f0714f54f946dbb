"""Where the commands print: tables, JSON, and how far they are."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from rich.console import Console

PLAIN_WIDTH: Final = 120
"""Columns of a table that does not go to a terminal: wide enough that no address is cut."""

Tell = Callable[[str, int, int], None]
"""Takes what is being done, how much of it is done, and how much there is to do."""


def console() -> Console:
    """Return where tables go: the terminal at its width, or a file at one that cuts nothing."""
    from rich.console import Console

    terminal = Console()
    return terminal if terminal.is_terminal else Console(width=PLAIN_WIDTH)


def write_json(data: dict[str, Any]) -> None:
    """Write an object to standard output, element by element."""
    from ringbench.report.pages import json_lines

    sys.stdout.writelines(f"{line}\n" for line in json_lines(data))
    sys.stdout.flush()


@contextmanager
def progress_bar() -> Iterator[Tell]:
    """Show a bar on standard error as long as a `with` lasts, which gets what moves it."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(
        *columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True
    ) as bar:
        task = bar.add_task("boot", total=None)
        yield lambda what, done, total: bar.update(
            task, description=what, completed=done, total=total
        )
