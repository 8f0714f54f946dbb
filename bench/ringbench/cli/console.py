"""`ringbench console`: the terminal on the kernel's console."""

from __future__ import annotations

import os
import select
import socket
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ringbench.cli.common import configured, machine_options

if TYPE_CHECKING:
    from ringbench.machine import Machine

PREFIX: Final = b"\x01"  # Ctrl-A
LEAVE: Final = b"xX\x18"
READ: Final = 4096
LOOK_SECONDS: Final = 0.2
HELP: Final = "ringbench: Ctrl-A X ends"


@click.command()
@machine_options
@click.option(
    "--attach",
    type=click.Path(path_type=Path),
    metavar="SOCKET",
    help="Boot nothing: the console of a kernel that `ringbench debug` runs.",
)
def console(attach: Path | None, **machine: object) -> int:
    """Boot the kernel with its console on this terminal; Ctrl-A X ends it.

    Whatever the console is: a serial port, port 0xe9 or the VGA screen; typed is over the port or
    on the keyboard. Ctrl-A twice types one. Where standard input is no terminal, what comes from it
    is typed once the kernel is ready, and its end ends the machine when the kernel falls silent.
    """
    from ringbench.machine import Machine

    if sys.stdin.isatty():
        click.echo(HELP, err=True)
    if attach is not None:
        _attach(attach)
        return 0
    with Machine.launch(configured(**machine)) as guest:
        with _raw_terminal():
            _talk(guest)
        ending = guest.ending()
        ended_badly = guest.ended_badly()
    if ending is not None:
        click.echo(f"\nringbench: {ending.message}", err=True)
    return 3 if ended_badly else 0


def _talk(guest: Machine) -> None:
    """Carry what is typed to the guest and what it says to the terminal, until either ends."""
    from ringbench.errors import SerialClosed
    from ringbench.machine import Deadline

    name = guest.serial.output.name
    keys = _Keys(lambda typed: guest.serial.type(typed.decode("utf-8", "replace")))

    def show(output: str, data: bytes) -> None:
        if output == name:
            os.write(sys.stdout.fileno(), data)

    def take() -> None:
        keys.take()
        if keys.ended:
            guest.outputs.unwatch(sys.stdin.fileno())

    guest.outputs.tell = show
    if sys.stdin.isatty():
        guest.let_run()
    else:  # which types before anybody listens
        guest.boot()
    guest.outputs.watch(sys.stdin.fileno(), take)
    silent = False
    while guest.ending() is None and not keys.left and not (keys.ended and silent):
        try:
            silent = not guest.outputs.wait(Deadline(LOOK_SECONDS if not keys.ended else 1.0))
        except SerialClosed:
            silent = True


def _attach(path: Path) -> None:
    """Carry what is typed to a socket and what comes from it to the terminal, until either ends.

    Raises:
        ConfigError: nobody listens there.
    """
    from ringbench.errors import ConfigError

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        try:
            line.connect(str(path))
        except OSError as error:
            raise ConfigError(
                f"--attach {path}: no kernel is being debugged there ({error.strerror or error}); "
                "`ringbench debug` prints the name of its console"
            ) from None
        keys = _Keys(line.sendall)
        with _raw_terminal():
            while not (keys.left or keys.ended):
                ready, _, _ = select.select([sys.stdin, line], [], [])
                if sys.stdin in ready:
                    keys.take()
                if line in ready:
                    data = line.recv(READ)
                    if not data:
                        return
                    os.write(sys.stdout.fileno(), data)


class _Keys:
    """What is typed at this terminal, for `send`.

    `left` is whether it asked to leave, `ended` whether there is no more of it.
    """

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send
        self._prefixed = False
        self.left = False
        self.ended = False

    def take(self) -> None:
        """Pass on what has been typed."""
        data = os.read(sys.stdin.fileno(), READ)
        self.ended = not data
        typed = b""
        for number in data:
            key = bytes([number])
            if self._prefixed and key in LEAVE:
                self.left = True
                return
            if key == PREFIX and not self._prefixed:
                self._prefixed = True
                continue
            self._prefixed = False
            typed += key
        if typed:
            self._send(typed)


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
