"""What is said of a step that did not end: which it was, what became of the guest, and where."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ringbench.drive.guest_calls.layout import Window
from ringbench.drive.guest_calls.steps import Call, Leave, Operand, Result, Step
from ringbench.ending import EndKind
from ringbench.errors import CallError, Ended
from ringbench.machine import Machine

CONTEXT: Final = re.compile(
    r"\binterrupt|\birq|mutex|\block|preempt|sched|context|thread", re.IGNORECASE
)
"""Words by which a kernel says that it did not expect to be called where it was."""

LAST: Final = 4
"""Lines at the end of what a kernel printed that are searched for them."""

ELSEWHERE: Final = (
    "it returned to where the bench's memory is not mapped: a function that goes on in another "
    "address space than it was called in cannot be called like this"
)
OFF: Final = "calls are made with interrupts off; where the kernel wants them on: interrupts = true"


@dataclass(frozen=True, slots=True)
class Circumstances:
    """How calls were made: where the guest saw the bench's memory, with which deadline and flag."""

    window: Window
    seconds: float
    interrupts: bool


def call_error(
    machine: Machine, steps: Sequence[Step | Leave], number: int, calls: Circumstances
) -> CallError:
    """Return the error of step `number`, with all that is known of the guest."""
    seconds = calls.seconds
    what = described(machine, steps[number]) if number < len(steps) else "what was called"
    if machine.ending() is None and not machine.running:
        place = machine.names.place(machine.gdb.register("rip"))
        return machine.evidence(
            CallError(f"{what} did not end: the guest was stopped, at {place}", step=number)
        )
    found = machine.failure(f"{what} did not end within {seconds:g} s", f"in step {number}")
    hint = "" if calls.interrupts else _hint(found)
    fault = found.explanation.fault if found.explanation else None
    if fault is not None and fault.address in calls.window.addresses:
        hint = f" ({ELSEWHERE})"
    error = CallError(f"{what} {_became(found, seconds)}{hint}", step=number)
    for name, value in vars(found).items():
        setattr(error, name, value)
    return error


def described(machine: Machine, step: Step | Leave) -> str:
    """Return a step for a message, with the name of the function that it calls."""
    if not isinstance(step, Call):
        return str(step)
    name = _operand(step.function)
    if not isinstance(step.function, Result):
        name = machine.names.place(step.function).symbol.removesuffix("+0x0") or name
    return f"{name}({', '.join(map(_operand, step.arguments))})"


def _operand(operand: Operand) -> str:
    if not isinstance(operand, Result):
        return hex(operand)
    plus = f" + {operand.plus:#x}" if operand.plus else ""
    return f"result {operand.step}{plus}"


def _became(found: Ended, seconds: float) -> str:
    explanation, ending = found.explanation, found.ending
    fault = f"; first {explanation.fault}" if explanation and explanation.fault else ""
    if ending is not None and ending.kind is not EndKind.HANG:
        return f"ended the guest: {ending.message}{fault}"
    where = ""
    if explanation is not None and explanation.processors:
        where = f": it is at {explanation.processors[0].place}"
    return f"did not end within {seconds:g} s{where}{fault}"


def _hint(found: Ended) -> str:
    """Return what to try, if interrupts that are off may be what it came from."""
    ending = found.ending
    said = ending.block if ending and ending.block else found.serial_tail.splitlines()[-LAST:]
    hangs = ending is not None and ending.kind is EndKind.HANG
    return f" ({OFF})" if hangs or CONTEXT.search("\n".join(said)) else ""
