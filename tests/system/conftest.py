"""One booted kernel a module, in lockstep with the model; every test leaves it as it found it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ringbench.config import Config, override
from ringbench.drive.monitor import MonitorChannel
from ringbench.drive.operations import Operation
from ringbench.lockstep import Lockstep
from ringbench.machine import Machine
from ringbench.model.state import KernelState


class Kernel:
    """What the system tests perform operations on."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.lockstep = Lockstep(machine)
        self.monitor = MonitorChannel(machine.command)

    @property
    def state(self) -> KernelState:
        """What the model says the kernel holds."""
        return self.lockstep.state

    def values(self, operation: Operation, status: str = "ok") -> tuple[int | str, ...]:
        """Perform, compare with the model, and insist on this status; the reply's values."""
        reply = self.lockstep.step(self.monitor, operation)
        assert reply.status == status, f"{operation}: {reply}"
        return reply.values

    def value(self, operation: Operation) -> int:
        """The one number that a successful operation replies with."""
        [value] = self.values(operation)
        assert isinstance(value, int)
        return value

    def handle(self, operation: Operation) -> str:
        """The handle that a successful operation replies with."""
        [value] = self.values(operation)
        assert isinstance(value, str)
        return value

    def refuses(self, operation: Operation, status: str) -> None:
        """Perform what must fail with this status, and change nothing."""
        before = self.state
        assert self.values(operation, status) is not None
        assert self.state == before, "the model changed its state on an error"

    def look(self, when: str) -> None:
        """Compare the whole picture now."""
        self.lockstep.look(when)


@pytest.fixture(scope="module")
def shared_kernel(ringbench_config: Config, request: pytest.FixtureRequest) -> Iterator[Kernel]:
    """The module's kernel; a module may set MACHINE = {"machine.memory": "16M"} or the like."""
    changes = getattr(request.module, "MACHINE", {})
    with Machine.start(override(ringbench_config, changes)) as machine:
        machine.command("echo off")
        yield Kernel(machine)


@pytest.fixture
def kernel(shared_kernel: Kernel) -> Iterator[Kernel]:
    """The kernel as after boot; after the test everything is given back and all of it compared."""
    yield shared_kernel
    shared_kernel.look("at the end of the test")
    shared_kernel.lockstep.drain(shared_kernel.monitor)
