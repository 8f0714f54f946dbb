"""Who has which frame, by what a `[layout]` tells, and whether the kernel's bitmap agrees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ringbench.arch.x86_64.address import ADDRESS_END, PAGE_SHIFT, PAGE_SIZE
from ringbench.check.mismatch import Mismatch
from ringbench.observe.layout.pages import Pages, pages_behind
from ringbench.observe.layout.picture import LayoutPicture

LAYER: Final = "frames"
MOST: Final = 1 << 24
"""Frames that are told apart: those below 64 GiB."""

NOT_RAM, NO_BIT, FREE, USED, IMAGE, TABLE = range(6)
_NAMES: Final = ("not RAM", "no bit", "free", "used", "image", "page tables")


@dataclass(frozen=True, slots=True, eq=False)
class FrameOwners:
    """Whose each frame is; `owner` has by frame the place of its owner among `names`.

    `free` says of each frame whether its bit says that it is free.
    """

    names: tuple[str, ...]
    owner: NDArray[np.int32]
    free: NDArray[np.bool_]

    def totals(self) -> Iterator[tuple[str, int]]:
        """Yield each owner that has frames, with how many."""
        counts = np.bincount(self.owner, minlength=len(self.names)).tolist()
        yield from ((name, n) for name, n in zip(self.names, counts, strict=True) if n)

    def runs(self, which: NDArray[np.bool_] | None = None) -> Iterator[tuple[int, int, str]]:
        """Yield first frame, frame behind the last, and owner of each run, of some or all."""
        if not len(self.owner):
            return
        breaks = np.flatnonzero(self.owner[1:] != self.owner[:-1]) + 1
        if which is not None:
            breaks = np.union1d(breaks, np.flatnonzero(which[1:] != which[:-1]) + 1)
        starts = np.concatenate(([0], breaks)).tolist()
        for start, end in zip(starts, [*starts[1:], len(self.owner)], strict=True):
            if which is None or which[start]:
                yield start, end, self.names[self.owner[start]]


def frame_owners(picture: LayoutPicture) -> FrameOwners:
    """Return whose each frame is: what the page tables, heap and regions have, else by its bit."""
    frames = picture.frames
    last = max((end for _, end in picture.ram), default=0) >> PAGE_SHIFT
    limit = min(max(last, frames.first + frames.count if frames else 0), MOST)
    owner = np.full(limit, NOT_RAM, np.int32)
    for start, end in picture.ram:
        owner[-(-start // PAGE_SIZE) : end >> PAGE_SHIFT] = NO_BIT
    free = np.zeros(limit, np.bool_)
    if frames is not None and frames.count:
        bits = _bits(frames.free_bits, frames.count)[: max(limit - frames.first, 0)]
        told = slice(frames.first, frames.first + len(bits))
        free[told] = bits
        ram = owner[told] != NOT_RAM
        owner[told] = np.where(ram, np.where(bits, FREE, USED), NOT_RAM)
    _put(owner, np.fromiter(picture.image, np.uint64, len(picture.image)), IMAGE)
    names = list(_NAMES)
    for space in picture.spaces():
        for region in space.regions:
            if (
                region.physical is None
                and not region.guard
                and region.base < region.end <= ADDRESS_END
            ):
                found = picture.tables.get(space.root)
                if found is not None:
                    pages = pages_behind(found.leaves, region.base, region.end)
                    _claim(owner, names, f"regions of {space.name}", pages)
    kernel = picture.tables[picture.root].leaves
    for start, end in _heap_ranges(picture):
        _claim(owner, names, "heap", pages_behind(kernel, start, end))
    for tables in picture.tables.values():
        _put(owner, tables.tables.paddr >> np.uint64(PAGE_SHIFT), TABLE)
    return FrameOwners(tuple(names), owner, free)


def check_frames(picture: LayoutPicture) -> Iterator[Mismatch]:
    """The kernel's counts are those of its bits, and no frame is free that somebody has."""
    frames = picture.frames
    if frames is None or not frames.count:
        return
    for what, kernels, bits in (
        ("free frames", frames.kernels_free, frames.free),
        ("used frames", frames.kernels_used, frames.count - frames.free),
    ):
        if kernels is not None and kernels != bits:
            yield Mismatch(LAYER, what, f"{bits:,} by the bits", f"{kernels:,}", "the count")
    owners = frame_owners(picture)
    taken = owners.free & ~np.isin(owners.owner, (FREE, USED, NO_BIT))
    for start, end, name in owners.runs(taken):
        where = f"physical {start << PAGE_SHIFT:#x}..{(end << PAGE_SHIFT) - 1:#x}"
        yield Mismatch(LAYER, "bits of frames", f"used: {name}", "free", where)


def _heap_ranges(picture: LayoutPicture) -> Iterator[tuple[int, int]]:
    """Yield the ranges that the heap's nodes cover, neighbours in one."""
    every = picture.heap.nodes if picture.heap else ()
    nodes = sorted((n for n in every if n.end <= ADDRESS_END), key=lambda node: node.address)
    start = end = 0
    for node in nodes:
        if node.address > end or not end:
            if end > start:
                yield start, end
            start = node.address
        end = max(end, node.end)
    if end > start:
        yield start, end


def _bits(bits: int, count: int) -> NDArray[np.bool_]:
    data = np.frombuffer(bits.to_bytes((count + 7) // 8, "little"), np.uint8)
    return np.unpackbits(data, bitorder="little")[:count].astype(np.bool_)


def _claim(owner: NDArray[np.int32], names: list[str], name: str, pages: Pages) -> None:
    if name not in names:
        names.append(name)
    number = names.index(name)
    for paddr, length in zip(pages.paddr.tolist(), pages.length.tolist(), strict=True):
        part = owner[paddr >> PAGE_SHIFT : (paddr + length + PAGE_SIZE - 1) >> PAGE_SHIFT]
        part[part != NOT_RAM] = number


def _put(owner: NDArray[np.int32], frames: NDArray[np.uint64], number: int) -> None:
    owner[frames[frames < np.uint64(len(owner))].astype(np.int64)] = number
