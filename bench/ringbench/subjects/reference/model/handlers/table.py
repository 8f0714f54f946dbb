"""What performs each operation on a state."""

from typing import Final

from ringbench.subjects.reference.model.handlers import (
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

HANDLERS: Final = {
    **pmm.HANDLERS,
    **slab.HANDLERS,
    **paging.HANDLERS,
    **object.HANDLERS,
    **vmm.HANDLERS,
    **heap.HANDLERS,
    **buddy.HANDLERS,
    **kmalloc.HANDLERS,
    **task.HANDLERS,
    **disk.HANDLERS,
    **file.HANDLERS,
}
"""Operation -> its function, in the order of the table of operations."""
