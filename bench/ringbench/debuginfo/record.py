"""Structs, unions, classes and tagged unions: types that have members, and their values."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from ringbench.debuginfo.ctype import Type, Value
from ringbench.errors import ImageError


class Record:
    """A struct or union as read from memory: members are attributes.

    Members of base classes, and of anonymous structs and unions, are attributes of the enclosing
    record, as in C++ and C. A member that is itself called `type` or `address` is reached as
    `record["type"]`. What was read are bytes; they become a member's value when that is asked for,
    as few of many often are.

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

    def _shown(self, name: str) -> str:
        try:
            return repr(self[name])
        except ImageError as error:  # of a type without values, which shall not hide the others
            return f"<{error}>"

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={self._shown(name)}" for name in self)
        return f"{self.type.name}@{self.address:#x}({inside})"


def _plain(value: Value) -> Value:
    if isinstance(value, Record):
        return value.as_dict()
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value


@dataclass(frozen=True, eq=False)
class Member:
    """A member of a struct or union; `offset` in bytes.

    No name: an anonymous struct or union, or a base class.
    """

    name: str | None
    offset: int
    type: Type


@dataclass(frozen=True, eq=False)
class Struct(Type):
    """A struct, class or union, complete with its members.

    `origin` is the file that it is of; `left_out` are its virtual base classes, which lie somewhere
    else in each object.
    """

    members: tuple[Member, ...]
    union: bool = False
    origin: str = ""
    left_out: tuple[str, ...] = ()

    @cached_property
    def flat(self) -> dict[str, Member]:
        """Members by name, those of anonymous members included, offsets from this struct.

        A member of its own hides one that a base class has under the same name.
        """
        own = {member.name for member in self.members}
        result: dict[str, Member] = {}
        for member in self.members:
            if member.name is not None:
                result[member.name] = member
            elif isinstance(member.type, Struct):
                for inner in member.type.flat.values():
                    if inner.name is not None and inner.name not in own:
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
            has = ", ".join([*self.flat, *(f"the virtual base {each}" for each in self.left_out)])
            raise ImageError(
                f"{self.origin}: {self.name} has no member {name!r}; it has {has or 'none'}"
            ) from None

    def decode(self, data: bytes, offset: int, address: int) -> Record:
        """Return its members, each to be read by its own type when it is asked for."""
        return Record(self, address, data[offset : offset + self.size])


@dataclass(frozen=True, eq=False)
class Variant:
    """One of the things that a tagged union can be; no number: what it is when no other is."""

    number: int | None
    member: Member


@dataclass(frozen=True, eq=False)
class Tagged(Struct):
    """A tagged union: Rust's enumerations with data, Zig's `union(enum)`.

    Its value is that of the variant that its tag names. A path says which variant it wants:
    `zone.state.Mapped.pages`; `members` are those of all variants.
    """

    tag: Member | None = None
    variants: tuple[Variant, ...] = ()

    def active(self, data: bytes, offset: int) -> Variant | None:
        """Return the variant that the tag in the bytes names; None if it names none."""
        default = next((each for each in self.variants if each.number is None), None)
        if self.tag is None:
            return default
        start = offset + self.tag.offset
        number = int.from_bytes(data[start : start + self.tag.type.size], "little")
        return next((each for each in self.variants if each.number == number), default)

    def decode(self, data: bytes, offset: int, address: int) -> Value:
        """Return the active variant as a record of that one member, by its name.

        With a tag that no variant has, the record has no members.
        """
        found = self.active(data, offset)
        members = (found.member,) if found is not None else ()
        shown = Struct(self.name, self.size, members, True, self.origin)
        return Record(shown, address, data[offset : offset + self.size])
