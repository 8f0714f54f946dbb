"""What a heap can be asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from ringbench.subject import Unpredictable
from ringbench.subjects.contracts.operation import Operation
from ringbench.subjects.contracts.state import Asked, State

PLAIN: Final = (16, 1, 4096)
"""Sizes that say least, plainest first."""

PLAIN_DRAIN: Final = (4096, 1024)
"""Those of blocks that are all there is."""


def _plainer_sizes(size: int, plain: tuple[int, ...] = PLAIN) -> tuple[int, ...]:
    """Return the sizes that are plainer than one."""
    return plain[: plain.index(size)] if size in plain else plain


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


@dataclass(frozen=True, slots=True)
class Starve(OfHeap):
    """Ask for a block while all frames but a few are taken, and give all of these back."""

    word: ClassVar[str] = "starve"
    alone: ClassVar[bool] = True
    size: int
    left: int

    def after(self, state: State) -> State:
        """Return that nothing has changed.

        Raises:
            Unpredictable: blocks of no size.
        """
        if not self.size:
            raise Unpredictable("no size")
        return state.but()

    def plainer(self) -> Iterator[Operation]:
        """Yield it with fewer frames left."""
        return (replace(self, left=left) for left in (1, 2) if left < self.left)


# -- mistakes, for a heap that promises to survive them -------------------------------------------


@dataclass(frozen=True, slots=True)
class FreeAgain(OfHeap):
    """Give back a block that was given back already."""

    word: ClassVar[str] = "free-again"
    alone: ClassVar[bool] = True
    name: str

    def after(self, state: State) -> State:
        """Return that nothing has changed.

        Raises:
            Unpredictable: it was never given back, or too long ago.
        """
        if all(self.name != name for name, _ in state.heap.freed):
            raise Unpredictable(f"{self.name} was not freed")
        return state.but()


@dataclass(frozen=True, slots=True)
class FreeInside(OfHeap):
    """Give back an address that lies within a block."""

    word: ClassVar[str] = "free-inside"
    alone: ClassVar[bool] = True
    name: str
    offset: int

    def after(self, state: State) -> State:
        """Return that nothing has changed.

        Raises:
            Unpredictable: the address does not lie within a block.
        """
        asked = state.heap.live.get(self.name)
        if asked is None or not 0 < self.offset < asked.size:
            raise Unpredictable(f"there is no such place in {self.name}")
        return state.but()


@dataclass(frozen=True, slots=True)
class ToNothing(OfHeap):
    """Change a block's size to zero, which gives it back, or leaves one that has no bytes."""

    word: ClassVar[str] = "to-nothing"
    alone: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("realloc",)
    name: str

    def after(self, state: State) -> State:
        """Return what is held without the block."""
        return state.but(heap=state.heap.taken(self.name))


@dataclass(frozen=True, slots=True)
class FreeNone(OfHeap):
    """Give back what says that there was no memory, as C's `free(NULL)`."""

    word: ClassVar[str] = "free-none"

    def after(self, state: State) -> State:
        """Return that nothing has changed."""
        return state.but()


@dataclass(frozen=True, slots=True)
class Huge(OfHeap):
    """Ask for more than any machine has."""

    word: ClassVar[str] = "huge"
    size: int

    def after(self, state: State) -> State:
        """Return that nothing has changed.

        Raises:
            Unpredictable: there may be as much.
        """
        if self.size < 1 << 47:
            raise Unpredictable("there may be as much")
        return state.but()


KINDS: Final[tuple[type[Operation], ...]] = (
    *(Alloc, Zalloc, Aligned, Realloc, Free, Rounds, Drain, Wear, UseUp, Starve),
    *(FreeAgain, FreeInside, ToNothing, FreeNone, Huge),
)
