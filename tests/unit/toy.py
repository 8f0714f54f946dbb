"""A subject without a machine: a Python object plays a kernel that hands out eight cells.

A cell is taken, the lowest first, and given back; each holds a number that is written and read. The
right kernel does what the model says. A wrong one, of `Bug`, forgets something at one place.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from random import Random
from typing import ClassVar, Final

from ringbench.check.mismatch import Finding, Mismatch
from ringbench.config import Config
from ringbench.drive.channel import Channel
from ringbench.drive.reply import Expectation, Predicate, Reply
from ringbench.errors import ConfigError, Ended
from ringbench.subject import Case, Count, ForcedFailure, Kernel, Unpredictable

CELLS: Final = 8


@dataclass(frozen=True)
class Take:
    """Take the lowest free cell."""

    layer: ClassVar[str] = "cells"

    def __str__(self) -> str:
        return "take"


@dataclass(frozen=True)
class Give:
    """Give a cell back."""

    layer: ClassVar[str] = "cells"
    cell: int

    def __str__(self) -> str:
        return f"give {self.cell}"


@dataclass(frozen=True)
class Write:
    """Write a number into a cell."""

    layer: ClassVar[str] = "numbers"
    cell: int
    number: int

    def __str__(self) -> str:
        return f"write {self.cell} {self.number}"


@dataclass(frozen=True)
class Roll:
    """Answer with any number from 1 to 6."""

    layer: ClassVar[str] = "numbers"

    def __str__(self) -> str:
        return "roll"


Operation = Take | Give | Write | Roll
State = Mapping[int, int]
"""Cell that is taken -> the number in it."""


class Bug(Enum):
    """What a wrong kernel does."""

    NONE = auto()
    SECOND_GIVE_IS_FINE = auto()
    """A cell that is free can be given back, if another is taken."""
    WRITES_BESIDE = auto()
    """A write into cell 2 goes into cell 3 as well, if that is taken."""
    LEAKS_WHEN_FULL = auto()
    """A take that finds no free cell forgets the last one."""
    ROLLS_SEVEN = auto()
    ENDS = auto()
    """It ends when cell 5 is given back."""


@dataclass
class ToyMachine:
    """What plays the kernel: cells, and how often it was asked something."""

    bug: Bug
    cells: dict[int, int] = field(default_factory=dict)

    def perform(self, operation: Operation) -> Reply:
        """Perform an operation as the kernel does, which is not how the model does it."""
        match operation:
            case Take():
                return self._take()
            case Give(cell):
                return self._give(cell)
            case Write(cell, number):
                return self._write(cell, number)
            case Roll():
                return Reply("ok", (7 if self.bug is Bug.ROLLS_SEVEN else 4,))

    def _take(self) -> Reply:
        for cell in range(CELLS):
            if cell not in self.cells:
                self.cells[cell] = 0
                return Reply("ok", (cell,))
        if self.bug is Bug.LEAKS_WHEN_FULL:
            self.cells.popitem()
        return Reply("no_memory")

    def _give(self, cell: int) -> Reply:
        if cell not in self.cells:
            fine = self.bug is Bug.SECOND_GIVE_IS_FINE and bool(self.cells)
            return Reply("ok" if fine else "not_taken")
        if self.bug is Bug.ENDS and cell == 5:
            raise Ended("the toy has ended")
        del self.cells[cell]
        return Reply("ok")

    def _write(self, cell: int, number: int) -> Reply:
        if cell not in self.cells:
            return Reply("not_taken")
        self.cells[cell] = number
        if self.bug is Bug.WRITES_BESIDE and cell == 2 and 3 in self.cells:
            self.cells[3] = number
        return Reply("ok")


class PlainChannel(Channel[Operation]):
    """Performs at once."""

    def __init__(self, machine: Callable[[], ToyMachine]) -> None:
        super().__init__()
        self._machine = machine

    def supports(self, operation: Operation) -> bool:
        """Tell that all but rolling is possible here."""
        return not isinstance(operation, Roll)

    def perform(self, operation: Operation) -> Reply:
        """Have the machine perform it."""
        return self._machine().perform(operation)


class LazyChannel(Channel[Operation]):
    """Performs what was handed over when the replies are asked for, not before."""

    batch = 5

    def __init__(self, machine: Callable[[], ToyMachine]) -> None:
        super().__init__()
        self._machine = machine
        self._waiting: Sequence[Operation] = ()

    def perform(self, operation: Operation) -> Reply:
        """Perform one, by itself."""
        self.submit((operation,))
        return self.collect()[0]

    def submit(self, operations: Sequence[Operation]) -> None:
        """Only take them."""
        assert not self._waiting, "the last ones were not collected"
        assert len(operations) <= self.batch
        self._waiting = operations

    def collect(self) -> list[Reply]:
        """Perform them now."""
        waiting, self._waiting = self._waiting, ()
        return [self._machine().perform(operation) for operation in waiting]


class ToyKernel:
    """A toy that runs."""

    def __init__(self, bug: Bug) -> None:
        self.booted: State = {}
        self.machine = ToyMachine(bug)
        self._frozen: ToyMachine | None = None

    def channel(self, name: str) -> Channel[Operation]:
        """Return the plain or the lazy channel."""
        channels = {"plain": PlainChannel, "lazy": LazyChannel}
        return channels[name](lambda: self.machine)

    def counts(self) -> tuple[int, ...]:
        """Return how many cells are free."""
        return (CELLS - len(self.machine.cells),)

    def compare(
        self, state: State, when: str, *, whole: bool, channel: Channel[Operation] | None = None
    ) -> Iterator[Finding]:
        """Compare every cell."""
        wrong = [
            Mismatch("numbers", "number", str(state.get(cell)), str(number), f"cell {cell}").at(
                when
            )
            for cell, number in self.machine.cells.items()
            if state.get(cell) != number
        ]
        yield Finding("numbers", CELLS, wrong)

    def freeze(self) -> None:
        """Keep a copy."""
        self._frozen = copy.deepcopy(self.machine)

    def restore(self) -> None:
        """Go on from the copy."""
        assert self._frozen is not None
        self.machine = copy.deepcopy(self._frozen)

    def close(self) -> None:
        """There is nothing to end."""


@dataclass(frozen=True)
class Toy:
    """The subject; `bug` is what its kernels do wrong."""

    bug: Bug = Bug.NONE
    name: str = "toy"
    layers: tuple[str, ...] = ("cells", "numbers")
    channels: tuple[str, ...] = ("plain", "lazy")
    machines: tuple[Mapping[str, str], ...] = ({"memory": "16M"},)

    def draw(self, random: Random, state: State, layers: Sequence[str]) -> Operation:
        """Draw any operation of the layers, on any cell."""
        cell = random.randrange(CELLS)
        if random.choice(layers) == "cells":
            return Take() if random.random() < 0.6 else Give(cell)
        return Write(cell, random.randrange(100)) if random.random() < 0.9 else Roll()

    def draw_mistake(self, random: Random, state: State, layers: Sequence[str]) -> Operation:
        """Draw a cell to be given back that may well be free."""
        return Give(random.randrange(CELLS))

    def draw_steps(
        self, random: Random, state: State, layers: Sequence[str]
    ) -> Iterator[Operation]:
        """Draw one operation."""
        yield self.draw(random, state, layers)

    def plainer(self, operation: Operation) -> Iterator[Operation]:
        """Yield a write of 1."""
        if isinstance(operation, Write) and operation.number != 1:
            yield replace(operation, number=1)

    def parse(self, line: str) -> Operation:
        """Read a line back."""
        match line.split():
            case ["take"]:
                return Take()
            case ["give", cell]:
                return Give(int(cell))
            case ["write", cell, number]:
                return Write(int(cell), int(number))
            case ["roll"]:
                return Roll()
        raise ConfigError(f"{line!r}: a toy does not know that")

    def drain(self, state: State) -> Operation | None:
        """Give back the lowest cell that is taken."""
        return Give(min(state)) if state else None

    def perform(self, state: State, operation: Operation) -> tuple[State, Expectation]:
        """Do what a right kernel does, on a copy."""
        free = [cell for cell in range(CELLS) if cell not in state]
        match operation:
            case Take() if not free:
                return state, Reply("no_memory")
            case Take():
                return {**state, free[0]: 0}, Reply("ok", (free[0],))
            case Write(_, 13):
                raise Unpredictable("nobody knows what 13 does")
            case Roll():
                return state, Predicate("a number from 1 to 6", rolled)
            case Give(cell) | Write(cell, _) if cell in free:
                return state, Reply("not_taken")
            case Give(cell):
                return {key: value for key, value in state.items() if key != cell}, Reply("ok")
            case Write(cell, number):
                return {**state, cell: number}, Reply("ok")
        raise AssertionError(operation)

    def counts(self, state: State) -> tuple[Count, ...]:
        """Return how many cells are free."""
        return (Count("cells", "free cells", CELLS - len(state)),)

    def holdings(self, state: State) -> Mapping[str, object]:
        """Return all there is."""
        return {"cells": state}

    def start(self, config: Config) -> ToyKernel:
        """Make one; the configuration does not matter."""
        return ToyKernel(self.bug)

    @property
    def cases(self) -> tuple[Case[Operation], ...]:
        """A cell, taken when there are others and when there are none."""
        return (
            Case("first cell", (), Take()),
            Case("third cell", (Take(), Take()), Take()),
            Case("no cell needed: write", (Take(),), Write(0, 5)),
        )

    def free_units(self, state: State) -> Sequence[int]:
        """Return the free cells."""
        return [cell for cell in range(CELLS) if cell not in state]

    def hoard(self, state: State) -> Iterator[Operation]:
        """Take them all."""
        yield from [Take()] * len(self.free_units(state))

    def release(self, units: Sequence[int]) -> Iterator[Operation]:
        """Give some back."""
        yield from map(Give, units)

    def with_free(self, state: State, units: Sequence[int]) -> State:
        """Fill all other cells."""
        return {cell: state.get(cell, 0) for cell in range(CELLS) if cell not in units}

    def lacks_memory(self, reply: Expectation) -> bool:
        """Tell by the status."""
        return isinstance(reply, Reply) and reply.status == "no_memory"

    def forced_failures(
        self, kernel: Kernel[State, Operation], state: State, operation: Operation
    ) -> Iterator[ForcedFailure[State, Operation]]:
        """Yield none: nothing can be forced."""
        return iter(())


def rolled(reply: Reply) -> bool:
    """Tell whether a reply is a throw of a die."""
    return reply.ok and len(reply.values) == 1 and reply.values[0] in range(1, 7)
