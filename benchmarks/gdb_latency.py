"""What does a command to gdb cost through the bench?

Against a loop that does nothing but write the same command to the same gdb's pipe and read until
its token comes back: what anybody pays who talks to gdb.
"""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Iterator
from functools import partial

from benchmarks.figure import Figure
from benchmarks.timing import best_of
from ringbench.config import Config
from ringbench.machine import Gdb, Machine

GOAL_RATIO = 1.5
COMMANDS = 40
"""Commands timed together: so few that all of them can meet a quiet moment of the machine."""

ROUNDS = 25

KINDS = {
    "evaluate": "-data-evaluate-expression 6*7",
    "registers": "-data-list-register-values x 0 1 2 3 4 5 6 7 16",
    "memory": "-data-read-memory-bytes $rsp 64",
    "page": "-data-read-memory-bytes $rip 4096",
}


class Pipe:
    """The two ends of gdb's pipes, and no more."""

    def __init__(self, gdb: Gdb) -> None:
        self._in = gdb._process.stdin.fileno()
        self._out = gdb.fileno()
        self._token = 1 << 40  # far from the bench's own
        self._poller = select.poll()
        self._poller.register(self._out, select.POLLIN)

    def execute(self, command: str) -> bytes:
        """Return what gdb says until it answers the command."""
        self._token += 1
        os.write(self._in, b"%d%s\n" % (self._token, command.encode()))
        sign, said = b"%d^" % self._token, b""
        while (at := said.find(sign)) < 0 or b"\n" not in said[at:]:
            self._poller.poll()
            said += os.read(self._out, 1 << 16)
        return said


def _repeat(action: Callable[[], object]) -> None:
    for _ in range(COMMANDS):
        action()


def measure(config: Config) -> Iterator[Figure]:
    """Yield, for each kind of command, microseconds bare and the bench's part of them."""
    with Machine.start(config) as machine:
        gdb = machine.gdb
        pipe = Pipe(gdb)
        for kind, command in KINDS.items():
            if b"^done" not in pipe.execute(command):
                raise AssertionError(f"gdb does not take {command!r}")
            bare, ours = best_of(
                (
                    partial(_repeat, partial(pipe.execute, command)),
                    partial(_repeat, partial(gdb.execute, command)),
                ),
                ROUNDS,
            )
            yield Figure(f"gdb.{kind}.pipe", bare / COMMANDS * 1e6, "us")
            yield Figure(f"gdb.{kind}.to_pipe", ours / bare, "ratio", GOAL_RATIO)
