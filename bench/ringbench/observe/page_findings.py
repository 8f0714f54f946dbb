"""What of an address space a kernel's author would want to know, whatever the kernel is.

Nothing here needs a model of the kernel. A warning is something that hardly anybody wants, or that
the processor will refuse; information is what may well be meant, like the registers of a device.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from ringbench.arch.x86_64.address import PAGE_SIZE
from ringbench.arch.x86_64.features import MAX_PHYSICAL_BITS
from ringbench.arch.x86_64.leaves import Flags, Leaves, Ranges
from ringbench.arch.x86_64.records import Stop
from ringbench.arch.x86_64.tables import AddressSpace
from ringbench.debuginfo.elf import LoadSegment
from ringbench.observe.page_selection import Selection, Span

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


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """Everything of one kind; iterating makes each as it is needed, pages before the rest.

    Attributes:
        ranges: pages of which it is true, by ascending virtual address.
        others: what is no page, by ascending virtual address.
    """

    kind: Kind
    ranges: Ranges
    others: tuple[Finding, ...] = ()

    def __len__(self) -> int:
        return len(self.ranges) + len(self.others)

    def __iter__(self) -> Iterator[Finding]:
        for each in self.ranges:
            yield Finding(self.kind, each.vaddr, each.length, each.paddr)
        yield from self.others


def findings(
    space: AddressSpace,
    leaves: Leaves,
    text: Sequence[LoadSegment] = (),
    ram: Sequence[Interval] | None = None,
) -> tuple[Findings, ...]:
    """Return what is to be said of a space, kind by kind; of what is not RAM, hole by hole.

    Args:
        space: everything under a root.
        leaves: its pages, or those that somebody wants to know about.
        text: the kernel's own code, as its ELF file has it; none if there is no such file.
        ram: all that is RAM, ascending; None if that is not known.
    """
    return tuple(each for each in _find(space, leaves, text, ram) if len(each))


def _find(
    space: AddressSpace,
    leaves: Leaves,
    text: Sequence[LoadSegment],
    ram: Sequence[Interval] | None,
) -> Iterator[Findings]:
    yield Findings(Kind.WRITABLE_CODE, leaves.pick(leaves.write & leaves.execute).merged())
    users = leaves.pick(leaves.write & leaves.user)
    frames = [part for segment in text for part in _physical(space.leaves, segment)]
    yield Findings(Kind.USER_TEXT, users.pick(_reaches(users, frames)).merged())
    tables = [(paddr, paddr + PAGE_SIZE) for paddr in np.unique(space.tables.paddr).tolist()]
    windows = tuple(
        Finding(Kind.USER_TABLE, slot.vaddr, slot.length, space.root)
        for slot in space.recursive
        if slot.write and slot.user
    )
    yield Findings(Kind.USER_TABLE, users.pick(_reaches(users, tables)).merged(), windows)
    nothing = leaves.pick(slice(0)).merged()
    for kind in (Kind.TABLE_OUTSIDE, Kind.RESERVED):
        problems = tuple(
            Finding(kind, problem.vaddr, problem.length, problem.table)
            for problem in space.problems
            if problem.stop.value == kind.value
        )
        yield Findings(kind, nothing, problems)
    if ram is not None:
        ends = [0, *(end for _, end in ram)]
        starts = [*(start for start, _ in ram), 1 << MAX_PHYSICAL_BITS]
        for end, start in zip(ends, starts, strict=True):
            if end < start:
                hole = Selection(physical=Span(end, start))
                yield Findings(Kind.OUTSIDE_RAM, hole.cut(hole.pick(leaves).merged()))


def _physical(leaves: Leaves, segment: LoadSegment) -> Iterator[Interval]:
    """Yield where a segment is: where its addresses lead, or if nowhere, where it was loaded."""
    first, last = segment.vaddr, segment.vaddr + segment.size - 1
    ends = leaves.vaddr + (leaves.size - np.uint64(1))
    parts = leaves.pick((leaves.vaddr <= np.uint64(last)) & (ends >= np.uint64(first)))
    for leaf in parts:
        start, stop = max(leaf.vaddr, first), min(leaf.vaddr + leaf.size - 1, last)
        paddr = leaf.paddr + start - leaf.vaddr
        yield paddr, paddr + stop - start + 1
    if not len(parts):
        yield segment.paddr, segment.paddr + segment.size


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
