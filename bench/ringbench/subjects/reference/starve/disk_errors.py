"""Each request that an operation makes to a disk, made to fail by QEMU, one after another."""

from __future__ import annotations

from collections.abc import Iterator

from ringbench.drive.reply import Reply
from ringbench.machine.disks import failing_request, virtio_disks
from ringbench.subject import ForcedFailure
from ringbench.subjects.reference.drive.console import ConsoleChannel
from ringbench.subjects.reference.kernel import ReferenceKernel
from ringbench.subjects.reference.model.disk import with_disk
from ringbench.subjects.reference.model.kernel import perform
from ringbench.subjects.reference.model.state import KernelState, Request, replace
from ringbench.subjects.reference.vocabulary.handles import disk_handle
from ringbench.subjects.reference.vocabulary.operations.base import Operation


def disk_errors(
    kernel: ReferenceKernel, state: KernelState, operation: Operation
) -> Iterator[ForcedFailure[KernelState, Operation]]:
    """Yield, for each disk, that the first request fails, then the second, until all did.

    Each try begins in the state that the one before left, in which what went before the request
    that failed may have been done for good. A flush cannot be made to fail: QEMU 7.2
    does not ask a block driver through which nothing was written (block/io.c, bdrv_co_flush).
    """
    for disk in range(len(state.disks)):
        number = 0
        while (failed := failing(state, operation, disk, number)) is not None:
            after, reply, request = failed
            number += 1
            if request.kind == "flush":
                continue
            words = f"{disk_handle(disk)}: request {number}, {request.kind}, fails"
            yield ForcedFailure(words, reply, _channel(kernel, disk, request), after)
            number -= _requests(state, operation, disk) - _requests(after, operation, disk)
            state = after


def _requests(state: KernelState, operation: Operation, disk: int) -> int:
    """Return how many requests an operation makes of a disk."""
    return perform(state, operation)[0].disks[disk].requests - state.disks[disk].requests


def failing(
    state: KernelState, operation: Operation, disk: int, number: int
) -> tuple[KernelState, Reply, Request] | None:
    """Return what an operation does if its request `number` of a disk fails, and that request.

    None: it makes no so many.
    """
    it = state.disks[disk]
    armed = with_disk(state, disk, replace(it, failing=it.requests + number, failed=None))
    after, reply = perform(armed, operation)
    request = after.disks[disk].failed
    if request is None:
        return None
    return with_disk(after, disk, replace(after.disks[disk], failed=None)), reply, request


def _channel(kernel: ReferenceKernel, disk: int, request: Request) -> ConsoleChannel:
    machine = kernel.machine
    number = virtio_disks(machine)[disk].number

    def perform_failing(line: str) -> str:
        with failing_request(machine, number, request.kind, request.sector):
            return machine.command(line)

    return ConsoleChannel(perform_failing)
