"""An operation while all frames but a few are taken: it may be refused, and then takes nothing.

The frames are taken by the kernel's own `frames.alloc`, and so many of them given back: with k
left, the call that is made then cannot have its frame number k + 1. All are given back after it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

from ringbench.config.contracts import Contracts, FramesCalls
from ringbench.drive.reply import Reply
from ringbench.errors import ConfigError
from ringbench.subject import Unpredictable
from ringbench.subjects.contracts.batch import Batch, Performance, Results
from ringbench.subjects.contracts.frames.perform import at_once, give_all
from ringbench.subjects.contracts.frames.rules import ONCE
from ringbench.subjects.contracts.operation import Operation, parse, parse_number
from ringbench.subjects.contracts.rule import NONE, Owed, breach, is_broken
from ringbench.subjects.contracts.state import State

WORD: Final = "starved"
LEFT_OUT: Final = Reply("left-out")

UNDONE: Final = Owed(
    "undone",
    "A call that is refused takes nothing, where the kernel promises it: what it got on the way is "
    "back.",
)


@dataclass(frozen=True, slots=True)
class Starved(Operation):
    """An operation that meets a machine with so many frames left, and is written behind these."""

    word: ClassVar[str] = WORD
    alone: ClassVar[bool] = True
    left: int
    inner: Operation

    def missing(self, contracts: Contracts) -> str | None:
        """Return a call that it needs and that its layer does not have."""
        return self.inner.missing(contracts)

    def after(self, state: State) -> State:
        """Return what is held after it, whether or not it was refused.

        Raises:
            Unpredictable: it takes no frames, or is of something that is not there.
        """
        if not self.inner.most_frames:
            raise Unpredictable(f"{self.inner} takes no frames")
        return self.inner.after(state)

    def plainer(self) -> Iterator[Operation]:
        """Yield the operation with all memory, fewer frames left, and plainer operations."""
        yield self.inner
        yield from (starved(left, self.inner) for left in (0, 1, 2) if left < self.left)
        yield from (starved(self.left, each) for each in self.inner.plainer())

    def __str__(self) -> str:
        layer, rest = str(self.inner).split(" ", 1)
        return f"{layer} {WORD} {self.left} {rest}"


class StarvedFrames(Starved):
    """One of the frame allocator's."""

    layer: ClassVar[str] = "frames"


class StarvedPages(Starved):
    """One of the pages'."""

    layer: ClassVar[str] = "pages"


class StarvedHeap(Starved):
    """One of the heap's."""

    layer: ClassVar[str] = "heap"


class StarvedRegions(Starved):
    """One of the regions'."""

    layer: ClassVar[str] = "regions"


_KINDS = (StarvedFrames, StarvedPages, StarvedRegions, StarvedHeap)
_OF_LAYER: Final = {kind.layer: kind for kind in _KINDS}


def starved(left: int, operation: Operation) -> Starved:
    """Return an operation as it meets a machine with so many frames left."""
    return _OF_LAYER[operation.layer](left, operation)


def parse_any(line: str, kinds: Iterable[type[Operation]]) -> Operation:
    """Return the operation, of some kinds, that a line says, starved or not.

    Raises:
        ConfigError: it says none; the text has what is wrong.
    """
    words = line.split()
    if words[1:2] != [WORD]:
        return parse(line, kinds)
    if len(words) < 4 or words[0] not in _OF_LAYER:
        raise ConfigError(
            f"{line.strip()!r}: expected LAYER {WORD} LEFT, and an operation of the layer behind it"
        )
    inner = parse(" ".join((words[0], *words[3:])), kinds)
    return starved(parse_number(line, words[2]), inner)


def can_starve(contracts: Contracts) -> bool:
    """Whether frames can be taken until there are none."""
    return contracts.frames is not None and contracts.frames.exhaust


def starve(
    left: int,
    begin: Callable[[], Performance],
    frames: FramesCalls | None,
    batch: Batch,
    *,
    undoes: bool,
) -> Performance:
    """Take all frames but `left`, perform what `begin` gives, and give the frames back.

    If it is refused and `undoes` is promised, the count of frames has to be as it was.
    """
    if frames is None or not frames.exhaust:
        yield
        return LEFT_OUT
    held: list[int] = []
    if broken := (yield from _take_all(held, frames, batch)):
        return broken
    yield from give_all(held[:left], frames, batch)
    batch.ledger.freed = None  # what was given back just before, the frames' taker may have now
    before = yield from _counted(frames, batch)
    reply = yield from begin()
    if is_broken(reply):
        words = " ".join(map(str, reply.values))
        return Reply(reply.status, (f"with frames left: {min(left, len(held))}: {words}",))
    after = yield from _counted(frames, batch)
    yield from give_all(held[left:], frames, batch)
    if undoes and reply.status == NONE and before != after:
        return breach(
            UNDONE,
            f"{reply.values[0]} with frames left: {min(left, len(held))}; expected that it is "
            f"done, or leaves the count of frames as it was, {before}, seen that it is refused and "
            f"the count is {after}",
        )
    return reply


def _counted(frames: FramesCalls, batch: Batch) -> Generator[None, Results, int | None]:
    """See the kernel's own count of frames, if it has one."""
    batch.steps.clear()
    step = batch.count(frames.count)
    results = yield
    return None if step is None else results[step]


def _take_all(
    held: list[int], frames: FramesCalls, batch: Batch
) -> Generator[None, Results, Reply | None]:
    """Take frames until there are none; a frame that comes twice is a breach."""
    while True:
        wanted = at_once(len(held))
        steps = [batch.call(frames.alloc, {}, frames.none) for _ in range(wanted)]
        results = yield
        got = [results[step] for step in steps if results[step] != frames.none]
        held += got
        if len(set(held)) < len(held):
            twice = next(each for at, each in enumerate(held) if each in held[:at])
            text = frames.alloc.shown({})
            words = f"{text} until there are none: expected each frame once, seen {twice:#x} twice"
            return breach(ONCE, words)
        if len(got) < wanted:
            return None
