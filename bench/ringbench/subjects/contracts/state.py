"""What was asked of a kernel and not given back: all that can be told without its answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from ringbench.subject import Unpredictable

REMEMBERED: Final = 6
"""Names that are remembered after they were freed, of each layer."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a name was asked with: a size in bytes or frames, and an alignment where one was."""

    size: int
    align: int = 0


@dataclass(frozen=True, slots=True)
class Holding:
    """What is held of one layer.

    Attributes:
        live: name -> what it was asked with.
        freed: what was freed last, the latest first.
        was_freed: whether the operation before this was a free of this layer.
    """

    live: Mapping[str, Asked] = field(default_factory=dict)
    freed: tuple[tuple[str, Asked], ...] = ()
    was_freed: bool = False

    def given(self, name: str, asked: Asked) -> Holding:
        """Return this with one more name.

        Raises:
            Unpredictable: there is something of that name already.
        """
        if name in self.live or any(name == each for each, _ in self.freed):
            raise Unpredictable(f"{name} is not new")
        return replace(self, live={**self.live, name: asked}, was_freed=False)

    def taken(self, name: str) -> Holding:
        """Return this without a name.

        Raises:
            Unpredictable: there is nothing of that name.
        """
        if name not in self.live:
            raise Unpredictable(f"there is no {name}")
        live = {key: value for key, value in self.live.items() if key != name}
        freed = ((name, self.live[name]), *self.freed)[:REMEMBERED]
        return Holding(live, freed, was_freed=True)


@dataclass(frozen=True, slots=True)
class Mapped:
    """A page that is to be mapped: where, to which frame by name, and with which rights."""

    virtual: int
    frame: str
    rights: str


@dataclass(frozen=True, slots=True)
class Mappings:
    """Pages that are mapped.

    Attributes:
        live: name -> the page.
        left: addresses that were unmapped last, the latest first.
    """

    live: Mapping[str, Mapped] = field(default_factory=dict)
    left: tuple[int, ...] = ()

    def uses(self, frame: str) -> bool:
        """Whether a frame is mapped somewhere."""
        return any(page.frame == frame for page in self.live.values())

    def at(self, virtual: int) -> bool:
        """Whether there is something at an address."""
        return any(page.virtual == virtual for page in self.live.values())

    def without(self, name: str) -> Mappings:
        """Return these but for one.

        Raises:
            Unpredictable: there is none of that name.
        """
        if name not in self.live:
            raise Unpredictable(f"there is no {name}")
        live = {key: page for key, page in self.live.items() if key != name}
        return Mappings(live, (self.live[name].virtual, *self.left)[:REMEMBERED])


@dataclass(frozen=True, slots=True)
class State:
    """What is held of all layers; `drawn` is the number of the next name."""

    heap: Holding = field(default_factory=Holding)
    frames: Holding = field(default_factory=Holding)
    pages: Mappings = field(default_factory=Mappings)
    regions: Holding = field(default_factory=Holding)
    drawn: int = 1

    def but(
        self,
        *,
        heap: Holding | None = None,
        frames: Holding | None = None,
        pages: Mappings | None = None,
        regions: Holding | None = None,
    ) -> State:
        """Return this with a layer changed; of the others, nothing was freed just now."""
        return State(
            heap or replace(self.heap, was_freed=False),
            frames or replace(self.frames, was_freed=False),
            pages or self.pages,
            regions or replace(self.regions, was_freed=False),
            self.drawn + 1,
        )
