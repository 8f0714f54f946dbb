"""The console's own part of the commands: handles, lent frames, bare roots, and what it refuses.

A refusal is an exception, `Refused`.
"""

from typing import Final

from ringbench.subjects.reference.model.disk import disk_owns
from ringbench.subjects.reference.model.object import object_find
from ringbench.subjects.reference.model.state import KernelState, replace
from ringbench.subjects.reference.vocabulary.constants import CONSOLE_CACHES, FRAME_SIZE
from ringbench.subjects.reference.vocabulary.handles import (
    BOOT_TASK,
    KERNEL,
    cache_name,
    is_bare_root,
    is_task,
    number_of,
)
from ringbench.subjects.reference.vocabulary.status import Refused, Status

_BIT_63: Final = 1 << 63


def lend(state: KernelState, base: int, count: int) -> KernelState:
    """Note that frames were given to the console's user."""
    lent = state.console.lent.with_run(base // FRAME_SIZE, count)
    return replace(state, console=replace(state.console, lent=lent))


def take_back(state: KernelState, base: int, count: int) -> KernelState:
    """Note that frames came back; refuse those that were not lent."""
    first, lent = base // FRAME_SIZE, state.console.lent
    if not lent.has_all(first, count):
        raise Refused(Status.DENIED)
    return replace(state, console=replace(state.console, lent=lent.without_run(first, count)))


def with_root(state: KernelState, number: int, root: int | None) -> KernelState:
    """Return the state with a bare root's handle set, or free again."""
    roots = list(state.console.roots)
    roots[number] = root
    return replace(state, console=replace(state.console, roots=tuple(roots)))


def any_root(state: KernelState, handle: str) -> int:
    """Return the root that a handle names; refuse one that is not there."""
    root = state.root_of(handle)
    if root is None:
        raise Refused(Status.NOT_FOUND)
    return root


def bare_root(state: KernelState, handle: str) -> int:
    """Return the bare root that a handle names; refuse every other."""
    root = any_root(state, handle)
    if not is_bare_root(handle):
        raise Refused(Status.DENIED)
    return root


def lower_half(root: int, va: int) -> int:
    """Return `root`; refuse an address of the upper half, which all roots share."""
    if va & _BIT_63:
        raise Refused(Status.DENIED)
    return root


def space_name(state: KernelState, handle: str) -> str:
    """Return the name of the space that a handle names; the boot task has none."""
    if handle != KERNEL and not is_task(handle):
        raise Refused(Status.SYNTAX)
    if handle == BOOT_TASK:
        raise Refused(Status.DENIED)
    if handle not in state.spaces:
        raise Refused(Status.NOT_FOUND)
    return handle


def disk_number(state: KernelState, handle: str) -> int:
    """Return the number of the disk that a handle names; refuse one that is not there."""
    number = number_of(handle)
    if number >= len(state.disks):
        raise Refused(Status.NOT_FOUND)
    return number


def file_number(state: KernelState, handle: str) -> int:
    """Return the number of the open file that a handle names; refuse one that is not open."""
    number = number_of(handle)
    if number not in state.files:
        raise Refused(Status.NOT_FOUND)
    return number


def object_number(state: KernelState, handle: str) -> int:
    """Return the id of the memory object that a handle names; refuse one that is not there."""
    number = number_of(handle)
    if object_find(state, number) is None:
        raise Refused(Status.NOT_FOUND)
    return number


def no_registers(state: KernelState, va: int, space: str = KERNEL) -> None:
    """Refuse an address in the registers of a disk, which are in the kernel's space."""
    if space == KERNEL and disk_owns(state, va):
        raise Refused(Status.DENIED)


def unused_cache(state: KernelState) -> int:
    """Return the lowest number of a slab cache that is not in use."""
    for number in range(CONSOLE_CACHES):
        if cache_name(number) not in state.caches:
            return number
    raise Refused(Status.NO_SPACE)


def cache_of(state: KernelState, number: int) -> str:
    """Return the name of the console's slab cache of that number."""
    name = cache_name(number)
    if name not in state.caches:
        raise Refused(Status.NOT_FOUND)
    return name
