"""How much of a guest's memory is read and checked: all of it, or what a changed byte can change.

`Scope` is all of it. `Noted` is all of it as well, of memory that is sound, and notes what every
reader and every check looked at. `Short` repeats that look after one byte has changed: a reader
that did not read that byte says what it said, and so does a check whose every fact is as it was; of
sound memory that is nothing. What depends on what is thus written down nowhere, but seen.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, TypeVar, cast

from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.arch.x86_64.virtual import VirtualMemory
from ringbench.observe.reader import GuestReader

if TYPE_CHECKING:
    from ringbench.subjects.reference.observe.picture import Picture

P = ParamSpec("P")
T = TypeVar("T")
Check = Callable[..., object]
Path = tuple[str, ...]

_PARTS: Final = frozenset(("pmm", "tables", "heap", "tasks", "console", "boot"))
"""Fields of a picture that are looked at by their own fields."""


class Scope:
    """All of a guest's memory: everything is read and every check is made."""

    def read(
        self,
        reader: Callable[Concatenate[GuestReader, P], T],
        guest: GuestReader,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Return what a reader, a pure function of memory and its arguments, makes of a guest."""
        return reader(guest, *args, **kwargs)

    def picture(self, check: Check, picture: Picture) -> Picture | None:
        """Return what a check is to look at; None: it cannot find anything."""
        return picture

    def memory(self, check: Check, memory: PhysicalMemory) -> PhysicalMemory | None:
        """Return the memory that a check is to look at; None: it cannot find anything."""
        return memory


EVERYTHING: Final = Scope()


@dataclass(slots=True)
class Ranges:
    """Physical memory that was read; memory itself to who reads it."""

    source: PhysicalMemory
    _read: set[tuple[int, int]] = field(default_factory=set)
    _starts: list[int] = field(default_factory=list)
    _ends: list[int] = field(default_factory=list)

    def read(self, paddr: int, length: int) -> bytes:
        """Return memory, and note that it was read."""
        self._read.add((paddr, paddr + length))
        self._starts = []
        return self.source.read(paddr, length)

    def contain(self, paddr: int) -> bool:
        """Tell whether a byte was read."""
        if self._read and not self._starts:
            self._merge()
        place = bisect_right(self._starts, paddr)
        return place > 0 and paddr < self._ends[place - 1]

    def _merge(self) -> None:
        self._ends = []
        for start, end in sorted(self._read):
            if self._ends and start <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._starts.append(start)
                self._ends.append(end)


@dataclass(frozen=True, slots=True)
class _Kept:
    """What a reader made of sound memory and of which arguments, what it read, and its price."""

    arguments: tuple[object, ...]
    value: Any
    ranges: Ranges
    records: int
    pages: int


class Noted(Scope):
    """All of a guest's memory, which is sound; and what looked at which part of it."""

    def __init__(self) -> None:
        self.readers: dict[object, _Kept] = {}
        self.facts: dict[Check, tuple[Picture, set[Path]]] = {}
        self.ranges: dict[Check, Ranges] = {}

    def read(
        self,
        reader: Callable[Concatenate[GuestReader, P], T],
        guest: GuestReader,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Return what a reader makes of a guest, and note what it reads for that."""
        ranges = Ranges(guest.memory)
        own = GuestReader(ranges, guest.types, guest.root, guest.features, guest.notebook)
        own.virtual = VirtualMemory(ranges, guest.root, guest.features, keep_tables=False)
        notebook = guest.notebook
        records, pages = notebook.records, notebook.pages
        value = reader(own, *args, **kwargs)
        self.readers[reader] = _Kept(
            _arguments(guest, args, kwargs),
            value,
            ranges,
            records - notebook.records,
            pages - notebook.pages,
        )
        return value

    def picture(self, check: Check, picture: Picture) -> Picture | None:
        """Return the picture in a wrapping that notes which of its facts are looked at."""
        seen: set[Path] = set()
        self.facts[check] = picture, seen
        return cast("Picture", _Watched(picture, seen))

    def memory(self, check: Check, memory: PhysicalMemory) -> PhysicalMemory | None:
        """Return the memory in a wrapping that notes what is read."""
        self.ranges[check] = Ranges(memory)
        return self.ranges[check]


class Short(Scope):
    """What can be different since the byte at `paddr` has changed; for one look.

    `noted` was taken of the same memory, sound, before.
    """

    def __init__(self, noted: Noted, paddr: int) -> None:
        self._noted = noted
        self._paddr = paddr
        self._differ: dict[Path, bool] = {}

    def read(
        self,
        reader: Callable[Concatenate[GuestReader, P], T],
        guest: GuestReader,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Return what the reader made of the sound memory, where it would still make that."""
        kept, notebook = self._noted.readers[reader], guest.notebook
        same = kept.arguments == _arguments(guest, args, kwargs)
        can_pay = kept.records <= notebook.records and kept.pages <= notebook.pages
        if not same or not can_pay or kept.ranges.contain(self._paddr):
            return reader(guest, *args, **kwargs)
        notebook.records -= kept.records
        notebook.pages -= kept.pages
        value: T = kept.value
        return value

    def picture(self, check: Check, picture: Picture) -> Picture | None:
        """Return the picture, if a fact that the check looked at is not what it was."""
        sound, paths = self._noted.facts[check]
        for path in paths - self._differ.keys():
            self._differ[path] = _differ(sound, picture, path)
        return picture if any(self._differ[path] for path in paths) else None

    def memory(self, check: Check, memory: PhysicalMemory) -> PhysicalMemory | None:
        """Return the memory, if the check read the byte."""
        return memory if self._noted.ranges[check].contain(self._paddr) else None


class _Watched:
    """A picture, or one of its parts, that notes which of its fields are asked for."""

    def __init__(self, value: object, seen: set[Path], path: Path = ()) -> None:
        self._value, self._seen, self._path = value, seen, path

    def __getattr__(self, name: str) -> Any:
        of_type = getattr(type(self._value), name, None)
        if isinstance(of_type, FunctionType):
            return MethodType(of_type, self)
        if isinstance(of_type, property) and of_type.fget is not None:
            return of_type.fget(self)
        value, path = getattr(self._value, name), (*self._path, name)
        if not self._path and name in _PARTS:
            return _Watched(value, self._seen, path)
        self._seen.add(path)
        return value


def _arguments(
    guest: GuestReader, args: tuple[object, ...], kwargs: dict[str, Any]
) -> tuple[object, ...]:
    return guest.root, guest.features, args, kwargs


def _differ(sound: object, now: object, path: Path) -> bool:
    for name in path:
        sound, now = getattr(sound, name), getattr(now, name)
        if sound is now:
            return False
    with suppress(ValueError):  # arrays are not compared
        return bool(sound != now)
    return True
