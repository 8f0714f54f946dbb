"""The pages of regions, however many regions there are and however they overlap."""

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

from ringbench.arch.x86_64.leaves import Flags, Leaves
from ringbench.observe.page_tables import Root
from ringbench.subjects.reference.observe.picture import Picture
from ringbench.subjects.reference.observe.spaces import SeenRegion, SeenSpace

_SHARED: Final = 1 << 16
"""Pages that may be in several regions, counted each time, before the rest are left out."""


def rooted(picture: Picture) -> Iterator[tuple[SeenSpace, Root]]:
    """Yield every space with its root's tables.

    A space without, or with a root that is another's, is reported as broken already; kernel and
    heap do share one.
    """
    roots = {root.paddr: root for root in picture.tables.roots}
    seen: set[int] = set()
    for space in picture.spaces():
        if space.root in roots and (space.name in ("heap", "buddy") or space.root not in seen):
            seen.add(space.root)
            yield space, roots[space.root]


def region_pages(picture: Picture) -> Iterator[tuple[SeenSpace, SeenRegion, Leaves]]:
    """Yield every region with its pages.

    In a sound kernel no page is in two regions. Where so many are that it would take no end to go
    through them, which the order of the regions shows, some regions are left out.
    """
    left = sum(len(root.leaves) for root in picture.tables.roots) + _SHARED
    for space, root in rooted(picture):
        for region in space.regions:
            leaves = root.leaves.between(region.base, region.end)
            left -= len(leaves)
            if left >= 0:
                yield space, region, leaves


def inside(leaves: Leaves, regions: Iterable[SeenRegion]) -> Flags:
    """Return which of some leaves begin in any of some regions."""
    steps = np.zeros(len(leaves) + 1, np.int64)
    for region in regions:
        if region.length > 0:
            steps[leaves.count_below(region.base)] += 1
            steps[leaves.count_below(region.end)] -= 1
    flags: Flags = np.cumsum(steps)[:-1] > 0
    return flags
