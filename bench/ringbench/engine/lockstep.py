"""A machine and the model's state side by side, every operation performed on both and compared.

    with Machine.start(load()) as machine:
        lockstep = Lockstep(machine)
        lockstep.step(ConsoleChannel(machine.command), PmmAlloc())
        lockstep.look("after one allocation")
        assert not lockstep.mismatches

Cheap facts are compared at every step (status, values, the free-frame count), everything else
whenever one asks for a `look`. The model may be ahead: `predict` performs an operation on it alone,
`catch_up` has the kernel perform all of those at once and compares them one by one; through the
ring, `hand_over` and `collect` let both work at the same time. The first disagreement raises
`Diverged`: from there on the two are in different states.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ringbench.check.mismatch import Finding, Mismatch
from ringbench.drive.channel import Channel
from ringbench.drive.operation import Reply
from ringbench.engine.result import LAYERS, MACHINE, LayerResult
from ringbench.machine import Machine
from ringbench.subjects.reference.check.inspector import Inspector
from ringbench.subjects.reference.drive.ring import RingChannel
from ringbench.subjects.reference.model.kernel import perform
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.operations import Operation
from ringbench.subjects.reference.workload import drain


class Diverged(Exception):
    """Model and kernel have parted; the message has the mismatches, `Lockstep` keeps them."""


class Batch(NamedTuple):
    """Operations that the model has performed, and what must be seen once the kernel has too."""

    predicted: list[tuple[Operation, Reply]]
    free: int
    note: str


class Lockstep:
    """A booted machine at its prompt, and the model that has booted beside it.

    The inspector can be one that the machine had before it was restored. Where the model's state
    after the boot is not given, it follows from what the loader left in memory.

    Attributes:
        state: the model's state, after all operations so far.
        booted: the model's state at the beginning.
        predicted: operations that the model is ahead of the kernel, with the replies they must get.
        mismatches: what did not agree, in the order found.
        steps: operations compared so far; the last of them is the one that did not agree.
        looks: whole pictures compared so far.
    """

    def __init__(
        self,
        machine: Machine,
        inspector: Inspector | None = None,
        booted: KernelState | None = None,
    ) -> None:
        self.machine = machine
        self.inspector = inspector or Inspector(machine)
        self.booted: KernelState = booted or self.inspector.boot_state()
        self.state = self.booted
        self.mismatches: list[Mismatch] = []
        self.predicted: list[tuple[Operation, Reply]] = []
        self._handed_over: Batch | None = None
        self.steps = 0
        self.looks = 0
        self._operations: Counter[str] = Counter()
        self._comparisons: Counter[str] = Counter()

    def step(self, channel: Channel[Operation], operation: Operation, note: str = "") -> Reply:
        """Perform one operation on both, compare what is cheap, return the kernel's reply.

        Raises:
            Diverged: reply or free-frame count are not as predicted.
            Unpredictable: the model can't say what the operation must do; nothing was done.
            RingbenchError: the machine ended, or did not answer.
        """
        self.predict(operation)
        return self.catch_up(channel, note)[-1]

    def predict(self, operation: Operation) -> Reply:
        """Perform one operation on the model alone, and return the reply it must get.

        Raises:
            Unpredictable: the model can't say what the operation must do; nothing was done.
        """
        self.state, expected = perform(self.state, operation)
        self.predicted.append((operation, expected))
        return expected

    def expect(self, operation: Operation, reply: Reply) -> None:
        """Expect a reply that the model can't know of: of an operation that is made to fail."""
        self.predicted.append((operation, reply))

    def catch_up(self, channel: Channel[Operation], note: str = "") -> list[Reply]:
        """Have the kernel perform what was predicted; compare each reply, then the free frames.

        Raises:
            Diverged: a reply or the free-frame count is not as predicted.
            RingbenchError: the machine ended, or did not answer.
        """
        replies = channel.perform_many([operation for operation, _ in self.predicted])
        return self._compare_replies(self._take_predicted(note), replies)

    def hand_over(self, ring: RingChannel, note: str = "") -> None:
        """Have the kernel begin with what was predicted, while the model goes on ahead.

        What was handed over before is collected first.

        Raises:
            Diverged, RingbenchError: as for `catch_up`, of that.
        """
        self.collect(ring)
        ring.submit([operation for operation, _ in self.predicted])
        self._handed_over = self._take_predicted(note)

    def collect(self, ring: RingChannel) -> list[Reply]:
        """Compare what was handed over, if anything was, as `catch_up` does.

        Raises:
            Diverged, RingbenchError: as for `catch_up`.
        """
        batch, self._handed_over = self._handed_over, None
        return [] if batch is None else self._compare_replies(batch, ring.collect())

    def _take_predicted(self, note: str) -> Batch:
        predicted, self.predicted = self.predicted, []
        return Batch(predicted, self.state.pmm.free_count, note)

    def _compare_replies(self, batch: Batch, replies: list[Reply]) -> list[Reply]:
        for (operation, expected), seen in zip(batch.predicted, replies, strict=True):
            self.steps += 1
            layer = operation.layer
            self._operations[layer] += 1
            self._comparisons[layer] += 1 + len(expected.values)
            if seen != expected:
                where = f"operation {self.steps}: {operation}{batch.note}"
                self._differ(layer, "reply", reply_text(expected), reply_text(seen), where)
                break  # what follows was performed in another state than it was predicted for
        else:
            where = f"after operation {self.steps}{batch.note}"
            self._compare("pmm", "free frames", batch.free, self.inspector.free_frames(), where)
        self._stop_if_diverged()
        return replies

    def look(self, when: str, channel: Channel[Operation] | None = None) -> None:
        """Take the whole picture and compare all of it.

        The kernel is asked for its own view through `channel`, which is the monitor if there is
        none.

        Raises:
            Diverged: something is not as predicted.
        """
        self._count(self.inspector.inspect(self.state, when, channel))

    def glance(self, when: str) -> None:
        """Compare all that is in memory, as `look` does, without the other witnesses.

        It takes an eighth of the time, and works while the kernel serves its ring.

        Raises:
            Diverged: something is not as predicted.
        """
        self._count(self.inspector.glance(self.state, when))

    def _count(self, findings: Iterable[Finding]) -> None:
        self.looks += 1
        for layer, compared, mismatches in findings:
            self._comparisons[layer] += compared
            self.mismatches.extend(mismatches)
        self._stop_if_diverged()

    def drain(self, channel: Channel[Operation]) -> None:
        """Give everything back, comparing as ever, and see that both are as after boot.

        Raises:
            Diverged: something is not as predicted, or something was left.
        """
        while (operation := drain(self.state)) is not None:
            self.step(channel, operation)
        self.look("after giving everything back", channel)
        before, after = self.booted, self.state
        for layer, had, has in (
            ("pmm", before.pmm, after.pmm),
            ("paging", before.tables, after.tables),
            ("vmm", before.spaces, after.spaces),
            ("heap", before.heap.nodes, after.heap.nodes),
            ("task", before.tasks, after.tasks),
        ):
            self._compare(layer, "state as after boot", True, had == has, "the drained model")
        self._stop_if_diverged()

    def results(self) -> Iterator[LayerResult]:
        """The tally, a row a layer, bottom first."""
        for layer in (*LAYERS, MACHINE):
            yield LayerResult(
                layer,
                self._operations[layer],
                self._comparisons[layer],
                tuple(each for each in self.mismatches if each.layer == layer),
            )

    def _compare(self, layer: str, what: str, expected: object, seen: object, where: str) -> None:
        self._comparisons[layer] += 1
        if seen != expected:
            self._differ(layer, what, str(expected), str(seen), where)

    def _differ(self, layer: str, what: str, expected: str, seen: str, where: str) -> None:
        self.mismatches.append(Mismatch(layer, what, expected, seen, where))

    def _stop_if_diverged(self) -> None:
        if self.mismatches:
            raise Diverged("\n".join(str(each) for each in self.mismatches))


def reply_text(reply: Reply) -> str:
    """Return a reply as the console would print it, near enough to recognise it there."""
    values = (hex(each) if isinstance(each, int) else each for each in reply.values)
    return " ".join((reply.status, *values))
