"""A kernel whose functions are called, as the engine wants one.

It is brought to where calls are made once, and stays there: frozen and put back while it waits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, Self

from ringbench.check.mismatch import Finding
from ringbench.config import Config
from ringbench.drive.channel import Channel
from ringbench.drive.guest_calls import GuestCalls
from ringbench.errors import CallError, ConfigError
from ringbench.machine import Machine, Snapshot
from ringbench.subjects.contracts.batch import Batch
from ringbench.subjects.contracts.channel import ContractChannel
from ringbench.subjects.contracts.compare import compare
from ringbench.subjects.contracts.gdb_guest import GdbGuest
from ringbench.subjects.contracts.ledger import Ledger
from ringbench.subjects.contracts.machine_guest import MachineGuest
from ringbench.subjects.contracts.names import Names, find_names, named_values
from ringbench.subjects.contracts.operation import Operation
from ringbench.subjects.contracts.state import State

CHANNELS: Final = ("calls",)
"""Guest calls: at memory speed, and the same for hunts and replays."""

GDB: Final = "gdb"
"""The slow way, for replays that want another witness."""


class ContractKernel:
    """A kernel that waits for calls.

    Attributes:
        machine: the machine.
        guest: what is known of it, and how it is asked.
        booted: that nothing is held.
    """

    def __init__(self, machine: Machine, names: Names) -> None:
        """Bring a kernel that has booted to where calls are made.

        Raises:
            RingbenchError: it does not come there, or calls are not possible there.
        """
        self.machine = machine
        self.booted = State()
        self._contracts = machine.config.contracts
        self._at = names.at
        self._calls = GuestCalls(machine, at=names.at, interrupts=self._contracts.interrupts)
        self._calls.__enter__()  # left with the machine: nothing of the guest is used afterwards
        machine.detach_gdb()
        self.guest: MachineGuest = MachineGuest(machine, self._calls, names)
        self._require_values()
        self._snapshot: Snapshot | None = None
        self._channel = self._new_channel()

    @classmethod
    def start(cls, config: Config) -> Self:
        """Boot a kernel.

        Raises:
            RingbenchError: the configuration is wrong, or the kernel does not come up.
        """
        names = find_names(config)
        machine = Machine.start(replace(config, machine=replace(config.machine, guest_calls=True)))
        try:
            return cls(machine, names.moved(machine.slide))
        except BaseException:
            machine.close()
            raise

    def _require_values(self) -> None:
        """See that the values which the configuration names can be seen.

        Raises:
            ConfigError: one cannot.
        """
        for key, value in named_values(self._contracts):
            batch = Batch(Ledger(), self.guest)
            batch.value(value)
            try:
                self.guest.perform(batch.steps)
            except CallError as error:
                if error.outside:
                    raise
                raise ConfigError(
                    f"{self.machine.config.source}: {key}: '{value}' cannot be seen: {error}"
                ) from None

    def close(self) -> None:
        """End the machine; may be called twice."""
        self.machine.close()

    def channel(self, name: str) -> Channel[Operation]:
        """Return guest calls, which go on with what is out, or gdb's, which begin anew.

        Raises:
            KeyError: there is no such channel.
            MachineError: gdb's calls are not possible.
        """
        if name == GDB:
            self._calls.__exit__(None, None, None)
            self.guest = GdbGuest(self.guest, self.machine, self._at)
            self._channel = self._new_channel()
        elif name not in CHANNELS:
            raise KeyError(name)
        return self._channel

    def counts(self) -> tuple[int, ...]:
        """Return nothing: a kernel's own count is looked at around each call."""
        return ()

    def compare(
        self,
        state: State,
        when: str,
        *,
        whole: bool,
        channel: Channel[Operation] | None = None,
    ) -> Iterator[Finding]:
        """Look at all that is out, by the page tables; of a kernel that a call has ended, nothing.

        What the state has, the ledger has, but for what the kernel refused.
        """
        if not self._channel.over:
            for finding in compare(self.guest, self._channel.ledger, self._contracts):
                yield finding.at(when)

    def freeze(self) -> None:
        """Remember the guest as it waits for calls.

        Raises:
            MachineError: it cannot be frozen.
        """
        self._snapshot = self.machine.freeze()

    def restore(self) -> None:
        """Put the guest back to when it was frozen.

        Raises:
            MachineError: it cannot be done, and the machine is of no use any more.
        """
        assert self._snapshot is not None, "it was frozen before"
        self._calls.restore(self._snapshot)
        self._channel = self._new_channel()

    def _new_channel(self) -> ContractChannel:
        return ContractChannel(self.guest, self._contracts, Ledger())
