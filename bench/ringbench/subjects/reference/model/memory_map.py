"""The physical memory map: what kernel/memmap must make of a loader's claims.

The kernel keeps one sorted list and lays each claim over it. The model keeps the claims as they
came and looks, whenever it is asked, which is the strongest one everywhere: two ways to the same
list.
"""

import struct
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from ringbench.subjects.reference.vocabulary.boot_values import MemoryRange
from ringbench.subjects.reference.vocabulary.constants import FRAME_SIZE, MemoryKind
from ringbench.subjects.reference.vocabulary.status import Status

MEMORY_RANGES_MAX: Final = 256

_TYPE_AVAILABLE: Final = 1
_SIZE1: Final = struct.Struct("<I")
_ENTRY1: Final = struct.Struct("<QQI")
_ENTRY2: Final = struct.Struct("<QQII")


@dataclass(frozen=True, slots=True)
class MemoryMap:
    """A map in the making.

    Attributes:
        limit: 2 ** physical width; nothing at or above it counts.
        claims: whole frames below the limit, in the order in which they came; many of them may
            have been replaced by what is left of them.
    """

    limit: int
    claims: tuple[MemoryRange, ...] = ()

    @property
    def ranges(self) -> tuple[MemoryRange, ...]:
        """The strongest claim of every frame: ascending, disjoint, equal neighbours merged."""
        return tuple(_merged(_strongest(self.claims)))


def memory_map_init(physical_bits: int) -> MemoryMap:
    """Return an empty map for a CPU with that many address bits (32..52)."""
    return MemoryMap(1 << physical_bits)


def memory_map_claim(
    memory_map: MemoryMap, base: int, length: int, kind: int
) -> tuple[MemoryMap, Status, None]:
    """Claim bytes [base, base + length), 64-bit numbers, for a kind."""
    if not 0 <= kind < len(MemoryKind):
        return memory_map, Status.INVALID, None
    first, end = base, base + length
    if kind == MemoryKind.AVAILABLE:
        first, end = _up(first), _down(end)
    elif length:
        first, end = _down(first), _up(end)
    end = min(end, memory_map.limit)
    if first >= end:
        return memory_map, Status.OK, None
    claim = MemoryRange(first, end - first, kind)
    after = MemoryMap(memory_map.limit, (*memory_map.claims, claim))
    if 2 * len(after.claims) - 1 <= MEMORY_RANGES_MAX:  # each claim adds two edges
        return after, Status.OK, None
    ranges = after.ranges
    if len(ranges) > MEMORY_RANGES_MAX:
        return memory_map, Status.NO_SPACE, None
    return MemoryMap(memory_map.limit, ranges), Status.OK, None


def memory_map_multiboot1(memory_map: MemoryMap, data: bytes) -> tuple[MemoryMap, Status, None]:
    """Claim every entry of a Multiboot 1 memory map (Multiboot 0.6.96, section 3.3)."""
    at = 0
    while at < len(data):
        if len(data) - at < _SIZE1.size:
            return memory_map, Status.INVALID, None
        (size,) = _SIZE1.unpack_from(data, at)
        entry = data[at + _SIZE1.size : at + _SIZE1.size + size]
        if size < _ENTRY1.size or len(entry) < size:
            return memory_map, Status.INVALID, None
        memory_map, status, _ = _claim_entry(memory_map, *_ENTRY1.unpack_from(entry))
        if status != Status.OK:
            return memory_map, status, None
        at += _SIZE1.size + size
    return memory_map, Status.OK, None


def memory_map_multiboot2(
    memory_map: MemoryMap, data: bytes, entry_size: int
) -> tuple[MemoryMap, Status, None]:
    """Claim every entry of a Multiboot 2 memory map tag (Multiboot 2.0, section 3.6.8)."""
    if entry_size < _ENTRY2.size or entry_size % 8 or len(data) % entry_size:
        return memory_map, Status.INVALID, None
    for at in range(0, len(data), entry_size):
        base, length, kind, _ = _ENTRY2.unpack_from(data, at)
        memory_map, status, _ = _claim_entry(memory_map, base, length, kind)
        if status != Status.OK:
            return memory_map, status, None
    return memory_map, Status.OK, None


def _claim_entry(
    memory_map: MemoryMap, base: int, length: int, loaders_type: int
) -> tuple[MemoryMap, Status, None]:
    available = loaders_type == _TYPE_AVAILABLE
    kind = MemoryKind.AVAILABLE if available else MemoryKind.RESERVED
    return memory_map_claim(memory_map, base, length, kind)


def _down(address: int) -> int:
    return address // FRAME_SIZE * FRAME_SIZE


def _up(address: int) -> int:
    return _down(address + FRAME_SIZE - 1)


def _strongest(claims: Iterable[MemoryRange]) -> Iterator[MemoryRange]:
    """Yield the strongest kind between any two neighbouring edges of claims, ascending."""
    opened: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for claim in claims:
        opened[claim.base][claim.kind] += 1
        opened[claim.base + claim.length][claim.kind] -= 1
    active: Counter[int] = Counter()
    previous = 0
    for edge in sorted(opened):
        kinds = [kind for kind, count in active.items() if count]
        if kinds:
            yield MemoryRange(previous, edge - previous, max(kinds))
        for kind, change in opened[edge].items():
            active[kind] += change
        previous = edge


def _merged(ranges: Iterable[MemoryRange]) -> Iterator[MemoryRange]:
    """Join neighbours of one kind."""
    last: MemoryRange | None = None
    for each in ranges:
        if last and last.base + last.length == each.base and last.kind == each.kind:
            last = last._replace(length=last.length + each.length)
            continue
        if last:
            yield last
        last = each
    if last:
        yield last
