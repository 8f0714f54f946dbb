"""`ringbench debug`: GDB on this terminal, the kernel stopped where it begins."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ringbench.cli.common import configured, machine_options

if TYPE_CHECKING:
    from ringbench.machine import Machine

COMMANDS: Final = Path(__file__).parents[1] / "gdb_commands.py"
LOOK_SECONDS: Final = 0.2


@click.command()
@machine_options
@click.option("--at", metavar="FUNCTION", help="Stop there.  [default: the first instruction]")
def debug(at: str | None, **machine: object) -> int:
    """Debug the kernel in GDB, stopped at its first instruction, with the project's commands.

    These are rb-pages, rb-translate and rb-control. The kernel's console is beside it, for another
    terminal: what is printed at first says how. All ends with GDB; the exit status is GDB's own,
    if it is 0, or else 3.
    """
    from ringbench.errors import StartError
    from ringbench.machine import Machine
    from ringbench.machine.entry import entry_of
    from ringbench.machine.image import is_elf
    from ringbench.machine.relay import Relay

    config = configured(**machine)
    if shutil.which(config.machine.gdb) is None:
        raise StartError(f"{config.machine.gdb}: no such program; install it, or set machine.gdb")
    with Machine.launch(config) as guest, Relay(guest) as relay:
        click.echo(
            f"console, in another terminal:  ringbench console --attach {relay.socket}\n"
            f"what it says:                  tail -f {guest.serial.transcript}"
        )
        entry = entry_of(config)
        stop = at if at is not None else f"*{entry:#x}" if entry is not None else None
        if stop is None:
            click.echo("where the kernel begins is not known: stopped at the reset vector")
        script = guest.private / "start.gdb"
        script.write_text("\n".join(_start(guest, stop)))
        elf = [str(config.kernel.elf)] if is_elf(config.kernel.elf) else []
        gdb = ["setpriv", "--pdeathsig", "KILL", config.machine.gdb, "-q", *elf, "-x", str(script)]
        return 0 if _run(guest, gdb) == 0 else 3


def _start(guest: Machine, stop: str | None) -> Iterator[str]:
    """Yield what GDB does at first; it leaves the rest out where something is wrong."""
    yield from ("set confirm off", "set pagination off", "set breakpoint pending off")
    yield from ("set architecture i386:x86-64", f"source {COMMANDS}")
    yield f"target remote {guest.gdb_socket}"
    if stop is not None:
        # There are no page tables yet, and the loader would write over a software breakpoint.
        yield from (f"thbreak {stop}", "continue", "")


def _run(guest: Machine, command: list[str]) -> int:
    """Run GDB to its end, and keep the guest's outputs flowing meanwhile."""
    from ringbench.errors import SerialClosed
    from ringbench.machine import Deadline

    guest.outputs.unwatch(guest.qmp.fileno())  # a guest that ended can still be debugged
    guest.outputs.idle = None
    with _without_interrupts():
        gdb = subprocess.Popen(command)
        try:
            while gdb.poll() is None:
                try:
                    guest.outputs.wait(Deadline(LOOK_SECONDS))
                except SerialClosed:  # QEMU is gone
                    gdb.wait()
        finally:
            if gdb.poll() is None:
                gdb.kill()
            gdb.wait()
    return gdb.returncode


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Leave Ctrl-C to GDB, which is on the same terminal and stops the guest by it."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
