"""Whether tables of unknown origin have 4 or 5 levels: a saved memory does not say.

Tables of 4 levels that are read as 5 end in pages of code and data taken for page tables, which
soon shows. So a root that reads well as a PML5 is one, but for a few bad entries that it may have.
There is one exception: a single large page that begins at a multiple of 1 GiB means something in
both readings, and then 4 levels are believed.
"""

from typing import Final

import numpy as np

from ringbench.arch.x86_64.address import LEVELS, MAX_LEVELS
from ringbench.arch.x86_64.bulk import decode
from ringbench.arch.x86_64.entry import AVAILABLE_HIGH
from ringbench.arch.x86_64.features import Features
from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.arch.x86_64.records import Stop

_FEW: Final = 8
_FOR_EACH: Final = 4
"""Bad entries that tables may have, and pages that there must be for each of them."""

_ENOUGH: Final = 1 << 14
"""Records that tell."""

_PLAUSIBLE_BITS: Final = 40
"""Physical addresses up to 1 TiB; words that are no entries mostly have a bit above."""


def levels_of(memory: PhysicalMemory, root: int) -> int:
    """Return 5 if the table at `root` reads well as a PML5 and not so as a PML4, otherwise 4."""
    five = decode(memory, root, _plausible(MAX_LEVELS), _ENOUGH, fold=True)
    odd = (five.leaves.raw & np.uint64(AVAILABLE_HIGH)) != 0
    bad = set(five.leaves.raw[odd].tolist())
    bad |= {each.raw or each.table for each in five.problems if each.stop is not Stop.LIMIT}
    good = len(np.unique(five.leaves.paddr[~odd]))
    if not good or len(bad) > min(_FEW, good // _FOR_EACH):
        return LEVELS
    four = decode(memory, root, _plausible(LEVELS), _ENOUGH, fold=True)
    is_one_page = len(np.unique(four.leaves.paddr)) <= 1 and not four.problems
    return LEVELS if is_one_page and (four.leaves.level > 1).all() else MAX_LEVELS


def _plausible(levels: int) -> Features:
    return Features(physical_bits=_PLAUSIBLE_BITS, levels=levels)
