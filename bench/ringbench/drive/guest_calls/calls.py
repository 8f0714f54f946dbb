"""Calls of an unmodified kernel's own functions, in batches, at memory speed.

    with GuestCalls(machine) as calls:
        [block, _] = calls.perform([Call(kmalloc, (64,)), Call(kfree, (Result(0),), none=())])

The guest is stopped where the kernel is at rest and sent into a few instructions in the bench's own
memory, which perform step after step of what they find there. When the block is left, the guest is
put back to where it was: of its memory nothing is different but what its functions did.

An exception, a panic, a halt, or an endless loop within a call is a `CallError`. The guest then
stays as it is, to be looked at; no more can be called.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Final, Self

from ringbench.arch.x86_64.control import Cr0, Cr4
from ringbench.drive.guest_calls.encoding import encode
from ringbench.drive.guest_calls.ended import Circumstances, call_error
from ringbench.drive.guest_calls.layout import STEPS, contents
from ringbench.drive.guest_calls.mailbox import DONE, FPU, INTERRUPTS, WANTED, Mailbox
from ringbench.drive.guest_calls.probes import tables
from ringbench.drive.guest_calls.steps import Leave, Step
from ringbench.drive.guest_calls.visit import BUSY, Visit
from ringbench.errors import MachineError
from ringbench.explain.registers import Cpu
from ringbench.machine import Deadline, EndKind, Machine, Snapshot
from ringbench.machine.deadline import IDLE_SECONDS

OUTSIDE: Final = "functions are called within the block alone: with GuestCalls(machine) as calls"
LOOK_SECONDS: Final = 0.002
"""How long a batch is waited for before the guest is looked at."""


class GuestCalls:
    """Calls functions of the kernel of a `machine`; a context manager.

    The machine's configuration has `machine.guest_calls = true`. Within the block the kernel's
    console takes no lines.
    """

    def __init__(
        self, machine: Machine, *, at: int | None = None, interrupts: bool = False
    ) -> None:
        """Prepare calls from the address `at`, or from where the kernel is at rest.

        Interrupts are off within calls, so that they are deterministic, unless `interrupts` says
        that the kernel needs them.

        Raises:
            MachineError: the machine was not started for it.
        """
        self._machine = machine
        self._at = at
        self._interrupts = interrupts
        self._mailbox = Mailbox(machine.own_memory.mapping)
        self._visit: Visit | None = None
        self._broken: MachineError | None = None

    def __enter__(self) -> Self:
        """Bring the guest to where calls are made, and have it wait for them.

        Raises:
            MachineError: it does not come there, or calls are not possible there.
            Ended: it has ended.
        """
        visit = Visit(self._machine, self._at)
        self._write({0: bytes(STEPS)} | _contents(visit))
        self._mailbox.set_word(INTERRUPTS, self._interrupts)
        self._mailbox.set_word(FPU, _fpu(visit.cpu))
        visit.begin(self._mailbox, interrupts=self._interrupts)
        self._visit, self._broken = visit, None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Put the guest back to where it was; one in which a call ended badly stays stopped.

        Raises:
            CallError: what was called does not return.
            MachineError: QEMU or gdb is gone.
        """
        visit, ended = self.visit, self._broken
        if ended is None:
            try:
                self._settle()
            except MachineError as failure:
                ended = failure
        self._visit = None
        if ended is None:
            visit.end()
            return
        visit.give_up()
        if error is None and ended is not self._broken:
            raise ended

    @property
    def visit(self) -> Visit:
        """How the guest was, and where it sees the bench's memory.

        Raises:
            MachineError: it is not within the block.
        """
        if self._visit is None:
            raise MachineError(OUTSIDE)
        return self._visit

    def perform(self, steps: Sequence[Step], seconds: float | None = None) -> list[int]:
        """Perform a batch of steps in order, and return the result of each: all 64 bits, unsigned.

        The result of a step that was left out, because it needed one that failed, is `SKIPPED`.

        Raises:
            ValueError: steps that cannot be; nothing was performed.
            CallError: a step ended the guest, or none ended within `seconds` (the deadline of a
                reply); the steps before it have been performed.
            MachineError: it is not within the block, or a step before ended badly.
        """
        self._require_waiting()
        encoded = encode(steps)
        if not steps:
            return []
        self._mailbox.begin(encoded, len(steps))
        self._wait(steps, seconds)
        return self._mailbox.results(len(steps))

    def restore(self, snapshot: Snapshot) -> None:
        """Put the machine back to when it was frozen within this block, whatever became of it.

        Calls go on from there. That takes a small part of the time that beginning anew would.

        Raises:
            ValueError, MachineError: as for `Machine.restore`.
        """
        self._mailbox.set_word(WANTED, 0)
        self._write(_contents(self.visit))
        self._machine.restore(snapshot)
        self._machine.busy = BUSY
        self._broken = None

    def _require_waiting(self) -> None:
        if self._visit is None:
            raise MachineError(OUTSIDE)
        if self._broken is not None:
            raise MachineError(f"nothing can be called any more: {self._broken}")

    def _wait(self, steps: Sequence[Step | Leave], seconds: float | None) -> None:
        """Wait for a batch; look at the guest whenever that takes long."""
        if self._mailbox.looked():
            return
        limit = self._machine.config.deadlines.reply if seconds is None else seconds
        deadline, done, idle = Deadline(limit), 0, Deadline(IDLE_SECONDS)
        while not self._mailbox.wait(LOOK_SECONDS):
            if (now := self._mailbox.word(DONE)) != done:
                deadline, done = Deadline(limit), now
            over = self._machine.ending() is not None  # which also takes what the kernel prints
            if not over and (idle.expired or deadline.expired):
                over = self._machine.wait_end(0).kind is not EndKind.HANG
                over = over or deadline.expired or not self._machine.running
                idle = Deadline(IDLE_SECONDS)
            if over and self._mailbox.word(WANTED):
                self._mailbox.set_word(WANTED, 0)
                calls = Circumstances(self.visit.window, limit, self._interrupts)
                done = self._mailbox.word(DONE)
                error = call_error(self._machine, steps, done, calls)
                error.results = tuple(self._mailbox.results(done))
                self._broken = error
                raise error

    def _settle(self) -> None:
        """Have the stub end, after whatever it is still performing."""
        if self._mailbox.word(WANTED):
            self._wait((), None)
        self._mailbox.begin(encode((Leave(),)), 1)
        self._wait((Leave(),), None)

    def _write(self, parts: Mapping[int, bytes]) -> None:
        mapping = self._machine.own_memory.mapping
        for offset, content in parts.items():
            mapping[offset : offset + len(content)] = content


def _contents(visit: Visit) -> dict[int, bytes]:
    return contents(visit.physical) | tables(visit.window, visit.cpu)


def _fpu(cpu: Cpu) -> int:
    """Return how the stub is to keep the vector registers, as stub.S has it."""
    if cpu["cr0"] & (Cr0.EM | Cr0.TS):  # the kernel lends them, and is asked by an exception
        return 0
    if cpu["cr4"] & Cr4.OSXSAVE:
        return 2
    return 1 if cpu["cr4"] & Cr4.OSFXSR else 0
