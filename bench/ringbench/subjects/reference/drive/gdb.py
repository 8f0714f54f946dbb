"""Operations by calling kernel functions through GDB, with the console's replies and refusals.

It stands apart on purpose. Console and ring end in one dispatcher of the kernel's, so that a bug in
there, or in how the console refuses, is the same on both. This channel calls the functions below it
itself, and makes of handles, lent frames and statuses what they must mean by code of its own
(`gdb_calls`): a second witness, slow and independent. Calling the kernel's own entry for a request
would be shorter and would see nothing new.

The guest must be stopped between two commands of the console, and awake: a processor that sleeps
in `hlt` executes nothing that gdb sets up. `GdbChannel.at_prompt` brings it there. What cannot be
called sensibly is left to the console: `supports` says so.
"""

from types import TracebackType
from typing import Final, Self

from ringbench.drive.channel import Channel
from ringbench.drive.reply import Reply
from ringbench.machine import Deadline, Gdb, Machine
from ringbench.subjects.reference.drive.gdb_calls import CALLS
from ringbench.subjects.reference.drive.gdb_kernel import GdbKernel
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.status import Refused

_READS_LINE: Final = "line_read"


class GdbChannel(Channel[Operation]):
    """Performs operations in a stopped guest.

    Example:
        GdbChannel.at_prompt(machine).perform(PmmAlloc())
    """

    def __init__(self, gdb: Gdb, machine: Machine | None = None) -> None:
        """Take the debugger of a stopped guest; with its `machine`, that runs on after a block."""
        super().__init__()
        self._machine = machine
        self._kernel = GdbKernel(gdb)

    @classmethod
    def at_prompt(cls, machine: Machine) -> Self:
        """Stop the guest where it begins to read a line, and return a channel to it.

        An empty line wakes the kernel, which prints another prompt on its way; after
        `machine.detach_gdb()` it goes on reading as if nothing had been.

        Raises:
            GdbError: gdb refuses or is gone, or the guest did not get there.
            SerialError: the guest does not take the line or prints no prompt.
        """
        gdb = machine.gdb
        gdb.interrupt()
        gdb.break_(_READS_LINE, temporary=True)
        deadline = Deadline(machine.config.deadlines.reply)
        machine.serial.send("", deadline)
        gdb.continue_()
        gdb.wait_stop()
        machine.serial.expect_prompt(deadline)
        return cls(gdb, machine)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End gdb, and let the guest go on reading its line."""
        if self._machine is not None:
            self._machine.detach_gdb()

    def supports(self, operation: Operation) -> bool:
        """Tell whether this channel performs such an operation."""
        return type(operation) in CALLS

    def perform(self, operation: Operation) -> Reply:
        """Perform an operation.

        Raises:
            ValueError: not one that `supports` allows.
            GdbError: gdb refuses, is gone, or the call did not return.
        """
        if not self.supports(operation):
            raise ValueError(f"{type(operation).__name__} is not for GDB: use the console")
        try:
            return CALLS[type(operation)](self._kernel, operation)
        except Refused as refused:
            return Reply(refused.status.text)
