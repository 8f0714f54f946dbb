"""Operations performed by guest calls: as many at once as do not depend on one another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Final

from ringbench.config.contracts import Contracts
from ringbench.drive.channel import Channel
from ringbench.drive.guest_calls import Call, Fill, Step
from ringbench.drive.reply import Reply
from ringbench.errors import CallError
from ringbench.subjects.contracts.batch import Batch, Performance, Results
from ringbench.subjects.contracts.frames import perform as frames
from ringbench.subjects.contracts.frames.operations import Free
from ringbench.subjects.contracts.frames.rules import Places
from ringbench.subjects.contracts.guest import Guest
from ringbench.subjects.contracts.heap import perform as heap
from ringbench.subjects.contracts.ledger import PAGE, Ledger
from ringbench.subjects.contracts.operation import Operation
from ringbench.subjects.contracts.pages import perform as pages
from ringbench.subjects.contracts.regions import perform as regions
from ringbench.subjects.contracts.rule import MEMORY, RETURNS, breach, is_broken
from ringbench.subjects.contracts.starve import Starved, starve

NOT_PERFORMED: Final = Reply("not-performed")
"""Of what came after the operation that broke a rule."""


MANY_STEPS: Final = 12_000
"""Steps after which no operation is added to a batch: it has at most 16,384."""


class ContractChannel(Channel[Operation]):
    """Performs operations on a guest, and keeps the ledger.

    Attributes:
        ledger: what is out.
        over: whether a rule was broken, so that the ledger says nothing of the kernel any more.
    """

    batch = 64

    def __init__(self, guest: Guest, contracts: Contracts, ledger: Ledger) -> None:
        super().__init__()
        self.ledger = ledger
        self.over = False
        self._guest = guest
        self._contracts = contracts
        self._places: Places | None = None

    def perform(self, operation: Operation) -> Reply:
        """Perform one operation by itself."""
        (reply,) = self._perform_all([operation])
        return reply

    def submit(self, operations: Sequence[Operation]) -> None:
        """Perform operations; those that can, in one go."""
        self._replies = self._perform_all(operations)

    def _perform_all(self, operations: Sequence[Operation]) -> list[Reply]:
        replies: list[Reply] = []
        while len(replies) < len(operations) and not self.over:
            replies += self._perform_some(operations[len(replies) :])
        return replies + [NOT_PERFORMED] * (len(operations) - len(replies))

    def _perform_some(self, operations: Sequence[Operation]) -> list[Reply]:
        """Plan the first of some operations, perform the steps of all, and judge one by one."""
        batch = Batch(self.ledger, self._guest)
        places = self._look(operations)
        begun: list[tuple[Operation, Performance, int]] = []
        for operation in _together(operations):
            if len(batch.steps) > MANY_STEPS or (begun and self._waits(operation)):
                break
            performance = self._begin(operation, batch, places)
            next(performance)
            begun.append((operation, performance, len(batch.steps)))
        ended: CallError | None = None
        try:
            results = self._guest.perform(batch.steps)
        except CallError as error:
            results, ended = error.results, error
        steps = tuple(batch.steps)
        replies: list[Reply] = []
        for operation, performance, end in begun:
            if ended is not None and ended.step < end:
                replies.append(_by_step(ended, steps))
            else:
                replies.append(self._judge(operation, performance, results, batch))
            if is_broken(replies[-1]):
                self.over = True
                return replies
        frames.fill(self.ledger, self._guest)
        return replies

    def _waits(self, operation: Operation) -> bool:
        """Whether it must be known what came before: a frame that is given back by another name."""
        frames = self._contracts.frames
        is_free = isinstance(operation, Free) and operation.layer == "frames"
        return is_free and frames is not None and frames.renames

    def _begin(self, operation: Operation, batch: Batch, places: Places | None) -> Performance:
        if isinstance(operation, Starved):
            inner, layer = operation.inner, getattr(self._contracts, operation.layer)
            if inner.layer == "pages" and not pages.says(layer, batch, layer.map):
                return pages.nothing()  # whether it was done, the kernel does not say
            if inner.layer == "regions" and layer.demand:
                return pages.nothing()  # what an access without memory does, nobody owes
            return starve(
                operation.left,
                lambda: self._begin(inner, batch, places),
                self._contracts.frames,
                batch,
                undoes=getattr(layer, "undoes", False),
            )
        if places is not None and operation.layer == "frames":
            assert self._contracts.frames is not None, "the layer is there"
            return frames.perform(operation, self._contracts.frames, batch, places)
        if operation.layer == "regions":
            assert self._contracts.regions is not None, "the layer is there"
            assert places is not None, "they are looked up for it"
            layer = regions.Layer(self._contracts.regions, self._contracts.frames, batch, places)
            return regions.perform(operation, layer)
        if operation.layer == "pages":
            assert self._contracts.pages is not None, "the layer is there"
            assert self._contracts.frames is not None, "pages are of frames"
            return pages.perform(operation, self._contracts.pages, self._contracts.frames, batch)
        assert self._contracts.heap is not None, "the layer is there"
        return heap.perform(operation, self._contracts.heap, batch)

    def _judge(
        self, operation: Operation, performance: Performance, results: Results, batch: Batch
    ) -> Reply:
        """Send an operation its results; if it wants more steps, perform those as well."""
        ledger = self.ledger
        ledger.number += 1
        if operation.layer != "frames":
            ledger.capacity = None  # other layers may have taken frames, or given some back
        freed = ledger.freed
        try:
            while True:
                batch.steps.clear()
                performance.send(results)
                results = self._guest.perform(batch.steps)
        except StopIteration as stop:
            reply: Reply = stop.value
        except CallError as error:
            reply = _by_step(error, batch.steps)
        if ledger.freed is freed:
            ledger.freed = None
        return reply

    def _look(self, operations: Sequence[Operation]) -> Places | None:
        """Return what the frames are now, if any of the operations is of frames or regions.

        Where the heap has its blocks is looked up for what goes alone: a drain meets all of them.
        """
        guest, ledger = self._guest, self.ledger
        if all(each.layer not in ("frames", "regions") for each in operations):
            return None
        in_heap: dict[int, str] = {}
        view = guest.pages()
        for block in ledger.blocks.values() if operations[0].alone else ():
            for vaddr in range(block.address & -PAGE, block.end, PAGE):
                paddr = view.translate(vaddr)
                if paddr is not None:
                    in_heap[paddr // PAGE] = str(block)
        return Places(guest.ram, guest.image, view, in_heap)


def _together(operations: Sequence[Operation]) -> Iterator[Operation]:
    """Yield the first of some operations, and those after it that can be planned with it."""
    if operations[0].alone:
        yield operations[0]
    else:
        yield from takewhile(lambda each: not each.alone, operations)


def _by_step(error: CallError, steps: Sequence[Step]) -> Reply:
    """Return what a step broke that ended the guest.

    Raises:
        CallError: that came from outside.
    """
    if error.outside:
        raise error
    step = steps[error.step]
    if isinstance(step, Call):
        return breach(RETURNS, f"expected that the call returns, seen {error}")
    doing = "written to" if isinstance(step, Fill) else "read"
    seen = str(error).replace(str(step), "it")
    return breach(MEMORY, f"expected that what was got can be {doing}, seen that {seen}")
