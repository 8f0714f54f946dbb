"""A space made from another one; and kin, a ring of spaces that may have pages in common."""

from ringbench.arch.x86_64.address import LEVELS, UPPER_HALF_SLOT
from ringbench.arch.x86_64.entry import ADDRESS
from ringbench.subjects.reference.model import pmm as frames
from ringbench.subjects.reference.model.object import object_hold
from ringbench.subjects.reference.model.paging import paging_reflag
from ringbench.subjects.reference.model.private import PRIVATE
from ringbench.subjects.reference.model.slab import slab_alloc, slab_frames_for
from ringbench.subjects.reference.model.state import KernelState, replace
from ringbench.subjects.reference.model.tables import is_leaf, lower_tables
from ringbench.subjects.reference.model.vmm import REGION_CACHE, leave_kin, with_space
from ringbench.subjects.reference.vocabulary import flags as page
from ringbench.subjects.reference.vocabulary.constants import KERNEL_HALF
from ringbench.subjects.reference.vocabulary.status import Status


def vm_space_clone(state: KernelState, to: str, source: str) -> tuple[KernelState, Status, None]:
    """Give a space without regions those of another one; private pages are copied on write."""
    target, space = state.spaces[to], state.spaces[source]
    if to == source:
        return state, Status.INVALID, None
    if target.base >= KERNEL_HALF or space.base >= KERNEL_HALF:
        return state, Status.DENIED, None
    if target.regions:
        return state, Status.BUSY, None
    needed = slab_frames_for(state, REGION_CACHE, len(space.regions))
    needed += len(lower_tables(state.tables, space.root))
    if needed > state.pmm.free_count:
        return state, Status.NO_MEMORY, None
    regions = []
    for region in space.regions:
        if region.kind in PRIVATE and region.flags & page.WRITE:
            flags = region.flags & ~page.WRITE
            state = paging_reflag(state, space.root, region.base, region.length, flags)
        if region.object is not None:
            state = object_hold(state, region.object)
        state, _, record = slab_alloc(state, REGION_CACHE)
        regions.append(replace(region, record=record))
    state = _copy_lower_half(state, target.root, space.root)
    state = with_space(state, to, replace(target, regions=tuple(regions)))
    return _join(leave_kin(state, to), to, source), Status.OK, None


def _join(state: KernelState, name: str, of: str) -> KernelState:
    kin = state.spaces[of].kin
    state = with_space(state, name, replace(state.spaces[name], kin=of if kin is None else kin))
    return with_space(state, of, replace(state.spaces[of], kin=name))


def _copy_lower_half(state: KernelState, to: int, source: int) -> KernelState:
    """Copy the entries of a root's lower half; of tables, each before those below it."""
    tables, pmm = dict(state.tables), state.pmm

    def copy(table: int, level: int, slots: int) -> dict[int, int]:
        nonlocal pmm
        made = {}
        for slot, raw in sorted(state.tables[table].items()):
            if slot >= slots:
                continue
            made[slot] = raw
            if not is_leaf(raw, level):
                pmm, _, frame = frames.pmm_alloc(pmm)
                made[slot] = frame | (raw & ~ADDRESS)
                tables[frame] = copy(raw & ADDRESS, level - 1, 512)
        return made

    tables[to] = {**tables[to], **copy(source, LEVELS, UPPER_HALF_SLOT)}
    return replace(state, pmm=pmm, tables=tables)
