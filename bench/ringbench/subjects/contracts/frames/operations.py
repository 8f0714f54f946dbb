"""What a frame allocator can be asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from ringbench.subject import Unpredictable
from ringbench.subjects.contracts.operation import FreedAgain, Operation
from ringbench.subjects.contracts.state import Asked, State

PAGE: Final = 4096


@dataclass(frozen=True, slots=True)
class OfFrames(Operation):
    """An operation of the frame allocator's."""

    layer: ClassVar[str] = "frames"


@dataclass(frozen=True, slots=True)
class Alloc(OfFrames):
    """Get a frame."""

    word: ClassVar[str] = "alloc"
    name: str

    @property
    def most_frames(self) -> int:
        """One."""
        return 1

    def after(self, state: State) -> State:
        """Return what is held with it."""
        return state.but(frames=state.frames.given(self.name, Asked(1)))


@dataclass(frozen=True, slots=True)
class Run(OfFrames):
    """Get frames in a row, the first at a multiple of `align` bytes."""

    word: ClassVar[str] = "run"
    needs: ClassVar[tuple[str, ...]] = ("alloc_run", "free_run")
    name: str
    count: int
    align: int

    @property
    def most_frames(self) -> int:
        """All of it."""
        return self.count

    def after(self, state: State) -> State:
        """Return what is held with them.

        Raises:
            Unpredictable: there are none, or too many, or that is no alignment of frames.
        """
        if not 0 < self.count <= 1 << 20:
            raise Unpredictable("no run has as many frames")
        if self.align < PAGE or self.align & self.align - 1:
            raise Unpredictable("no such alignment")
        return state.but(frames=state.frames.given(self.name, Asked(self.count)))

    def plainer(self) -> Iterator[Operation]:
        """Yield it with no alignment, and shorter runs."""
        if self.align > PAGE:
            yield replace(self, align=PAGE)
        yield from (replace(self, count=count) for count in (1, 2) if count < self.count)


@dataclass(frozen=True, slots=True)
class Free(OfFrames):
    """Give a frame or a run back, as it was got."""

    word: ClassVar[str] = "free"
    name: str

    def after(self, state: State) -> State:
        """Return what is held without it.

        Raises:
            Unpredictable: it is mapped, or not there.
        """
        if state.pages.uses(self.name):
            raise Unpredictable(f"{self.name} is mapped")
        return state.but(frames=state.frames.taken(self.name))


@dataclass(frozen=True, slots=True)
class Drain(OfFrames):
    """Take every frame that is left, and give all of these back.

    `order` is the one in which they are given back: 0 as they came, 1 the other way round, 2 every
    second one first.
    """

    word: ClassVar[str] = "drain"
    alone: ClassVar[bool] = True
    order: int

    def after(self, state: State) -> State:
        """Return that nothing has changed.

        Raises:
            Unpredictable: there is no such order.
        """
        if self.order > 2:
            raise Unpredictable("no such order")
        return state.but()

    def plainer(self) -> Iterator[Operation]:
        """Yield the first order."""
        if self.order:
            yield Drain(0)


class FreeAgain(FreedAgain):
    """Give back a frame or a run that was given back already: a mistake that some survive."""

    layer: ClassVar[str] = "frames"


KINDS: Final[tuple[type[Operation], ...]] = (Alloc, Run, Free, Drain, FreeAgain)
