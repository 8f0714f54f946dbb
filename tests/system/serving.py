"""A machine of its own whose ring is served, or is to be, and what is written there by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ringbench.machine import Deadline, Machine
from ringbench.subjects.reference.drive.ring import RingChannel, RingPlace
from ringbench.subjects.reference.drive.ring_format import RingFormat
from ringbench.subjects.reference.kernel import ReferenceKernel
from ringbench.subjects.reference.lockstep import ReferenceLockstep

SECONDS: Final = 60.0
"""For an index to move; one that does not by then never will."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for by hand: a command's place, its numbers, how many it says they are."""

    command: int
    numbers: tuple[int, ...] = ()
    count: int | None = None
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is in a slot of the replies: a status's name, all values, all bytes."""

    status: str
    count: int
    values: tuple[int, ...]
    data: bytes


class Serving:
    """A machine of its own, with the ring's whereabouts."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.lockstep = ReferenceLockstep(ReferenceKernel(machine))
        self.format: RingFormat
        self.place: RingPlace
        self.format, self.place = self.lockstep.kernel.inspector.ring()
        self._asked = 0

    def ring(self) -> RingChannel:
        """A channel that is not yet served."""
        return RingChannel(self.machine, self.format, self.place)

    def begin(self) -> None:
        """Have the ring served, for requests that are written by hand."""
        self.write(self.place.serving, 0)
        self.machine.begin("ring")
        self.wait(self.place.serving, 1)
        self._asked = 0

    def ask(self, requests: Sequence[Request]) -> list[Answer]:
        """Put requests into the ring that is served, and return what is answered."""
        first = self._asked
        self.put(requests)
        self.write(self.place.submitted, self._asked)
        self.wait(self.place.served, self._asked)
        return self.answers(first, len(requests))

    def put(self, requests: Sequence[Request]) -> None:
        """Write requests into the next slots, without saying so."""
        request, slots = self.format.request, self.format.slots
        assert len(requests) <= slots
        for each in requests:
            count = len(each.numbers) if each.count is None else each.count
            numbers = (*each.numbers, *(0,) * self.format.arguments)[: self.format.arguments]
            at = self.place.requests + self._asked % slots * request.size
            self.machine.memory.write(at, request.pack(each.command, count, *numbers, each.data))
            self._asked += 1

    def answers(self, first: int, count: int) -> list[Answer]:
        """Read the replies to requests by their numbers."""
        reply, names = self.format.reply, {n: name for name, n in self.format.statuses.items()}
        found = []
        for number in range(first, first + count):
            at = self.place.replies + number % self.format.slots * reply.size
            status, values, *numbers, data = reply.unpack(self.machine.memory.read(at, reply.size))
            found.append(Answer(names[status], values, tuple(numbers), data))
        return found

    def end(self) -> str:
        """Have the ring end, and return what the console then says."""
        self.write(self.place.stop, 1)
        return self.machine.finish()

    def wait(self, index: tuple[int, int], value: int) -> None:
        """Wait until one of the ring's indices has a value."""
        deadline = Deadline(SECONDS)
        while int.from_bytes(self.machine.memory.read(*index), "little") != value:
            assert self.machine.ending() is None
            assert not deadline.expired, f"not {value} within {SECONDS:g} s"

    def write(self, index: tuple[int, int], value: int) -> None:
        """Write one of the ring's indices behind the channel's back, and wake the kernel."""
        self.machine.memory.write(index[0], value.to_bytes(index[1], "little"))
        self.machine.serial.nudge()

    def variable(self, path: str, value: int) -> None:
        """Overwrite a number of the kernel's."""
        types = self.lockstep.kernel.inspector.types
        base = types.locate("ring").address
        found = types.locate(path)
        # The image is in one piece, in physical memory too.
        paddr = self.place.submitted[0] - types.locate("ring.submitted").address + found.address
        assert abs(found.address - base) < 1 << 22
        self.machine.memory.write(paddr, value.to_bytes(found.type.size, "little"))
