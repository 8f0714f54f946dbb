"""A picture of the kernel against the model's state: every fact, one function a layer.

The model predicts every address, so the comparison is exact: nothing is tolerated but the accessed
and dirty bits, which the processor sets when it likes. What could not be followed in the guest's
memory is a mismatch too. A mismatch names the place in memory that is wrong: the variable, the
entry, the record, the node; where a pointer leads astray, what holds the pointer.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np

from ringbench.arch.x86_64.address import PAGE_SHIFT
from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.check.comparison import DETAILED, Comparison, hexadecimal
from ringbench.check.mismatch import MACHINE, Finding
from ringbench.observe.reader import count_runs, lowest_runs
from ringbench.subjects.reference.check.compare_buddy import compare_buddy
from ringbench.subjects.reference.check.compare_disks import compare_disk
from ringbench.subjects.reference.check.compare_files import compare_file
from ringbench.subjects.reference.check.compare_kmalloc import compare_kmalloc
from ringbench.subjects.reference.check.compare_objects import compare_object
from ringbench.subjects.reference.check.compare_slabs import compare_slab
from ringbench.subjects.reference.check.compare_spaces import compare_paging, compare_vmm
from ringbench.subjects.reference.model.frame_set import FrameSet
from ringbench.subjects.reference.model.pmm import Tree, metadata_arrays, summary
from ringbench.subjects.reference.model.private import PRIVATE
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.model.tables import find, leaf_address, leaves
from ringbench.subjects.reference.observe.bitmaps import bit_runs
from ringbench.subjects.reference.observe.console import SeenConsole
from ringbench.subjects.reference.observe.names import ConsoleNames
from ringbench.subjects.reference.observe.picture import Picture
from ringbench.subjects.reference.observe.pmm import SeenTree
from ringbench.subjects.reference.observe.scope import EVERYTHING, Scope
from ringbench.subjects.reference.vocabulary.constants import (
    BLOCK_FRAMES,
    DIRECT_MAP_BASE,
    FRAME_SIZE,
)
from ringbench.subjects.reference.vocabulary.handles import root_handle


def compare(picture: Picture, state: KernelState, scope: Scope = EVERYTHING) -> tuple[Finding, ...]:
    """Compare a picture with the model, bottom layer first; the last is `MACHINE`."""
    layers = {
        "pmm": compare_pmm,
        "slab": compare_slab,
        "paging": compare_paging,
        "object": compare_object,
        "vmm": compare_vmm,
        "heap": compare_heap,
        "buddy": compare_buddy,
        "kmalloc": compare_kmalloc,
        "task": compare_task,
        "disk": compare_disk,
        "file": compare_file,
        MACHINE: compare_machine,
    }
    seen = ((name, layer, scope.picture(layer, picture)) for name, layer in layers.items())
    done = tuple(layer(what, state) if what else Comparison(name) for name, layer, what in seen)
    for broken in picture.broken:
        tally = next((each for each in done if each.layer == broken.layer), done[-1])
        tally.differs("structure", "can be followed", broken.what, broken.where)
    return tuple(each.done() for each in done)


def compare_pmm(picture: Picture, state: KernelState) -> Comparison:
    """Compare every frame's two bits, the counts, and every summary above the bits."""
    seen, model, tally = picture.pmm, state.pmm, Comparison("pmm")
    names = picture.layout.pmm
    tally.equal("frame limit", model.frame_limit, seen.frame_limit, names.frame_limit)
    tally.equal("managed frames", model.managed_count, seen.managed_count, names.managed_count)
    tally.equal("free frames", model.free_count, seen.free_count, names.free_count)
    base, length = model.metadata_base, model.metadata_length
    tally.equal("metadata", base, seen.metadata_base, names.metadata_base, hexadecimal)
    tally.equal("bytes of metadata", length, seen.metadata_length, names.metadata_length, hex)
    offsets = (offset for offset, _ in metadata_arrays(model.frame_limit))
    for name, offset in zip(names.arrays, offsets, strict=True):
        tally.equal("array", DIRECT_MAP_BASE + base + offset, seen.arrays[name], name, hexadecimal)
    _frames(tally, ("free", "used"), model.free, seen.free_bits, model.frame_limit)
    managed = ("managed", "not managed")
    _frames(tally, managed, model.managed, seen.managed_bits, model.frame_limit)
    expected = summary(model)
    tally.equal_all("free frames of a block", tuple(expected.block_free), seen.block_free, _block)
    tally.equal_all("mask of words", tuple(expected.block_words), seen.block_words, _block, hex)
    words = names.tree_top, names.tree_middle
    _tree(tally, names.any_tree, words, expected.any, seen.any_free)
    _tree(tally, names.whole_tree, words, expected.whole, seen.whole)
    return tally


def _frames(
    tally: Comparison, words: tuple[str, str], expected: FrameSet, seen: int, frames: int
) -> None:
    """Compare the bits of all frames; `words` are what 1 and 0 mean. A run is one mismatch."""
    tally.comparisons += frames
    starts, ends = bit_runs(seen)
    if expected.edges == tuple(np.stack((starts, ends), axis=1).ravel().tolist()):
        return
    wanted = sum((1 << count) - 1 << first for first, count in expected.runs())
    for bits, (one, other) in ((wanted & ~seen, words), (seen & ~wanted, words[::-1])):
        listed = lowest_runs(bits, DETAILED)
        for start, end in zip(*(each.tolist() for each in bit_runs(listed)), strict=True):
            what = "frame" if end - start == 1 else f"{end - start} frames"
            where = f"physical {start << PAGE_SHIFT:#x}..{end << PAGE_SHIFT:#x}"
            tally.differs(what, one, other, where)
        tally.further += count_runs(bits & ~listed)


def _tree(
    tally: Comparison, name: str, words: tuple[str, str], expected: Tree, seen: SeenTree
) -> None:
    """Compare a tree called `name`, whose top and middle are called `words`."""
    top, middle = words
    tally.equal("top of the tree", expected.top, seen.top, f"{name}.{top}", hex)
    where = partial(_element, f"{name}.{middle}")
    tally.equal_all("middle of the tree", tuple(expected.middle), seen.middle, where, hex)
    bottom = int.from_bytes(np.array(expected.bottom, "<u8").tobytes(), "little")
    tally.comparisons += 64 * len(expected.bottom)
    wrong = bottom ^ seen.bottom
    further = wrong.bit_count()
    while wrong and len(tally.mismatches) < DETAILED:
        block = (wrong & -wrong).bit_length() - 1
        one, other = bottom >> block & 1, seen.bottom >> block & 1
        tally.differs(f"bit of {name}", str(one), str(other), _block(block))
        wrong, further = wrong & wrong - 1, further - 1
    tally.further += further


def _block(index: int) -> str:
    return f"block {index}, physical {index * BLOCK_FRAMES * FRAME_SIZE:#x}"


def _element(array: str, index: int) -> str:
    return f"{array}[{index}]"


def compare_heap(picture: Picture, state: KernelState) -> Comparison:
    """Compare every node with its header, every free list in its order, the bitmaps."""
    tally, seen, model = Comparison("heap"), picture.heap, state.heap
    names = picture.layout.heap
    tally.equal("end", model.end, seen.end, names.end, hexadecimal)
    tally.equal("last node", model.last, seen.last, names.last, hexadecimal)
    nodes = {address: (*model.nodes[address], True) for address in model.nodes}
    found = {
        node.address: (node.size, node.used, node.previous, node.guard_right) for node in seen.nodes
    }
    tally.comparisons += len(nodes.keys() | found.keys())
    if nodes != found:
        for address in sorted(nodes.keys() | found.keys()):
            one, other = nodes.get(address), found.get(address)
            if one != other:
                tally.differs("node", _node(one), _node(other), f"node {address:#x}")
    for place in sorted(model.free.keys() | seen.free_lists.keys()):
        one_list, other_list = model.free.get(place, ()), seen.free_lists.get(place, ())
        holder = partial(_free_list, f"free list {place[0]}.{place[1]}", one_list)
        tally.links("next free node", one_list, other_list, holder, hexadecimal)
    first, second = model.first_bitmap, model.second_bitmap
    tally.equal("first-level bitmap", first, seen.first_bitmap, names.first_bitmap, hex)
    where = partial(_element, names.second_bitmap)
    tally.equal_all("second-level bitmap", second, seen.second_bitmaps, where, hex)
    return tally


def _node(facts: tuple[int, bool, int, bool] | None) -> str:
    if facts is None:
        return "none"
    size, used, previous, guard_right = facts
    guard = "" if guard_right else ", guard wrong"
    return f"{size:#x} bytes {'used' if used else 'free'}, previous {previous:#x}{guard}"


def _free_list(name: str, nodes: Sequence[int], index: int) -> str:
    """Say where the pointer to node `index` of a free list is."""
    return f"{name}, node {nodes[index - 1]:#x}" if index else name


def compare_task(picture: Picture, state: KernelState) -> Comparison:
    """Compare the list of task records, the id in each, which is current."""
    tally, tasks = Comparison("task"), picture.tasks
    names = picture.layout.tasks
    seen = {task.address: task.id for task in tasks.all}
    boot = tasks.all[0].address if tasks.all else 0
    records = [task.record or boot for task in state.tasks]

    def holder(index: int) -> str:
        return state.tasks[index - 1].handle if index else names.first

    tally.links("next task", records, list(seen), holder, hexadecimal)
    for task, record in zip(state.tasks, records, strict=True):
        if record in seen:
            tally.equal("id", task.id, seen[record], task.handle)
    tally.equal("current task", state.current_task, tasks.current, names.current)
    return tally


def compare_machine(picture: Picture, state: KernelState) -> Comparison:
    """Compare what belongs to no layer: the processor, the memory map, the console."""
    tally, seen, model = Comparison(MACHINE), picture.console, state.console
    boot, names = picture.boot, picture.layout.boot
    features = state.features
    tally.equal("physical width", features.physical_bits, boot.physical_bits, names.physical_bits)
    tally.equal("1 GiB pages", features.gib_pages, boot.gib_pages, names.gib_pages)
    tally.equal("no-execute bit", features.nx, boot.no_execute, names.no_execute)
    tally.equal("SMEP", features.smep, boot.smep, names.smep)
    tally.equal("SMAP", features.smap, boot.smap, names.smap)
    tally.equal("UMIP", features.umip, boot.umip, names.umip)
    tally.equal("limit", 1 << features.physical_bits, boot.map.limit, names.map_limit, hex)
    ranges, found = state.memory_map, boot.map.ranges
    tally.equal("memory ranges", len(ranges), len(found), names.map_count)
    tally.equal_all("memory range", ranges, found, lambda n: f"memory map {n}", str)
    _console(tally, picture.layout.console, state, seen)
    tally.equal_all("bare root", model.roots, seen.roots, root_handle, hexadecimal)
    return tally


def _console(tally: Comparison, names: ConsoleNames, state: KernelState, seen: SeenConsole) -> None:
    """Compare where the bits of lent frames are, and the bits."""
    model = state.console
    address = DIRECT_MAP_BASE + model.lent_base
    tally.equal("lent bits", address, seen.lent_address, names.lent_bits, hexadecimal)
    tally.equal("lent bits at", model.lent_base, seen.lent_base, names.lent_base, hexadecimal)
    tally.equal("bytes of lent bits", model.lent_length, seen.lent_length, names.lent_length, hex)
    _frames(tally, ("lent", "not lent"), model.lent, seen.lent_bits, state.pmm.frame_limit)


def compare_contents(memory: PhysicalMemory, state: KernelState) -> Finding:
    """Compare every byte of every private page of a stopped guest, but no heap's.

    Raises:
        MemoryUnreadable: the model believes in a frame that the machine does not have.
    """
    tally = Comparison("vmm")
    zeros = bytes(FRAME_SIZE)
    for name, space in state.spaces.items():
        if name in ("heap", "buddy"):
            continue
        for region in space.regions:
            if region.kind not in PRIVATE:
                continue
            for leaf in leaves(state.tables, space.root, region.base, region.end - 1):
                expected = state.contents.get(leaf.paddr, zeros)
                seen = memory.read(leaf.paddr, FRAME_SIZE)
                where = f"{name}: page {leaf.vaddr:#x} (physical {leaf.paddr:#x})"
                tally.equal_bytes("contents", expected, seen, where)
    return tally.done()


def compare_absorbed(memory: PhysicalMemory, state: KernelState) -> Finding:
    """Compare the headers of nodes that merges absorbed: the kernel tells a double free by them.

    Raises:
        MemoryUnreadable: the model believes in a frame that the machine does not have.
    """
    tally = Comparison("heap")
    for address, expected in state.heap.stale.items():
        leaf = find(state.tables, state.kernel_root, address)
        paddr = leaf_address(leaf.raw, leaf.level) + address % FRAME_SIZE
        seen = memory.read(paddr, len(expected))
        tally.equal("absorbed header", expected, seen, f"node {address:#x}", bytes.hex)
    return tally.done()
