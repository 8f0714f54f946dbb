"""A state of the kernel that is worth flipping bits of: some of everything that there can be."""

from __future__ import annotations

from contextlib import suppress
from random import Random
from typing import Final

from ringbench.drive.channel import Channel
from ringbench.drive.reply import Reply
from ringbench.subject import Unpredictable
from ringbench.subjects.reference.lockstep import ReferenceLockstep
from ringbench.subjects.reference.model.state import Space
from ringbench.subjects.reference.vocabulary.constants import VM_SLAB_REGIONS
from ringbench.subjects.reference.vocabulary.flags import EXEC, GLOBAL, USER, WRITE
from ringbench.subjects.reference.vocabulary.handles import KERNEL
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.buddy import BuddyAlloc
from ringbench.subjects.reference.vocabulary.operations.heap import HeapAlloc, HeapFree
from ringbench.subjects.reference.vocabulary.operations.kmalloc import KmallocAlloc
from ringbench.subjects.reference.vocabulary.operations.object import ObjectDrop, ObjectNew
from ringbench.subjects.reference.vocabulary.operations.paging import PageMap, PageNew
from ringbench.subjects.reference.vocabulary.operations.slab import SlabAlloc, SlabNew
from ringbench.subjects.reference.vocabulary.operations.table import LAYERS
from ringbench.subjects.reference.vocabulary.operations.task import TaskNew, TaskSwitch
from ringbench.subjects.reference.vocabulary.operations.vmm import Touch, VmAlloc, VmFree
from ringbench.subjects.reference.workload import choose, drain

OPERATIONS: Final = 1000
"""Operations of the seeded workload."""

BATCH: Final = 128
FREE_FRAMES: Final = 100
"""Frames that must be free for the furniture."""

MMIO: Final = 0xFEE0_0000
GIB, MIB2, PAGE = 1 << 30, 2 << 20, 4096


def prepare(lockstep: ReferenceLockstep, ring: Channel[Operation], random: Random) -> None:
    """Perform a seeded workload of all layers, then what makes sure that nothing is missing.

    Raises:
        Diverged: the kernel is not as the model.
        RingbenchError: the machine ended, or did not answer.
    """
    for _ in range(OPERATIONS):
        with suppress(Unpredictable):
            _perform(lockstep, ring, choose(random, lockstep.state, LAYERS))
    while lockstep.state.pmm.free_count < FREE_FRAMES:
        operation = drain(lockstep.state)
        assert operation is not None, "a booted kernel has as many free frames"
        _perform(lockstep, ring, operation)
    while _is_full(lockstep.state.spaces[KERNEL]):
        last = lockstep.state.spaces[KERNEL].regions[-1]
        _perform(lockstep, ring, VmFree(KERNEL, last.base))
    _furnish(lockstep, ring, random)
    lockstep.catch_up(ring)


def _is_full(space: Space) -> bool:
    """Whether a window has no room to speak of behind its last region."""
    return bool(space.regions) and space.limit - space.regions[-1].end < GIB


def _perform(lockstep: ReferenceLockstep, ring: Channel[Operation], operation: Operation) -> Reply:
    """Perform an operation on the model, and now and then many on the kernel."""
    reply = lockstep.predict(operation)
    assert isinstance(reply, Reply), "this model predicts every value"
    if len(lockstep.predicted) == BATCH:
        lockstep.catch_up(ring)
    return reply


def _furnish(lockstep: ReferenceLockstep, ring: Channel[Operation], random: Random) -> None:
    """A task and the kernel's space with every kind of region, a root with leaves of every size.

    The task has more regions than one slab has records, and the heap nodes on free lists and
    headers that merges absorbed.
    """

    def do(operation: Operation) -> Reply:
        return _perform(lockstep, ring, operation)

    (task,) = do(TaskNew()).values
    for space, user in (("kernel", 0), (str(task), USER)):
        do(VmAlloc(space, 3 * PAGE, "anonymous", WRITE | user))
        do(VmAlloc(space, 2 * PAGE, "guard", 0))
        do(VmAlloc(space, 2 * PAGE, "physical", WRITE, MMIO))
        (base,) = do(VmAlloc(space, 4 * PAGE, "demand", EXEC | user)).values
        do(Touch(space, int(base), "r"))
    for _ in range(VM_SLAB_REGIONS + 1):
        do(VmAlloc(str(task), PAGE, "guard", 0))
    do(ObjectNew(GIB + PAGE))
    shown = do(ObjectNew(3 * PAGE)).values
    for space in ("kernel", str(task)):
        (base,) = do(VmAlloc(space, 5 * PAGE, "shared", WRITE, str(*shown), PAGE)).values
        do(Touch(space, int(base) + PAGE, "w"))
    do(ObjectDrop(str(*shown)))
    for size in (24, 1000):
        cache = do(SlabNew(size, 8)).values
        for _ in range(200 if cache and size == 24 else 7 if cache else 0):
            do(SlabAlloc(int(cache[0])))
    for size in (32, 100, 5000, 70_000, 33):
        do(BuddyAlloc(size))
        do(KmallocAlloc(size))
    if random.random() < 0.5:
        do(TaskSwitch(str(task)))
    made = do(PageNew()).values
    if made:  # else there are as many as there can be
        root = str(made[0])
        for number, (size, flags) in enumerate(((PAGE, EXEC), (MIB2, WRITE | USER), (GIB, GLOBAL))):
            do(PageMap(root, number * GIB, number * GIB, size, size, flags))
    sizes = [random.randrange(1, 600) for _ in range(24)]
    pointers = [int(do(HeapAlloc(size)).values[0]) for size in sizes]
    for pointer in (*pointers[0::4], *pointers[1::4]):
        do(HeapFree(pointer))
