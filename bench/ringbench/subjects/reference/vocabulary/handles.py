"""Handles: what the console calls spaces, roots, tasks and disks.

`t1` is a task, and stands for its space and for the root of that too; `r0` is a bare root, which
has neither; `kernel` is the kernel's window and root; `d0` is a disk, `f0` an
open file; `o0` is a memory object.
"""

from typing import Final

KERNEL: Final = "kernel"
BOOT_TASK: Final = "t0"
"""The task that boots: it runs on the kernel's root and has no space of its own."""


def task_handle(number: int) -> str:
    """Return the handle of a task: `t1`."""
    return f"t{number}"


def root_handle(number: int) -> str:
    """Return the handle of a bare root: `r0`."""
    return f"r{number}"


def disk_handle(number: int) -> str:
    """Return the handle of a disk: `d0`."""
    return f"d{number}"


def file_handle(number: int) -> str:
    """Return the handle of an open file: `f0`."""
    return f"f{number}"


def object_handle(number: int) -> str:
    """Return the handle of a memory object: `o0`."""
    return f"o{number}"


def is_task(handle: str) -> bool:
    """Tell whether a handle is a task's."""
    return handle.startswith("t")


def is_bare_root(handle: str) -> bool:
    """Tell whether a handle is a bare root's."""
    return handle.startswith("r")


def number_of(handle: str) -> int:
    """Return the number in a handle, which is not the kernel's: 3 of `t3`."""
    return int(handle[1:])


def cache_name(number: int) -> str:
    """Return the name of the console's slab cache of that number."""
    return f"c{number}"


def cache_number(name: str) -> int:
    """Return the number of the console's slab cache of that name."""
    return int(name[1:])
