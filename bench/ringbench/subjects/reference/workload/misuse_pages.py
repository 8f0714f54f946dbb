"""Mistakes with bare roots: what is gone, overlaps, cannot be mapped, or covers a part only."""

from __future__ import annotations

from random import Random
from typing import Final

from ringbench.arch.x86_64.address import ADDRESS_MASK, LOWER_HALF_END, SIZE_1G, SIZE_2M
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.vocabulary import flags as page_flags
from ringbench.subjects.reference.vocabulary.constants import (
    FRAME_SIZE,
    HEAP_BASE,
    KERNEL_HALF,
    KERNEL_WINDOW_BASE,
)
from ringbench.subjects.reference.vocabulary.handles import root_handle
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.paging import (
    PageDelete,
    PageMap,
    PageProtect,
    PageQuery,
    PageUnmap,
)
from ringbench.subjects.reference.vocabulary.operations.vmm import Touch
from ringbench.subjects.reference.workload.draws import Maker, pick
from ringbench.subjects.reference.workload.pages import bare_roots, some_leaf

LAST: Final = ADDRESS_MASK
RWX: Final = page_flags.WRITE | page_flags.EXEC


def _gone_root(random: Random, state: KernelState) -> str:
    """A root that is not there any more, never was, or is not to be changed."""
    roots = state.console.roots
    gone = root_handle(roots.index(None)) if None in roots else "r16"
    return pick(random, (gone, gone, "r99", "kernel", "t0", "t1"))


def _page_gone(random: Random, state: KernelState) -> Operation | None:
    root, vaddr = _gone_root(random, state), pick(random, (0, SIZE_1G, KERNEL_WINDOW_BASE))
    shape = pick(random, (0, 1, 2, 3, 4, 5))
    if shape == 0:
        return PageDelete(root)
    if shape == 1:
        return PageMap(root, vaddr, 0, FRAME_SIZE, FRAME_SIZE, 0)
    if shape == 2:
        return PageUnmap(root, vaddr, FRAME_SIZE)
    if shape == 3:
        return PageProtect(root, vaddr, FRAME_SIZE, 0)
    if shape == 4:
        return Touch(root, vaddr, "r")
    return PageQuery(root, vaddr)


def _map_over(random: Random, state: KernelState) -> Operation | None:
    """Map where something is mapped: the same, a part of it, around it, in another size."""
    found = some_leaf(random, state)
    if found is None:
        return None
    root, vaddr, size = found
    other = pick(random, (size, FRAME_SIZE, SIZE_2M, SIZE_1G))
    start = vaddr // other * other + pick(random, (0, 0, -other, other))
    length = other * pick(random, (1, 2, 3))
    return PageMap(root, start & ADDRESS_MASK, 0, length, other, page_flags.WRITE)


def _map_wrong(random: Random, state: KernelState) -> Operation | None:
    """Map what cannot be: unaligned, past the canonical end, past the physical width, W and X."""
    roots = bare_roots(state)
    if not roots:
        return None
    root, size = pick(random, roots), pick(random, (FRAME_SIZE, SIZE_2M, SIZE_1G))
    shape = pick(random, (0, 1, 2, 3, 4, 5, 6))
    vaddr, paddr, length, flags = size, 0, size, 0
    if shape == 0:
        vaddr += pick(random, (1, 8, FRAME_SIZE))
    elif shape == 1:
        paddr = pick(random, (1, FRAME_SIZE, size // 2))
    elif shape == 2:
        length = pick(random, (0, size + 1, size + FRAME_SIZE, 1 << 63, LAST, LAST - size + 1))
    elif shape == 3:
        vaddr, length = LOWER_HALF_END - size, pick(random, (size, 2 * size))
    elif shape == 4:
        width = 1 << state.features.physical_bits
        paddr = pick(random, (width - size, width, 1 << 52, LAST - size + 1))
        length = pick(random, (size, 2 * size))
    elif shape == 5:
        flags = RWX
    else:
        vaddr = pick(random, (LOWER_HALF_END, KERNEL_HALF - size, KERNEL_HALF, LAST - size + 1))
    return PageMap(root, vaddr, paddr, length, size, flags)


def _change_part(random: Random, state: KernelState) -> Operation | None:
    """Unmap or protect a part of a leaf, or a range with a hole."""
    found = some_leaf(random, state)
    if found is None:
        return None
    root, vaddr, size = found
    start = vaddr + pick(random, (0, 0, FRAME_SIZE, 1, size // 2))
    length = pick(random, (FRAME_SIZE, size // 2, size + FRAME_SIZE, 16 * size, 0, size + 1))
    if random.random() < 0.5:
        return PageUnmap(root, start, length)
    return PageProtect(root, start, length, pick(random, (0, page_flags.WRITE, RWX)))


def _ask_nowhere(random: Random, state: KernelState) -> Operation | None:
    root = pick(random, list(state.roots()))
    vaddr = pick(random, (LOWER_HALF_END, KERNEL_HALF - 1, LOWER_HALF_END - 1, LAST, HEAP_BASE - 1))
    if random.random() < 0.5:
        return PageQuery(root, vaddr)
    return Touch(root, vaddr, pick(random, "rwx"))


PAGE_MISUSES: Final[tuple[Maker, ...]] = (
    _page_gone,
    _map_over,
    _map_wrong,
    _change_part,
    _ask_nowhere,
)
