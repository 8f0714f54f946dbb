"""What can be flipped: structures made of spots, a spot being a few bits with a place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from ringbench.debuginfo.ctype import Array, Struct, Type
from ringbench.subjects.reference.flips.free import PADDING, FreeBits

BYTE = 8


@dataclass(frozen=True, slots=True)
class Flip:
    """One bit of guest memory, and what the check must say once it is flipped.

    Attributes:
        layer: the layer that must be named.
        structure: what kind of thing it is part of, as in the report.
        part: the member or element, for people.
        paddr, bit: bit `bit` of the bytes from physical address `paddr` on.
        place: what a mismatch of the layer must name.
        free: the kind of free bits that it is one of, if it is.
    """

    layer: str
    structure: str
    part: str
    paddr: int
    bit: int
    place: str
    free: FreeBits | None

    @property
    def address(self) -> int:
        """The physical address of the byte that has the bit."""
        return self.paddr + self.bit // BYTE

    @property
    def must_be_caught(self) -> bool:
        """Whether the check has to notice."""
        return self.free is None or self.free.compared

    def __str__(self) -> str:
        free = f" ({self.free.name})" if self.free else ""
        where = f"bit {self.bit} at physical {self.paddr:#x}"
        return f"{self.structure}: {where}: {self.part}, place {self.layer}: {self.place}{free}"


@dataclass(frozen=True, slots=True)
class Spot:
    """`bits` adjacent bits from bit `first` on at a physical address, all of one place.

    `free` has masks over them, bit 0 being the first of these bits.
    """

    part: str
    paddr: int
    bits: int
    place: str
    first: int = 0
    free: Mapping[FreeBits, int] = field(default_factory=dict)

    def free_kind(self, bit: int) -> FreeBits | None:
        """Return the kind of free bits that one of them is."""
        return next((kind for kind, mask in self.free.items() if mask >> bit & 1), None)


@dataclass(frozen=True, slots=True)
class Structure:
    """A kind of thing in memory: `count` spots, each made when it is drawn."""

    name: str
    layer: str
    count: int
    spot: Callable[[int], Spot]

    def draw(self, random: Random) -> Flip:
        """Draw a bit: all spots are equally likely, and so are the bits of one."""
        spot = self.spot(random.randrange(self.count))
        bit = random.randrange(spot.bits)
        free = spot.free_kind(bit)
        return Flip(
            self.layer, self.name, spot.part, spot.paddr, spot.first + bit, spot.place, free
        )


def of_spots(name: str, layer: str, spots: Sequence[Spot]) -> Structure:
    """Return a structure of spots that are known one by one."""
    return Structure(name, layer, len(spots), spots.__getitem__)


def of_bitmap(
    name: str, layer: str, paddr: int, count: int, place: Callable[[int], str]
) -> Structure:
    """Return a bitmap of 64-bit words at a physical address; bit n has the place `place(n)`."""

    def spot(bit: int) -> Spot:
        word, first = divmod(bit, 64)
        return Spot(f"bit {bit}", paddr + word * 8, 1, place(bit), first)

    return Structure(name, layer, count, spot)


@dataclass(frozen=True, slots=True)
class Part:
    """A member that is no struct and no array, or a gap between members, inside a type.

    Attributes:
        path: how C writes it, from the type on: `.middle[3]`; of padding, what it is inside.
        offset, size: bytes.
        padding: whether it is a gap, or a member that is called so.
    """

    path: str
    offset: int
    size: int
    padding: bool = False

    def spot(self, paddr: int, place: str, name: str = "") -> Spot:
        """Return it as a spot; `paddr` is where the part itself is."""
        part = f"{name}{self.path}" + (" (padding)" if self.padding else "")
        free = {PADDING: (1 << self.size * BYTE) - 1} if self.padding else {}
        return Spot(part, paddr, self.size * BYTE, place, free=free)


def parts_of(type_: Type, padding: str, path: str = "", offset: int = 0) -> Iterator[Part]:
    """Yield the parts of a type, together all of its bytes; `padding` is a member without use."""
    if isinstance(type_, Array):
        for index in range(type_.count or 0):
            at = offset + index * type_.element.size
            yield from parts_of(type_.element, padding, f"{path}[{index}]", at)
    elif isinstance(type_, Struct):
        end = offset
        for name, member in sorted(type_.flat.items(), key=lambda each: each[1].offset):
            start = offset + member.offset
            if start > end:
                yield Part(path, end, start - end, padding=True)
            end = start + member.type.size
            if name == padding:
                yield Part(f"{path}.{name}", start, member.type.size, padding=True)
            else:
                yield from parts_of(member.type, padding, f"{path}.{name}", start)
        if end < offset + type_.size:
            yield Part(path, end, offset + type_.size - end, padding=True)
    elif type_.size:
        yield Part(path, offset, type_.size)
