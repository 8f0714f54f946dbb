"""A kernel just booted for every test, in lockstep with the model, and drained at the end of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ringbench.arch.x86_64.records import Translation
from ringbench.arch.x86_64.walk import translate
from ringbench.config import Config, override
from ringbench.machine import Machine, Pool
from ringbench.subjects.reference.boots.entry import EntryMachine
from ringbench.subjects.reference.drive.console import ConsoleChannel
from ringbench.subjects.reference.kernel import ReferenceKernel
from ringbench.subjects.reference.lockstep import ReferenceLockstep
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.vocabulary.flags import WRITE
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.paging import PageMap
from ringbench.subjects.reference.vocabulary.operations.pmm import PmmAlloc, PmmFree
from ringbench.subjects.reference.vocabulary.operations.task import TaskNew
from ringbench.subjects.reference.vocabulary.operations.vmm import Touch
from tests.system.layout import PAGE
from tests.system.page_tables import G1, K4, M2, new_root
from tests.system.serving import Serving


class Kernel:
    """What the system tests perform operations on."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.lockstep = ReferenceLockstep(ReferenceKernel(machine))
        self.console = ConsoleChannel(machine.command)

    @property
    def state(self) -> KernelState:
        """What the model says the kernel holds."""
        return self.lockstep.state

    def values(self, operation: Operation, status: str = "ok") -> tuple[int | str, ...]:
        """Perform, compare with the model, and insist on this status; the reply's values."""
        reply = self.lockstep.step(self.console, operation)
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

    def perform(self, *operations: Operation) -> None:
        """Perform what must succeed, one after the other."""
        for operation in operations:
            self.values(operation)

    def fault(self, root: str, vaddr: int, mode: str) -> tuple[int, str]:
        """Touch what must be a page fault: its error code, and what the handler made of it."""
        vector, error, cause = self.values(Touch(root, vaddr, mode), "fault")
        assert vector == "page_fault"
        assert isinstance(error, int)
        assert isinstance(cause, str)
        return error, cause

    @property
    def free_frames(self) -> int:
        """The allocator's count, from the guest's memory."""
        return self.lockstep.kernel.inspector.free_frames()

    @contextmanager
    def taking(self, frames: int) -> Iterator[None]:
        """What is done inside takes so many frames more than it gives back."""
        before = self.free_frames
        yield
        assert before - self.free_frames == frames

    def hoard(self) -> list[int]:
        """Take every free frame; those that may be given back one by one, none beside another."""
        taken: list[int] = []
        for _, count in sorted(self.state.pmm.free.runs(), key=lambda run: -run[1]):
            base = self.value(PmmAlloc(count))
            taken += range(base, base + count * PAGE, 3 * PAGE)
        assert self.free_frames == 0
        return taken

    def soil(self, frames: int) -> int:
        """Fill the lowest free frames, which must be a run, with rubbish; the first's address."""
        base = self.value(PmmAlloc(frames))
        self.machine.memory.write(base, b"\xa5" * (frames * PAGE))
        self.values(PmmFree(base, frames))
        return base

    def walk(self, root: str, vaddr: int) -> Translation:
        """Translate an address by the tables in the guest's memory."""
        address = self.state.root_of(root)
        assert address is not None
        return translate(self.machine.memory, address, vaddr)

    def paddr_of(self, root: str, vaddr: int) -> int:
        """Where an address that is mapped leads."""
        found = self.walk(root, vaddr).paddr
        assert found is not None
        return found


@pytest.fixture
def kernel(
    ringbench_config: Config, ringbench_machines: Pool, request: pytest.FixtureRequest
) -> Iterator[Kernel]:
    """The kernel as after boot; after the test everything is given back and all of it compared.

    A module may set MACHINE = {"machine.memory": "16M"} or the like.
    """
    changes = getattr(request.module, "MACHINE", {})
    with ringbench_machines.lend(override(ringbench_config, changes)) as machine:
        machine.command("echo off")
        kernel = Kernel(machine)
        yield kernel
        if kernel.lockstep.mismatches:  # the test has failed with them
            return
        kernel.look("at the end of the test")
        kernel.lockstep.drain(kernel.console)


@pytest.fixture
def serving(ringbench_config: Config) -> Iterator[Serving]:
    """A machine of its own, whose ring can be served."""
    with Machine.start(ringbench_config) as machine:
        machine.command("echo off")
        yield Serving(machine)


@pytest.fixture(scope="module")
def entry(ringbench_config: Config) -> Iterator[EntryMachine]:
    """A machine that stops where the loader is done, for stories to be told to it."""
    with EntryMachine(ringbench_config) as machine:
        yield machine


@pytest.fixture
def task(kernel: Kernel) -> str:
    """A task with an empty space: `t1`."""
    assert kernel.handle(TaskNew()) == "t1"
    return "t1"


@pytest.fixture
def root(kernel: Kernel) -> str:
    """A bare root without mappings: `r0`."""
    root = new_root(kernel)
    assert root == "r0"
    return root


@pytest.fixture
def furnished(kernel: Kernel, root: str) -> str:
    """A bare root with a page of 4 KiB at 2 MiB, of 2 MiB at 4 MiB, and of 1 GiB at 1 GiB."""
    for address, size in ((M2, K4), (2 * M2, M2), (G1, G1)):
        kernel.values(PageMap(root, address, 0, size, size, WRITE))
    return root


@pytest.fixture(scope="module")
def quiet_machine(ringbench_config: Config) -> Iterator[Machine]:
    """One machine for all of a file, which does not echo."""
    with Machine.start(ringbench_config) as machine:
        assert machine.command("echo off") == "ok"
        yield machine


@pytest.fixture
def quiet_console(quiet_machine: Machine) -> Iterator[Machine]:
    """That machine; a test leaves it as it found it, and that is checked."""
    before = quiet_machine.command("info"), quiet_machine.command("heap info")
    yield quiet_machine
    assert (quiet_machine.command("info"), quiet_machine.command("heap info")) == before
