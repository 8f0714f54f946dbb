"""Changes between two touches, so that a translation that was not flushed is met.

The processor may keep a translation until it is told to drop it, and loading a root drops all. So a
missing flush shows only if a page is accessed, changed, and accessed again with its root active
throughout: too seldom by chance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Final

from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.model.vmm import region_at
from ringbench.subjects.reference.vocabulary.constants import FRAME_SIZE
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.task import TaskSwitch
from ringbench.subjects.reference.vocabulary.operations.vmm import (
    Touch,
    VmFree,
    VmProtect,
    VmResize,
    VmWrite,
)
from ringbench.subjects.reference.workload.draws import pick

SHARE: Final = 0.5
"""Share of changes of a region that are put between touches."""


def between_touches(
    random: Random, state: KernelState, operation: Operation, layers: Sequence[str]
) -> Iterator[Operation]:
    """The operation; if it changes a region, sometimes between touches of a page in that.

    The region's space is made the active one before, if tasks are among the `layers`.
    """
    page = _page_in(random, state, operation) if random.random() < SHARE else None
    if page is None or "vmm" not in layers:
        yield operation
        return
    space, vaddr = page
    if space != (state.current_space or "kernel"):
        if "task" not in layers:
            yield operation
            return
        yield TaskSwitch("t0" if space == "kernel" else space)
    yield Touch(space, vaddr, pick(random, "rw"))
    yield operation
    yield Touch(space, vaddr, pick(random, "rwx"))


def _page_in(random: Random, state: KernelState, operation: Operation) -> tuple[str, int] | None:
    """The space of the region that an operation changes, and an address in a page that it may."""
    if isinstance(operation, VmWrite):  # of a space with kin: it may move the page
        space = state.spaces.get(operation.space)
        return (operation.space, operation.vaddr) if space and space.kin else None
    if not isinstance(operation, VmFree | VmProtect | VmResize):
        return None
    space = state.spaces.get(operation.space)
    region = space and region_at(space, operation.vaddr)
    if not region:
        return None
    last = region.length // FRAME_SIZE - 1
    page = pick(random, (0, last, random.randint(0, last)))
    return operation.space, region.base + page * FRAME_SIZE
