"""The tables `[layout]`: where a kernel keeps its memory management, by its own names.

Field names are the keys of the file; what has a default may be left out, and so may every table.
Texts that start at a variable are paths in the notation of C, pointers followed as needed:
`pmm.bitmap`, `kernel_space->regions`. Those about the members of a struct are expressions
(`ringbench.config.member_text`), in which `here` is the struct's address, `header` its size, and an
enumerator's name its value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, Final, TypeAlias

from ringbench.config.member_text import MemberText

PREFIX: Final = "layout."

Number: TypeAlias = int | str
"""A number, or the path of a variable that has it."""


@dataclass(frozen=True, slots=True)
class FramesLayout:
    """A bitmap of physical frames, a bit each, the lowest bit of a byte first.

    Attributes:
        bits: the bitmap: an array, or a pointer to its words.
        set: what a bit that is 1 says of its frame: "used" or "free".
        count: how many frames have a bit; of an array, all by default.
        base: the physical address of the first one.
        free, used: the kernel's own counts of frames.
    """

    bits: str
    set: str = "used"
    count: Number | None = None
    base: Number = 0
    free: str | None = None
    used: str | None = None


@dataclass(frozen=True, slots=True)
class HeapLayout:
    """A heap of nodes, each with a header, in a list or one behind the other.

    Attributes:
        first: the first node, or a pointer to it.
        size: a node's bytes, header included.
        node: the type of the header, if `first` does not have it.
        next, previous: pointers to the neighbours; without `next` each lies behind the one before.
        used, free: whether a node is; one of them.
        intact: what must be true of a header.
        end: where the last node ends; needed without `next`.
        merges: whether two free nodes are never neighbours.
        free_first: the first node of the list of free ones, a pointer or an array of such.
        free_next: the next on that list.
    """

    first: str
    size: MemberText
    node: str | None = None
    next: MemberText | None = None
    previous: MemberText | None = None
    used: MemberText | None = None
    free: MemberText | None = None
    intact: MemberText | None = None
    end: str | None = None
    merges: bool = False
    free_first: str | None = None
    free_next: MemberText | None = None


@dataclass(frozen=True, slots=True)
class SpacesLayout:
    """Address spaces, each a list of regions of virtual memory.

    Attributes:
        base: a region's first address.
        length, end: its bytes, or the address behind it; one of them.
        next, previous: pointers to its neighbours in the list.
        region: the type of a region, if `first` or `regions` do not have it.
        kernel: the kernel's own space, a struct or a pointer to it.
        regions: the first region of the kernel's, where it has no struct for its space.
        first, root, count: of a space's struct: the first region, the root table, how many regions
            there are.
        write, user, execute: whether a region's pages may be written, used by users, executed.
        physical: what its first address is mapped to, of regions where that is fixed; else -1.
        filled: whether all of its pages must be mapped.
        guard: whether none must be.
    """

    base: MemberText
    next: MemberText
    length: MemberText | None = None
    end: MemberText | None = None
    previous: MemberText | None = None
    region: str | None = None
    kernel: str | None = None
    regions: str | None = None
    first: MemberText | None = None
    root: MemberText | None = None
    count: MemberText | None = None
    write: MemberText | None = None
    user: MemberText | None = None
    execute: MemberText | None = None
    physical: MemberText | None = None
    filled: MemberText | None = None
    guard: MemberText | None = None


@dataclass(frozen=True, slots=True)
class TasksLayout:
    """A list of tasks, each with an address space.

    Attributes:
        first: the first task, or a pointer to it.
        next: a pointer to the next; NULL or the first task's address ends the list.
        task: the type of a task, if `first` does not have it.
        id: a task's number; by default its place in the list.
        space: its space, a struct within it or a pointer to one, as `[layout.spaces]` has it.
        root, regions: its root table and its first region, where it has no struct for its space.
        current: a pointer to the task that runs.
    """

    first: str
    next: MemberText
    task: str | None = None
    id: MemberText | None = None
    space: MemberText | None = None
    root: MemberText | None = None
    regions: MemberText | None = None
    current: str | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a kernel keeps its memory management; what is None, is not told."""

    frames: FramesLayout | None = None
    heap: HeapLayout | None = None
    spaces: SpacesLayout | None = None
    tasks: TasksLayout | None = None


PARTS: Final[Mapping[str, Callable[..., Any]]] = {
    "frames": FramesLayout,
    "heap": HeapLayout,
    "spaces": SpacesLayout,
    "tasks": TasksLayout,
}
"""Table -> what it becomes."""

ONE_OF: Final = {
    "heap": (("used", "free"), ("next", "end")),
    "spaces": (("length", "end"),),
}
"""Table -> keys of which it needs one."""


def tables(layout: Layout) -> dict[str, dict[str, object]]:
    """Return the tables that a layout stands for; empty ones for parts that are not told."""
    found: dict[str, dict[str, object]] = {}
    for part, kind in PARTS.items():
        told = getattr(layout, part)
        names = (each.name for each in fields(kind) if told is not None)  # type: ignore[arg-type]
        found[PREFIX + part] = {name: getattr(told, name) for name in names}
    return found


def build(checked: Mapping[str, Mapping[str, object]]) -> Layout:
    """Return what checked tables say.

    Raises:
        KeyError: a table lacks a key that it must have; the text is the key with its table.
    """
    parts: dict[str, object] = {}
    for part, kind in PARTS.items():
        table = checked[PREFIX + part]
        if not table:
            continue
        needed = [each.name for each in fields(kind) if each.default is MISSING]  # type: ignore[arg-type]
        for key in (each for each in needed if each not in table):
            raise KeyError(f"{PREFIX}{part}.{key}")
        for keys in ONE_OF.get(part, ()):
            if all(table.get(key) is None for key in keys):
                raise KeyError(f"{PREFIX}{part}.{keys[0]} (or .{keys[1]})")
        parts[part] = kind(**table)
    return Layout(**parts)  # type: ignore[arg-type]
