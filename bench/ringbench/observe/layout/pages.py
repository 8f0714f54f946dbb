"""The pages behind a range of virtual addresses, those at its edges cut to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ringbench.arch.x86_64.leaves import Leaves, Words


@dataclass(frozen=True, slots=True, eq=False)
class Pages:
    """What of a range is mapped: for each page its leaf, and the part of it that is in the range.

    Attributes:
        leaves: the pages.
        vaddr, paddr, length: where the part begins, what it is mapped to, and its bytes.
    """

    leaves: Leaves
    vaddr: Words
    paddr: Words
    length: Words

    @property
    def mapped(self) -> int:
        """How many bytes of the range are mapped."""
        return int(self.length.sum())


def pages_behind(leaves: Leaves, start: int, end: int) -> Pages:
    """Return the pages of [start, end), `end` above `start`, both below 2**64."""
    first = leaves.count_below(start)
    if first and int(leaves.vaddr[first - 1]) + int(leaves.size[first - 1]) > start:
        first -= 1
    found = leaves.pick(slice(first, leaves.count_below(end)))
    begins: Words = np.maximum(found.vaddr, np.uint64(start))
    # The last byte, not the one behind it: that of the highest page has no address.
    lasts: Words = np.minimum(found.vaddr + (found.size - np.uint64(1)), np.uint64(end - 1))
    inside: Words = begins - found.vaddr
    return Pages(found, begins, found.paddr + inside, lasts - begins + np.uint64(1))
