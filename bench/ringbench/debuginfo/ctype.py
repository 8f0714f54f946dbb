"""C types as values: how many bytes they take, and what a run of bytes means in them.

A type turns bytes into plain Python: integers, booleans, lists, `EnumValue` and `Record`.
Little-endian throughout, as only x86_64 is read. Where the types come from is `dwarf`'s part.
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, TypeAlias

from ringbench.errors import ImageError

Reader: TypeAlias = Callable[[int, int], bytes]
"""(virtual address, length) -> exactly that many bytes."""

Value: TypeAlias = Any
"""int, bool, float, EnumValue, Record, or a list of these."""

_INTEGER_CODES: Final = {1: "B", 2: "H", 4: "I", 8: "Q"}


LARGEST_READ: Final = 16 << 20
"""Bytes of a value that is read."""


class EnumValue(int):
    """A C enumeration's value: an int that knows its name."""

    label: str | None

    def __new__(cls, value: int, label: str | None) -> "EnumValue":
        """Make the value; `label` is None for a number that no enumerator has."""
        self = super().__new__(cls, value)
        self.label = label
        return self

    def __str__(self) -> str:
        return self.label if self.label is not None else int.__repr__(self)

    __repr__ = __str__


class Record:
    """A struct or union as read from memory: members are attributes.

    Members of anonymous structs and unions are attributes of the enclosing record, as in C. A
    member that is itself called `type` or `address` is reached as `record["type"]`. What was read
    are bytes; they become a member's value when that is asked for, as few of many often are.

    Attributes:
        type: the Struct it was read as.
        address: virtual address it was read from.
    """

    __slots__ = ("_data", "address", "type")

    def __init__(self, type_: "Struct", address: int, data: bytes) -> None:
        self.type = type_
        self.address = address
        self._data = data

    def __getattr__(self, name: str) -> Value:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(
                f"{self.type.name} has no member {name!r}; it has {', '.join(self.type.flat)}"
            ) from None

    def __getitem__(self, name: str) -> Value:
        member = self.type.flat[name]
        return member.type.decode(self._data, member.offset, self.address + member.offset)

    def __iter__(self) -> Iterator[str]:
        return iter(self.type.flat)

    def as_dict(self) -> dict[str, Value]:
        """Return the members as plain data, records inside as dictionaries too."""
        return {name: _plain(self[name]) for name in self}

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={self[name]!r}" for name in self)
        return f"{self.type.name}@{self.address:#x}({inside})"


def _plain(value: Value) -> Value:
    if isinstance(value, Record):
        return value.as_dict()
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value


@dataclass(frozen=True, eq=False)
class Type:
    """A C type; `size` in bytes. Compared by identity."""

    name: str
    size: int

    def decode(self, data: bytes, offset: int, address: int) -> Value:
        """Return the value of `size` bytes at `offset` in `data`, read from `address`."""
        raise ImageError(f"a {self.name} has no value that could be read")

    @property
    def code(self) -> str:
        """The `struct` module's letter for it; empty if it has none."""
        return ""


VOID: Final = Type("void", 0)


@dataclass(frozen=True, eq=False)
class Integer(Type):
    """Any integer or character type."""

    signed: bool = False

    def decode(self, data: bytes, offset: int, address: int) -> int:
        """Return the number."""
        return int.from_bytes(data[offset : offset + self.size], "little", signed=self.signed)

    @property
    def code(self) -> str:
        """The letter for its size, lower case if signed."""
        letter = _INTEGER_CODES.get(self.size, "")
        return letter.lower() if self.signed else letter


@dataclass(frozen=True, eq=False)
class Float(Type):
    """`float` or `double`."""

    def decode(self, data: bytes, offset: int, address: int) -> float:
        """Return the number; a long double is refused."""
        if not self.code:
            raise ImageError(f"a {self.name} of {self.size} bytes cannot be read")
        number: float = struct.unpack_from("<" + self.code, data, offset)[0]
        return number

    @property
    def code(self) -> str:
        """The letter for its size."""
        return {4: "f", 8: "d"}.get(self.size, "")


@dataclass(frozen=True, eq=False)
class Boolean(Type):
    """`bool`; any byte but 0 is true."""

    def decode(self, data: bytes, offset: int, address: int) -> bool:
        """Return the truth of the bytes."""
        return any(data[offset : offset + self.size])


@dataclass(frozen=True, eq=False)
class Enum(Type):
    """An enumeration; `values` from name to number."""

    signed: bool = False
    values: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def _names(self) -> dict[int, str]:
        return {value: name for name, value in reversed(list(self.values.items()))}

    def name_of(self, value: int) -> str | None:
        """Return the first enumerator with a value, or None."""
        return self._names.get(value)

    def decode(self, data: bytes, offset: int, address: int) -> EnumValue:
        """Return the number, with its name."""
        number = int.from_bytes(data[offset : offset + self.size], "little", signed=self.signed)
        return EnumValue(number, self._names.get(number))


@dataclass(frozen=True, eq=False)
class Pointer(Type):
    """A pointer; its value is the address. What it points at is looked up when asked for."""

    resolve: Callable[[], Type] = field(default=lambda: VOID, repr=False)

    @cached_property
    def target(self) -> Type:
        """The type pointed at."""
        return self.resolve()

    def decode(self, data: bytes, offset: int, address: int) -> int:
        """Return the address it holds."""
        return int.from_bytes(data[offset : offset + self.size], "little")

    @property
    def code(self) -> str:
        """As an unsigned integer's."""
        return _INTEGER_CODES.get(self.size, "")


@dataclass(frozen=True, eq=False)
class Array(Type):
    """`count` elements; None for a flexible array, which takes no bytes and reads as empty."""

    element: Type
    count: int | None

    def decode(self, data: bytes, offset: int, address: int) -> list[Value]:
        """Return the elements."""
        return decode_array(self.element, self.count or 0, data, offset, address)


@dataclass(frozen=True, eq=False)
class Member:
    """A member of a struct or union; `offset` in bytes. No name: an anonymous struct or union."""

    name: str | None
    offset: int
    type: Type


@dataclass(frozen=True, eq=False)
class Struct(Type):
    """A struct or a union, complete with its members."""

    members: tuple[Member, ...]
    union: bool = False
    origin: str = ""

    @cached_property
    def flat(self) -> dict[str, Member]:
        """Members by name, those of anonymous members included, offsets from this struct."""
        result: dict[str, Member] = {}
        for member in self.members:
            if member.name is not None:
                result[member.name] = member
            elif isinstance(member.type, Struct):
                for inner in member.type.flat.values():
                    assert inner.name is not None
                    offset = member.offset + inner.offset
                    result[inner.name] = Member(inner.name, offset, inner.type)
        return result

    def member(self, name: str) -> Member:
        """Return a member by name.

        Raises:
            ImageError: there is none; the message lists those there are.
        """
        try:
            return self.flat[name]
        except KeyError:
            raise ImageError(
                f"{self.origin}: {self.name} has no member {name!r}; it has {', '.join(self.flat)}"
            ) from None

    def decode(self, data: bytes, offset: int, address: int) -> Record:
        """Return its members, each to be read by its own type when it is asked for."""
        return Record(self, address, data[offset : offset + self.size])


def decode_array(
    element: Type, count: int, data: bytes, offset: int = 0, address: int = 0
) -> list[Value]:
    """Return `count` elements that lie one after another; plain numbers in one step."""
    if element.code:
        return list(struct.unpack_from(f"<{count}{element.code}", data, offset))
    return [
        element.decode(data, offset + n, address + n)
        for n in range(0, count * element.size, element.size or 1)
    ]


def read_value(reader: Reader, address: int, type_: Type) -> Value:
    """Read one value of a type from a virtual address, in one read.

    Raises:
        ImageError: it is larger than what is read at once.
    """
    return type_.decode(reader(address, _readable(type_.size, type_.name)), 0, address)


def read_array(reader: Reader, address: int, element: Type, count: int) -> list[Value]:
    """Read `count` elements, in one read: what a pointer points at, or a flexible array.

    Raises:
        ImageError: they are larger than what is read at once.
    """
    size = _readable(element.size * count, f"{element.name}[{count}]")
    return decode_array(element, count, reader(address, size), 0, address)


def _readable(size: int, name: str) -> int:
    if size > LARGEST_READ:
        raise ImageError(f"a {name} of {size:,} bytes is more than is read at once")
    return size
