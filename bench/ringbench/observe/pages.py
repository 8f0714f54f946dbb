"""What one root maps, as one value: ranges for people, single leaves on request, and problems."""

from dataclasses import dataclass

from ringbench.arch.x86_64.bulk import decode
from ringbench.arch.x86_64.features import ANY, Features
from ringbench.arch.x86_64.leaves import Leaves, Ranges
from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.arch.x86_64.records import DEFAULT_LIMIT, Problem


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
    ranges: Ranges
    leaves: Leaves | None
    leaf_count: int
    table_counts: dict[int, int]
    problems: tuple[Problem, ...]

    @property
    def mapped(self) -> int:
        """Bytes of virtual address space that are mapped."""
        return int(self.ranges.length.sum())


def view(
    memory: PhysicalMemory,
    root: int,
    features: Features = ANY,
    *,
    keep_leaves: bool = False,
    limit: int = DEFAULT_LIMIT,
) -> AddressSpaceView:
    """List what `root` (a PML4 address or a CR3 value) maps, giving up after `limit` records."""
    space = decode(memory, root, features, limit)
    return AddressSpaceView(
        root=space.root,
        ranges=space.leaves.merged(),
        leaves=space.leaves if keep_leaves else None,
        leaf_count=len(space.leaves),
        table_counts=space.tables.counts(),
        problems=space.problems,
    )
