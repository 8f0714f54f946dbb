"""The heap's growth made to fail: GDB has the function that moves the heap's end return at once."""

from __future__ import annotations

from collections.abc import Iterator

from ringbench.drive.reply import Reply
from ringbench.errors import GdbTimeout
from ringbench.subject import ForcedFailure
from ringbench.subjects.reference.drive.console import ConsoleChannel
from ringbench.subjects.reference.kernel import ReferenceKernel
from ringbench.subjects.reference.model.kernel import perform
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.starve.shortage import NO_MEMORY
from ringbench.subjects.reference.vocabulary.operations.base import Operation


def grows_heap(state: KernelState, operation: Operation) -> bool:
    """Tell whether an operation moves the heap's end up."""
    return perform(state, operation)[0].heap.end > state.heap.end


def heap_cannot_grow(
    kernel: ReferenceKernel, state: KernelState, operation: Operation
) -> Iterator[ForcedFailure[KernelState, Operation]]:
    """Yield that the heap can't grow, once, if the operation has it grow.

    None grows it twice: what it grows by is enough.
    """
    if grows_heap(state, operation):
        channel = ConsoleChannel(lambda line: _without_growth(kernel, line))
        yield ForcedFailure("the heap can't grow", Reply(NO_MEMORY), channel)


def _without_growth(kernel: ReferenceKernel, line: str) -> str:
    """Type a line; the first time that the heap is about to grow, it can't. The reply."""
    machine, names = kernel.machine, kernel.inspector.layout.heap
    gdb = machine.gdb
    gdb.interrupt()
    gdb.break_(f"*{names.grow}", temporary=True)
    gdb.continue_()
    machine.begin(line)
    try:
        gdb.wait_stop(machine.config.deadlines.reply)
    except GdbTimeout:  # it never came to that; the reply says how far it came
        return machine.finish()
    gdb.return_(names.grow_failed)
    gdb.continue_()
    return machine.finish()
