"""Mistakes in the use of a heap, for one that promises to survive them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from ringbench.subject import Unpredictable
from ringbench.subjects.contracts.heap.operations import OfHeap
from ringbench.subjects.contracts.operation import FreedAgain, Operation
from ringbench.subjects.contracts.state import State


class FreeAgain(FreedAgain):
    """Give back a block that was given back already."""

    layer: ClassVar[str] = "heap"


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


KINDS: Final[tuple[type[Operation], ...]] = (FreeAgain, FreeInside, ToNothing, FreeNone, Huge)
