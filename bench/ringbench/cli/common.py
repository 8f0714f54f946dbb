"""The options that every command which boots a machine has, and the configuration they make."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ringbench.config import Config, load, not_watched
from ringbench.errors import Ended, OutputError
from ringbench.files import require_place

if TYPE_CHECKING:
    from ringbench.machine import Machine

Command = TypeVar("Command", bound=Callable[..., Any])

_PATH = click.Path(path_type=Path)


def _placed(context: click.Context, parameter: click.Parameter, file: Path | None) -> Path | None:
    if file is None:
        return None
    # Of a name that no file can have these say no, where `Path.is_dir` raises.
    if os.path.isdir(file) or not os.path.isdir(file.absolute().parent):
        raise click.BadParameter(f"{file}: a folder, or in a folder that does not exist")
    try:
        require_place(file)
    except OutputError as error:
        raise click.BadParameter(str(error)) from None
    return file


def output_option(*names: str, help: str) -> Callable[[Command], Command]:
    """Return an option for a file to be written, refused at once where it has no place."""
    return click.option(*names, type=_PATH, callback=_placed, help=help)


_MEMORY = click.option("--memory", metavar="SIZE", help="Guest memory, like 64M or 6G.")
_CPU = click.option(
    "--cpu", metavar="NAME", help="QEMU's name of the processor, like max or qemu64."
)
_DISK = click.option(
    "--disk",
    "disks",
    metavar="TEXT",
    multiple=True,
    help="A disk as in machine.disks, like '4M virtio serial=swap'; may be given more than once.",
)
watch_option = click.option(
    "--watch",
    metavar="NAMES",
    help="Watch the kernel's memory accesses: heap, frames, translations, stacks, with commas, or "
    "`all` of these that the configuration has enough for. `unwritten` adds reads of heap memory "
    "that nobody has written.",
)
_KERNEL = (
    click.option(
        "--config",
        "config_file",
        type=_PATH,
        help="Configuration.  [default: ringbench.toml or pyproject.toml, here or above]",
    ),
    click.option("--elf", type=_PATH, help="The kernel's ELF file, with debug information."),
    click.option(
        "--image",
        type=_PATH,
        help="What is booted: an ELF file, an ISO, a disk image, an EFI application.",
    ),
)

_KEYS = {
    "elf": "kernel.elf",
    "image": "kernel.image",
    "memory": "machine.memory",
    "cpu": "machine.cpu",
    "disks": "machine.disks",
    "watch": "machine.watch",
}
"""Option -> the configuration key that it overrides."""


command_option = click.option(
    "--command",
    "lines",
    metavar="LINE",
    multiple=True,
    help="Have the kernel's console perform this first; may be given more than once.",
)

save_dump_option = output_option(
    "--save-dump", help="Leave the booted guest's physical memory in this file."
)


def machine_options(command: Command) -> Command:
    """Add the options to a command; `configured` takes their values."""
    for option in (_DISK, _CPU, _MEMORY, *reversed(_KERNEL)):
        command = option(command)
    return command


def machine_options_but_memory(command: Command) -> Command:
    """Add the options to a command whose machine's memory is its own."""
    for option in (_DISK, _CPU, *reversed(_KERNEL)):
        command = option(command)
    return command


def configured(**values: object) -> Config:
    """Load the configuration, with what the command line changes: the values of the options.

    What of "all" cannot be watched is said.

    Raises:
        ConfigError: the file or an option is wrong.
    """
    file = values["config_file"]
    assert file is None or isinstance(file, Path)
    changes = {key: values.get(option) for option, key in _KEYS.items()}
    config = load(file, {key: value for key, value in changes.items() if value not in (None, ())})
    for line in not_watched(config):
        click.echo(f"ringbench: not watched: {line}", err=True)
    return config


def watched_lines(guest: Machine) -> list[str]:
    """Return what was wrong with a guest's accesses to memory, as far as they are watched.

    Then how deep its stacks were used, and what could not be watched.
    """
    if not guest.config.machine.watch:
        return []
    from ringbench.microscope.findings import left_out

    with guest.stopped():
        lines = [line for each in guest.seen() for line in each.lines()]
        lines += [f"stack {each}" for each in guest.stack_use()]
        return [*lines, *(f"left out: {each}" for each in left_out(guest.microscope))]


@contextmanager
def dumping(machine: Machine, file: Path | None) -> Iterator[None]:
    """Save the guest's memory after the block, whether it ends well or not: results come first.

    Raises:
        MachineError: it cannot be written.
    """
    try:
        yield
    except Exception:
        if file is not None:
            machine.save_dump(file)
        raise
    if file is not None:
        machine.save_dump(file)


def bring_up(guest: Machine, lines: Iterable[str]) -> Ended | None:
    """Boot, have the console perform the lines, and return how the kernel ended, if badly."""
    try:
        guest.boot()
        type_lines(guest, lines)
        if guest.ended_badly():  # after it was ready
            guest.require_running("it was told anything more")
    except Ended as error:
        return error
    return None


def bring_up_to_look(guest: Machine, lines: Iterable[str]) -> Ended | None:
    """Do the same for a command that looks at a guest, also at what one that ended has left.

    Raises:
        Ended: there is nothing left to be looked at.
    """
    ended = bring_up(guest, lines)
    if ended is not None:
        if not guest.is_there:
            raise ended
        click.echo(f"ringbench: {ended}; this is what it left:", err=True)
    return ended


def type_lines(machine: Machine, lines: Iterable[str]) -> None:
    """Have the console perform the lines; what it replies goes to standard error.

    Raises:
        MachineError: the machine ended on the way, or hangs.
    """
    prompt = machine.config.kernel.prompt or "> "
    for line in lines:
        click.echo(f"{prompt}{line}\n{machine.command(line)}", err=True)
