"""What can be asked of regions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from ringbench.subject import Unpredictable
from ringbench.subjects.contracts.ledger import PAGE
from ringbench.subjects.contracts.operation import TABLES, Operation
from ringbench.subjects.contracts.pages.operations import require_rights
from ringbench.subjects.contracts.state import Asked, State

PLAIN: Final = (PAGE, 2 * PAGE)
"""Sizes that say least, plainest first."""


@dataclass(frozen=True, slots=True)
class OfRegions(Operation):
    """An operation of the regions'."""

    layer: ClassVar[str] = "regions"
    alone: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Alloc(OfRegions):
    """Get a region of so many bytes, with rights."""

    word: ClassVar[str] = "alloc"
    name: str
    size: int
    rights: str

    @property
    def most_frames(self) -> int:
        """Those of its pages, of tables, and one for whatever the kernel notes."""
        return -(-self.size // PAGE) + TABLES + 1

    def after(self, state: State) -> State:
        """Return what is held with it.

        Raises:
            Unpredictable: it has no bytes, or no such rights.
        """
        require_rights(self.rights)
        if not 0 < self.size < 1 << 40:
            raise Unpredictable("no size of a region")
        return state.but(regions=state.regions.given(self.name, Asked(self.size)))

    def plainer(self) -> Iterator[Operation]:
        """Yield it with plainer rights and sizes."""
        if self.rights != "rw":
            yield replace(self, rights="rw")
        yield from (replace(self, size=size) for size in PLAIN if size < self.size)


@dataclass(frozen=True, slots=True)
class Free(OfRegions):
    """Give a region back."""

    word: ClassVar[str] = "free"
    name: str

    def after(self, state: State) -> State:
        """Return what is held without it."""
        return state.but(regions=state.regions.taken(self.name))


@dataclass(frozen=True, slots=True)
class Rounds(OfRegions):
    """Get a region and give it back, over and over."""

    word: ClassVar[str] = "rounds"
    rounds: int
    size: int

    def after(self, state: State) -> State:
        """Return that nothing has changed.

        Raises:
            Unpredictable: there are too few, or too many.
        """
        if not 2 < self.rounds < 1 << 16 or not 0 < self.size < 1 << 40:
            raise Unpredictable("so many rounds cannot be")
        return state.but()

    def plainer(self) -> Iterator[Operation]:
        """Yield fewer of them, of less."""
        yield from (replace(self, rounds=rounds) for rounds in (3, 64) if rounds < self.rounds)
        yield from (replace(self, size=size) for size in PLAIN if size < self.size)


KINDS: Final[tuple[type[Operation], ...]] = (Alloc, Free, Rounds)
