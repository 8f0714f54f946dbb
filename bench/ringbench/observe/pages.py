"""What one root maps, as one value: ranges for people, single leaves on request, and problems."""

from collections.abc import Iterator
from dataclasses import dataclass

from ringbench.arch.x86_64.features import ANY, Features
from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.arch.x86_64.scan import (
    DEFAULT_LIMIT,
    Problem,
    Range,
    Record,
    Table,
    merge,
    scan,
)
from ringbench.arch.x86_64.walk import Leaf, root_table


@dataclass(frozen=True, slots=True)
class AddressSpaceView:
    """Everything mapped under one root.

    Attributes:
        root: physical address of the PML4.
        ranges: merged leaves in address order.
        leaves: the leaves themselves; None unless they were asked for.
        leaf_count: how many leaves there are, kept or not.
        table_counts: page tables by level, 4 to 1; a shared frame counts once for each use.
        problems: what could not be followed.
    """

    root: int
    ranges: tuple[Range, ...]
    leaves: tuple[Leaf, ...] | None
    leaf_count: int
    table_counts: dict[int, int]
    problems: tuple[Problem, ...]

    @property
    def mapped(self) -> int:
        """Bytes of virtual address space that are mapped."""
        return sum(each.length for each in self.ranges)


def view(
    memory: PhysicalMemory,
    root: int,
    features: Features = ANY,
    *,
    keep_leaves: bool = False,
    limit: int = DEFAULT_LIMIT,
) -> AddressSpaceView:
    """List what `root` (a PML4 address or a CR3 value) maps, giving up after `limit` records."""
    sorter = _Sorter(keep_leaves)
    ranges = tuple(merge(sorter.leaves_of(scan(memory, root, features, limit))))
    return AddressSpaceView(
        root=root_table(root, features),
        ranges=ranges,
        leaves=tuple(sorter.kept) if keep_leaves else None,
        leaf_count=sorter.count,
        table_counts=sorter.tables,
        problems=tuple(sorter.problems),
    )


class _Sorter:
    """Passes the leaves of a scan on, one at a time, and keeps count of the rest."""

    def __init__(self, keep_leaves: bool) -> None:
        self.keep_leaves = keep_leaves
        self.kept: list[Leaf] = []
        self.count = 0
        self.tables = {4: 0, 3: 0, 2: 0, 1: 0}
        self.problems: list[Problem] = []

    def leaves_of(self, records: Iterator[Record]) -> Iterator[Leaf]:
        for record in records:
            if isinstance(record, Leaf):
                self.count += 1
                if self.keep_leaves:
                    self.kept.append(record)
                yield record
            elif isinstance(record, Table):
                self.tables[record.level] += 1
            else:
                self.problems.append(record)
