"""What of an address space a kernel's author would want to know, whatever the kernel is.

Nothing here needs a model of the kernel. A warning is something that hardly anybody wants, or that
the processor will refuse; information is what may well be meant, like the registers of a device.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from ringbench.arch.x86_64.address import PAGE_SIZE
from ringbench.arch.x86_64.leaves import Flags, Leaves, Ranges
from ringbench.arch.x86_64.records import Stop
from ringbench.arch.x86_64.tables import AddressSpace
from ringbench.debuginfo.segments import Segment

Interval = tuple[int, int]
"""Physical addresses from the first up to the second, which is not included."""


class Kind(StrEnum):
    """What can be found."""

    WRITABLE_CODE = "writable and executable"
    USER_TEXT = "kernel text that user code can write"
    USER_TABLE = "page table that user code can write"
    TABLE_OUTSIDE = Stop.UNREADABLE.value
    RESERVED = Stop.RESERVED.value
    OUTSIDE_RAM = "not RAM"

    @property
    def is_warning(self) -> bool:
        """Whether it is a warning, and not information."""
        return self is not Kind.OUTSIDE_RAM

    @property
    def is_problem(self) -> bool:
        """Whether it is among the problems of the space as well."""
        return self in (Kind.TABLE_OUTSIDE, Kind.RESERVED)


@dataclass(frozen=True, slots=True)
class Finding:
    """One range of addresses, and what was found of it.

    Attributes:
        vaddr, length: the range.
        paddr: the physical address that its first byte means; of a problem, of the table at fault.
    """

    kind: Kind
    vaddr: int
    length: int
    paddr: int

    def __str__(self) -> str:
        last = self.vaddr + self.length - 1
        return f"{self.kind.value}: {self.vaddr:#x}..{last:#x} -> {self.paddr:#x}"


def findings(
    space: AddressSpace,
    leaves: Leaves,
    text: Sequence[Segment] = (),
    ram: Sequence[Interval] | None = None,
) -> tuple[Finding, ...]:
    """Return what is to be said of a space, kind by kind, by ascending virtual address.

    Args:
        space: everything under a root.
        leaves: its pages, or those that somebody wants to know about.
        text: the kernel's own code, as its ELF file has it; none if there is no such file.
        ram: all that is RAM, ascending; None if that is not known.
    """
    return tuple(_find(space, leaves, text, ram))


def _find(
    space: AddressSpace,
    leaves: Leaves,
    text: Sequence[Segment],
    ram: Sequence[Interval] | None,
) -> Iterator[Finding]:
    yield from _ranges(Kind.WRITABLE_CODE, leaves.pick(leaves.write & leaves.execute).merged())
    users = leaves.pick(leaves.write & leaves.user)
    frames = [part for segment in text for part in _physical(space.leaves, segment)]
    yield from _ranges(Kind.USER_TEXT, users.pick(_reaches(users, frames)).merged())
    tables = [(paddr, paddr + PAGE_SIZE) for paddr in np.unique(space.tables.paddr).tolist()]
    yield from _ranges(Kind.USER_TABLE, users.pick(_reaches(users, tables)).merged())
    for slot in space.recursive:
        if slot.write and slot.user:
            yield Finding(Kind.USER_TABLE, slot.vaddr, slot.length, space.root)
    for problem in space.problems:
        if problem.stop in (Stop.UNREADABLE, Stop.RESERVED):
            kind = Kind(problem.stop.value)
            yield Finding(kind, problem.vaddr, problem.length, problem.table)
    if ram is not None:
        yield from _outside(leaves, ram)


def _ranges(kind: Kind, ranges: Ranges) -> Iterator[Finding]:
    for each in ranges:
        yield Finding(kind, each.vaddr, each.length, each.paddr)


def _physical(leaves: Leaves, segment: Segment) -> Iterator[Interval]:
    """Yield where a segment is: where its addresses lead, or if nowhere, where it was loaded."""
    first, last = segment.vaddr, segment.vaddr + segment.length - 1
    ends = leaves.vaddr + (leaves.size - np.uint64(1))
    parts = leaves.pick((leaves.vaddr <= np.uint64(last)) & (ends >= np.uint64(first)))
    for leaf in parts:
        start, stop = max(leaf.vaddr, first), min(leaf.vaddr + leaf.size - 1, last)
        paddr = leaf.paddr + start - leaf.vaddr
        yield paddr, paddr + stop - start + 1
    if not len(parts):
        yield segment.paddr, segment.paddr + segment.length


def _reaches(leaves: Leaves, intervals: Iterable[Interval]) -> Flags:
    """Return which pages have a byte of one of these intervals."""
    starts, ends = _joined(intervals)
    if not len(starts):
        return np.zeros(len(leaves), np.bool_)
    after = np.searchsorted(ends, leaves.paddr, "right")
    start = starts[np.minimum(after, len(starts) - 1)]
    reaches: Flags = (after < len(starts)) & (start < leaves.paddr + leaves.size)
    return reaches


def _joined(intervals: Iterable[Interval]) -> tuple[np.ndarray, np.ndarray]:
    """Return starts and ends of intervals, ascending, those that meet or overlap as one."""
    joined: list[list[int]] = []
    for start, end in sorted(intervals):
        if joined and start <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], end)
        else:
            joined.append([start, end])
    starts, ends = np.array(joined, np.uint64).reshape(-1, 2).T
    return starts, ends


def _outside(leaves: Leaves, ram: Sequence[Interval]) -> Iterator[Finding]:
    """Yield the parts of ranges that are not RAM."""
    starts, ends = _joined(ram)
    after = np.minimum(np.searchsorted(ends, leaves.paddr, "right"), max(len(ends) - 1, 0))
    inside = np.zeros(len(leaves), np.bool_)
    if len(ends):
        inside = (starts[after] <= leaves.paddr) & (leaves.paddr + leaves.size <= ends[after])
    for each in leaves.pick(~inside).merged():
        shift = each.vaddr - each.paddr
        at, end = each.paddr, each.paddr + each.length
        for start, stop in (*ram, (end, end)):
            if at < min(start, end):
                yield Finding(Kind.OUTSIDE_RAM, at + shift, min(start, end) - at, at)
            at = max(at, stop)
