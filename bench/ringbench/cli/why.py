"""`ringbench why`: boot the kernel, and say what became of it."""

from __future__ import annotations

import click

from ringbench.cli.common import (
    bring_up,
    command_option,
    configured,
    machine_options,
    watch_option,
    watched_lines,
)
from ringbench.cli.output import write_json
from ringbench.ending import EndKind
from ringbench.report.why import why_json


@click.command()
@command_option
@machine_options
@watch_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def why(lines: tuple[str, ...], as_json: bool, **machine: object) -> int:
    """Boot the kernel of the configuration, and say how it ended, and why.

    The first exception, with function, line and the walk of the address that it wanted; why it
    could not be delivered; backtraces of every processor; the end of what the kernel said. Exit
    status 0 if the kernel came up and performed every --command, 3 if it ended or hangs. With
    --watch it is 1 if the kernel came up and an access to memory was wrong.
    """
    from ringbench.machine import Machine

    with Machine.launch(configured(**machine)) as guest:
        error = bring_up(guest, lines)
        if error is not None:
            if as_json:
                write_json(why_json(error))
            else:
                click.echo(f"{error}\n{error.details()}")
            return error.exit_code
        ending = guest.ending()
        wrong, said = guest.seen(), watched_lines(guest)
        # At its prompt a kernel is known to wait for a line; else what it does is worth telling.
        seen = None if ending or guest.config.kernel.has_prompt else guest.explain(EndKind.HANG)
    if as_json:
        write_json(why_json(None, wrong))
    elif ending is None:
        click.echo("the kernel came up, and waits for what it is told")
        if seen is not None and seen.fault is not None:  # which it may be about to recover from
            click.echo(str(seen))
        for each in seen.processors if seen is not None and seen.fault is None else ():
            click.echo("\n".join(each.lines()))
    else:
        click.echo(f"the kernel came up as kernel.ready has it, and then: {ending.message}")
    if not as_json:
        for line in said:
            click.echo(line)
    return 1 if wrong else 0
