"""Invariants of memory objects: references, trees, and what the regions that show them map."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from ringbench.arch.x86_64.address import PAGE_SHIFT, PAGE_SIZE
from ringbench.check.mismatch import Mismatch
from ringbench.subjects.reference.check.region_pages import region_pages
from ringbench.subjects.reference.observe.objects import SeenNode, SeenObject, node_place
from ringbench.subjects.reference.observe.picture import Picture
from ringbench.subjects.reference.vocabulary.constants import OBJECT_NODE_BITS

LAYER = "object"
PRESENT = 1


def objects_are_counted(picture: Picture) -> Iterator[Mismatch]:
    """Ids ascend; an object's references are the regions that show it, and its handle."""
    for lower, upper in pairwise(picture.objects):
        if lower.id >= upper.id:
            yield Mismatch(LAYER, "id", f"above {lower.id}", str(upper.id), upper.handle)
    showing = Counter(
        region.object for space in picture.spaces() for region in space.regions if region.object
    )
    for each in picture.objects:
        if each.has_handle not in (0, 1):
            yield Mismatch(LAYER, "handle", "0 or 1", str(each.has_handle), each.handle)
        counted = showing[each.address] + each.has_handle
        if each.references != counted or counted == 0:
            expected = f"{counted}, and not 0"
            yield Mismatch(LAYER, "references", expected, str(each.references), each.handle)
    known = {each.address for each in picture.objects}
    for address in showing.keys() - known:
        yield Mismatch(LAYER, "object of a region", "in the list", f"{address:#x}", "vm_region")


def trees_hold_the_pages(picture: Picture) -> Iterator[Mismatch]:
    """A tree has as many levels as its length asks for, no empty node, no page past the end."""
    for each in picture.objects:
        levels = max(1, -(-(each.pages - 1).bit_length() // OBJECT_NODE_BITS))
        if each.pages == 0 or each.levels != levels:
            yield Mismatch(LAYER, "levels", str(levels), str(each.levels), each.handle)
        if each.top and each.top % PAGE_SIZE != PRESENT:
            yield Mismatch(LAYER, "topmost node", "a frame", f"{each.top:#x}", each.handle)
        for node in each.nodes:
            yield from _node(each, node)


def _node(it: SeenObject, node: SeenNode) -> Iterator[Mismatch]:
    where = node_place(it.handle, node.frame)
    if not node.entries:
        yield Mismatch(LAYER, "node", "has an entry", "has none", where)
    for place, entry in node.entries.items():
        first = (node.number << OBJECT_NODE_BITS | place) << (node.level - 1) * OBJECT_NODE_BITS
        if entry % PAGE_SIZE != PRESENT or first >= it.pages:
            expected = f"0, or a frame of one of {it.pages} pages"
            yield Mismatch(LAYER, "entry", expected, f"{entry:#x}", f"{where} entry {place}")


def shared_pages_are_their_objects(picture: Picture) -> Iterator[Mismatch]:
    """What a shared region maps is the object's page of that place, before the object's end.

    That the frame of an object is in no region of another kind follows from its having one owner.
    """
    pages = {each.address: dict(each.frames()) for each in picture.objects}
    for space, region, leaves in region_pages(picture):
        if region.kind != "shared":
            continue
        frames = pages.get(region.object, {})
        for vaddr, paddr in zip(leaves.vaddr.tolist(), leaves.paddr.tolist(), strict=True):
            index = (region.offset + vaddr - region.base) >> PAGE_SHIFT
            if frames.get(index) != paddr:
                expected = f"page {index} of its object"
                where = f"{space.name}: {vaddr:#x}"
                yield Mismatch("vmm", "shared page", expected, f"{paddr:#x}", where)
