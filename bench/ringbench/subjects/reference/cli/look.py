"""What `frames`, `heap` and `spaces` share: boot, run console lines, take the picture, print.

These commands and what they share load what reads and prints a picture only when they need it: a
table costs no JSON command anything, and nothing of that comes before the boot.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ringbench.check.mismatch import Mismatch
from ringbench.cli.common import (
    command_option,
    configured,
    dumping,
    machine_options,
    save_dump_option,
    type_lines,
)
from ringbench.cli.output import console, write_json
from ringbench.subjects.reference.vocabulary.required import require_reference

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ringbench.subjects.reference.observe.picture import Picture

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    command_option,
    click.option("--json", "as_json", is_flag=True, help="Print JSON."),
    save_dump_option,
)


def look_options(command: Command) -> Command:
    """Add the options to a command; `look` and `show` take their values."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return machine_options(command)


@contextmanager
def look(lines: Collection[str], save_dump: Path | None, **machine: object) -> Iterator[Picture]:
    """Boot the configured kernel, have its console perform the lines, and take its picture.

    What the console replies goes to standard error. The dump is written after the block.

    Raises:
        ConfigError: the configuration is wrong, or says that the kernel's state can't be read.
        RingbenchError: the machine could not start, died or hung.
    """
    config = configured(**machine)
    require_reference(config)
    from ringbench.debuginfo.dwarf import Types
    from ringbench.machine import Machine

    types = Types.load(config.kernel.elf)
    with Machine.start(config) as guest:
        type_lines(guest, lines)
        with dumping(guest, save_dump):
            from ringbench.subjects.reference.observe.picture import take_from

            yield take_from(guest, types)


def problems_of(picture: Picture, layers: Collection[str]) -> list[Mismatch]:
    """Return the broken invariants of some layers."""
    from ringbench.subjects.reference.check.invariants import check_invariants

    return [mismatch for mismatch in check_invariants(picture) if mismatch.layer in layers]


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
