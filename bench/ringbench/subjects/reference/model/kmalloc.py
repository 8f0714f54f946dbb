"""Chained heaps: small requests to slab caches or not, the rest to the list or the buddies.

Each function of the kernel's has its name and returns (state, status, value).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ringbench.subjects.reference.model.buddy import buddy_alloc, buddy_free
from ringbench.subjects.reference.model.heap import heap_alloc, heap_free
from ringbench.subjects.reference.model.slab import slab_alloc, slab_free
from ringbench.subjects.reference.model.state import LIST_ALONE, Cache, Chain, KernelState
from ringbench.subjects.reference.vocabulary.constants import (
    DIRECT_MAP_BASE,
    DIRECT_MAP_SIZE,
    FRAME_SIZE,
    KMALLOC_SIZES,
    KMALLOC_SMALL,
)
from ringbench.subjects.reference.vocabulary.status import Status

OPTION: Final = "heap="

CHAINS: Final[Mapping[str, Chain]] = MappingProxyType(
    {
        "list": LIST_ALONE,
        "buddy": Chain(front=False, buddy=True),
        "slab+list": Chain(front=True, buddy=False),
        "slab+buddy": Chain(front=True, buddy=True),
    }
)
"""The chains by the word of the kernel's command line."""

DEFAULT: Final = CHAINS["slab+list"]


def chosen(command_line: str) -> Chain:
    """Return the chain that a command line chooses: by its first word of that key, if it is one."""
    words = command_line.split(" ")
    value = next((each[len(OPTION) :] for each in words if each.startswith(OPTION)), "")
    return CHAINS.get(value, DEFAULT)


def cache_of(size: int) -> str:
    """Return the name of the cache that serves a small request."""
    return f"kmalloc-{next(each for each in KMALLOC_SIZES if each >= size)}"


def caches(chain: Chain) -> dict[str, Cache]:
    """Return the front's caches, as they are after boot."""
    sizes = KMALLOC_SIZES if chain.front else ()
    return {cache_of(size): Cache(size, 8 if size < 16 else 16) for size in sizes}


def kmalloc(state: KernelState, size: int) -> tuple[KernelState, Status, int]:
    """Take `size` bytes, at least 1 and at most as many as the console allows; their address."""
    if state.chain.front and size <= KMALLOC_SMALL:
        return slab_alloc(state, cache_of(size))
    if not state.chain.buddy:
        return heap_alloc(state, size)
    state, status, address = buddy_alloc(state, size)
    return state, Status.NO_MEMORY if status else status, address


def kfree(state: KernelState, vaddr: int) -> tuple[KernelState, Status, None]:
    """Free what `kmalloc` gave."""
    if state.chain.front and 0 <= vaddr - DIRECT_MAP_BASE < DIRECT_MAP_SIZE:
        frame = (vaddr - DIRECT_MAP_BASE) & -FRAME_SIZE
        for size in KMALLOC_SIZES:
            if frame in state.caches[cache_of(size)].slabs:
                return slab_free(state, cache_of(size), vaddr)
        return state, Status.FOREIGN, None
    if vaddr == 0:
        return state, Status.OK, None
    return buddy_free(state, vaddr) if state.chain.buddy else heap_free(state, vaddr)
