"""The same guest, asked by gdb: one step after the other, without the bench's code in the guest.

It is some hundred times slower than guest calls, and shares nothing with them: what both find is
the kernel's doing. A debugger sees memory by the tables, and not by what the processor keeps of
them; so accesses are not probed, and a stale translation is not seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ringbench.drive.guest_calls import SKIPPED, Call, Check, Fill, Load, Operand, Result, Step
from ringbench.drive.guest_calls.ended import Circumstances, call_error
from ringbench.drive.guest_calls.place import bring
from ringbench.errors import CallError, Ended, GdbRefused, GdbTimeout
from ringbench.machine import Machine
from ringbench.subjects.contracts.machine_guest import MachineGuest

WORD: Final = 8
FUNCTION: Final = "((unsigned long (*)()){:#x})"


class GdbGuest(MachineGuest):
    """A guest whose functions gdb calls, where they would be called otherwise."""

    def __init__(self, guest: MachineGuest, machine: Machine, at: int | None) -> None:
        """Bring a guest that was called otherwise, and is not any more, to where calls are made.

        Raises:
            MachineError: it does not come there.
        """
        vars(self).update(vars(guest))
        self._machine = machine
        self._circumstances = Circumstances(
            guest.window, machine.config.deadlines.reply, machine.config.contracts.interrupts
        )
        self.own = range(0)
        self.probes = ()
        bring(machine, at, machine.config.deadlines.reply)

    def perform(self, steps: Sequence[Step]) -> Sequence[int]:
        """Perform steps in order, and return the result of each.

        Raises:
            CallError: one of them ended the guest, or did not end.
            MachineError: it cannot be done.
        """
        results: list[int] = []
        failed: set[int] = set()
        for number, step in enumerate(steps):
            needed = {each.step for each in step.operands() if isinstance(each, Result)}
            if needed & failed:
                results.append(SKIPPED)
                failed.add(number)
                continue
            try:
                results.append(self._perform(step, results))
            except (GdbTimeout, Ended):
                error = call_error(self._machine, steps, number, self._circumstances)
                error.results = tuple(results)
                raise error from None
            except GdbRefused as refused:
                error = CallError(f"{step} is not possible: {refused}", step=number)
                error.results = tuple(results)
                raise error from None
            if isinstance(step, Call) and results[-1] in step.none:
                failed.add(number)
        return results

    def _perform(self, step: Step, results: Sequence[int]) -> int:
        def value(operand: Operand) -> int:
            if isinstance(operand, Result):
                return (results[operand.step] + operand.plus) % (1 << 64)
            return operand % (1 << 64)

        gdb = self._machine.gdb
        match step:
            case Call(function, arguments):
                called = FUNCTION.format(value(function))
                return gdb.call(called, *map(value, arguments)) % (1 << 64)
            case Fill(address, length, byte):
                gdb.write_memory(value(address), bytes([byte]) * length)
                return length
            case Check(address, length, byte):
                seen = gdb.read_memory(value(address), length)
                return next((at for at, each in enumerate(seen) if each != byte), length)
            case Load(address):
                return int.from_bytes(gdb.read_memory(value(address), WORD), "little")
        raise AssertionError(f"not planned for a guest without probes: {step}")
