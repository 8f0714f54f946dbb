"""The functions by which the kernel's layers ask each other, and how a call of one is said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

Say = Callable[[tuple[int, ...], Mapping[int, str]], str]
"""Makes words of a call's first four arguments, RDI, RSI, RDX, RCX, and of what is where."""


class Asked(NamedTuple):
    """A function of a layer; `say` makes words of what it is asked for."""

    layer: str
    say: Say


def _nothing(arguments: tuple[int, ...], known: Mapping[int, str]) -> str:
    return ""


def _cache(arguments: tuple[int, ...], known: Mapping[int, str]) -> str:
    return f"of cache {known.get(arguments[0], hex(arguments[0]))}"


def _bytes(arguments: tuple[int, ...], known: Mapping[int, str]) -> str:
    return f"{arguments[0]:,} bytes"


def _address(arguments: tuple[int, ...], known: Mapping[int, str]) -> str:
    return f"{arguments[0]:#x}"


def _in_space(arguments: tuple[int, ...], known: Mapping[int, str]) -> str:
    return f"{arguments[1]:#x}"


def _range(arguments: tuple[int, ...], known: Mapping[int, str]) -> str:
    return f"{arguments[2]:#x} bytes at {arguments[1]:#x}"


def _length(arguments: tuple[int, ...], known: Mapping[int, str]) -> str:
    return f"{arguments[1]:#x} bytes"


def _resized(arguments: tuple[int, ...], known: Mapping[int, str]) -> str:
    return f"{arguments[1]:#x} to {arguments[2]:#x} bytes"


def _frames(arguments: tuple[int, ...], known: Mapping[int, str]) -> str:
    return f"{arguments[1]} from {arguments[0]:#x}"


def _run(arguments: tuple[int, ...], known: Mapping[int, str]) -> str:
    return f"{arguments[0]} frames at a multiple of {arguments[1]:#x}"


def _number(arguments: tuple[int, ...], known: Mapping[int, str]) -> str:
    return str(arguments[0])


ASKED: Final[Mapping[str, Asked]] = MappingProxyType(
    {
        "pmm_alloc": Asked("pmm", _nothing),
        "pmm_alloc_2m": Asked("pmm", _nothing),
        "pmm_alloc_run": Asked("pmm", _run),
        "pmm_free": Asked("pmm", _frames),
        "slab_cache_create": Asked("slab", _nothing),
        "slab_cache_destroy": Asked("slab", _cache),
        "slab_alloc": Asked("slab", _cache),
        "slab_free": Asked("slab", lambda a, known: f"{a[1]:#x} {_cache(a, known)}"),
        "slab_free_any": Asked("slab", lambda arguments, _: f"{arguments[2]:#x}"),
        "paging_root_create": Asked("paging", _nothing),
        "paging_root_destroy": Asked("paging", _address),
        "paging_activate": Asked("paging", _address),
        "paging_map": Asked(
            "paging", lambda a, _: f"{a[3]:#x} bytes at {a[1]:#x} to physical {a[2]:#x}"
        ),
        "paging_unmap": Asked("paging", _range),
        "paging_protect": Asked("paging", _range),
        "paging_query": Asked("paging", _in_space),
        "paging_fill": Asked("paging", _range),
        "paging_fill_page": Asked("paging", _in_space),
        "paging_clear": Asked("paging", _range),
        "paging_reflag": Asked("paging", _range),
        "object_create": Asked("object", lambda arguments, _: f"{arguments[0]:#x} bytes"),
        "object_drop": Asked("object", _number),
        "vm_space_create": Asked("vmm", _nothing),
        "vm_space_destroy": Asked("vmm", _nothing),
        "vm_alloc": Asked("vmm", _length),
        "vm_alloc_at": Asked("vmm", _range),
        "vm_free": Asked("vmm", _in_space),
        "vm_protect": Asked("vmm", _in_space),
        "vm_resize": Asked("vmm", _resized),
        "vm_query": Asked("vmm", _in_space),
        "vm_read": Asked("vmm", _in_space),
        "vm_write": Asked("vmm", _in_space),
        "vm_copy": Asked("vmm", lambda a, _: f"to {a[1]:#x} from {a[3]:#x}"),
        "vm_fault": Asked("vmm", _address),
        "heap_alloc": Asked("heap", _bytes),
        "heap_zalloc": Asked("heap", _bytes),
        "heap_align": Asked("heap", lambda a, _: f"{a[1]:,} bytes at a multiple of {a[0]:#x}"),
        "heap_realloc": Asked("heap", lambda a, _: f"{a[1]:,} bytes"),
        "heap_free": Asked("heap", _address),
        "heap_check": Asked("heap", _nothing),
        "buddy_alloc": Asked("buddy", _bytes),
        "buddy_free": Asked("buddy", _address),
        "kmalloc": Asked("kmalloc", _bytes),
        "kfree": Asked("kmalloc", _address),
        "task_create": Asked("task", _nothing),
        "task_switch": Asked("task", _number),
        "task_destroy": Asked("task", _number),
    }
)
"""By name; a function that the compiler made part of its only caller can't be seen."""
