"""A picture of the kernel against the model's state: every fact, one function a layer.

The model predicts every address, so the comparison is exact: nothing is tolerated but the accessed
and dirty bits, which the processor sets when it likes. What could not be followed in the guest's
memory is a mismatch too.
"""

import numpy as np

from ringbench.arch.x86_64.address import PAGE_SHIFT
from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.check.compare_spaces import compare_paging, compare_vmm
from ringbench.check.comparison import Comparison, hexadecimal
from ringbench.model.layout import BLOCK_FRAMES, FRAME_SIZE, MemoryKind, VmKind
from ringbench.model.pmm import Tree as ModelTree
from ringbench.model.pmm import summary
from ringbench.model.state import KernelState
from ringbench.model.tables import leaves
from ringbench.observe.bitmaps import bit_runs
from ringbench.observe.picture import Picture
from ringbench.observe.pmm import Tree


def compare(picture: Picture, state: KernelState) -> tuple[Comparison, ...]:
    """Compare everything, bottom layer first; the last is `machine`."""
    layers = (compare_pmm, compare_paging, compare_vmm, compare_heap, compare_task, compare_machine)
    done = tuple(layer(picture, state) for layer in layers)
    for broken in picture.broken:
        tally = next((each for each in done if each.layer == broken.layer), done[-1])
        tally.differs("structure", "can be followed", broken.what, broken.where)
    return tuple(each.done() for each in done)


def compare_pmm(picture: Picture, state: KernelState) -> Comparison:
    """Every frame's two bits, the counts, and every summary above the bits."""
    seen, model, tally = picture.pmm, state.pmm, Comparison("pmm")
    tally.equal("frame limit", model.frame_limit, seen.frame_limit, "pmm")
    tally.equal("managed frames", model.managed_count, seen.managed_count, "pmm")
    tally.equal("free frames", model.free_count, seen.free_count, "pmm")
    tally.equal("metadata", model.metadata_base, seen.metadata_base, "pmm", hexadecimal)
    tally.equal("metadata length", model.metadata_length, seen.metadata_length, "pmm", hexadecimal)
    _frames(tally, ("free", "used"), model.free, seen.free_bits, model.frame_limit)
    managed = ("managed", "not managed")
    _frames(tally, managed, model.managed, seen.managed_bits, model.frame_limit)
    expected = summary(model)
    tally.equal_all("free frames of a block", tuple(expected.block_free), seen.block_free, _block)
    tally.equal_all("mask of words", tuple(expected.block_words), seen.block_words, _block, hex)
    _tree(tally, "any", expected.any, seen.any_free)
    _tree(tally, "whole", expected.whole, seen.whole)
    return tally


def _frames(
    tally: Comparison, words: tuple[str, str], expected: int, seen: int, frames: int
) -> None:
    """Compare two bitmaps over frames; `words` are what 1 and 0 mean. A run is one mismatch."""
    tally.comparisons += frames
    for bits, (one, other) in ((expected & ~seen, words), (seen & ~expected, words[::-1])):
        for start, end in zip(*(each.tolist() for each in bit_runs(bits)), strict=True):
            what = "frame" if end - start == 1 else f"{end - start} frames"
            where = f"physical {start << PAGE_SHIFT:#x}..{end << PAGE_SHIFT:#x}"
            tally.differs(what, one, other, where)


def _tree(tally: Comparison, name: str, expected: ModelTree, seen: Tree) -> None:
    tally.equal(f"tree {name}: top", expected.top, seen.top, "pmm", hex)
    middle = tuple(expected.middle)
    tally.equal_all(f"tree {name}: middle", middle, seen.middle, _word, hex)
    bottom = int.from_bytes(np.array(expected.bottom, "<u8").tobytes(), "little")
    tally.equal(f"tree {name}: bottom", bottom, seen.bottom, "pmm", hex)


def _block(index: int) -> str:
    return f"block {index}, physical {index * BLOCK_FRAMES * FRAME_SIZE:#x}"


def _word(index: int) -> str:
    return f"word {index}"


def compare_heap(picture: Picture, state: KernelState) -> Comparison:
    """Every node with its header, every free list in its order, the bitmaps."""
    tally, seen, model = Comparison("heap"), picture.heap, state.heap
    tally.equal("end", model.end, seen.end, "heap", hexadecimal)
    tally.equal("last node", model.last, seen.last, "heap", hexadecimal)
    nodes = {address: (*model.nodes[address], True) for address in model.nodes}
    found = {
        node.address: (node.size, node.used, node.previous, node.guard_right) for node in seen.nodes
    }
    tally.comparisons += len(nodes.keys() | found.keys())
    if nodes != found:
        for address in sorted(nodes.keys() | found.keys()):
            one, other = nodes.get(address), found.get(address)
            if one != other:
                tally.differs("node", _node(one), _node(other), f"heap {address:#x}")
    for place in sorted(model.free.keys() | seen.free_lists.keys()):
        where = f"free list {place[0]}.{place[1]}"
        one_list, other_list = model.free.get(place, ()), seen.free_lists.get(place, ())
        tally.equal("order of free nodes", one_list, other_list, where, _addresses)
    tally.equal("first-level bitmap", model.first_bitmap, seen.first_bitmap, "heap", hex)
    tally.equal_all("second-level bitmap", model.second_bitmap, seen.second_bitmaps, _word, hex)
    return tally


def _node(facts: tuple[int, bool, int, bool] | None) -> str:
    if facts is None:
        return "none"
    size, used, previous, guard_right = facts
    guard = "" if guard_right else ", guard wrong"
    return f"{size:#x} bytes {'used' if used else 'free'}, previous {previous:#x}{guard}"


def _addresses(addresses: tuple[int, ...]) -> str:
    return " ".join(f"{address:#x}" for address in addresses) or "empty"


def compare_task(picture: Picture, state: KernelState) -> Comparison:
    """Ids in order, where each record is, which is current."""
    tally, tasks = Comparison("task"), picture.tasks
    ids = tuple(task.id for task in state.tasks)
    tally.equal("ids", ids, tuple(task.id for task in tasks.all), "the list of tasks")
    seen = {task.id: task.address for task in tasks.all}
    for task in state.tasks:
        if task.record and task.id in seen:
            tally.equal("record", task.record, seen[task.id], task.handle, hexadecimal)
    tally.equal("current task", state.current_task, tasks.current, "current_task")
    return tally


def compare_machine(picture: Picture, state: KernelState) -> Comparison:
    """What belongs to no layer: the processor, the memory map, the console."""
    tally, seen, model = Comparison("machine"), picture.console, state.console
    bits, gib_pages = state.features.physical_bits, state.features.gib_pages
    tally.equal("physical width", bits, picture.boot.physical_bits, "cpu")
    tally.equal("1 GiB pages", gib_pages, picture.boot.gib_pages, "cpu")
    ranges = [
        (each.base, each.length, MemoryKind(each.kind).name.lower()) for each in state.memory_map
    ]
    found = [(each.base, each.length, each.kind) for each in picture.boot.map.ranges]
    tally.equal_all("memory range", ranges, found, lambda n: f"memory map {n}", _range)
    tally.equal("lent bits at", model.lent_base, seen.lent_base, "console", hexadecimal)
    tally.equal("bytes of lent bits", model.lent_length, seen.lent_length, "console", hexadecimal)
    lent = ("lent", "not lent")
    _frames(tally, lent, model.lent, seen.lent_bits, state.pmm.frame_limit)
    tally.equal_all("bare root", model.roots, seen.roots, lambda n: f"r{n}", hexadecimal)
    return tally


def _range(facts: tuple[int, int, str]) -> str:
    return f"{facts[0]:#x} + {facts[1]:#x} {facts[2]}"


def compare_contents(memory: PhysicalMemory, state: KernelState) -> Comparison:
    """Every byte of every anonymous and demand page, the heap's aside, of a stopped guest.

    Raises:
        MemoryUnreadable: the model believes in a frame that the machine does not have.
    """
    tally = Comparison("vmm")
    zeros = bytes(FRAME_SIZE)
    for name, space in state.spaces.items():
        if name == "heap":
            continue
        for region in space.regions:
            if region.kind not in (VmKind.ANONYMOUS, VmKind.DEMAND):
                continue
            for leaf in leaves(state.tables, space.root, region.base, region.end - 1):
                expected = state.contents.get(leaf.physical, zeros)
                seen = memory.read(leaf.physical, FRAME_SIZE)
                tally.comparisons += 1
                if seen != expected:
                    where = f"{name}: page {leaf.virtual:#x} (physical {leaf.physical:#x})"
                    tally.differs("contents", *_first_difference(expected, seen), where)
    return tally.done()


def _first_difference(expected: bytes, seen: bytes) -> tuple[str, str]:
    at = next(n for n, (one, other) in enumerate(zip(expected, seen, strict=True)) if one != other)
    one, other = expected[at : at + 8].hex(), seen[at : at + 8].hex()
    return f"{one} at offset {at:#x}", f"{other} at offset {at:#x}"
