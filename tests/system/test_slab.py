"""Slab caches in the live kernel; every look compares each of their bits with the model."""

from __future__ import annotations

from ringbench.subjects.reference.vocabulary.constants import DIRECT_MAP_BASE
from ringbench.subjects.reference.vocabulary.operations.pmm import PmmAlloc, PmmFree
from ringbench.subjects.reference.vocabulary.operations.slab import (
    SlabAlloc,
    SlabDelete,
    SlabFree,
    SlabNew,
)
from tests.system.conftest import Kernel

FRAME = 4096


def test_a_slab_is_filled_and_goes_back(kernel: Kernel) -> None:
    assert kernel.values(SlabNew(1000, 8)) == (0,)
    (low,) = kernel.values(SlabAlloc(0))
    slab = int(low) - 128
    assert slab % FRAME == 0
    others = [int(kernel.values(SlabAlloc(0))[0]) for _ in range(2)]
    assert others == [slab + 1128, slab + 2128]
    (beyond,) = kernel.values(SlabAlloc(0))
    kernel.lockstep.look("one slab is full")
    kernel.values(SlabFree(0, others[0]))
    assert kernel.values(SlabAlloc(0)) == (others[0],)
    kernel.values(SlabDelete(0), "busy")
    for each in (int(low), *others, int(beyond)):
        kernel.values(SlabFree(0, each))
    kernel.values(SlabFree(0, int(low)), "foreign")
    kernel.values(SlabDelete(0))
    kernel.values(SlabDelete(0), "not_found")


def test_what_is_no_object_is_refused(kernel: Kernel) -> None:
    kernel.values(SlabNew(24, 8))
    kernel.values(SlabNew(24, 8))
    first, second = (int(kernel.values(SlabAlloc(0))[0]) for _ in range(2))
    kernel.values(SlabFree(0, first))
    kernel.values(SlabFree(0, first), "double_free")
    kernel.values(SlabFree(0, second + 1), "interior")
    kernel.values(SlabFree(0, second - 24 - 8), "interior")
    kernel.values(SlabFree(1, second), "foreign")
    (lent,) = kernel.values(PmmAlloc())
    kernel.values(SlabFree(0, DIRECT_MAP_BASE + int(lent) + 128), "foreign")
    kernel.values(PmmFree(second - 24 - 128 - DIRECT_MAP_BASE), "denied")
    kernel.values(SlabFree(0, 0), "foreign")
    kernel.lockstep.look("after the mistakes")


def test_the_list_is_for_people(kernel: Kernel) -> None:
    kernel.values(SlabNew(24, 8))
    (address,) = kernel.values(SlabAlloc(0))
    said = kernel.machine.command("slab list")
    assert f"  c0 0x18 0x8 165\n    {int(address) - 128:#x} 1\n" in said.replace("\r", "")
