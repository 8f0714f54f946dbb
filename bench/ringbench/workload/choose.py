"""Operations that make sense in a state: they name frames, regions and nodes that are there.

A generator holds no state of its own: everything is drawn from the random source and from the
model's state, so a seed and a sequence of states give the same operations. Populations hover about
a target: the more there are of a thing, the likelier the next operation takes one away.

Drawing costs the same however much there is: nothing is listed to draw one of it. Runs are found
from a random frame on, leaves by going down at random, so that not all are equally likely.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from random import Random
from typing import Final, TypeVar

from ringbench.arch.x86_64.address import entry_shift
from ringbench.arch.x86_64.entry import ADDRESS
from ringbench.drive import flags as page_flags
from ringbench.drive import operations as op
from ringbench.drive.operations import Operation
from ringbench.model.layout import (
    BLOCK_FRAMES,
    FRAME_SIZE,
    HEAP_HEADER,
    KERNEL_WINDOW_BASE,
    TASK_WINDOW_BASE,
    VmKind,
)
from ringbench.model.pmm import runs
from ringbench.model.state import KernelState, Region
from ringbench.model.tables import HALF_ENTRIES, is_leaf

Maker = Callable[[Random, KernelState], Operation | None]
"""Draws an operation, or None if the state has nothing to perform it on."""

Drawn = TypeVar("Drawn")

LENT_RUNS, ROOTS, REGIONS, NODES, TASKS = 24, 4, 24, 160, 5
"""Populations to hover about: lent runs, bare roots, regions a space, heap nodes, tasks."""

PAYLOAD_DRAWS: Final = 8
"""How often a heap node is drawn to find one that can be freed."""

SHORT_OF_FRAMES: Final = 128
"""Free frames below which the longest lent run is likely to be given back."""

LEAF_SIZES: Final = (FRAME_SIZE, 2 << 20, 1 << 30)
CACHES: Final = (
    page_flags.CACHE_WB,
    page_flags.CACHE_WT,
    page_flags.CACHE_UC_MINUS,
    page_flags.CACHE_UC,
    page_flags.CACHE_WC,
)


def choose(random: Random, state: KernelState, layers: Sequence[str]) -> Operation:
    """Draw the next operation of one of `layers`, all layers being equally likely.

    Raises:
        KeyError: a layer that has no operations.
    """
    while True:
        makers = MAKERS[_pick(random, layers)]
        operation = _pick(random, makers)(random, state)
        if operation is not None:
            return operation


def _pick(random: Random, choices: Sequence[Drawn]) -> Drawn:
    """Draw one, as `random.choice` does, at a third of its cost; for few choices, fairly enough."""
    return choices[int(random.random() * len(choices))]


def _turned(random: Random, names: list[str]) -> list[str]:
    """The same in a circle, from a drawn one on."""
    first = int(random.random() * len(names))
    return names[first:] + names[:first]


def _crowded(random: Random, population: int, target: int) -> bool:
    """Decide whether to take one away: even odds at the target."""
    return random.random() < population / (2 * target)


# --- frames ---------------------------------------------------------------------------------------


def _lent_run(random: Random, state: KernelState) -> tuple[int, int] | None:
    """A run of lent frames, (first frame, count): the first that ends past a random frame."""
    lent = state.console.lent
    if not lent:
        return None
    frame = random.randrange(lent.bit_length())
    ahead = lent >> frame
    frame += (ahead & -ahead).bit_length() - 1
    behind = ~lent & ((1 << frame) - 1)
    first = behind.bit_length()
    return first, _ones(lent >> first)


def _ones(bitmap: int) -> int:
    """How many bits are set from bit 0 on without a gap."""
    return (~bitmap & (bitmap + 1)).bit_length() - 1


def _run_count(bitmap: int) -> int:
    return (bitmap & ~(bitmap << 1)).bit_count()


def _pmm_alloc(random: Random, state: KernelState) -> Operation | None:
    if _crowded(random, _run_count(state.console.lent), LENT_RUNS):
        return _pmm_free(random, state)
    shape = random.random()
    if shape < 0.55:
        return op.PmmAlloc()
    if shape < 0.65:
        return op.PmmAlloc2m()
    if shape < 0.7:
        return _pmm_hoard(random, state)
    count = _pick(random, (1, 2, 3, 7, 16, 64, 100, 511, 512, 513, 700))
    align = _pick(random, (None, FRAME_SIZE, 8 * FRAME_SIZE, 1 << 16, 2 << 20))
    return op.PmmAlloc(count, align)


def _pmm_hoard(random: Random, state: KernelState) -> Operation:
    """Take the rest of a block, or nearly all there is: what follows meets borders, or the end."""
    free = list(runs(state.pmm.free)) or [(0, 1)]
    if random.random() < 0.5:
        first, count = free[0]
        return op.PmmAlloc(min(count, BLOCK_FRAMES - first % BLOCK_FRAMES), FRAME_SIZE)
    longest = max(count for _, count in free)
    return op.PmmAlloc(max(1, longest - random.randrange(12)), FRAME_SIZE)


def _pmm_free(random: Random, state: KernelState) -> Operation | None:
    found = _lent_run(random, state)
    shape = random.random()
    if found is None or shape < 0.1:
        return op.PmmFree(random.randrange(state.pmm.frame_limit) * FRAME_SIZE)
    if state.pmm.free_count < SHORT_OF_FRAMES and shape < 0.5:
        first, count = max(runs(state.console.lent), key=itemgetter(1))
        return op.PmmFree(first * FRAME_SIZE, count)
    first, count = found
    if shape < 0.75:
        return op.PmmFree(first * FRAME_SIZE, count)
    start = random.randrange(count)
    return op.PmmFree((first + start) * FRAME_SIZE, random.randint(1, count - start))


def _pmm_info(random: Random, state: KernelState) -> Operation | None:
    return op.PmmInfo()


# --- page tables ----------------------------------------------------------------------------------


def bare_roots(state: KernelState) -> list[str]:
    """Handles of the bare roots that exist."""
    return [f"r{n}" for n, root in enumerate(state.console.roots) if root is not None]


def _page_new(random: Random, state: KernelState) -> Operation | None:
    roots = bare_roots(state)
    if roots and _crowded(random, len(roots), ROOTS):
        return op.PageDelete(_pick(random, roots))
    return op.PageNew()


def _draw_flags(random: Random, *, user: bool, cached: bool = True) -> int:
    """Flags that a leaf may have: never W with X."""
    flags = _pick(random, (0, page_flags.WRITE, page_flags.EXEC))
    if user and random.random() < 0.5:
        flags |= page_flags.USER
    if not cached and random.random() < 0.5:
        flags |= _pick(random, CACHES)
    return flags


def _near(random: Random, size: int) -> int:
    """An address where mappings crowd: few tables, neighbours, overlaps, the last slot."""
    slot = _pick(random, (0, 0, 0, 1 << 30, 255 << 39))
    address = slot + random.randrange(3) * (2 << 20) + random.randrange(16) * FRAME_SIZE
    return address // size * size


def _page_map(random: Random, state: KernelState) -> Operation | None:
    roots = bare_roots(state)
    if not roots:
        return op.PageNew()
    size = random.choices(LEAF_SIZES, (6, 3, 1))[0]
    pages = _pick(random, (1, 1, 2, 3, 8, 600 if size == FRAME_SIZE else 2))
    memory = state.pmm.frame_limit * FRAME_SIZE
    flags = _draw_flags(random, user=True, cached=False)
    if random.random() < 0.2:
        flags |= page_flags.GLOBAL
    physical = random.randrange(memory) // size * size
    vaddr = _near(random, size)
    return op.PageMap(_pick(random, roots), vaddr, physical, pages * size, size, flags)


def _some_leaf(random: Random, state: KernelState) -> tuple[str, int, int] | None:
    """A bare root, with the start and size of one of its leaves: a way down, drawn entry by entry.

    Few roots, and few entries of their lower halves, are without a leaf, so that another is tried.
    """
    for handle in _turned(random, bare_roots(state)):
        root = state.root_of(handle)
        assert root is not None
        indices = [index for index in state.tables[root] if index < HALF_ENTRIES]
        if not indices:
            continue
        table, level, virtual = root, 4, 0
        while True:
            index = _pick(random, indices)
            raw = state.tables[table][index]
            virtual += index << entry_shift(level)
            if is_leaf(raw, level):
                return handle, virtual, 1 << entry_shift(level)
            table, level = raw & ADDRESS, level - 1
            indices = list(state.tables[table])
    return None


def _page_unmap(random: Random, state: KernelState) -> Operation | None:
    leaf = _some_leaf(random, state)
    if leaf is None:
        return None
    root, virtual, size = leaf
    return op.PageUnmap(root, virtual, size * _pick(random, (1, 1, 2, 4)))


def _page_protect(random: Random, state: KernelState) -> Operation | None:
    leaf = _some_leaf(random, state)
    if leaf is None:
        return None
    root, virtual, size = leaf
    flags = _draw_flags(random, user=True, cached=False)
    return op.PageProtect(root, virtual, size * _pick(random, (1, 1, 2)), flags)


def _page_query(random: Random, state: KernelState) -> Operation | None:
    if random.random() < 0.3:
        root = _pick(random, list(state.roots()))
        return op.PageQuery(root, _pick(random, (_near(random, 1), KERNEL_WINDOW_BASE)))
    leaf = _some_leaf(random, state)
    if leaf is None:
        return None
    root, virtual, size = leaf
    return op.PageQuery(root, virtual + random.randrange(size))


def _page_touch(random: Random, state: KernelState) -> Operation | None:
    leaf = _some_leaf(random, state)
    if leaf is None:
        return None
    root, virtual, size = leaf
    return op.Touch(root, virtual + random.randrange(2 * size), _pick(random, "rw"))


# --- spaces ---------------------------------------------------------------------------------------


def _window_spaces(state: KernelState) -> list[str]:
    """Spaces whose regions the console may change."""
    return [name for name in state.spaces if name != "heap"]


def _some_region(random: Random, state: KernelState) -> tuple[str, Region] | None:
    """A space and one of its regions."""
    for name in _turned(random, _window_spaces(state)):
        if regions := state.spaces[name].regions:
            return name, _pick(random, regions)
    return None


def _vm_alloc(random: Random, state: KernelState) -> Operation | None:
    space = _pick(random, _window_spaces(state))
    if _crowded(random, len(state.spaces[space].regions), REGIONS):
        return _vm_free(random, state)
    kind = random.choices(list(VmKind), (4, 5, 2, 1))[0]
    length = FRAME_SIZE * _pick(random, (1, 1, 2, 3, 5, 16, 40))
    physical = None
    flags = _draw_flags(random, user=space != "kernel", cached=kind is not VmKind.PHYSICAL)
    if kind is VmKind.PHYSICAL:
        physical = random.randrange(state.pmm.frame_limit) * FRAME_SIZE
    if kind is VmKind.GUARD:
        flags = 0
    if kind is VmKind.DEMAND and random.random() < 0.2:
        length *= 1024
    if random.random() < 0.7:
        return op.VmAlloc(space, length, kind.name.lower(), flags, physical)
    base = KERNEL_WINDOW_BASE if space == "kernel" else TASK_WINDOW_BASE
    vaddr = base + random.randrange(256) * FRAME_SIZE + _pick(random, (0, 0, 2 << 20, 5 << 30))
    return op.VmAllocAt(space, vaddr, length, kind.name.lower(), flags, physical)


def _vm_free(random: Random, state: KernelState) -> Operation | None:
    found = _some_region(random, state)
    return None if found is None else op.VmFree(found[0], found[1].base)


def _vm_change(random: Random, state: KernelState) -> Operation | None:
    found = _some_region(random, state)
    if found is None:
        return None
    space, region = found
    if random.random() < 0.5:
        return op.VmProtect(space, region.base, _draw_flags(random, user=space != "kernel"))
    pages = region.length // FRAME_SIZE
    return op.VmResize(space, region.base, FRAME_SIZE * random.randint(1, 2 * min(pages, 64)))


def _vm_query(random: Random, state: KernelState) -> Operation | None:
    found = _some_region(random, state)
    if found is None:
        return None
    space, region = found
    return op.VmQuery(space, region.base + random.randrange(2 * region.length))


def _within(random: Random, region: Region, longest: int) -> tuple[int, int]:
    """An address in the region and a length that may run past its end."""
    offset = _pick(random, (0, region.length - 1, random.randrange(region.length)))
    return region.base + offset, random.randint(1, longest)


def _vm_data(random: Random, state: KernelState) -> Operation | None:
    found, other = _some_region(random, state), _some_region(random, state)
    if found is None or other is None:
        return None
    space, region = found
    vaddr, length = _within(random, region, 64)
    shape = random.random()
    if shape < 0.3:
        return op.VmRead(space, vaddr, length)
    if shape < 0.6:
        # A page that starts with RET can be executed: now and then one does.
        data = b"\xc3" * length if random.random() < 0.3 else random.randbytes(length)
        return op.VmWrite(space, vaddr, data)
    to_vaddr, length = _within(random, other[1], 3 * FRAME_SIZE)
    return op.VmCopy(other[0], to_vaddr, space, vaddr, length)


def _touch(random: Random, state: KernelState) -> Operation | None:
    found = _some_region(random, state)
    if found is None:
        return None
    space, region = found
    last = min(region.length + FRAME_SIZE, 64 * FRAME_SIZE)
    offset = _pick(random, (0, region.length - 1, random.randrange(last)))
    return op.Touch(space, region.base + offset, _pick(random, "rrwwx"))


# --- heap -----------------------------------------------------------------------------------------


def payloads(state: KernelState) -> list[int]:
    """Addresses that the console may free: in use, and no task's record."""
    records = {task.record for task in state.tasks}
    return [
        node + HEAP_HEADER
        for node, facts in state.heap.nodes.items()
        if facts.used and node + HEAP_HEADER not in records
    ]


def _some_payload(random: Random, state: KernelState) -> int | None:
    """One of the `payloads`, or none if some draws are in vain: little is in use."""
    records = {task.record for task in state.tasks}
    nodes = list(state.heap.nodes)
    for _ in range(PAYLOAD_DRAWS if nodes else 0):
        node = _pick(random, nodes)
        if state.heap.nodes[node].used and node + HEAP_HEADER not in records:
            return node + HEAP_HEADER
    return None


def _draw_size(random: Random) -> int:
    """Mostly small, sometimes pages, with the edges of size classes among them."""
    shape = random.random()
    if shape < 0.1:
        return _pick(random, (1, 15, 16, 17, 32, 495, 496, 497, 1008, 4080, 4096, 65536))
    base = 16 << random.randrange(9)
    return base + random.randrange(base)


def _heap_alloc(random: Random, state: KernelState) -> Operation | None:
    if _crowded(random, state.heap.used_count, NODES):
        return _heap_free(random, state)
    shape = random.random()
    if shape < 0.6:
        return op.HeapAlloc(_draw_size(random))
    if shape < 0.8:
        return op.HeapZalloc(_draw_size(random))
    return op.HeapAlign(1 << random.randrange(14), _draw_size(random))


def _heap_free(random: Random, state: KernelState) -> Operation | None:
    payload = _some_payload(random, state)
    return op.HeapFree(payload) if payload else None


def _heap_realloc(random: Random, state: KernelState) -> Operation | None:
    payload = _some_payload(random, state)
    return op.HeapRealloc(payload, _draw_size(random)) if payload else None


def _heap_look(random: Random, state: KernelState) -> Operation | None:
    return random.choice((op.HeapCheck(), op.HeapInfo()))


# --- tasks ----------------------------------------------------------------------------------------


def _task_new(random: Random, state: KernelState) -> Operation | None:
    if _crowded(random, len(state.tasks) - 1, TASKS):
        return op.TaskDelete(_pick(random, state.tasks).handle)
    return op.TaskNew()


def _task_switch(random: Random, state: KernelState) -> Operation | None:
    return op.TaskSwitch(_pick(random, state.tasks).handle)


WEIGHTS: Final[dict[str, dict[Maker, int]]] = {
    "pmm": {_pmm_alloc: 8, _pmm_free: 4, _pmm_info: 1},
    "paging": {
        _page_new: 2,
        _page_map: 8,
        _page_unmap: 4,
        _page_protect: 3,
        _page_query: 3,
        _page_touch: 3,
    },
    "vmm": {_vm_alloc: 5, _vm_free: 1, _vm_change: 3, _vm_query: 1, _vm_data: 5, _touch: 6},
    "heap": {_heap_alloc: 10, _heap_free: 2, _heap_realloc: 4, _heap_look: 1},
    "task": {_task_new: 2, _task_switch: 3},
}
"""Layer -> its makers and how often each is drawn."""

MAKERS: Final = {
    layer: tuple(maker for maker, weight in weights.items() for _ in range(weight))
    for layer, weights in WEIGHTS.items()
}
"""The same with each maker as often as it is drawn."""
