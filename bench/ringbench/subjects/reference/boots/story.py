"""What a loader tells a kernel, and which parts of it are lies.

A story is plain and readable: it can be printed, saved as JSON, changed by hand, and told again.
How it lies in memory is `ringbench.subjects.reference.boots.handover`.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import NoneType
from typing import Any, Final, Self

from ringbench.files import parse_json

AVAILABLE: Final = 1
TYPES: Final = {1: "available", 2: "reserved", 3: "ACPI tables", 4: "ACPI NVS", 5: "defective"}
"""Types of a memory map's entries (Multiboot 0.6.96, section 3.3; 2.0, section 3.6.8)."""

LIES: Final = (
    *("magic", "information"),
    *("flags", "memory_map", "memory_map_length", "modules", "modules_count", "command_line"),
    *("total_size", "map_size", "entry_size", "module_size", "command_line_size", "end_size"),
)
"""Fields that can be other than they should be: EAX and EBX, those of Multiboot 1, and of 2."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the memory map: bytes from a physical address, 64-bit numbers, of a type.

    In Multiboot 1, `extra` bytes follow its fields, and it can claim another `size` than it has.
    """

    base: int
    length: int
    type: int = AVAILABLE
    extra: int = 0
    size: int | None = None

    @property
    def end(self) -> int:
        """The first address past it, which may be beyond 2^64."""
        return self.base + self.length

    def __str__(self) -> str:
        """Return one line of a listing."""
        text = f"{self.base:#018x} + {self.length:#x}  {TYPES.get(self.type, f'type {self.type}')}"
        text += f"  ({self.extra} bytes more)" if self.extra else ""
        return text if self.size is None else f"{text}  (says it has {self.size} bytes)"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A module: first and past-the-last physical address, its text, and where that is said to be.

    Only Multiboot 1 says where; None is the truth.
    """

    start: int
    end: int
    text: str = ""
    text_at: int | None = None

    def __str__(self) -> str:
        """Return one line of a listing."""
        place = "" if self.text_at is None else f" said to be at {self.text_at:#x}"
        return f"module {self.start:#x}..{self.end:#x} {self.text[:40]!r}{place}"


@dataclass(frozen=True, slots=True)
class Story:
    """All that one loader says.

    Attributes:
        multiboot: which format: 1 or 2.
        at: physical address of the information.
        map_at, modules_at, strings_at: Multiboot 1: where the memory map, the list of modules,
            the strings are; None is behind what comes before.
        ended: whether the strings end with NUL.
        entry_extra: Multiboot 2: bytes of an entry behind its fields.
        map_tags: Multiboot 2: over how many tags the memory map is spread.
        strays: Multiboot 2: tags of no meaning, as (type, bytes behind the tag's header).
        modules_first: Multiboot 2: the modules' tags come before the memory map's.
        lies: the fields that are not what they should be: name -> what they are.
    """

    multiboot: int
    at: int
    entries: tuple[Entry, ...] = ()
    modules: tuple[Loaded, ...] = ()
    command_line: str | None = None
    map_at: int | None = None
    modules_at: int | None = None
    strings_at: int | None = None
    ended: bool = True
    entry_extra: int = 0
    map_tags: int = 1
    strays: tuple[tuple[int, int], ...] = ()
    modules_first: bool = False
    lies: Mapping[str, int] = field(default_factory=dict)

    def lying(self, **lies: int) -> Story:
        """Return the story with further lies, by the names in `LIES`."""
        return dataclasses.replace(self, lies={**self.lies, **lies})

    def listing(self) -> Iterator[str]:
        """Yield what it says, a line each, for a person."""
        yield f"Multiboot {self.multiboot}, information at {self.at:#x}"
        yield from (f"  {entry}" for entry in self.entries)
        yield from (f"  {module}" for module in self.modules)
        if self.command_line is not None:
            more = f"... ({len(self.command_line)})" if len(self.command_line) > 60 else ""
            yield f"  command line {self.command_line[:60]!r}{more}"
        plain = {each.name: each.default for each in dataclasses.fields(self)}
        for name in ("map_at", "modules_at", "strings_at", "ended", *_SHAPES2):
            value = getattr(self, name)
            if value != plain[name]:
                yield f"  {name} = {hex(value) if name.endswith('_at') else value}"
        yield from (f"  lie: {name} = {value:#x}" for name, value in self.lies.items())

    def to_json(self) -> str:
        """Return it as JSON; addresses and lengths in hexadecimal."""
        return json.dumps(_hexadecimal(dataclasses.asdict(self)), indent=1)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the story that JSON tells.

        Raises:
            ValueError: it tells none; the text says what is wrong.
        """
        try:
            facts = parse_json(text)
            facts["entries"] = tuple(Entry(**_numbers(each)) for each in facts.get("entries", ()))
            facts["modules"] = tuple(Loaded(**_numbers(each)) for each in facts.get("modules", ()))
            strays = facts.get("strays", ())
            facts["strays"] = tuple((_number(kind), _number(size)) for kind, size in strays)
            lies = {name: _number(value) for name, value in facts.pop("lies", {}).items()}
            story = cls(**_numbers(facts), lies=lies)
        except (TypeError, AttributeError, KeyError) as error:
            raise ValueError(f"not what a loader says: {error}") from None
        if unknown := set(story.lies) - set(LIES):
            raise ValueError(f"no field is called {', '.join(sorted(unknown))}")
        if story.multiboot not in (1, 2):
            raise ValueError(f"there is no Multiboot {story.multiboot}")
        parts: tuple[Story | Entry | Loaded, ...] = (story, *story.entries, *story.modules)
        for part in parts:
            _require_plain(part)
        _require_room(story)
        return story


WORD32, WORD64 = (1 << 32) - 1, (1 << 64) - 1
MOST_MEMORY: Final = 128 << 20
"""Bytes of all that a loader says."""

_SIZES: Final = ("type", "extra", "size", "entry_extra", "map_tags", "multiboot")
_SHAPES2: Final = ("entry_extra", "map_tags", "strays", "modules_first")
_TEXTS: Final = ("text", "command_line")


_PLAIN: Final[Mapping[str, tuple[type, ...]]] = {
    "int": (int,),
    "int | None": (int, NoneType),
    "str": (str,),
    "str | None": (str, NoneType),
    "bool": (bool,),
}
"""Types of a field by its annotation; what others hold is checked where it is read."""


def _require_plain(part: Story | Entry | Loaded) -> None:
    """Refuse a field of another type, or a number that no 64 bits can be meant by."""
    for each in dataclasses.fields(part):
        value = getattr(part, each.name)
        if type(value) not in _PLAIN.get(str(each.type), (type(value),)):
            raise ValueError(f"{each.name}: expected {each.type}")
        if type(value) is int:
            _require_number(each.name, value, WORD32 if each.name in _SIZES else WORD64 << 1)


def _require_number(name: str, value: object, limit: int) -> None:
    if type(value) is not int or not -limit <= value <= limit:
        raise ValueError(f"{name}: expected a number of at most {limit:#x}")


def _require_room(story: Story) -> None:
    """Refuse what is larger in memory than any machine here, before it is made."""
    for kind, size in story.strays:
        _require_number("strays", kind, WORD64)
        _require_number("strays", size, WORD32)
    for name, value in story.lies.items():
        _require_number(name, value, WORD64)
    if any(
        not 0 <= number <= WORD32
        for each in story.entries
        for number in (each.type, each.extra, each.size or 0)
    ):
        raise ValueError("an entry's type, extra bytes or size is not a number of 32 bits")
    length = sum(64 + entry.extra + story.entry_extra for entry in story.entries)
    length += 64 * story.map_tags + sum(64 + size for _, size in story.strays)
    if length > MOST_MEMORY:
        raise ValueError(f"more than {MOST_MEMORY} bytes of information")


def _hexadecimal(value: Any) -> Any:
    """Return nested data with every integer above 9 as text."""
    if isinstance(value, dict):
        return {name: _hexadecimal(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_hexadecimal(each) for each in value]
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return hex(value) if is_number and value > 9 else value


def _numbers(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields with their numbers as integers again."""
    return {n: each if n in _TEXTS else _number(each) for n, each in facts.items()}


def _number(value: Any) -> Any:
    return int(value, 0) if isinstance(value, str) else value
