"""The sub-commands of `ringbench`, each loaded when it is used."""

from __future__ import annotations

import importlib
from typing import Final, NamedTuple

import click


class Command(NamedTuple):
    """Where a sub-command is, a function of the module's name, and its line of help."""

    module: str
    help: str


COMMANDS: Final = {
    "init": Command("ringbench.cli.init", "Write a configuration for a kernel."),
    "boot": Command("ringbench.cli.boot", "Boot, show the log, and say how it went."),
    "console": Command("ringbench.cli.console", "The kernel's console on this terminal."),
    "debug": Command("ringbench.cli.debug", "GDB on this terminal, the kernel at its beginning."),
    "run": Command("ringbench.cli.run", "Boot, drive and compare with the model."),
    "starve": Command("ringbench.cli.starve", "Let every allocation fail once."),
    "hunt": Command("ringbench.cli.hunt", "Search for bugs until the time is over."),
    "replay": Command(
        "ringbench.cli.replay", "Perform saved sequences line by line; end at the first wrong one."
    ),
    "flips": Command(
        "ringbench.subjects.reference.cli.flips",
        "Flip single bits of the kernel's memory; see each caught.",
    ),
    "why": Command("ringbench.cli.why", "Boot, and say how it ended, and why."),
    "watch": Command("ringbench.cli.watch", "Boot, and say who wrote to a place in memory."),
    "doctor": Command("ringbench.cli.doctor", "Say which tools are here, and what works."),
    "pages": Command("ringbench.cli.pages", "Mapped ranges of an address space."),
    "translate": Command(
        "ringbench.cli.translate", "One address through every level of the page tables."
    ),
    "frames": Command("ringbench.cli.frames", "Physical frames by owner."),
    "heap": Command("ringbench.cli.heap", "The kernel heap's nodes."),
    "spaces": Command("ringbench.cli.spaces", "Address spaces and their regions."),
    "explain": Command(
        "ringbench.subjects.reference.cli.explain",
        "An operation's way through the kernel's layers, and what it changed.",
    ),
    "boot-map": Command(
        "ringbench.subjects.reference.cli.boot_map",
        "One boot with a memory map that no honest loader passes.",
    ),
}
"""Every sub-command, in the order of the help."""


class Escaped(BaseException):
    """Carries an exception past click, which would end the process with status 1."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error


class LazyCommands(click.Group):
    """A group that imports a command's module when that command is called, for a quick start."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of the table above."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, from its own module."""
        if cmd_name not in COMMANDS:
            return None
        module = COMMANDS[cmd_name].module
        command = getattr(importlib.import_module(module), module.rpartition(".")[2])
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Perform the command that was named.

        Raises:
            Escaped: it raised what click has an ending of its own for.
        """
        try:
            return super().invoke(ctx)
        except (OSError, EOFError, KeyboardInterrupt) as error:
            raise Escaped(error) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table above, without loading anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, each.help) for name, each in COMMANDS.items()])


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ringbench")
@click.option("--debug", is_flag=True, help="Print the traceback of an error that is the bench's.")
@click.pass_obj
def cli(settings: dict[str, bool] | None, debug: bool) -> None:
    """Drive a kernel in QEMU, read its memory management back, and check it against a model."""
    if settings is not None:
        settings["debug"] = debug
