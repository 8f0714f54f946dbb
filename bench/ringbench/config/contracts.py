"""The tables `[contracts]`: how a kernel's own allocators are called, one value a layer.

Field names are the keys of the file; what has a default may be left out, and so may every layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Final

from ringbench.config.call_text import CallText

PREFIX: Final = "contracts."


@dataclass(frozen=True, slots=True)
class HeapCalls:
    """How the heap is called.

    Attributes:
        alloc, free: the calls without which there is no heap.
        zalloc, aligned, realloc, usable: those that not every heap has.
        none: what the former return where there is no memory.
        align: what every block is aligned to; None for what the C standard asks of any size.
        aligned_to: what `aligned` aligns blocks to, if it is not told.
        largest: bytes that are asked for at most, huge sizes aside.
        merges: whether what was given back can be had again in any size: free blocks are merged.
        undoes: whether a call that is refused gives back the frames that it got on the way.
        exhaust: whether the heap may be asked for more than it has.
        misuse: mistakes that the kernel promises to survive.
    """

    alloc: CallText
    free: CallText
    zalloc: CallText | None = None
    aligned: CallText | None = None
    realloc: CallText | None = None
    usable: CallText | None = None
    none: int = 0
    align: int | None = None
    aligned_to: int | None = None
    largest: int = 1 << 20
    merges: bool = False
    undoes: bool = False
    exhaust: bool = True
    misuse: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FramesCalls:
    """How the frame allocator is called.

    Attributes:
        alloc, free: of one frame.
        alloc_run, free_run: of several in a row: `{count}` of them, or so many `{bytes}`.
        count: a variable, or a call without arguments, that moves by one with each frame.
        none: what is returned where there is no frame.
        address: what a frame is named by: its "physical" address, a "virtual" one that is mapped to
            it, or its "number". If it is given back by another name, `free` has `{physical}` or
            `{number}` in place of `{frame}`.
        size: bytes of a frame; its number is its address divided by that.
        keeps_modules: whether Multiboot modules stay in use, where they were loaded.
        exhaust, misuse: as for the heap.
    """

    alloc: CallText
    free: CallText
    alloc_run: CallText | None = None
    free_run: CallText | None = None
    count: CallText | str | None = None
    none: int = 0
    address: str = "physical"
    size: int = 1 << 12
    keeps_modules: bool = False
    exhaust: bool = True
    misuse: tuple[str, ...] = ()

    @property
    def renames(self) -> bool:
        """Whether frames are given back by another name than that by which they are got."""
        calls = (self.free, self.free_run)
        return any({"physical", "number"} & {*call.names} for call in calls if call is not None)

    def names(self, handle: int) -> dict[str, int]:
        """Return what the placeholders for a frame stand for, given what `alloc` calls it."""
        physical = handle * self.size if self.address == "number" else handle
        return {"frame": handle, "physical": physical, "number": physical // self.size}


@dataclass(frozen=True, slots=True)
class PagesCalls:
    """How pages of 4 KiB are mapped, in the space that the processor uses.

    Attributes:
        map, unmap: the calls without which there are no pages.
        protect, translate: those that not every kernel has.
        range: the first virtual address that may be used, and the one behind the last.
        ok: what the first three return if they have done it; None if they do not say.
        translated: what it returns: an "address", which may be the page's; the "exact" one, offset
            within the page and all; or the "entry" of the table, rights and all.
        not_mapped: what `translate` returns where nothing is mapped.
        always, write, user, no_execute: parts of `{flags}`; of a right that is 0, nothing is known.
        undoes, misuse: as for the heap.
    """

    map: CallText
    unmap: CallText
    range: tuple[int, int]
    protect: CallText | None = None
    translate: CallText | None = None
    ok: int | None = None
    translated: str = "address"
    not_mapped: int = 0
    always: int = 0
    write: int = 1 << 1
    user: int = 1 << 2
    no_execute: int = 1 << 63
    undoes: bool = False
    misuse: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RegionsCalls:
    """How regions are called: memory of whole pages that is mapped for whoever asks.

    A kernel that has one region which grows and shrinks at its end is told `{old}` and `{new}`, the
    ends before and after: what it grows by is then a region, and the last one is given back first.

    Attributes:
        alloc, free: the calls without which there are no regions.
        space: what `{space}` stands for: the value of a variable, its address if it is written
            `&name`, or what a call without placeholders returns. It is the space in use.
        base: where the region that grows begins.
        none: what `alloc` returns where there is no memory.
        demand: whether pages come with the first access.
        zeroed: whether what was got is all zeros.
        always, write, user, no_execute: as for pages.
        largest: bytes that are asked for at most.
        undoes, exhaust: as for the heap.
    """

    alloc: CallText
    free: CallText
    space: CallText | str | None = None
    base: int = 0
    none: int = 0
    demand: bool = False
    zeroed: bool = False
    always: int = 0
    write: int = 1 << 1
    user: int = 1 << 2
    no_execute: int = 1 << 63
    largest: int = 1 << 20
    undoes: bool = False
    exhaust: bool = True

    @property
    def grows(self) -> bool:
        """Whether it is one region that grows and shrinks at its end."""
        return "new" in self.alloc.names

    @property
    def has_rights(self) -> bool:
        """Whether rights can be asked for."""
        return "flags" in self.alloc.names


@dataclass(frozen=True, slots=True)
class Contracts:
    """How a kernel's functions are called; what is None, the kernel does not have.

    Attributes:
        at: the function whose caller makes the calls; None where the kernel is ready.
        interrupts: whether they are on during calls.
    """

    at: str | None = None
    interrupts: bool = False
    frames: FramesCalls | None = None
    heap: HeapCalls | None = None
    pages: PagesCalls | None = None
    regions: RegionsCalls | None = None


LAYERS: Final[
    Mapping[str, type[FramesCalls] | type[HeapCalls] | type[PagesCalls] | type[RegionsCalls]]
] = {
    "frames": FramesCalls,
    "pages": PagesCalls,
    "regions": RegionsCalls,
    "heap": HeapCalls,
}
"""Layer -> what describes it; lowest first."""


def tables(contracts: Contracts) -> dict[str, dict[str, object]]:
    """Return the tables that these contracts stand for; those of layers that there are."""
    found: dict[str, dict[str, object]] = {
        "contracts": {"at": contracts.at, "interrupts": contracts.interrupts}
    }
    for layer in LAYERS:
        calls = getattr(contracts, layer)
        found[PREFIX + layer] = (
            {}
            if calls is None
            else {each.name: getattr(calls, each.name) for each in fields(calls)}
        )
    return found


def build(checked: Mapping[str, Mapping[str, object]]) -> Contracts:
    """Return what checked tables say; a layer whose table is empty is none.

    Raises:
        KeyError: a table lacks a key that it must have; the text is the key with its table.
    """
    layers: dict[str, object] = {}
    for layer, kind in LAYERS.items():
        table = checked[PREFIX + layer]
        if not table:
            continue
        for key in (each.name for each in fields(kind) if each.default is MISSING):
            if key not in table:
                raise KeyError(f"{PREFIX}{layer}.{key}")
        layers[layer] = kind(**table)  # type: ignore[arg-type]
    return Contracts(**checked["contracts"], **layers)  # type: ignore[arg-type]
