"""All rules by name: those of each layer, and those that hold for every call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ringbench.subjects.contracts.frames import rules as frames
from ringbench.subjects.contracts.heap import rules as heap
from ringbench.subjects.contracts.pages import rules as pages
from ringbench.subjects.contracts.regions import rules as regions
from ringbench.subjects.contracts.rule import MEMORY, RETURNS, Owed
from ringbench.subjects.contracts.starve import UNDONE

ANY: Final = "any"
"""In place of a layer, where a rule is every layer's."""

ALL: Final[Mapping[str, tuple[Owed, ...]]] = {
    ANY: (RETURNS, MEMORY, UNDONE),
    "frames": (*frames.RULES, frames.ALL_BACK),
    "pages": (*pages.RULES, pages.REFUSED, pages.OTHERS, pages.ROUNDS),
    "regions": (*regions.RULES, regions.ROUNDS),
    "heap": (*heap.RULES, heap.ROUNDS, heap.ALL_BACK, heap.MERGED, heap.REFUSED),
}
"""Layer -> what is owed there."""
