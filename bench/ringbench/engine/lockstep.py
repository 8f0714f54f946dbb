"""A kernel and its model side by side, every operation performed on both and compared.

    subject = subjects.load("reference")
    with closing(subject.start(load())) as kernel:
        lockstep = Lockstep(subject, kernel)
        with kernel.channel("console") as channel:
            lockstep.step(channel, PmmAlloc())
        lockstep.look("after one allocation")
        assert not lockstep.mismatches

Cheap facts are compared at every step (status, values, the subject's counts), everything else
whenever one asks for a `look`. The model may be ahead: `predict` performs an operation on it alone,
`hand_over` has the kernel begin with all of those at once, and `collect` compares them one by one;
`catch_up` is both. The first disagreement raises `Diverged`: from there on the two are in different
states.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Generic, NamedTuple

from ringbench.check.mismatch import MACHINE, Mismatch
from ringbench.drive.channel import Channel
from ringbench.drive.reply import Expectation, Reply
from ringbench.engine.result import LayerResult
from ringbench.engine.watched import watched
from ringbench.subject import Count, Kernel, OperationT, StateT, Subject


class Diverged(Exception):
    """Model and kernel have parted; the message has the mismatches, `Lockstep` keeps them."""


class Batch(NamedTuple, Generic[OperationT]):
    """Operations that the model has performed, and what must be seen once the kernel has too."""

    predicted: list[tuple[OperationT, Expectation]]
    counts: tuple[Count, ...]
    note: str


class Lockstep(Generic[StateT, OperationT]):
    """A booted kernel, and the model that has booted beside it.

    Attributes:
        subject: what both are of.
        kernel: the kernel.
        state: the model's state, after all operations so far.
        predicted: operations that the model is ahead of the kernel, with what they must answer.
        mismatches: what did not agree, in the order found.
        steps: operations compared so far; the last of them is the one that did not agree.
        looks: whole pictures compared so far.
    """

    def __init__(
        self, subject: Subject[StateT, OperationT], kernel: Kernel[StateT, OperationT]
    ) -> None:
        self.subject = subject
        self.kernel = kernel
        self.state: StateT = kernel.booted
        self.mismatches: list[Mismatch] = []
        self.predicted: list[tuple[OperationT, Expectation]] = []
        self._handed_over: Batch[OperationT] | None = None
        self.steps = 0
        self.looks = 0
        self._operations: Counter[str] = Counter()
        self._comparisons: Counter[str] = Counter()

    def step(self, channel: Channel[OperationT], operation: OperationT, note: str = "") -> Reply:
        """Perform one operation on both, compare what is cheap, return the kernel's reply.

        Raises:
            Diverged: reply or counts are not as predicted.
            Unpredictable: the model can't say what the operation must do; nothing was done.
            RingbenchError: the kernel ended, or did not answer.
        """
        self.predict(operation)
        return self.catch_up(channel, note)[-1]

    def predict(self, operation: OperationT) -> Expectation:
        """Perform one operation on the model alone, and return what its reply must be.

        Raises:
            Unpredictable: the model can't say what the operation must do; nothing was done.
        """
        self.state, expected = self.subject.perform(self.state, operation)
        self.predicted.append((operation, expected))
        return expected

    def expect(self, operation: OperationT, reply: Reply) -> None:
        """Expect a reply that the model can't know of: of an operation that is made to fail."""
        self.predicted.append((operation, reply))

    def catch_up(self, channel: Channel[OperationT], note: str = "") -> list[Reply]:
        """Have the kernel perform what was predicted; compare each reply, then the counts.

        Raises:
            Diverged: a reply or a count is not as predicted.
            RingbenchError: the kernel ended, or did not answer.
        """
        self.hand_over(channel, note)
        return self.collect(channel)

    def hand_over(self, channel: Channel[OperationT], note: str = "") -> None:
        """Have the kernel begin with what was predicted, while the model may go on ahead.

        What was handed over before is collected first.

        Raises:
            Diverged, RingbenchError: as for `catch_up`, of that.
        """
        self.collect(channel)
        predicted, self.predicted = self.predicted, []
        channel.submit([operation for operation, _ in predicted])
        self._handed_over = Batch(predicted, self.subject.counts(self.state), note)

    def collect(self, channel: Channel[OperationT]) -> list[Reply]:
        """Compare what was handed over, if anything was, as `catch_up` does.

        Raises:
            Diverged, RingbenchError: as for `catch_up`.
        """
        batch, self._handed_over = self._handed_over, None
        return [] if batch is None else self._compare_replies(batch, channel.collect())

    def _compare_replies(self, batch: Batch[OperationT], replies: list[Reply]) -> list[Reply]:
        self._see_watched(f"after operation {self.steps + len(replies)}{batch.note}")
        for (operation, expected), seen in zip(batch.predicted, replies, strict=True):
            self.steps += 1
            layer = operation.layer
            self._operations[layer] += 1
            self._comparisons[layer] += expected.facts
            if not expected.allows(seen):
                where = f"operation {self.steps}: {operation}{batch.note}"
                self._differ(layer, "reply", str(expected), str(seen), where)
                break  # what follows was performed in another state than it was predicted for
        else:
            where = f"after operation {self.steps}{batch.note}"
            for count, value in zip(batch.counts, self.kernel.counts(), strict=True):
                self._compare(count.layer, count.what, count.value, value, where)
        self._stop_if_diverged()
        return replies

    def look(self, when: str, channel: Channel[OperationT] | None = None) -> None:
        """Compare all of the kernel's memory, and ask every other witness.

        Through `channel`, if the kernel serves one at the moment.

        Raises:
            Diverged: something is not as predicted.
            RingbenchError: the kernel ended, or did not answer.
        """
        self._see(when, whole=True, channel=channel)

    def glance(self, when: str) -> None:
        """Compare all of the kernel's memory, as `look` does, without the other witnesses.

        It takes an eighth of the time, and works while the kernel serves a channel.

        Raises:
            Diverged: something is not as predicted.
            RingbenchError: the kernel ended, or did not answer.
        """
        self._see(when, whole=False, channel=None)

    def _see(self, when: str, *, whole: bool, channel: Channel[OperationT] | None) -> None:
        self.looks += 1
        findings = self.kernel.compare(self.state, when, whole=whole, channel=channel)
        self._see_watched(when)
        for layer, compared, mismatches in findings:
            self._comparisons[layer] += compared
            self.mismatches.extend(mismatches)
        self._stop_if_diverged()

    def _see_watched(self, when: str) -> None:
        """Take what the microscope objects to; it comes first, being the cause of other things."""
        found = watched(self.kernel, self.subject.layers, when)
        if found is not None and not self.mismatches:
            self.mismatches.extend(found.mismatches)

    def drain(self, channel: Channel[OperationT]) -> None:
        """Give everything back, comparing as ever, and see that both are as after boot.

        Raises:
            Diverged: something is not as predicted, or something was left.
            RingbenchError: the kernel ended, or did not answer.
        """
        while (operation := self.subject.drain(self.state)) is not None:
            self.step(channel, operation)
        self.look("after giving everything back", channel)
        before = self.subject.holdings(self.kernel.booted)
        for layer, has in self.subject.holdings(self.state).items():
            same = before[layer] == has
            self._compare(layer, "state as after boot", True, same, "the drained model")
        self._stop_if_diverged()

    def results(self) -> Iterator[LayerResult]:
        """The tally, a row a layer, lowest first."""
        for layer in (*self.subject.layers, MACHINE):
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
