"""The command `ringbench`: sub-commands, loaded when they are used, and the exit status.

0 all match; 1 mismatch; 2 usage or configuration; 3 the machine could not start, died or hung, or
the user interrupted.
"""

from __future__ import annotations

import importlib
import sys
from typing import Final, NamedTuple

import click


class Command(NamedTuple):
    """Where a sub-command is, a function of the module's name, and its line of help."""

    module: str
    help: str


COMMANDS: Final = {
    "boot": Command("ringbench.cli.boot", "Boot, show the log, and say how it went."),
    "console": Command("ringbench.cli.console", "The kernel's console on this terminal."),
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
    "pages": Command("ringbench.cli.pages", "Mapped ranges of an address space."),
    "translate": Command(
        "ringbench.cli.translate", "One address through every level of the page tables."
    ),
    "frames": Command("ringbench.subjects.reference.cli.frames", "Physical frames by owner."),
    "heap": Command("ringbench.subjects.reference.cli.heap", "The kernel heap's nodes."),
    "spaces": Command(
        "ringbench.subjects.reference.cli.spaces", "Address spaces and their regions."
    ),
    "boot-map": Command(
        "ringbench.subjects.reference.cli.boot_map",
        "One boot with a memory map that no honest loader passes.",
    ),
}
"""Every sub-command, in the order of the help."""

EXIT_USAGE: Final = 2
EXIT_MACHINE: Final = 3


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

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table above, without loading anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, each.help) for name, each in COMMANDS.items()])


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ringbench")
def cli() -> None:
    """Drive a kernel in QEMU, read its memory management back, and check it against a model."""


def main() -> None:
    """Run the command line; turn every expected failure into one message and an exit status."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """The same as a function: the exit status for these arguments."""
    from ringbench.errors import RingbenchError

    try:
        status = cli.main(arguments, prog_name="ringbench", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except RingbenchError as error:
        click.echo(f"ringbench: error: {error}", err=True)
        details = getattr(error, "details", None)
        if details is not None:
            click.echo(details(), err=True)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("ringbench: interrupted; the machine was ended and nothing is left", err=True)
        return EXIT_MACHINE
    return status if isinstance(status, int) else 0


if __name__ == "__main__":
    main()
