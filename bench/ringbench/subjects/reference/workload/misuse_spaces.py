"""Mistakes with regions: no such space, what is there already, what lies inside, and edges."""

from __future__ import annotations

from random import Random
from typing import Final

from ringbench.arch.x86_64.address import LOWER_HALF_END
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.vocabulary import flags as page_flags
from ringbench.subjects.reference.vocabulary.constants import (
    DIRECT_MAP_BASE,
    FRAME_SIZE,
    HEAP_BASE,
    IMAGE_BASE,
    KERNEL_HALF,
    KERNEL_WINDOW_BASE,
    KERNEL_WINDOW_END,
    TASK_WINDOW_BASE,
    TASK_WINDOW_END,
)
from ringbench.subjects.reference.vocabulary.handles import BOOT_TASK, task_handle
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.vmm import (
    SpaceClone,
    Touch,
    VmAlloc,
    VmAllocAt,
    VmCopy,
    VmFree,
    VmProtect,
    VmQuery,
    VmRead,
    VmResize,
    VmWrite,
)
from ringbench.subjects.reference.workload.draws import Maker, pick
from ringbench.subjects.reference.workload.misuse_pages import LAST, RWX
from ringbench.subjects.reference.workload.spaces import limit_of, some_region, window_spaces

LAST_FRAME: Final = LAST - FRAME_SIZE + 1


def gone_task(random: Random, state: KernelState) -> str:
    """The lowest task that is not there, one far away, or the boot task."""
    present = {task.id for task in state.tasks}
    gone = next(number for number in range(1, len(present) + 1) if number not in present)
    return pick(random, (*(task_handle(gone),) * 2, task_handle(gone + 1000), BOOT_TASK))


def _gone_space(random: Random, state: KernelState) -> Operation | None:
    space = gone_task(random, state)
    vaddr, other = 0x10000, pick(random, window_spaces(state))
    shape = pick(random, range(10))
    if shape == 0:
        return VmAlloc(space, FRAME_SIZE, "anonymous", page_flags.WRITE)
    if shape == 1:
        return VmAllocAt(space, vaddr, FRAME_SIZE, "demand", page_flags.WRITE)
    if shape == 2:
        return VmFree(space, vaddr)
    if shape == 3:
        return VmProtect(space, vaddr, 0)
    if shape == 4:
        return VmResize(space, vaddr, FRAME_SIZE)
    if shape == 5:
        return VmWrite(space, vaddr, b"\x5a")
    if shape == 6:
        return VmCopy(other, vaddr, space, vaddr, 8)
    if shape == 7:
        return Touch(space, vaddr, "w")
    if shape == 8:
        return SpaceClone(space, other) if random.random() < 0.5 else SpaceClone(other, space)
    return VmQuery(space, vaddr)


def _clone_wrong(random: Random, state: KernelState) -> Operation | None:
    """Clone into a space that has regions, is the same, or the kernel's."""
    names = window_spaces(state)
    return SpaceClone(pick(random, names), pick(random, names))


def _alloc_over(random: Random, state: KernelState) -> Operation | None:
    """Make a region where one is: the same, within, around, or one page into it."""
    found = some_region(random, state)
    if found is None:
        return None
    space, region = found
    kind = pick(random, ("demand", "anonymous", "guard"))
    start = pick(random, (region.base, region.end - FRAME_SIZE, region.base - FRAME_SIZE))
    length = pick(random, (FRAME_SIZE, 2 * FRAME_SIZE, region.length + 2 * FRAME_SIZE))
    return VmAllocAt(space, start, length, kind, 0)


def _alloc_wrong(random: Random, state: KernelState) -> Operation | None:
    """Make a region that cannot be: flags, length, place."""
    space = pick(random, window_spaces(state))
    kind = pick(random, ("anonymous", "demand", "guard"))
    flags = pick(random, (RWX, page_flags.GLOBAL, page_flags.CACHE_UC, page_flags.USER, 0))
    free = state.pmm.free_count * FRAME_SIZE
    lengths = (FRAME_SIZE, 0, 1, FRAME_SIZE + 1, free + FRAME_SIZE, free, 1 << 44, LAST_FRAME)
    if random.random() < 0.5:
        return VmAlloc(space, pick(random, lengths), kind, flags)
    edges = [0, TASK_WINDOW_END, TASK_WINDOW_END - FRAME_SIZE, LOWER_HALF_END, KERNEL_HALF]
    edges += [KERNEL_WINDOW_BASE - FRAME_SIZE, KERNEL_WINDOW_BASE + 1, HEAP_BASE, LAST_FRAME]
    edges += [KERNEL_WINDOW_END - FRAME_SIZE, KERNEL_WINDOW_END, TASK_WINDOW_BASE - FRAME_SIZE]
    return VmAllocAt(space, pick(random, edges), pick(random, lengths), kind, flags)


def _inside(random: Random, state: KernelState) -> Operation | None:
    """Name a region by another address than its base."""
    found = some_region(random, state)
    if found is None:
        return None
    space, region = found
    vaddr = region.base + pick(
        random, (FRAME_SIZE, 1, region.length - 1, region.length, -FRAME_SIZE)
    )
    shape = pick(random, (0, 1, 2))
    if shape == 0:
        return VmFree(space, vaddr)
    if shape == 1:
        return VmProtect(space, vaddr, 0)
    return VmResize(space, vaddr, FRAME_SIZE)


def _change_wrong(random: Random, state: KernelState) -> Operation | None:
    """Resize into a neighbour or past the end; protect with what no region may have."""
    found = some_region(random, state)
    if found is None:
        return None
    space, region = found
    window = state.spaces[space]
    if random.random() < 0.4:
        flags = pick(random, (RWX, page_flags.GLOBAL, page_flags.CACHE_UC, page_flags.USER))
        return VmProtect(space, region.base, flags)
    lengths = [0, 1, region.length + 1, window.limit - region.base + pick(random, (0, FRAME_SIZE))]
    lengths += [limit_of(window, region) - region.base + pages * FRAME_SIZE for pages in (0, 1, 1)]
    return VmResize(space, region.base, pick(random, lengths))


def _data_wrong(random: Random, state: KernelState) -> Operation | None:
    """Read, write or copy across an end, onto itself, nothing, or too much."""
    found, other = some_region(random, state), some_region(random, state)
    if found is None or other is None:
        return None
    space, region = found
    shape = pick(random, (0, 1, 2, 3))
    if shape == 0:
        vaddr = pick(random, (region.base, region.end - 1, region.end, region.base - 1))
        return VmRead(space, vaddr, pick(random, (0, 1, 2, 64, 65, LAST)))
    if shape == 1:
        return VmWrite(space, region.end - 1, b"\xa5" * pick(random, (1, 2, 64)))
    if shape == 2:
        length = pick(random, (region.length, FRAME_SIZE, 1))
        shift = pick(random, (0, 1, FRAME_SIZE - 1))
        return VmCopy(space, region.base + shift, space, region.base, length)
    length = pick(random, (region.length, region.length + 1, 0, 1 << 40, LAST))
    return VmCopy(other[0], other[1].base, space, region.base, length)


def _touch_kernel(random: Random, state: KernelState) -> Operation | None:
    """Touch what is the kernel's, or nobody's."""
    root = pick(random, list(state.roots()))
    image = pick(random, state.image)
    places = [image.vaddr, image.vaddr + image.length, IMAGE_BASE, 0, FRAME_SIZE]
    places += [DIRECT_MAP_BASE, DIRECT_MAP_BASE + state.pmm.metadata_base, HEAP_BASE]
    places += [state.heap.end, state.heap.end - 1, KERNEL_WINDOW_BASE - 1, KERNEL_WINDOW_END]
    places += [KERNEL_HALF, KERNEL_HALF - 1, LOWER_HALF_END - 1, TASK_WINDOW_END, LAST]
    places += [DIRECT_MAP_BASE + state.pmm.frame_limit * FRAME_SIZE - 1]
    return Touch(root, pick(random, places), pick(random, "rwx"))


SPACE_MISUSES: Final[tuple[Maker, ...]] = (
    _gone_space,
    _alloc_over,
    _alloc_wrong,
    _inside,
    _change_wrong,
    _data_wrong,
    _clone_wrong,
    _touch_kernel,
)
