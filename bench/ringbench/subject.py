"""The interface between the engine and a kernel under test.

A *subject* is all that the engine is told of a kernel: which operations there are, what each must
do to a state, and how to get a kernel that performs them. The engine (runs, hunts, reduction,
replays, starving) handles operations and states as values that it hands from one method to the
next, and looks into neither; so whatever keeps this interface can be tested by it.

Three things are wanted of a subject:

- *operations*: immutable values; how to draw one that fits a state, how to draw a mistake, how to
  make one plainer, and how to read one back from the line that `str` gives;
- *what they must do*: `perform` is a pure function of a state and an operation, and gives the state
  after it and what the reply must be;
- *a kernel*: `start` boots one, which performs operations through channels, can be put back to its
  boot in milliseconds, and is compared as a whole with any state.

A subject whose operations can be made to run short of memory keeps `Starvable` as well, or `Scarce`
where nobody can tell how much they need. Beside it there may be `HostileBoots`, which know what a
loader can do to its kernel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from random import Random
from typing import Generic, NamedTuple, Protocol, TypeVar, runtime_checkable

from ringbench.check.mismatch import Finding
from ringbench.config import Config
from ringbench.drive.channel import AnyOperation, Channel
from ringbench.drive.reply import Expectation, Reply

StateT = TypeVar("StateT")
OperationT = TypeVar("OperationT", bound=AnyOperation)


class Unpredictable(Exception):
    """The subject cannot say what an operation must do in a state; it is left out."""


class Count(NamedTuple):
    """A number that is cheap to see in the kernel, like that of its free frames.

    Attributes:
        layer: the row that it is compared in.
        what: the number, in words.
        value: what it must be.
    """

    layer: str
    what: str
    value: int


class Kernel(Protocol[StateT, OperationT]):
    """A kernel of a subject that has booted and takes operations; until it is closed.

    Whatever its methods raise as RingbenchError, the kernel or its machine is at fault.
    """

    @property
    def booted(self) -> StateT:
        """The state that it must be in right after its boot."""
        ...

    def channel(self, name: str) -> AbstractContextManager[Channel[OperationT]]:
        """Return one of the subject's channels, which is served within its block.

        Raises:
            RingbenchError: the kernel ended, or did not answer.
        """
        ...

    def counts(self) -> tuple[int, ...]:
        """Return what the kernel has for each of the subject's `counts`, in their order."""
        ...

    def compare(
        self, state: StateT, when: str, *, whole: bool, channel: Channel[OperationT] | None = None
    ) -> Iterator[Finding]:
        """Hold all of the kernel's memory against a state.

        Args:
            state: what the kernel must hold.
            when: goes into the place of each mismatch: "after operation 12".
            whole: ask other witnesses as well, if there are any: the emulator, the loader, the
                kernel itself. Takes several times as long.
            channel: where the kernel is asked, if it serves a channel at the moment.

        Raises:
            RingbenchError: the kernel ended, or did not answer.
        """
        ...

    def freeze(self) -> None:
        """Remember the kernel as it is, outside any channel's block, for `restore`.

        Raises:
            RingbenchError: it cannot be frozen.
        """
        ...

    def restore(self) -> None:
        """Put the kernel back to when it was frozen, whatever became of it since.

        Raises:
            MachineError: it cannot be done; another kernel is to be started.
        """
        ...

    def close(self) -> None:
        """End the kernel and everything with it; may be called twice."""
        ...


class Subject(Protocol[StateT, OperationT]):
    """All that the engine is told of a kernel under test. Can be pickled, for other processes."""

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        ...

    @property
    def layers(self) -> tuple[str, ...]:
        """The parts of the kernel that operations belong to, lowest first."""
        ...

    @property
    def channels(self) -> tuple[str, ...]:
        """The ways to its kernels: the plainest first, for replays, the fastest last, for hunts."""
        ...

    @property
    def machines(self) -> tuple[Mapping[str, str], ...]:
        """Machines that the batches of a hunt take in turn.

        Each is the words of a script's machine (`ringbench.engine.script`), like
        ``{"memory": "16M", "cpu": "qemu64"}``.
        """
        ...

    # -- operations ----------------------------------------------------------------------------

    def draw(self, random: Random, state: StateT, layers: Sequence[str]) -> OperationT:
        """Draw an operation of some layers that is worth performing in a state.

        It may be a sensible one, a mistake, or a sensible one with something wrong about it. The
        same random numbers and state give the same operation; smaller numbers a simpler one.
        """
        ...

    def draw_mistake(self, random: Random, state: StateT, layers: Sequence[str]) -> OperationT:
        """Draw an operation of some layers that a kernel must refuse, as a rule."""
        ...

    def draw_steps(
        self, random: Random, state: StateT, layers: Sequence[str]
    ) -> Iterator[OperationT]:
        """Draw an operation, perhaps with others around it that show what it did."""
        ...

    def plainer(self, operation: OperationT) -> Iterator[OperationT]:
        """Yield operations that say the same with plainer values, plainest first."""
        ...

    def parse(self, line: str) -> OperationT:
        """Return the operation whose `str` is `line`, or that a person writes so.

        Raises:
            ConfigError: it is none; the message says what is wrong with the line.
        """
        ...

    def drain(self, state: StateT) -> OperationT | None:
        """Return the next operation on the way back to the state after boot; None when there."""
        ...

    # -- what they must do ---------------------------------------------------------------------

    def perform(self, state: StateT, operation: OperationT) -> tuple[StateT, Expectation]:
        """Return the state after an operation, and what its reply must be. Pure.

        Raises:
            Unpredictable: it cannot be told.
        """
        ...

    def counts(self, state: StateT) -> tuple[Count, ...]:
        """Return the numbers that are compared after every batch of operations."""
        ...

    def holdings(self, state: StateT) -> Mapping[str, object]:
        """Return, layer by layer, what must be as after the boot once everything is given back."""
        ...

    # -- a kernel ------------------------------------------------------------------------------

    def start(self, config: Config) -> Kernel[StateT, OperationT]:
        """Boot a kernel, to be closed by the caller.

        Raises:
            RingbenchError: the configuration is wrong, or the kernel does not come up.
        """
        ...


@dataclass(frozen=True, slots=True)
class Case(Generic[OperationT]):
    """An operation to be starved, and what has to be performed before it, which succeeds."""

    name: str
    before: tuple[OperationT, ...]
    operation: OperationT


@dataclass(frozen=True, slots=True)
class ForcedFailure(Generic[StateT, OperationT]):
    """An operation that is made to fail from outside: the reply that it must then give, and how.

    Attributes:
        words: what is made to fail: "the heap can't grow".
        reply: what the operation must answer.
        channel: performs the operation in that way.
        state: the subject's state afterwards; None: it must not change.
    """

    words: str
    reply: Reply
    channel: Channel[OperationT]
    state: StateT | None = None


@runtime_checkable
class Starvable(Subject[StateT, OperationT], Protocol[StateT, OperationT]):
    """A subject whose operations can be made to run short of memory.

    Memory comes in units, like frames, each with a number. All of them are taken, and so many given
    back that an operation has none, one, two...
    """

    @property
    def cases(self) -> tuple[Case[OperationT], ...]:
        """Operations, each in a situation that decides how much memory it needs."""
        ...

    def free_units(self, state: StateT) -> Sequence[int]:
        """Return the numbers of the units that are free, ascending."""
        ...

    def hoard(self, state: StateT) -> Iterator[OperationT]:
        """Yield operations that take every free unit."""
        ...

    def release(self, units: Sequence[int]) -> Iterator[OperationT]:
        """Yield operations that give back some of the units that `hoard` took."""
        ...

    def with_free(self, state: StateT, units: Sequence[int]) -> StateT:
        """Return a state in which these units are free and no other."""
        ...

    def lacks_memory(self, reply: Expectation) -> bool:
        """Tell whether a reply says that there is no memory."""
        ...

    def forced_failures(
        self, kernel: Kernel[StateT, OperationT], state: StateT, operation: OperationT
    ) -> Iterator[ForcedFailure[StateT, OperationT]]:
        """Yield the ways in which an operation can be made to fail though there is memory.

        The generator goes on when that has been done, from the state that it was left in.
        """
        ...


@runtime_checkable
class Scarce(Subject[StateT, OperationT], Protocol[StateT, OperationT]):
    """A subject that can leave its kernel so many units of memory, and has no model of them.

    It cannot be told beforehand how many an operation needs. So it meets a kernel with none, one,
    two left, until it is done; whatever it says, the kernel has to be right, and to lose nothing.
    """

    def require_scarcity(self) -> None:
        """See that memory can be made scarce.

        Raises:
            ConfigError: it cannot; the message says what the configuration lacks.
        """
        ...

    @property
    def scarce_names(self) -> tuple[str, ...]:
        """The names of the cases: operations that need memory, each in a situation."""
        ...

    def scarce_case(self, name: str, state: StateT) -> Case[OperationT]:
        """Return the case of a name, as it can be performed in a state in which nothing is held."""
        ...

    def with_left(self, operation: OperationT, units: int) -> OperationT | None:
        """Return an operation as it meets a kernel with so many units left.

        None if it needs no memory.
        """
        ...

    def is_refusal(self, reply: Reply) -> bool:
        """Tell whether a reply says that there was no memory."""
        ...

    def recount(self) -> OperationT:
        """Return an operation that takes and gives back all memory, and answers how much it was."""
        ...


@dataclass(frozen=True, slots=True)
class BootsDone:
    """What came of some hostile boots.

    Attributes:
        boots: how many there were.
        failures: of those that went wrong, the cause and what the loader said, as text for a file.
        disturbed: what came from outside, a line each; the boot was tried once more.
        given_up: why the last boot was not: that was disturbed as well.
    """

    boots: int
    failures: tuple[tuple[str, str], ...]
    disturbed: tuple[str, ...] = ()
    given_up: str = ""


class HostileBoots(Protocol):
    """Boots of a subject's kernels with what no honest loader says. Can be pickled."""

    def perform_boots(
        self, config: Config, *, seed: int, first: int, count: int, seconds: float
    ) -> BootsDone:
        """Perform the boots `first`, `first` + 1, ... of a seed; none begins after `seconds`.

        Raises:
            RingbenchError: no machine can be started.
        """
        ...
