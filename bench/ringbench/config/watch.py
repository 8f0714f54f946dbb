"""The tables `[watch]`: an allocator's functions whose calls are watched.

`[contracts]` says the same of functions that the bench calls itself; where a table is missing
here, what is there is watched. Here there may be several functions of each kind, and results may be
put where an argument points to, `{result}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

from ringbench.config.call_text import CallText
from ringbench.config.contracts import Contracts

PREFIX: Final = "watch."
SANITIZERS: Final = ("heap", "frames", "translations", "stacks")
"""Each finds faults, and finds none in a kernel that has none."""

ALL: Final = "all"
"""In `machine.watch`: all of these that the configuration has enough for."""

RESULT: Final = "result"


@dataclass(frozen=True, slots=True)
class WatchedCall:
    """A function, and how many frames it is always about, where no argument says."""

    call: CallText
    count: int = 1


Calls = tuple[WatchedCall, ...]


@dataclass(frozen=True, slots=True)
class WatchedAllocator:
    """An allocator's functions.

    Attributes:
        alloc, zalloc: what hands out memory, and memory that is zeroed.
        realloc: what changes the size of a block, which may move.
        free: what takes it back.
        usable: what says how much of a block may be used.
        none: what they return, or put into `{result}`, where there is no memory.
        ok: what those return that say whether they have done it; None: they do not.
        refuses: whether what is wrongly given back is refused, so that it is no mistake.
        address: what frames are named by, as in `[contracts.frames]`.
        own: more of the allocator's functions, or their source files: "check.c". What these and the
            files of the functions above do is not judged.
    """

    alloc: Calls = ()
    zalloc: Calls = ()
    realloc: Calls = ()
    free: Calls = ()
    usable: Calls = ()
    none: int = 0
    ok: int | None = None
    refuses: bool = False
    address: str = "physical"
    own: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Watch:
    """What is told of allocators here; None: `[contracts]` may have it."""

    heap: WatchedAllocator | None = None
    frames: WatchedAllocator | None = None


def of_contracts(contracts: Contracts) -> Watch:
    """Return what `[contracts]` says of the same functions."""
    heap, frames = contracts.heap, contracts.frames

    def all_of(*calls: CallText | None) -> Calls:
        return tuple(WatchedCall(each) for each in calls if each is not None)

    return Watch(
        heap=None
        if heap is None
        else WatchedAllocator(
            alloc=all_of(heap.alloc, heap.aligned),
            zalloc=all_of(heap.zalloc),
            realloc=all_of(heap.realloc),
            free=all_of(heap.free),
            usable=all_of(heap.usable),
            none=heap.none,
            refuses=bool({"double-free", "foreign-free"} & set(heap.misuse)),
        ),
        frames=None
        if frames is None
        else WatchedAllocator(
            alloc=all_of(frames.alloc, frames.alloc_run),
            free=all_of(frames.free, frames.free_run),
            none=frames.none,
            refuses="double-free" in frames.misuse,
            address=frames.address,
        ),
    )


def with_all(
    names: tuple[str, ...], told: Watch, contracts: Contracts, *, moves: bool
) -> tuple[str, ...]:
    """Return what is watched, with what "all" is for a kernel.

    `moves` says that nobody knows before the boot where it will be.
    """
    if ALL not in names:
        return names
    lacking = lacking_of(told, contracts, moves=moves)
    return tuple(dict.fromkeys((*names, *(each for each in SANITIZERS if each not in lacking))))


def lacking_of(told: Watch, contracts: Contracts, *, moves: bool) -> dict[str, str]:
    """Return why something cannot be watched, by its name."""
    if moves:
        why = 'with kernel.slide = "auto" nobody knows before the boot where functions will be'
        return dict.fromkeys(("heap", "frames", "stacks"), why)
    return {
        name: f"neither [contracts.{name}] nor [watch.{name}] says what its functions are called"
        for name in ("heap", "frames")
        if getattr(told, name) is None and getattr(contracts, name) is None
    }


def tables(watch: Watch) -> dict[str, dict[str, object]]:
    """Return the tables that this stands for."""
    return {
        f"{PREFIX}{name}": {each.name: getattr(told, each.name) for each in fields(told)}
        if told is not None
        else {}
        for name, told in (("heap", watch.heap), ("frames", watch.frames))
    }


def build(checked: Mapping[str, Mapping[str, object]]) -> Watch:
    """Return what checked tables say; a table that is empty is none."""
    told = {
        name: WatchedAllocator(**checked[PREFIX + name])  # type: ignore[arg-type]
        for name in ("heap", "frames")
        if checked[PREFIX + name]
    }
    return Watch(**told)
