"""The whole model: the console's own checks, and long mixed workloads that lose no frame."""

from collections import Counter
from random import Random

import pytest

from ringbench.arch.x86_64.features import Features
from ringbench.drive.reply import Reply
from ringbench.subject import Unpredictable
from ringbench.subjects.reference.model.kernel import boot, perform
from ringbench.subjects.reference.model.private import PRIVATE, kin_of
from ringbench.subjects.reference.model.state import KernelState, Segment, Sizes
from ringbench.subjects.reference.model.tables import leaves
from ringbench.subjects.reference.vocabulary.boot_values import MemoryRange
from ringbench.subjects.reference.vocabulary.constants import (
    FRAME_SIZE,
    IMAGE_BASE,
    MemoryKind,
)
from ringbench.subjects.reference.vocabulary.flags import EXEC, USER, WRITE
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.paging import (
    PageDelete,
    PageMap,
    PageNew,
    PageProtect,
    PageQuery,
    PageUnmap,
)
from ringbench.subjects.reference.vocabulary.operations.pmm import PmmAlloc, PmmFree, PmmInfo
from ringbench.subjects.reference.vocabulary.operations.table import LAYERS, OPERATIONS
from ringbench.subjects.reference.vocabulary.operations.task import TaskDelete, TaskNew, TaskSwitch
from ringbench.subjects.reference.vocabulary.operations.vmm import (
    Touch,
    VmAlloc,
    VmCopy,
    VmFree,
    VmRead,
)
from ringbench.subjects.reference.workload import choose, drain, spoil
from tests.unit.reference.booted import performed, with_free

MEMORY = (
    MemoryRange(0, 0x9F000, MemoryKind.LOW),
    MemoryRange(0x9F000, 0x1000, MemoryKind.RESERVED),
    MemoryRange(0x100000, 0x60000, MemoryKind.KERNEL),
    MemoryRange(0x160000, 0x3E80000, MemoryKind.AVAILABLE),
)
IMAGE = (
    Segment(IMAGE_BASE + 0x101000, 0x10000, EXEC),
    Segment(IMAGE_BASE + 0x111000, 0x10000, WRITE),
)
PRESENT = 1


def booted() -> KernelState:
    return boot(MEMORY, IMAGE, Features(40), Sizes())


def reply(state: KernelState, operation: Operation) -> Reply:
    after, answer = perform(state, operation)
    assert answer.ok or after == state or isinstance(operation, Touch)
    return answer


def owners(state: KernelState) -> Counter[int]:
    """How many owners each frame has, of those that were ever managed."""
    found: Counter[int] = Counter(state.pmm.free.frames())
    found.update(state.console.lent.frames())
    found.update(table // FRAME_SIZE for table in state.tables)
    lent = state.console.lent_base // FRAME_SIZE
    found.update(range(lent, lent + state.console.lent_length // FRAME_SIZE))
    found.update(frame // FRAME_SIZE for frame in state.buddy.maps)
    for cache in state.caches.values():
        found.update(frame // FRAME_SIZE for frame in cache.slabs)
    for it in state.objects.values():
        found.update(frame // FRAME_SIZE for frame in (*it.nodes.values(), *it.frames.values()))
    of_objects = {frame for it in state.objects.values() for frame in it.frames.values()}
    shown: set[tuple[str, int, int]] = set()
    for name, space in state.spaces.items():
        ring = min(name, *kin_of(state, name), "~")
        for region in space.regions:
            if region.kind in PRIVATE:
                mapped = leaves(state.tables, space.root, region.base, region.end - 1)
                shown |= {(ring, leaf.vaddr, leaf.paddr) for leaf in mapped}
    found.update(frame // FRAME_SIZE for _, _, frame in shown if frame not in of_objects)
    return found


def check(state: KernelState) -> None:
    counted = owners(state)
    assert set(counted) == set(state.pmm.managed.frames())
    assert set(counted.values()) == {1}, "a frame with two owners"
    assert all(raw & PRESENT for table in state.tables.values() for raw in table.values())
    upper = {
        root: {index: raw for index, raw in state.tables[root].items() if index >= 256}
        for root in state.roots().values()
    }
    assert all(entries == upper[state.kernel_root] for entries in upper.values())


@pytest.mark.parametrize("seed", range(3))
def test_a_mixed_workload_loses_no_frame(seed: int) -> None:
    random, state = Random(seed), booted()
    seen: set[type[Operation]] = set()
    for step in range(2000):
        operation = choose(random, state, LAYERS)
        if random.random() < 0.15:
            operation = spoil(random, operation)
        try:
            after, answer = perform(state, operation)
        except Unpredictable:
            continue
        if not answer.ok and not isinstance(operation, Touch):
            assert after == state, operation
        state = after
        seen.add(type(operation))
        if step % 100 == 0:
            check(state)
    assert seen == set(OPERATIONS), "the workload has every operation"
    while (undo := drain(state)) is not None:
        state = performed(state, undo)
    assert state == booted()


def test_the_boot_state_has_an_owner_for_every_frame() -> None:
    check(booted())


def test_performing_does_not_change_the_state_before() -> None:
    state = booted()
    after = performed(
        state,
        PmmAlloc(),
        PageNew(),
        TaskNew(),
        VmAlloc("kernel", 0x1000, "anonymous", WRITE),
    )
    assert state == booted()
    assert after != state


def test_handles() -> None:
    state = performed(booted(), TaskNew(), PageNew())
    for root, status in {"r1": "not_found", "r16": "not_found", "t9": "not_found"}.items():
        assert reply(state, PageQuery(root, 0)) == Reply(status)
        assert reply(state, PageDelete(root)) == Reply(status)
        assert reply(state, Touch(root, 0, "r")) == Reply(status)
    for root in ("kernel", "t0", "t1"):
        assert reply(state, PageDelete(root)) == Reply("denied")
        assert reply(state, PageMap(root, 1 << 63, 0, 0, 1, 0)) == Reply("denied")
        assert reply(state, PageQuery(root, IMAGE_BASE)) == Reply("not_mapped")
    for space, status in {"t0": "denied", "t9": "not_found", "heap": "syntax"}.items():
        assert reply(state, VmFree(space, 0)) == Reply(status)
        assert reply(state, VmCopy("t1", 0, space, 0, 0)) == Reply(status)
    assert reply(state, VmCopy("t0", 0, "t9", 0, 0)) == Reply("denied"), "TO first"
    assert reply(state, VmRead("t9", 0, 0)) == Reply("not_found")
    assert reply(state, VmRead("t1", 0, 65)) == Reply("invalid")
    assert reply(state, TaskSwitch("t9")) == Reply("not_found")


def test_bare_roots() -> None:
    state = booted()
    for number in range(16):
        state, answer = perform(state, PageNew())
        assert answer == Reply("ok", (f"r{number}",))
    assert reply(state, PageNew()) == Reply("no_space")
    state = performed(state, PageDelete("r3"))
    assert reply(state, PageNew()) == Reply("ok", ("r3",))
    high = 0xFFFF_8000_0000_0000
    assert reply(state, PageMap("r0", high, 0, 4096, 4096, 0)) == Reply("denied")
    assert reply(state, PageUnmap("r0", high, 4096)) == Reply("denied")
    assert reply(state, PageProtect("r0", high, 4096, 0)) == Reply("denied")
    full = with_free(booted(), 0)
    assert reply(full, PageNew()) == Reply("no_memory")


def test_only_lent_frames_are_taken_back() -> None:
    state, answer = perform(booted(), PmmAlloc(4))
    base = answer.values[0]
    assert isinstance(base, int)
    assert reply(state, PmmFree(state.kernel_root, 1)) == Reply("denied")
    assert reply(state, PmmFree(base - FRAME_SIZE, 2)) == Reply("denied")
    assert reply(state, PmmFree(base + 1, 1)) == Reply("misaligned")
    assert reply(state, PmmFree(0, 1)) == Reply("foreign")
    assert reply(state, PmmFree(base, 5)) == Reply("not_allocated")
    state = performed(state, PmmFree(base + FRAME_SIZE, 2), PmmFree(base))
    assert reply(state, PmmFree(base)) == Reply("not_allocated")
    assert performed(state, PmmFree(base + 3 * FRAME_SIZE)) == booted()


def test_the_current_task_decides_nothing_for_a_touch() -> None:
    """A fault of another root must not be resolved in the current task's space."""
    state = performed(
        booted(),
        TaskNew(),
        VmAlloc("t1", 4096, "demand", WRITE | USER),
        TaskSwitch("t1"),
        PageNew(),
    )
    lost = Reply("fault", ("page_fault", 0, "not_mapped"))
    for root in ("kernel", "t0", "r0"):
        assert reply(state, Touch(root, 0x10000, "r")) == lost
    after, answer = perform(state, Touch("t1", 0x10000, "r"))
    assert answer == Reply("ok")
    assert after.active_root == state.spaces["t1"].root
    assert reply(state, TaskDelete("t1")) == Reply("busy")


def test_info() -> None:
    state = booted()
    managed, free = state.pmm.managed_count, state.pmm.free_count
    assert reply(state, PmmInfo()) == Reply("ok", (managed, free))
    # root, four PDPTs, PD and PT of the image, PD and two PTs of the direct map, lent bits
    assert managed - free == 11
