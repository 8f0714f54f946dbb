"""What a heap can be asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from ringbench.subject import Unpredictable
from ringbench.subjects.contracts.ledger import PAGE
from ringbench.subjects.contracts.operation import TABLES, Operation
from ringbench.subjects.contracts.state import Asked, State

PLAIN: Final = (16, 1, 4096)
"""Sizes that say least, plainest first."""

PLAIN_DRAIN: Final = (4096, 1024)
"""Those of blocks that are all there is."""


def _plainer_sizes(size: int, plain: tuple[int, ...] = PLAIN) -> tuple[int, ...]:
    """Return the sizes that are plainer than one."""
    return plain[: plain.index(size)] if size in plain else plain


def _frames_for(size: int) -> int:
    """Return how many frames a heap may grow by for a block, with tables if it is no small one."""
    return size // PAGE + (TABLES + 1 if size > PAGE // 2 else 1)


@dataclass(frozen=True, slots=True)
class OfHeap(Operation):
    """An operation of the heap's."""

    layer: ClassVar[str] = "heap"


@dataclass(frozen=True, slots=True)
class Alloc(OfHeap):
    """Get a block."""

    word: ClassVar[str] = "alloc"
    name: str
    size: int

    @property
    def most_frames(self) -> int:
        """Those that the heap grows by."""
        return _frames_for(self.size)

    def after(self, state: State) -> State:
        """Return what is held with it."""
        return state.but(heap=state.heap.given(self.name, Asked(self.size)))

    def plainer(self) -> Iterator[Operation]:
        """Yield it with other sizes."""
        return (replace(self, size=size) for size in _plainer_sizes(self.size))


@dataclass(frozen=True, slots=True)
class Zalloc(Alloc):
    """Get a block of zeros."""

    word: ClassVar[str] = "zalloc"
    needs: ClassVar[tuple[str, ...]] = ("zalloc",)

    def plainer(self) -> Iterator[Operation]:
        """Yield an ordinary block, and other sizes."""
        yield Alloc(self.name, self.size)
        yield from (replace(self, size=size) for size in _plainer_sizes(self.size))


@dataclass(frozen=True, slots=True)
class Aligned(OfHeap):
    """Get a block with an alignment."""

    word: ClassVar[str] = "align"
    needs: ClassVar[tuple[str, ...]] = ("aligned",)
    name: str
    size: int
    align: int

    @property
    def most_frames(self) -> int:
        """Those that the heap grows by."""
        return _frames_for(self.size)

    def after(self, state: State) -> State:
        """Return what is held with it."""
        return state.but(heap=state.heap.given(self.name, Asked(self.size, self.align)))

    def plainer(self) -> Iterator[Operation]:
        """Yield an ordinary block, and other sizes."""
        yield Alloc(self.name, self.size)
        yield from (replace(self, size=size) for size in _plainer_sizes(self.size))


@dataclass(frozen=True, slots=True)
class Realloc(OfHeap):
    """Get a block of another size that has the contents of an old one, which is gone."""

    word: ClassVar[str] = "realloc"
    needs: ClassVar[tuple[str, ...]] = ("realloc",)
    old: str
    name: str
    size: int

    @property
    def most_frames(self) -> int:
        """Those that the heap grows by."""
        return _frames_for(self.size)

    def after(self, state: State) -> State:
        """Return what is held with the new block, without the old one."""
        heap = state.heap.taken(self.old).given(self.name, Asked(self.size))
        return state.but(heap=heap)

    def plainer(self) -> Iterator[Operation]:
        """Yield it with other sizes."""
        return (replace(self, size=size) for size in _plainer_sizes(self.size))


@dataclass(frozen=True, slots=True)
class Free(OfHeap):
    """Give a block back."""

    word: ClassVar[str] = "free"
    name: str

    def after(self, state: State) -> State:
        """Return what is held without it."""
        return state.but(heap=state.heap.taken(self.name))


@dataclass(frozen=True, slots=True)
class Rounds(OfHeap):
    """Get some blocks of one size and give them back, over and over."""

    word: ClassVar[str] = "rounds"
    alone: ClassVar[bool] = True
    rounds: int
    blocks: int
    size: int

    def after(self, state: State) -> State:
        """Return that nothing has changed.

        Raises:
            Unpredictable: there are too many.
        """
        if self.rounds * self.blocks > 1 << 20 or not self.size:
            raise Unpredictable("that is too much")
        return state.but()

    def plainer(self) -> Iterator[Operation]:
        """Yield fewer of them."""
        if self.blocks > 1:
            yield replace(self, blocks=1)
        for rounds in (2, 16, 256):
            if rounds < self.rounds:
                yield replace(self, rounds=rounds)


@dataclass(frozen=True, slots=True)
class Drain(OfHeap):
    """Get blocks of one size until there are none, and give all of these back.

    `order` is the one in which they are given back: 0 as they came, 1 the other way round, 2 every
    second one first.
    """

    word: ClassVar[str] = "drain"
    alone: ClassVar[bool] = True
    size: int
    order: int

    def after(self, state: State) -> State:
        """Return that nothing has changed.

        Raises:
            Unpredictable: there is no such order, or blocks of no size.
        """
        if self.order > 2 or not self.size:
            raise Unpredictable("no such order, or no size")
        return state.but()

    def plainer(self) -> Iterator[Operation]:
        """Yield it with the first order, and with other sizes."""
        if self.order:
            yield replace(self, order=0)
        plain = _plainer_sizes(self.size, PLAIN_DRAIN)
        yield from (replace(self, size=size) for size in plain)


@dataclass(frozen=True, slots=True)
class Wear(OfHeap):
    """See how many blocks of a size there are, use one many times, and see that there are as many.

    `kind` is 0 where its size is changed each time, 1 where it is got with an alignment.
    """

    REALLOC: ClassVar[int] = 0
    ALIGNED: ClassVar[int] = 1

    word: ClassVar[str] = "wear"
    alone: ClassVar[bool] = True
    size: int
    kind: int

    def after(self, state: State) -> State:
        """Return that nothing has changed.

        Raises:
            Unpredictable: there is no such kind, or blocks of no size.
        """
        if self.kind > 1 or not 0 < self.size < 1 << 40:
            raise Unpredictable("no such kind, or no size")
        return state.but()

    def plainer(self) -> Iterator[Operation]:
        """Yield it with other sizes."""
        return (replace(self, size=size) for size in _plainer_sizes(self.size, PLAIN_DRAIN))


@dataclass(frozen=True, slots=True)
class UseUp(OfHeap):
    """Write to what a block has beyond the size that was asked for, as far as it is usable."""

    word: ClassVar[str] = "use-up"
    alone: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("usable",)
    name: str

    def after(self, state: State) -> State:
        """Return that nothing has changed.

        Raises:
            Unpredictable: there is no such block.
        """
        if self.name not in state.heap.live:
            raise Unpredictable(f"there is no {self.name}")
        return state.but()


KINDS: Final[tuple[type[Operation], ...]] = (
    *(Alloc, Zalloc, Aligned, Realloc, Free),
    *(Rounds, Drain, Wear, UseUp),
)
