"""Names of a `[layout]`, bound to what the debug information knows: variables and members.

A name that does not exist ends in one line with the key that has it, and with near names.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from ringbench.config.member_text import MemberText
from ringbench.debuginfo.dwarf import Array, Pointer, Struct, Type
from ringbench.errors import ConfigError, ImageError
from ringbench.observe.reader import UNREADABLE, GuestReader

_VARIABLE: Final = re.compile(
    r"&?\s*((?:'[^']*'::|[^\s:.\[\]]+\.\w+:(?!:))?[^.\[\]]+)(.*)", re.DOTALL
)
_STEP: Final = re.compile(r"(?:\.(\w+)|\[(\d+)\])")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is, and its type; `value` is its number, or the address of a struct."""

    address: int
    type: Type
    value: int


class Names:
    """What a kernel's names mean, for one key of the configuration after another."""

    def __init__(self, guest: GuestReader, source: object) -> None:
        """Take the guest, and the configuration's file, for messages."""
        self.guest = guest
        self._source = source

    def wrong(self, key: str, what: str, name: str, known: Iterable[str]) -> ConfigError:
        """Return the error that a key has a name which does not exist, with near ones."""
        short = re.split(r"::|:", name)[-1]  # without its file and its scopes
        near = difflib.get_close_matches(short, known, n=3)
        guess = f"; near it are {', '.join(near)}" if near else ""
        return ConfigError(f"{self._source}: {key}: {what}{guess}")

    def place(self, key: str, path: str) -> Place:
        """Follow a path from a variable, through pointers too.

        Raises:
            ConfigError: there is no such variable or member, or a pointer on the way leads nowhere.
        """
        match = _VARIABLE.fullmatch(path.strip().replace("->", "."))
        if match is None:
            raise ConfigError(f"{self._source}: {key}: {path!r} is no path from a variable")
        name, steps = match[1].strip(), match[2]
        try:
            found = self.guest.types.variable(name)
        except ImageError as error:
            raise self.wrong(key, str(error), name, self.guest.types.symbols.names) from None
        address, type_ = found.address, found.type
        position = 0
        while position < len(steps):
            step = _STEP.match(steps, position)
            if step is None:
                raise ConfigError(f"{self._source}: {key}: {path!r} is not like variable.member[3]")
            position = step.end()
            if isinstance(type_, Pointer):
                address, type_ = self._number(key, address, type_), type_.target
                if step[2] is not None:
                    address += int(step[2]) * type_.size
                    continue
            address, type_ = self._step(key, address, type_, step[0])
        value = address if isinstance(type_, Struct | Array) else self._number(key, address, type_)
        return Place(address, type_, value)

    def number(self, key: str, path: int | str) -> int:
        """Return a number that is given, also as text, or that of a variable."""
        if isinstance(path, int):
            return path
        try:
            return int(path, 0)
        except ValueError:
            return self.place(key, path).value

    def first(self, key: str, path: str, type_name: str | None, of: str) -> tuple[int, Struct]:
        """Return the address of the first record of a list, and its type.

        `path` leads to that record or to a pointer to it; `type_name`, if given, is its type, and
        `of` the key that gives it.
        """
        place = self.place(key, path)
        given = self.struct(of, type_name) if type_name is not None else None
        type_ = place.type.target if isinstance(place.type, Pointer) else place.type
        if given is None and not isinstance(type_, Struct):
            raise ConfigError(
                f"{self._source}: {key}: {path} is {_a(place.type)}, which does not say the type "
                f"of a struct: say it with {of}"
            )
        return place.value, given if given is not None else type_  # type: ignore[return-value]

    def struct(self, key: str, name: str) -> Struct:
        """Return a struct by name, with or without the word."""
        types = self.guest.types
        try:
            return types.struct(name)
        except ImageError as error:
            try:
                return types.struct(f"struct {name}")
            except ImageError:
                short = name.removeprefix("struct ")
                raise self.wrong(key, str(error), short, types.struct_names()) from None

    def fields(self, struct: Struct, prefix: str, texts: Mapping[str, MemberText | None]) -> Fields:
        """Bind the expressions of a table, of which `prefix` is the name with a dot, to a struct.

        Raises:
            ConfigError: one has a name that the struct has no member of.
        """
        return Fields(self, struct, prefix, {k: v for k, v in texts.items() if v is not None})

    def _number(self, key: str, address: int, type_: Type) -> int:
        try:
            return int(type_.decode(self.guest.virtual.read(address, type_.size), 0, address))
        except UNREADABLE as error:
            raise ConfigError(f"{self._source}: {key}: {error}") from None
        except (TypeError, ImageError):
            raise ConfigError(f"{self._source}: {key}: {_a(type_)} is no number") from None

    def _step(self, key: str, address: int, type_: Type, step: str) -> tuple[int, Type]:
        if isinstance(type_, Struct) and step.startswith(".") and step[1:] not in type_.flat:
            what = f"{type_.name} has no member {step[1:]!r}"
            raise self.wrong(key, what, step[1:], type_.flat)
        try:
            offset, inner = self.guest.types.offset(type_, step.removeprefix("."))
        except ImageError as error:
            raise ConfigError(f"{self._source}: {key}: {error}") from None
        return address + offset, inner


class Fields:
    """Expressions about one kind of struct, each to be had of any record of it."""

    def __init__(
        self, names: Names, struct: Struct, prefix: str, texts: Mapping[str, MemberText]
    ) -> None:
        self.struct = struct
        self._names = names
        self._texts = texts
        self._readers: dict[str, Callable[[Row], int]] = {}
        for key, text in texts.items():
            for name in text.names:
                if name not in self._readers:
                    self._readers[name] = self._bind(f"{prefix}{key}", name)

    def __contains__(self, key: str) -> bool:
        return key in self._texts

    def row(self, address: int) -> Row:
        """Return the record at an address.

        Raises:
            VirtualUnreadable, MemoryUnreadable: it is not in memory.
        """
        return Row(self, address, self._names.guest.virtual.read(address, self.struct.size))

    def type_of(self, key: str) -> Type | None:
        """Return the type of what an expression names that is a path alone; None of any other."""
        text = self._texts[key]
        if text.names != (text.text.strip().replace("->", "."),):
            return None
        try:
            return self._names.guest.types.offset(self.struct, text.names[0])[1]
        except ImageError:
            return None

    def _bind(self, key: str, name: str) -> Callable[[Row], int]:
        flat = self.struct.flat
        head = re.split(r"[.\[]", name)[0]
        if head in flat:
            return self._path(key, name)
        if name == "here":
            return lambda row: row.address
        if name == "header":
            size = self.struct.size
            return lambda row: size
        enumerator = self._names.guest.types.enumerator(name)
        if enumerator is not None:
            return lambda row: enumerator
        what = f"{self.struct.name} has no member {head!r}, and no enumerator is called so"
        raise self._names.wrong(key, what, head, flat)

    def _path(self, key: str, name: str) -> Callable[[Row], int]:
        """Return what reads a path of members; behind pointers too."""
        names, struct = self._names, self.struct
        steps = [step[0] for step in _STEP.finditer(f".{name}")]
        offset, type_ = names._step(key, 0, struct, steps[0])
        if len(steps) == 1:
            if isinstance(type_, Struct | Array):
                return lambda row: row.address + offset
            return lambda row: int(type_.decode(row.data, offset, row.address + offset))

        def follow(row: Row) -> int:
            address, at = row.address, struct
            current: Type = at
            for step in steps:
                if isinstance(current, Pointer):
                    address, current = names._number(key, address, current), current.target
                address, current = names._step(key, address, current, step)
            if isinstance(current, Struct | Array):
                return address
            return names._number(key, address, current)

        return follow

    def value(self, key: str, row: Row) -> int:
        """Return what an expression comes to for a record."""
        return self._texts[key].value(lambda name: self._readers[name](row))


@dataclass(frozen=True, slots=True)
class Row:
    """A record as it was read; a key of its table gives a number, or 0 if it is not told."""

    fields: Fields
    address: int
    data: bytes

    def __getitem__(self, key: str) -> int:
        return self.fields.value(key, self)

    def get(self, key: str, default: int | None = None) -> int | None:
        """Return what a key's expression comes to; `default` if the table lacks the key."""
        return self[key] if key in self.fields else default


def _a(type_: Type) -> str:
    return f"a {type_.name}"
