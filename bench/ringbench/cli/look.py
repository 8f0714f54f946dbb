"""What `frames`, `heap` and `spaces` share: boot, find who knows the kernel, take a picture, print.

The reference kernel's is its subject's; of any other kernel a `[layout]` tells. What reads and
prints a picture is loaded only when it is needed: nothing of that comes before the boot.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ringbench.check.mismatch import Mismatch
from ringbench.cli.common import (
    bring_up_to_look,
    command_option,
    configured,
    dumping,
    machine_options,
    save_dump_option,
)
from ringbench.cli.output import console, write_json
from ringbench.config import Config

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ringbench.observe.layout.picture import LayoutPicture

Command = TypeVar("Command", bound=Callable[..., Any])
Shown = tuple[Callable[[], "RenderableType"], Callable[[], dict[str, Any]], list[Mismatch]]
"""What makes the table, what makes the data, and what is wrong."""

_OPTIONS = (
    command_option,
    click.option("--json", "as_json", is_flag=True, help="Print JSON."),
    save_dump_option,
)


def look_options(command: Command) -> Command:
    """Add the options to a command; `look` takes their values."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return machine_options(command)


def look(
    part: str,
    of: Callable[[LayoutPicture], Shown],
    lines: Collection[str],
    as_json: bool,
    save_dump: Path | None,
    machine: Mapping[str, object],
    **more: object,
) -> int:
    """Boot the configured kernel, show a part of its state, and return the exit status.

    `part` is the command's name; `of` makes what is shown of a picture by `[layout]`. `machine` are
    the values of the machine's options; a subject gets `more` in addition.

    Raises:
        ConfigError: the configuration is wrong, or does not say where the kernel's state is.
        RingbenchError: the machine could not start, died or hung.
    """
    config = configured(**machine)
    if getattr(config.layout, part) is None and not (part == "spaces" and config.layout.tasks):
        from ringbench.subjects import load_look

        shown: int = load_look(config, part)(config, lines, as_json, save_dump, **more)
        return shown
    return _by_layout(config, of, lines, as_json, save_dump)


def _by_layout(
    config: Config,
    of: Callable[[LayoutPicture], Shown],
    lines: Collection[str],
    as_json: bool,
    save_dump: Path | None,
) -> int:
    from ringbench.machine import Machine

    with ExitStack() as stack:
        guest = stack.enter_context(Machine.launch(config))
        ended = bring_up_to_look(guest, lines)
        stack.enter_context(guest.stopped())
        stack.enter_context(dumping(guest, save_dump))
        from ringbench.observe.layout.picture import take_from

        status = show(*of(take_from(guest)), as_json)
        if ended is not None:
            raise ended
        return status


def show(
    table: Callable[[], RenderableType],
    data: Callable[[], dict[str, Any]],
    problems: list[Mismatch],
    as_json: bool,
) -> int:
    """Print the table or the data, made only if wanted, and what is broken; the exit status.

    It is 1 if anything is broken.
    """
    if as_json:
        found = [{name: getattr(each, name) for name in Mismatch.__slots__} for each in problems]
        write_json(data() | {"problems": found})
    else:
        from rich.console import Group
        from rich.text import Text

        console().print(Group(table(), *(Text(str(each), style="bold red") for each in problems)))
    return 1 if problems else 0
