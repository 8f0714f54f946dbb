"""`ringbench watch`: boot the kernel, and say who wrote to a place in its memory."""

from __future__ import annotations

from contextlib import nullcontext

import click

from ringbench.cli.common import bring_up, command_option, configured, machine_options
from ringbench.cli.output import write_json
from ringbench.report.why import why_json

MOST = 100_000
"""Writes that can be kept, some 27 MB of them."""


@click.command()
@click.argument("target", metavar="ADDRESS|SYMBOL")
@click.option(
    "--length",
    type=click.IntRange(min=1),
    help="Bytes to watch.  [default: the symbol's size, or 8]",
)
@click.option(
    "--last",
    type=click.IntRange(1, MOST),
    default=10,
    show_default=True,
    help="How many writes to show.",
)
@click.option("--physical", is_flag=True, help="ADDRESS is a physical one.")
@command_option
@machine_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def watch(
    target: str,
    length: int | None,
    last: int,
    physical: bool,
    lines: tuple[str, ...],
    as_json: bool,
    **machine: object,
) -> int:
    """Boot the kernel, and show the last writes to an address or a variable, and who made them.

    From the first instruction until the kernel is ready and has performed every --command, or has
    ended. ADDRESS is 0x and hexadecimal, or decimal; SYMBOL may have an offset: heap+0x10. A write
    by way of another virtual address counts as well, once one by the watched address has shown
    which memory it is; what devices and the boot loader copy does not. Exit status 3 if the
    kernel ended or hangs; what was seen until then is shown.
    """
    from ringbench.machine import Machine
    from ringbench.microscope.watch import find_target, seen, watched
    from ringbench.report.watch import watch_json, watch_lines

    config = configured(**machine)
    place = find_target(config, target, length, physical=physical)
    with Machine.launch(watched(config)) as guest:
        place.watch(guest.microscope, last)
        error = bring_up(guest, lines)
        with nullcontext() if error is not None else guest.stopped():
            writes = seen(guest.microscope, place, guest.names)
    if as_json:
        write_json(watch_json(writes, why_json(error)))
    else:
        click.echo("\n".join(watch_lines(writes)))
        if error is not None:
            click.echo(f"\n{error}\n{error.details()}")
    return 0 if error is None else error.exit_code
