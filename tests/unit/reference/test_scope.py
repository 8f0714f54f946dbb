"""What a look at memory notes, and what a short look leaves out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ringbench.subjects.reference.observe.scope import Noted, Ranges, Scope, Short


class Buffer:
    def read(self, paddr: int, length: int) -> bytes:
        return bytes(range(paddr, paddr + length))


@dataclass(frozen=True)
class Frames:
    free: int
    used: int

    @property
    def all(self) -> int:
        return self.free + self.used


@dataclass(frozen=True)
class Facts:
    """As much of a picture as is needed here."""

    pmm: Frames = field(default_factory=lambda: Frames(1, 2))
    root: int = 7
    names: tuple[str, ...] = ("a", "b")

    def first(self) -> str:
        return self.names[0]


def looks_at_free(picture: Any) -> object:
    return picture.pmm.free


def looks_at_all(picture: Any) -> object:
    return picture.pmm.all


def looks_at_first(picture: Any) -> object:
    return picture.first()


CHECKS = (looks_at_free, looks_at_all, looks_at_first)


def made(scope: Scope, picture: Any) -> set[str]:
    """The checks that are made."""
    found = ((check, scope.picture(check, picture)) for check in CHECKS)
    return {check.__name__ for check, seen in found if seen is not None and check(seen)}


def test_a_check_is_made_again_if_what_it_looked_at_is_different() -> None:
    noted = Noted()
    assert made(noted, Facts()) == made(Scope(), Facts()) == {each.__name__ for each in CHECKS}
    assert made(Short(noted, 0), Facts()) == set(), "equal is enough"
    assert made(Short(noted, 0), Facts(root=8)) == set()
    assert made(Short(noted, 0), Facts(Frames(1, 9))) == {"looks_at_all"}
    assert made(Short(noted, 0), Facts(Frames(9, 2))) == {"looks_at_free", "looks_at_all"}
    assert made(Short(noted, 0), Facts(names=("a",))) == {"looks_at_first"}


def test_ranges_are_the_bytes_that_were_read() -> None:
    ranges = Ranges(Buffer())
    assert not ranges.contain(0)
    for paddr, length in ((10, 4), (20, 1), (12, 5), (17, 1)):
        assert ranges.read(paddr, length) == Buffer().read(paddr, length)
    assert [at for at in range(30) if ranges.contain(at)] == [*range(10, 18), 20]
    ranges.read(0, 1)
    assert ranges.contain(0)


def test_a_check_of_memory_is_made_again_if_it_read_the_byte() -> None:
    noted = Noted()
    memory = noted.memory(looks_at_free, Buffer())
    assert memory is not None
    memory.read(4, 4)
    assert Short(noted, 5).memory(looks_at_free, memory) is memory
    assert Short(noted, 8).memory(looks_at_free, memory) is None
