"""How long does it take to decode the page tables of a space that maps a million pages?

The tables are made for it, 4 KiB pages of a direct map, in memory mapped as a guest's RAM is. What
is timed is everything under a root: all levels, effective permissions, and merging into ranges;
against the plain scan, entry by entry, of the same tables.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator

import numpy as np

from benchmarks.figure import Figure
from benchmarks.timing import best_of
from ringbench.arch.x86_64.address import ENTRIES, PAGE_SHIFT
from ringbench.arch.x86_64.bulk import decode
from ringbench.arch.x86_64.entry import NX, A, D, P, U, W
from ringbench.arch.x86_64.features import Features
from ringbench.arch.x86_64.plain_scan import merge, scan
from ringbench.arch.x86_64.records import Leaf
from ringbench.config import Config
from ringbench.machine import MappedMemory, RamMap, RamRange

LEAVES = 1 << 20
GOAL_MILLISECONDS = 60
GOAL_RATIO = 20
FEATURES = Features(physical_bits=40)
"""Not all 52 bits, so that reserved ones have to be looked for."""

ROUNDS = 15

TABLES = LEAVES // ENTRIES
DIRECTORIES = TABLES // ENTRIES
LEAF = P | W | A | D | NX
TABLE = P | W | U | A


def direct_map(scattered: bool) -> MappedMemory:
    """Return memory with a PML4 at 0 and all below it, the last level's tables in random order.

    With `scattered`, no page continues another; without, all of them are one range.
    """
    dice = np.random.default_rng(0)
    frames = np.zeros((2 + DIRECTORIES + TABLES, ENTRIES), np.uint64)
    last = 2 + DIRECTORIES + dice.permutation(TABLES).astype(np.uint64)
    pages = np.arange(LEAVES, dtype=np.uint64)
    if scattered:
        pages = dice.permutation(pages)
    frames[0, ENTRIES // 2] = 1 << PAGE_SHIFT | TABLE
    frames[1, :DIRECTORIES] = np.arange(2, 2 + DIRECTORIES, dtype=np.uint64) << PAGE_SHIFT | TABLE
    frames[2 : 2 + DIRECTORIES] = (last << PAGE_SHIFT | TABLE).reshape(-1, ENTRIES)
    frames[last] = (pages << PAGE_SHIFT | LEAF).reshape(-1, ENTRIES)
    mapping = mmap.mmap(-1, frames.nbytes)
    mapping[:] = frames.tobytes()
    return MappedMemory(mapping, RamMap((RamRange(0, frames.nbytes, 0),)))


def measure(_config: Config) -> Iterator[Figure]:
    """Yield milliseconds, and how many times as long the scan takes."""
    for name, scattered in (("one_range", False), ("scattered", True)):
        memory = direct_map(scattered)

        def bulk(memory: MappedMemory = memory) -> int:
            return len(decode(memory, 0, FEATURES).leaves.merged())

        def plain(memory: MappedMemory = memory) -> int:
            records = scan(memory, 0, FEATURES)
            return sum(1 for _ in merge(each for each in records if type(each) is Leaf))

        assert bulk() == (LEAVES if scattered else 1)
        once, scalar = best_of((bulk, plain), 1)
        ours = min(once, *best_of((bulk,), ROUNDS))
        yield Figure(f"page_tables.{name}", ours * 1e3, "ms", GOAL_MILLISECONDS)
        yield Figure(f"page_tables.{name}.to_scan", scalar / ours, "times", GOAL_RATIO, "at least")
