"""What can be asked of the pages of an address space."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from ringbench.subject import Unpredictable
from ringbench.subjects.contracts.operation import TABLES, Operation
from ringbench.subjects.contracts.state import Mapped, Mappings, State

RIGHTS: Final = ("r", "rw", "rx", "rwx", "ru", "rwu", "rxu", "rwxu")
"""Reading, writing, executing; and all of that for user programs as well."""

PAGE: Final = 4096


@dataclass(frozen=True, slots=True)
class OfPages(Operation):
    """An operation of the pages'."""

    layer: ClassVar[str] = "pages"
    alone: ClassVar[bool] = True


def require_rights(rights: str) -> None:
    """Refuse what are no rights.

    Raises:
        Unpredictable: they are none.
    """
    if rights not in RIGHTS:
        raise Unpredictable(f"no such rights: {rights}")


@dataclass(frozen=True, slots=True)
class Map(OfPages):
    """Map a page to a frame, or to the first of a run."""

    word: ClassVar[str] = "map"
    name: str
    virtual: int
    frame: str
    rights: str

    @property
    def most_frames(self) -> int:
        """Those of tables, and one for whatever the kernel notes."""
        return TABLES + 1

    def after(self, state: State) -> State:
        """Return what is mapped with it.

        Raises:
            Unpredictable: something is there already, or there is no such frame, or address.
        """
        require_rights(self.rights)
        pages = state.pages
        if self.name in pages.live or self.frame not in state.frames.live:
            raise Unpredictable(f"{self.name} is not new, or there is no {self.frame}")
        if self.virtual % PAGE or pages.at(self.virtual):
            raise Unpredictable(f"{self.virtual:#x} is not free")
        page = Mapped(self.virtual, self.frame, self.rights)
        return state.but(pages=Mappings({**pages.live, self.name: page}, pages.left))

    def plainer(self) -> Iterator[Operation]:
        """Yield it with plainer rights."""
        for rights in ("rw", "r"):
            if rights == self.rights:
                break
            yield replace(self, rights=rights)


@dataclass(frozen=True, slots=True)
class Unmap(OfPages):
    """Unmap a page."""

    word: ClassVar[str] = "unmap"
    name: str

    def after(self, state: State) -> State:
        """Return what is mapped without it."""
        return state.but(pages=state.pages.without(self.name))


@dataclass(frozen=True, slots=True)
class Protect(OfPages):
    """Give a page other rights."""

    word: ClassVar[str] = "protect"
    needs: ClassVar[tuple[str, ...]] = ("protect",)
    name: str
    rights: str

    def after(self, state: State) -> State:
        """Return what is mapped, with these rights.

        Raises:
            Unpredictable: it is not mapped.
        """
        require_rights(self.rights)
        pages = state.pages
        if self.name not in pages.live:
            raise Unpredictable(f"there is no {self.name}")
        page = replace(pages.live[self.name], rights=self.rights)
        return state.but(pages=Mappings({**pages.live, self.name: page}, pages.left))


@dataclass(frozen=True, slots=True)
class Rounds(OfPages):
    """Map a page and unmap it, over and over."""

    word: ClassVar[str] = "rounds"
    rounds: int
    virtual: int
    frame: str

    def after(self, state: State) -> State:
        """Return that nothing has changed.

        Raises:
            Unpredictable: something is there already, or there is no such frame, or address.
        """
        if self.virtual % PAGE or state.pages.at(self.virtual) or not 2 < self.rounds < 1 << 16:
            raise Unpredictable(f"{self.virtual:#x} is not free")
        if self.frame not in state.frames.live:
            raise Unpredictable(f"there is no {self.frame}")
        return state.but()

    def plainer(self) -> Iterator[Operation]:
        """Yield fewer of them."""
        return (replace(self, rounds=rounds) for rounds in (3, 64) if rounds < self.rounds)


# -- mistakes, for a kernel that promises to survive them -----------------------------------------


@dataclass(frozen=True, slots=True)
class MapAgain(OfPages):
    """Map a page that is mapped already, to another frame: it has to be refused."""

    word: ClassVar[str] = "map-again"
    needs: ClassVar[tuple[str, ...]] = ("ok",)
    name: str
    frame: str

    def after(self, state: State) -> State:
        """Return that nothing has changed.

        Raises:
            Unpredictable: there is no such page or frame.
        """
        if self.name not in state.pages.live or self.frame not in state.frames.live:
            raise Unpredictable(f"there is no {self.name}, or no {self.frame}")
        return state.but()


@dataclass(frozen=True, slots=True)
class UnmapNothing(OfPages):
    """Unmap a page where nothing is: it has to be refused."""

    word: ClassVar[str] = "unmap-nothing"
    needs: ClassVar[tuple[str, ...]] = ("ok",)
    virtual: int

    def after(self, state: State) -> State:
        """Return that nothing has changed.

        Raises:
            Unpredictable: something is there, or it is no page's address.
        """
        if self.virtual % PAGE or state.pages.at(self.virtual):
            raise Unpredictable(f"{self.virtual:#x} is not free")
        return state.but()


KINDS: Final[tuple[type[Operation], ...]] = (
    *(Map, Unmap, Protect, Rounds),
    *(MapAgain, UnmapNothing),
)
