"""Performing a script line by line: every reply compared, and all of memory after every line.

The console takes the lines, as it would from a person. The first that does something else than the
model says is the last one performed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ringbench.check.mismatch import Mismatch
from ringbench.config import Config
from ringbench.drive.channel import Channel
from ringbench.drive.operation import Reply
from ringbench.engine.lockstep import Diverged, Lockstep, reply_text
from ringbench.engine.script import Script
from ringbench.errors import Ended
from ringbench.machine import Machine
from ringbench.subjects.reference.drive.console import ConsoleChannel
from ringbench.subjects.reference.model.kernel import Unpredictable
from ringbench.subjects.reference.operations import Operation

Tell = Callable[[str, str], None]
"""Called with each line and its reply."""


@dataclass(frozen=True, slots=True)
class Replay:
    """How a replay went.

    Attributes:
        performed: lines, the wrong one included.
        mismatches: what did not agree at the last of them.
        ending: how the kernel ended there, if it did.
        skipped: lines that the model cannot predict, which were not performed.
    """

    performed: int
    mismatches: tuple[Mismatch, ...] = ()
    ending: str = ""
    skipped: tuple[str, ...] = ()

    @property
    def agreed(self) -> bool:
        """Whether every line did what the model says."""
        return not self.mismatches and not self.ending


class Told(Channel[Operation]):
    """A channel that tells what passes through it."""

    def __init__(self, channel: Channel[Operation], tell: Tell) -> None:
        self._channel = channel
        self._tell = tell

    def perform(self, operation: Operation) -> Reply:
        """Perform an operation; raises as the channel does."""
        reply = self._channel.perform(operation)
        self._tell(str(operation), reply_text(reply))
        return reply


def replay(config: Config, script: Script, tell: Tell, compare_every: int = 1) -> Replay:
    """Boot the script's machine, and perform its lines until one goes wrong.

    Args:
        config: the kernel; the script says what its machine has.
        script: what to perform.
        tell: called with each line and its reply.
        compare_every: lines between two comparisons of all of memory.

    Raises:
        RingbenchError: the machine cannot be started.
    """
    skipped: list[str] = []
    performed = 0
    with Machine.start(script.on(config)) as machine:
        machine.command("echo off")
        lockstep = Lockstep(machine)
        told = Told(ConsoleChannel(machine.command), tell)
        try:
            lockstep.look("after boot")
            for performed, operation in enumerate(script.operations, 1):
                try:
                    lockstep.step(told, operation)
                except Unpredictable:
                    skipped.append(str(operation))
                    continue
                if performed % compare_every == 0:
                    lockstep.glance(f"after line {performed}")
            lockstep.look("at the end")
        except Diverged:
            return Replay(performed, tuple(lockstep.mismatches), "", tuple(skipped))
        except Ended as error:
            return Replay(performed, (), str(error), tuple(skipped))
    return Replay(performed, (), "", tuple(skipped))
