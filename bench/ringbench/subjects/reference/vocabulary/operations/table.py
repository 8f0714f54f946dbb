"""All layers, and all operations."""

from collections.abc import Iterator
from types import ModuleType
from typing import Final

from ringbench.subjects.reference.vocabulary.operations import (
    buddy,
    disk,
    file,
    heap,
    kmalloc,
    object,
    paging,
    pmm,
    slab,
    task,
    vmm,
)
from ringbench.subjects.reference.vocabulary.operations.base import Operation

LAYERS: Final = (
    *("pmm", "slab", "paging", "object", "vmm", "heap", "buddy", "kmalloc"),
    *("task", "disk", "file"),
)
"""The kernel's layers, bottom first: the order of every table."""


def _defined_in(layer: ModuleType) -> Iterator[type[Operation]]:
    """Yield the operations of a layer's file, in the order of their definition."""
    for each in vars(layer).values():
        if isinstance(each, type) and issubclass(each, Operation) and each is not Operation:
            yield each


OPERATIONS: Final = tuple(
    each
    for layer in (pmm, slab, paging, object, vmm, heap, buddy, kmalloc, task, disk, file)
    for each in _defined_in(layer)
)
"""Every operation's class, by layers, bottom first."""
