"""Operations through guest memory: requests written into the kernel's ring, replies read from it.

The kernel serves its ring while it performs the console's command `ring`; this types the command,
and ends it. What comes between costs no line and no stop: microseconds an operation, and less still
in batches. After some looks in vain the bench yields its processor, then sleeps for moments; the
kernel sleeps until a character wakes it, which neither the ring nor the console takes for one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from ringbench.drive.channel import Channel
from ringbench.drive.reply import Reply
from ringbench.errors import Ended, RingbenchError
from ringbench.machine import Deadline, Machine
from ringbench.subjects.reference.drive.ring_format import RingCodec, RingFormat
from ringbench.subjects.reference.vocabulary.operations.base import Operation

COMMAND: Final = "ring"
LOOKS_BEFORE_YIELD: Final = 100
LOOKS_BEFORE_SLEEP: Final = 2000
SLEEP_SECONDS: Final = 200e-6


@dataclass(frozen=True, slots=True)
class RingPlace:
    """Where the ring's members are: physical addresses; each index has its bytes."""

    submitted: tuple[int, int]
    served: tuple[int, int]
    stop: tuple[int, int]
    serving: tuple[int, int]
    asleep: tuple[int, int]
    requests: int
    replies: int


class RingChannel(Channel[Operation]):
    """Performs operations through the ring; a context manager, in which the kernel serves it.

    Meanwhile the console takes no lines.

    Example:
        with RingChannel(machine, *locate_ring(machine, types)) as ring:
            replies = ring.perform_many([PmmAlloc(), PmmAlloc(2)])
    """

    def __init__(self, machine: Machine, ring: RingFormat, place: RingPlace) -> None:
        super().__init__()
        self.batch = ring.slots
        self._machine = machine
        self._format = ring
        self._place = place
        self._codec = RingCodec(ring)
        self._collected = 0
        self._under_way: Sequence[Operation] = ()

    def __enter__(self) -> Self:
        """Have the kernel serve the ring.

        Raises:
            MachineError: the guest is stopped.
            Ended: the guest has ended, or does not begin.
        """
        self._collected, self._under_way = 0, ()
        self._write(self._place.serving, 0)
        self._machine.begin(COMMAND)
        self._wait(self._place.serving, 1, "to be served")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Have the kernel return to its prompt, unless it has come to its end.

        Raises:
            Ended: the guest has ended, or does not return.
            RingbenchError: it says that it did not serve what was asked.
        """
        if isinstance(error, Ended):
            return
        self._write(self._place.stop, 1)
        self._wake()
        said = self._machine.finish()
        if error is None and said.rpartition("\n")[2] != f"ok {self._collected}":
            raise RingbenchError(f"the ring ended with {said!r} after {self._collected} requests")

    def perform(self, operation: Operation) -> Reply:
        """Perform an operation.

        Raises:
            ValueError: it has a number or a word that no request can hold.
            MalformedReply: the answer does not fit the operation.
            MachineError: the guest is stopped.
            Ended: the guest ended or did not answer.
        """
        self.submit((operation,))
        return self.collect()[0]

    def submit(self, operations: Sequence[Operation]) -> None:
        """Have the kernel begin with some operations, no more than there are slots.

        Raises:
            ValueError: as for `perform`; or too many, or others have not been collected.
            MachineError, Ended: as for `perform`.
        """
        if self._under_way or len(operations) > self.batch:
            raise ValueError("one batch at a time, of no more operations than there are slots")
        requests = [self._codec.encode(operation) for operation in operations]
        self._machine.require_running(f"{len(operations)} operations")
        size = self._format.request.size
        for slot, start, end in self._pieces(len(operations)):
            address = self._place.requests + slot * size
            self._machine.memory.write(address, b"".join(requests[start:end]))
        self._under_way = operations
        self._write(self._place.submitted, self._collected + len(operations))
        self._wake()

    def collect(self) -> list[Reply]:
        """Return the replies to what was submitted.

        Raises:
            MalformedReply, Ended: as for `perform`.
        """
        operations, first = self._under_way, self._collected
        self._wait(self._place.served, first + len(operations), f"operation {first + 1} and on")
        replies: list[Reply] = []
        decode, size = self._codec.decode, self._format.reply.size
        for slot, start, end in self._pieces(len(operations)):
            address = self._place.replies + slot * size
            held = self._machine.memory.read(address, (end - start) * size)
            replies += [
                decode(operation, held, number * size)
                for number, operation in enumerate(operations[start:end])
            ]
        self._collected, self._under_way = first + len(operations), ()
        return replies

    def _pieces(self, count: int) -> Iterator[tuple[int, int, int]]:
        """Yield (slot, start, end) for each run of slots that the next `count` requests have."""
        slot = self._collected % self._format.slots
        head = min(count, self._format.slots - slot)
        yield slot, 0, head
        if head < count:
            yield 0, head, count

    def _read(self, index: tuple[int, int]) -> int:
        return int.from_bytes(self._machine.memory.read(*index), "little")

    def _write(self, index: tuple[int, int], value: int) -> None:
        address, size = index
        self._machine.memory.write(address, value.to_bytes(size, "little"))

    def _wake(self) -> None:
        """Type the character that ends the kernel's sleep, if it is asleep."""
        if self._read(self._place.asleep):
            self._machine.serial.nudge()

    def _wait(self, index: tuple[int, int], wanted: int, what: str) -> None:
        """Poll until an index has the value; a deadline is over only if nothing moves meanwhile."""
        seconds = self._machine.config.deadlines.reply
        deadline, last, looks = Deadline(seconds), self._read(index), 0
        while last != wanted:
            looks += 1
            if looks > LOOKS_BEFORE_YIELD:
                os.sched_yield()
            if looks % LOOKS_BEFORE_SLEEP == 0:
                if self._machine.ending() is not None or deadline.expired:
                    raise self._machine.failure(f"{what}: not within {seconds:g} s", "in the ring")
                self._wake()  # the look at `asleep` may have been too early for this processor
                looks -= 1
                time.sleep(SLEEP_SECONDS)
            now = self._read(index)
            if now != last:
                deadline, last = Deadline(seconds), now
