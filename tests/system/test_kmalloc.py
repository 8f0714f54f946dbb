"""Chained heaps in the live kernel: every chain passes the same test."""

from __future__ import annotations

from random import Random

import pytest

from ringbench.config import Config, override
from ringbench.machine import Machine
from ringbench.subjects.reference.kernel import ReferenceKernel
from ringbench.subjects.reference.lockstep import ReferenceLockstep
from ringbench.subjects.reference.model.kmalloc import CHAINS, DEFAULT
from ringbench.subjects.reference.vocabulary.constants import (
    BUDDY_BASE,
    DIRECT_MAP_BASE,
    DIRECT_MAP_SIZE,
    HEAP_BASE,
)
from ringbench.subjects.reference.vocabulary.operations.kmalloc import KmallocAlloc, KmallocFree
from ringbench.subjects.reference.workload import draw

LAYERS = ("kmalloc", "heap", "buddy", "slab")
WINDOWS = {
    "slab": range(DIRECT_MAP_BASE, DIRECT_MAP_BASE + DIRECT_MAP_SIZE),
    "list": range(HEAP_BASE, BUDDY_BASE),
    "buddy": range(BUDDY_BASE, BUDDY_BASE + (1 << 30)),
}


@pytest.mark.parametrize("word", [*CHAINS, "slab"])
def test_every_chain(ringbench_config: Config, word: str) -> None:
    """Sizes at the border of the front, mistakes, and a workload that mixes with all others."""
    config = override(ringbench_config, {"kernel.command_line": f"quiet heap={word}"})
    front, _, back = (word if word in CHAINS else "slab+list").rpartition("+")
    with Machine.start(config) as machine:
        lockstep = ReferenceLockstep(ReferenceKernel(machine))
        console = lockstep.kernel.channel("console")
        assert lockstep.state.chain == CHAINS.get(word, DEFAULT)
        blocks = []
        for size, of in ((5, front or back), (512, front or back), (513, back), (9000, back)):
            reply = lockstep.step(console, KmallocAlloc(size))
            blocks.append(int(reply.values[0]))
            assert blocks[-1] in WINDOWS[of], f"{size} bytes are of the {of}"
        for address in (blocks[0] + 1, blocks[3] + 32, 1, 0):
            lockstep.step(console, KmallocFree(address))
        lockstep.look("blocks of every size")
        for block in blocks:
            assert lockstep.step(console, KmallocFree(block)).ok
        random = Random(word)
        for _ in range(100):
            lockstep.step(console, draw(random, lockstep.state, LAYERS))
        lockstep.look("after the workload")
        lockstep.drain(console)
