"""`ringbench console`: the terminal on the kernel's console."""

from __future__ import annotations

import os
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import click

from ringbench.cli.common import configured, machine_options

if TYPE_CHECKING:
    from ringbench.machine import Machine

PREFIX: Final = b"\x01"  # Ctrl-A
LEAVE: Final = b"xX\x18"
READ: Final = 4096
LOOK_SECONDS: Final = 0.2


@click.command()
@machine_options
def console(**machine: object) -> int:
    """Boot the kernel with its console on this terminal; Ctrl-A X ends it.

    Whatever the console is: a serial port, port 0xe9 or the VGA screen; typed is over the port or
    on the keyboard. Ctrl-A twice types one. Where standard input is no terminal, what comes from it
    is typed once the kernel is ready, and its end ends the machine when the kernel falls silent.
    """
    from ringbench.ending import EndKind
    from ringbench.machine import Machine

    config = configured(**machine)
    with Machine.launch(config) as guest:
        if sys.stdin.isatty():
            click.echo("ringbench: Ctrl-A X ends", err=True)
        with _raw_terminal():
            _talk(guest)
        ending = guest.ending()
        ended_well = ending is None or ending.kind is EndKind.FINISHED or guest.rests
    if ending is not None:
        click.echo(f"\nringbench: {ending.message}", err=True)
    return 0 if ended_well else 3


def _talk(guest: Machine) -> None:
    """Carry what is typed to the guest and what it says to the terminal, until either ends."""
    from ringbench.errors import SerialClosed
    from ringbench.machine import Deadline

    name = guest.serial.output.name
    keys = _Keys(guest)

    def show(output: str, data: bytes) -> None:
        if output == name:
            os.write(sys.stdout.fileno(), data)

    guest.outputs.tell = show
    if sys.stdin.isatty():
        guest.let_run()
    else:  # which types before anybody listens
        guest.boot()
    guest.outputs.watch(sys.stdin.fileno(), keys.take)
    silent = False
    while guest.ending() is None and not keys.left and not (keys.ended and silent):
        try:
            silent = not guest.outputs.wait(Deadline(LOOK_SECONDS if not keys.ended else 1.0))
        except SerialClosed:
            silent = True


class _Keys:
    """What is typed at this terminal; `left` once that asks to leave, `ended` once it is over."""

    def __init__(self, guest: Machine) -> None:
        self._guest = guest
        self._prefixed = False
        self.left = False
        self.ended = False

    def take(self) -> None:
        """Pass on what has been typed."""
        data = os.read(sys.stdin.fileno(), READ)
        if not data:
            self.ended = True
            self._guest.outputs.unwatch(sys.stdin.fileno())
        typed = b""
        for number in data:
            key = bytes([number])
            if self._prefixed and key in (bytes([each]) for each in LEAVE):
                self.left = True
                return
            if key == PREFIX and not self._prefixed:
                self._prefixed = True
                continue
            self._prefixed = False
            typed += key
        if typed:
            self._guest.serial.type(typed.decode("utf-8", "replace"))


@contextmanager
def _raw_terminal() -> Iterator[None]:
    """Have the terminal pass on every key as it is, Ctrl-C too, for the time of the block."""
    if not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setraw(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
