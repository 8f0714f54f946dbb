"""The options that every command which boots a machine has, and the configuration they make."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ringbench.config import Config, load

Command = TypeVar("Command", bound=Callable[..., Any])

_PATH = click.Path(path_type=Path)

_OPTIONS = (
    click.option(
        "--config",
        "config_file",
        type=_PATH,
        help="Configuration.  [default: ringbench.toml or pyproject.toml, here or above]",
    ),
    click.option("--elf", type=_PATH, help="The kernel's 64-bit ELF file, with debug information."),
    click.option("--image", type=_PATH, help="What QEMU boots: a 32-bit ELF file or an ISO."),
    click.option("--memory", metavar="SIZE", help="Guest memory, like 64M or 6G."),
    click.option("--cpu", metavar="NAME", help="QEMU's name of the processor, like max or qemu64."),
)

_KEYS = {
    "elf": "kernel.elf",
    "image": "kernel.image",
    "memory": "machine.memory",
    "cpu": "machine.cpu",
}
"""Option -> the configuration key that it overrides."""


def machine_options(command: Command) -> Command:
    """Add the options to a command; `configured` takes their values."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def configured(**values: object) -> Config:
    """Load the configuration, with what the command line changes: the values of the options.

    Raises:
        ConfigError: the file or an option is wrong.
    """
    file = values["config_file"]
    assert file is None or isinstance(file, Path)
    changes = {key: values[option] for option, key in _KEYS.items()}
    return load(file, {key: value for key, value in changes.items() if value is not None})
