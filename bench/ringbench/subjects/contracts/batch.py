"""Steps of several operations, planned before the first of them is performed.

An operation is a generator: it plans its steps and yields; once they are performed it is sent their
results, and returns its reply. So a batch is planned with addresses that nobody knows yet: those of
what it gets itself are results of its own steps.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from ringbench.config.call_text import CallText
from ringbench.drive.guest_calls import SKIPPED, Call, Check, Fill, Load, Operand, Result, Step
from ringbench.drive.reply import Reply
from ringbench.subjects.contracts.guest import Guest
from ringbench.subjects.contracts.ledger import Block, Ledger, Run

Got = TypeVar("Got")
Results = Sequence[int]
Performance = Generator[None, Results, Reply]
"""An operation under way: yields when its steps are planned, is sent results, returns a reply."""


@dataclass(frozen=True, slots=True)
class Planned:
    """Something that is out, or will be: where, how large, and what a block is filled with."""

    address: Operand
    size: int
    byte: int = 0


@dataclass(slots=True)
class Batch:
    """Steps that are performed in one go, and what will be out after each operation.

    Attributes:
        ledger: what is out.
        guest: where they are performed.
        steps: planned so far.
    """

    ledger: Ledger
    guest: Guest
    steps: list[Step] = field(default_factory=list)
    _planned: dict[str, Planned | None] = field(default_factory=dict)

    def call(self, call: CallText, values: Mapping[str, Operand], none: int | None = None) -> int:
        """Plan a call, of which the result `none` is a failure; return the number of its step.

        Calls within it come before it.
        """
        arguments = tuple(
            Result(self.call(each, values))
            if isinstance(each, CallText)
            else (values[each] if isinstance(each, str) else each)
            for each in call.arguments
        )
        function = self.guest.addresses[call.function]
        self.steps.append(Call(function, arguments, () if none is None else (none,)))
        return len(self.steps) - 1

    def fill(self, address: Operand, parts: Sequence[tuple[int, int]], byte: int) -> None:
        """Plan to fill parts of memory, given by offset and length."""
        self.steps.extend(Fill(_beyond(address, at), length, byte) for at, length in parts)

    def check(self, address: Operand, parts: Sequence[tuple[int, int]], byte: int) -> range:
        """Plan to check parts of memory; return the numbers of the steps."""
        first = len(self.steps)
        self.steps.extend(Check(_beyond(address, at), length, byte) for at, length in parts)
        return range(first, len(self.steps))

    def load(self, variable: str) -> int:
        """Plan to read a variable, and return the number of the step."""
        self.steps.append(Load(self.guest.addresses[variable]))
        return len(self.steps) - 1

    def count(self, count: CallText | str | None) -> int | None:
        """Plan to see a count, and return the number of the step; None if there is no count."""
        if count is None:
            return None
        return self.load(count) if isinstance(count, str) else self.call(count, {})

    def value(self, what: CallText | str) -> int | Result:
        """Plan to see what a configuration names: a variable, its address, or a call's result."""
        if isinstance(what, str) and what.startswith("&"):
            return self.guest.addresses[what[1:]]
        return Result(self.load(what) if isinstance(what, str) else self.call(what, {}))

    def gets(self, name: str, planned: Planned) -> None:
        """Note what will be out."""
        self._planned[name] = planned

    def gives(self, name: str) -> Planned | None:
        """Return what is given back, which will not be out any more; None if it never was."""
        planned = self.holds(name)
        self._planned[name] = None
        return planned

    def holds(self, name: str) -> Planned | None:
        """Return what is out under a name, at this point of the batch."""
        if name in self._planned:
            return self._planned[name]
        held = self.ledger.blocks.get(name) or self.ledger.runs.get(name)
        match held:
            case Block():
                return Planned(held.address, held.size, held.byte)
            case Run():
                return Planned(held.handle, held.count)
        return None


def _beyond(address: Operand, offset: int) -> Operand:
    if isinstance(address, Result):
        return Result(address.step, address.plus + offset)
    return address + offset


def first_other(results: Results, steps: range, parts: Sequence[tuple[int, int]]) -> int | None:
    """Return the offset of the first byte that a check of parts found to be another one."""
    for step, (at, length) in zip(steps, parts, strict=True):
        if results[step] not in (SKIPPED, length):
            return at + results[step]
    return None


def in_order(got: Sequence[Got], order: int) -> Sequence[Got]:
    """Return things in an order of giving back: 0 as they came, 1 backwards, 2 by every second."""
    if order == 0:
        return got
    return got[::-1] if order == 1 else [*got[::2], *got[1::2]]
