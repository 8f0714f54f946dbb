"""A reference kernel that runs, as the engine wants one: channels, comparison, freezing.

Whoever has a machine with the kernel at its prompt can use it so; `start` boots one.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Final, Self

from ringbench.check.mismatch import Finding
from ringbench.config import Config
from ringbench.drive.channel import Channel
from ringbench.machine import Machine, Snapshot
from ringbench.subjects.reference.check.inspector import Inspector
from ringbench.subjects.reference.drive.console import ConsoleChannel
from ringbench.subjects.reference.drive.gdb import GdbChannel
from ringbench.subjects.reference.drive.ring import RingChannel
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.vocabulary.operations.base import Operation

CHANNELS: Final = ("console", "gdb", "ring")
"""Lines on the console; calls of the kernel's functions by GDB; a ring of requests in memory."""


class ReferenceKernel:
    """The kernel of a machine that is at its prompt.

    Where the model's state after the boot is not given, it follows from what the loader left in
    memory. An inspector can be one that the machine had before it was restored.

    Attributes:
        machine: the machine.
    """

    def __init__(
        self,
        machine: Machine,
        inspector: Inspector | None = None,
        booted: KernelState | None = None,
    ) -> None:
        self.machine = machine
        self._given = inspector, booted
        self._snapshot: Snapshot | None = None

    @cached_property
    def inspector(self) -> Inspector:
        """What reads the machine's memory.

        Raises:
            ConfigError, ImageError: as for `Inspector`.
        """
        return self._given[0] or Inspector(self.machine)

    @cached_property
    def booted(self) -> KernelState:
        """The state that the kernel must have been in after its boot.

        Raises:
            RingbenchError: no kernel can be booted with what the loader left.
        """
        return self._given[1] or self.inspector.boot_state()

    @classmethod
    def start(cls, config: Config) -> Self:
        """Boot a kernel.

        Raises:
            RingbenchError: the configuration is wrong, or the kernel does not come up.
        """
        machine = Machine.start(config)
        try:
            machine.command("echo off")  # half of the characters on the line are worth having
            return cls(machine)
        except BaseException:
            machine.close()
            raise

    def close(self) -> None:
        """End the machine; may be called twice."""
        self.machine.close()

    @cached_property
    def _ring(self) -> RingChannel:
        return RingChannel(self.machine, *self.inspector.ring())

    def channel(self, name: str) -> Channel[Operation]:
        """Return one of `CHANNELS`, a context manager.

        Raises:
            KeyError: there is no such channel.
            RingbenchError: the kernel ended, or did not answer.
        """
        match name:
            case "console":
                return ConsoleChannel(self.machine.command)
            case "gdb":
                return GdbChannel.at_prompt(self.machine)
            case "ring":
                return self._ring
        raise KeyError(name)

    def counts(self) -> tuple[int, ...]:
        """Return the number of free frames, straight from memory."""
        return (self.inspector.free_frames(),)

    def compare(
        self,
        state: KernelState,
        when: str,
        *,
        whole: bool,
        channel: Channel[Operation] | None = None,
    ) -> Iterator[Finding]:
        """Compare all of memory with a state; `whole`: ask loader, QEMU and the kernel as well.

        The kernel is asked through `channel`, by default the console.

        Raises:
            RingbenchError: the machine ended, or did not answer.
        """
        if whole:
            yield from self.inspector.inspect(state, when, channel)
        else:
            yield from self.inspector.glance(state, when)

    def freeze(self) -> None:
        """Remember the machine as it is, at its prompt.

        Raises:
            MachineError: it cannot be frozen.
        """
        self._snapshot = self.machine.freeze()

    def restore(self) -> None:
        """Put the machine back to when it was frozen.

        Raises:
            MachineError: it cannot be done, and the machine is of no use any more.
        """
        assert self._snapshot is not None, "it was frozen before"
        self.machine.restore(self._snapshot)
