"""`ringbench boot`: boot, show what the kernel says, and say how it went."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import click

from ringbench.cli.common import configured, machine_options, watch_option, watched_lines
from ringbench.machine.terminal import shown

PASSED, FAILED, ENDED_BADLY = 0, 1, 3


@click.command()
@machine_options
@watch_option
@click.option("--to-end", is_flag=True, help="Wait for the end of the run, not until it is ready.")
def boot(to_end: bool, **machine: object) -> int:
    """Boot the kernel, show all that it says as it comes, and say how that ended.

    The boot is over when the kernel is ready as kernel.ready has it. Of a kernel that tests itself,
    kernel.passed and kernel.failed decide: exit status 0 if it passed, 1 if it failed. With
    --watch it is 1 as well if an access to memory was wrong.
    """
    from ringbench.config import override
    from ringbench.machine import Machine

    config = configured(**machine)
    if to_end:
        config = override(config, {"kernel.ready": "end"})
    began = time.monotonic()
    with Machine.launch(config) as guest:
        guest.outputs.tell = _printer(guest.serial.output.name)
        accelerator = guest.accelerator
        try:
            guest.boot()
        finally:
            guest.outputs.drain()
            sys.stdout.buffer.write(b"\n")
            sys.stdout.flush()
        seconds = time.monotonic() - began
        ending, verdict = guest.ending(), guest.verdict
        ended_badly = guest.ended_badly()
        wrong, watched = guest.seen(), watched_lines(guest)
        said = "" if guest.outputs.spoke() else "; it has printed nothing"
    how = ending.message if ending is not None else f"ready ({config.kernel.awaited.kind}){said}"
    click.echo(f"ringbench: {how}, after {seconds:.2f} s, accelerator {accelerator}")
    for line in watched:
        click.echo(line)
    if verdict is None:
        return ENDED_BADLY if ended_badly else FAILED if wrong else PASSED
    click.echo(f"ringbench: {'passed' if verdict.passed else 'failed'}: {verdict.why}")
    return PASSED if verdict.passed and not wrong else FAILED


def _printer(console: str) -> Callable[[str, bytes], None]:
    """Return what prints the console's bytes as they come, and others' whole lines with a name."""
    pending: dict[str, bytes] = {}
    at_line_start = True

    def show(name: str, data: bytes) -> None:
        nonlocal at_line_start
        if name != console:
            *lines, pending[name] = (pending.get(name, b"") + data).split(b"\n")
            text = "".join(f"[{name}] {shown(line)}\n" for line in lines)
            data = ("" if at_line_start or not lines else "\n").encode() + text.encode()
        if data:
            sys.stdout.buffer.write(data)
            sys.stdout.flush()
            at_line_start = data.endswith(b"\n")

    return show
