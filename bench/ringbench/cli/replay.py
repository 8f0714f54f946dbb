"""`ringbench replay`: saved sequences, line by line, until one goes wrong."""

from __future__ import annotations

from pathlib import Path

import click

from ringbench.cli.common import configured, machine_options, watch_option


@click.command()
@machine_options
@watch_option
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--compare-every",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Lines between two comparisons of all of memory.",
)
@click.option(
    "--channel",
    metavar="NAME",
    help="How the lines get to the kernel: console, gdb, ring, or what its subject has; "
    "for contracts calls or gdb, which is slow.  [default: the plainest]",
)
def replay(
    files: tuple[Path, ...], compare_every: int, channel: str | None, **machine: object
) -> int:
    """Perform each FILE's lines at the kernel's console, and on the model beside it.

    Prints every line with its reply, and ends at the first that does something else than the model
    says, with what was expected and what was seen. The file says what its machine has; --memory and
    --cpu and --watch say otherwise.

    Exit status: 0 all lines agree; 1 one did not; 2 usage, a file or the configuration; 3 the
    machine could not start.
    """
    from ringbench import subjects
    from ringbench.engine.script import read_script

    config = configured(**machine)
    subject = subjects.load(config)
    scripts = [read_script(file, subject.parse) for file in files]
    from ringbench.engine.replay import replay as perform

    prompt = config.kernel.prompt or "> "

    def tell(line: str, reply: str) -> None:
        click.echo(f"{prompt}{line}\n{reply}")

    chosen = {
        key: str(machine[key]) for key in ("memory", "cpu", "watch") if machine[key] is not None
    }
    for file, script in zip(files, scripts, strict=True):
        if len(files) > 1:
            click.echo(f"== {file}")
        result = perform(subject, config, script.but_on(chosen), tell, compare_every, channel)
        for line in result.skipped:
            click.echo(f"left out, for the model cannot predict it: {line}")
        if not result.agreed:
            click.echo(f"-- {file}: line {result.performed} is wrong:")
            for mismatch in result.mismatches:
                click.echo(f"   {mismatch}")
            if result.ending:
                click.echo(f"   {result.ending}")
            return 1
        click.echo(f"-- {file}: {result.performed} lines, all as predicted")
    return 0
