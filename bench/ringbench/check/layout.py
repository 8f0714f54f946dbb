"""What a kernel owes its own structures, as far as `[layout]` describes them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final

from ringbench.check.layout_frames import check_frames
from ringbench.check.layout_heap import check_heap
from ringbench.check.layout_spaces import check_spaces
from ringbench.check.mismatch import Mismatch
from ringbench.observe.layout.picture import LayoutPicture

PARTS: Final[Mapping[str, Callable[[LayoutPicture], Iterator[Mismatch]]]] = {
    "frames": check_frames,
    "heap": check_heap,
    "spaces": check_spaces,
}
"""Part of a layout, tasks with the spaces -> what looks for what is wrong with it."""


def check_layout(picture: LayoutPicture, parts: Collection[str] = tuple(PARTS)) -> list[Mismatch]:
    """Return what is wrong with some parts of what a kernel keeps, by default with all of it."""
    broken = [
        Mismatch(each.layer, "structure", "can be followed", each.what, each.where)
        for each in picture.broken
        if each.layer in parts
    ]
    return broken + [each for part in parts for each in PARTS[part](picture)]
