"""Private pages that somebody else shows too: an object, or a kin of the space."""

from collections.abc import Iterator
from typing import Final

from ringbench.subjects.reference.model.paging import present
from ringbench.subjects.reference.model.state import KernelState, Region, Space
from ringbench.subjects.reference.model.tables import leaves
from ringbench.subjects.reference.vocabulary.constants import VmKind

PRIVATE: Final = frozenset((VmKind.ANONYMOUS, VmKind.DEMAND, VmKind.PRIVATE))
"""The kinds of regions whose pages are their own, or will be once they are written to."""


def kin_of(state: KernelState, name: str) -> Iterator[str]:
    """Yield the other spaces of a space's ring."""
    kin = state.spaces[name].kin
    while kin is not None and kin != name:
        yield kin
        kin = state.spaces[kin].kin


def may_borrow(space: Space, region: Region) -> bool:
    """Tell whether a region can have pages that are borrowed at all."""
    return region.kind in PRIVATE and (space.kin is not None or region.kind == VmKind.PRIVATE)


def is_borrowed(state: KernelState, name: str, region: Region, va: int, frame: int) -> bool:
    """Tell whether an object has a page of a region's, or a kin shows it in the same place."""
    if region.object is not None and region.kind == VmKind.PRIVATE:
        it = state.objects[region.object]
        if it.frames.get(region.index(va)) == frame:
            return True
    for kin in kin_of(state, name):
        space = state.spaces[kin]
        if present(state, space.root, va) == frame:
            # A region of physical memory can map the same frame, and does not share it.
            found = next(each for each in space.regions if each.base <= va < each.end)
            if found.kind in PRIVATE:
                return True
    return False


def borrowed(state: KernelState, name: str, region: Region, base: int, end: int) -> dict[int, int]:
    """Return the pages of a part of a region that are borrowed, by address: their frames."""
    space = state.spaces[name]
    if not may_borrow(space, region):
        return {}
    return {
        leaf.vaddr: leaf.paddr
        for leaf in leaves(state.tables, space.root, base, end - 1)
        if is_borrowed(state, name, region, leaf.vaddr, leaf.paddr)
    }
