"""What any kernel of this kind must keep, whatever it was asked to do: each a named function.

An invariant looks at a `Picture` alone. It knows no history and no model, so it also holds where
no model can follow: after a crash, with operations that the model does not know. Each yields a
`Mismatch` for every place where it is broken, and is found by its name in `INVARIANTS`.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final, TypeAlias

from ringbench.check.mismatch import Mismatch
from ringbench.subjects.reference.check.invariants.buddy import (
    blocks_tile_the_region,
    rings_hold_the_free_blocks,
)
from ringbench.subjects.reference.check.invariants.frames import (
    allocated_frames_are_owned,
    counts_match_bits,
    every_frame_has_one_owner,
    summaries_match_bits,
)
from ringbench.subjects.reference.check.invariants.heap import (
    free_lists_hold_the_free_nodes,
    headers_are_intact,
    neighbours_are_merged,
    nodes_tile_the_heap,
)
from ringbench.subjects.reference.check.invariants.objects import (
    objects_are_counted,
    shared_pages_are_their_objects,
    trees_hold_the_pages,
)
from ringbench.subjects.reference.check.invariants.paging import (
    kernel_frames_are_hidden_from_users,
    kernel_half_is_the_kernels,
    kernel_root_has_no_low_half,
    nothing_is_writable_and_executable,
    tables_are_not_empty,
    upper_halves_are_identical,
)
from ringbench.subjects.reference.check.invariants.slabs import (
    slabs_are_their_caches,
    slabs_count_their_objects,
)
from ringbench.subjects.reference.check.invariants.spaces import (
    borrowed_pages_are_not_writable,
    guards_map_nothing,
    kin_are_rings,
    mapped_pages_are_in_regions,
    records_are_the_regions,
    regions_are_mapped,
    regions_are_ordered,
    tasks_are_ordered,
)
from ringbench.subjects.reference.observe.picture import Picture
from ringbench.subjects.reference.observe.scope import EVERYTHING, Scope

Invariant: TypeAlias = Callable[[Picture], Iterator[Mismatch]]


def everything_can_be_followed(picture: Picture) -> Iterator[Mismatch]:
    """No pointer leads astray, no list runs in a circle, no size is impossible."""
    for broken in picture.broken:
        yield Mismatch(broken.layer, "structure", "can be followed", broken.what, broken.where)


INVARIANTS: Final[tuple[Invariant, ...]] = (
    everything_can_be_followed,
    every_frame_has_one_owner,
    allocated_frames_are_owned,
    counts_match_bits,
    summaries_match_bits,
    upper_halves_are_identical,
    slabs_are_their_caches,
    slabs_count_their_objects,
    blocks_tile_the_region,
    rings_hold_the_free_blocks,
    objects_are_counted,
    trees_hold_the_pages,
    kernel_root_has_no_low_half,
    kernel_half_is_the_kernels,
    nothing_is_writable_and_executable,
    tables_are_not_empty,
    kernel_frames_are_hidden_from_users,
    regions_are_ordered,
    records_are_the_regions,
    regions_are_mapped,
    mapped_pages_are_in_regions,
    guards_map_nothing,
    kin_are_rings,
    borrowed_pages_are_not_writable,
    shared_pages_are_their_objects,
    nodes_tile_the_heap,
    neighbours_are_merged,
    headers_are_intact,
    free_lists_hold_the_free_nodes,
    tasks_are_ordered,
)
"""All of them, bottom layer first."""


def check_invariants(
    picture: Picture, detailed: int = 20, scope: Scope = EVERYTHING
) -> list[Mismatch]:
    """Return what is broken, at most `detailed` mismatches of each invariant."""
    return [
        mismatch
        for invariant in INVARIANTS
        if (seen := scope.picture(invariant, picture)) is not None
        for mismatch in islice(invariant(seen), detailed)
    ]


def broken_invariants(picture: Picture) -> set[str]:
    """Return the names of the invariants that do not hold."""
    return {each.__name__ for each in INVARIANTS if next(each(picture), None) is not None}
