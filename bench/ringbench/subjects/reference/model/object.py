"""Memory objects: pages by index in a tree of frames, references, handles.

The functions of the kernel's that have a status have its name and return (state, status, value).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from ringbench.subjects.reference.model import pmm
from ringbench.subjects.reference.model.slab import slab_alloc, slab_free
from ringbench.subjects.reference.model.state import KernelState, VmObject, replace
from ringbench.subjects.reference.vocabulary.constants import (
    FRAME_SIZE,
    OBJECT_NODE_BITS,
    OBJECT_SIZE_MAX,
)
from ringbench.subjects.reference.vocabulary.status import Status

OBJECT_CACHE: Final = "object"
"""The slab cache of the records."""


def object_create(state: KernelState, length: int) -> tuple[KernelState, Status, int]:
    """Make an object without any page, with the lowest unused id; the id."""
    if length == 0:
        return state, Status.INVALID, 0
    if length % FRAME_SIZE:
        return state, Status.MISALIGNED, 0
    if length > OBJECT_SIZE_MAX:
        return state, Status.OUT_OF_RANGE, 0
    state, status, record = slab_alloc(state, OBJECT_CACHE)
    if status:
        return state, status, 0
    number = next(n for n in range(len(state.objects) + 1) if n not in state.objects)
    made = VmObject(record, length // FRAME_SIZE)
    return with_object(state, number, made), Status.OK, number


def object_find(state: KernelState, number: int) -> VmObject | None:
    """Return the object with that handle, or None."""
    found = state.objects.get(number)
    return found if found and found.has_handle else None


def object_drop(state: KernelState, number: int) -> tuple[KernelState, Status, None]:
    """Drop a handle."""
    found = object_find(state, number)
    if found is None:
        return state, Status.NOT_FOUND, None
    state = with_object(state, number, replace(found, has_handle=False))
    return object_release(state, number), Status.OK, None


def object_hold(state: KernelState, number: int) -> KernelState:
    """Note one reference more."""
    found = state.objects[number]
    return with_object(state, number, replace(found, references=found.references + 1))


def object_release(state: KernelState, number: int) -> KernelState:
    """Note one reference less; with the last, the object, its frames and what they held go."""
    found = state.objects[number]
    if found.references > 1:
        return with_object(state, number, replace(found, references=found.references - 1))
    pages = set(found.frames.values())
    contents = {frame: held for frame, held in state.contents.items() if frame not in pages}
    frames = pmm.give_back(state.pmm, [*pages, *found.nodes.values()])
    objects = {each: state.objects[each] for each in state.objects if each != number}
    state = replace(state, pmm=frames, contents=contents, objects=objects)
    state, _, _ = slab_free(state, OBJECT_CACHE, found.record)
    return state


def object_frames_missing(it: VmObject, first: int, count: int) -> int:
    """Count the frames until each of some pages has its own: pages, and nodes."""
    last = first + count - 1
    missing = count - sum(first <= index <= last for index in it.frames)
    for level in range(1, it.levels + 1):
        shift = level * OBJECT_NODE_BITS
        low, high = first >> shift, last >> shift
        there = sum(at == level and low <= number <= high for at, number in it.nodes)
        missing += high - low + 1 - there
    return missing


def object_take_page(it: VmObject, index: int, take: Callable[[], int]) -> tuple[VmObject, int]:
    """Return the object with a page of that index, and the page's frame.

    `take` gives the next frame: for the missing nodes, top level first, then for the page.
    """
    if index in it.frames:
        return it, it.frames[index]
    nodes: dict[tuple[int, int], int] = dict(it.nodes)
    for level in range(it.levels, 0, -1):
        node = level, index >> level * OBJECT_NODE_BITS
        if node not in nodes:
            nodes[node] = take()
    frame = take()
    return replace(it, nodes=nodes, frames={**it.frames, index: frame}), frame


def entries(it: VmObject) -> Iterator[tuple[int, int, int]]:
    """Yield what a node's entries lead to: (the node's frame, which entry, the frame there).

    The topmost node's own entry is in the object's record.
    """
    below: Mapping[tuple[int, int], int] = {(0, n): frame for n, frame in it.frames.items()}
    for (level, number), frame in {**it.nodes, **below}.items():
        if level < it.levels:
            parent = it.nodes[level + 1, number >> OBJECT_NODE_BITS]
            yield parent, number % (1 << OBJECT_NODE_BITS), frame


def with_object(state: KernelState, number: int, it: VmObject) -> KernelState:
    """Return the state with an object replaced or added, all in the order of their ids."""
    objects = {**state.objects, number: it}
    if number not in state.objects:
        objects = dict(sorted(objects.items()))
    return replace(state, objects=objects)
