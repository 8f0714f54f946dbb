"""Performing a script line by line: every reply compared, and all of memory after every line.

The subject's plainest channel takes the lines, as it would from a person. The first that does
something else than the model says is the last one performed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from typing import Any

from ringbench.check.mismatch import Mismatch
from ringbench.config import Config
from ringbench.drive.channel import AnyOperation, Channel
from ringbench.drive.reply import Reply
from ringbench.engine.lockstep import Diverged, Lockstep
from ringbench.engine.script import Script
from ringbench.engine.watched import watched
from ringbench.errors import ConfigError, Ended
from ringbench.subject import Kernel, Subject, Unpredictable

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


class Told(Channel[AnyOperation]):
    """A channel that tells what passes through it, whether it is right or not."""

    def __init__(self, channel: Channel[AnyOperation], tell: Tell) -> None:
        super().__init__()
        self._channel = channel
        self._tell = tell

    def perform(self, operation: AnyOperation) -> Reply:
        """Perform an operation; raises as the channel does."""
        reply = self._channel.perform(operation)
        self._tell(str(operation), str(reply))
        return reply


def replay(
    subject: Subject[Any, Any],
    config: Config,
    script: Script,
    tell: Tell,
    compare_every: int = 1,
    channel: str | None = None,
) -> Replay:
    """Boot the script's machine, and perform its lines until one goes wrong.

    Args:
        subject: whose kernel.
        config: its configuration; the script says what the machine has.
        script: what to perform.
        tell: called with each line and its reply.
        compare_every: lines between two comparisons of all of memory.
        channel: which of the subject's channels takes the lines; None for the plainest.

    Raises:
        ConfigError: there is no such channel.
        RingbenchError: the kernel did not come up, or the machine was disturbed from outside.
    """
    skipped: list[str] = []
    performed = 0
    with closing(subject.start(script.on(config))) as kernel:
        lockstep = Lockstep(subject, kernel)
        try:
            lockstep.look("after boot")
            with _served(kernel, subject, channel) as served:
                told = Told(served, tell)
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
            if error.outside:
                raise
            found = watched(kernel, subject.layers, "before it ended")
            mismatches = tuple(found.mismatches) if found else ()
            return Replay(performed, mismatches, str(error), tuple(skipped))
    return Replay(performed, (), "", tuple(skipped))


def _served(
    kernel: Kernel[Any, Any], subject: Subject[Any, Any], name: str | None
) -> AbstractContextManager[Channel[Any]]:
    try:
        return kernel.channel(name or subject.channels[0])
    except KeyError:
        known = ", ".join(subject.channels)
        raise ConfigError(
            f"the kernels of {subject.name!r} have no channel {name!r}; among theirs are {known}"
        ) from None
