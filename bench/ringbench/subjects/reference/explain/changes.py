"""What an operation changed, layer by layer: two pictures, before and after."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from ringbench.arch.x86_64.address import (
    LEVEL_NAMES,
    PAGE_SHIFT,
    PAGE_SIZE,
    entry_span,
    sign_extend,
)
from ringbench.arch.x86_64.entry import describe
from ringbench.observe.page_tables import without_processor_bits
from ringbench.subjects.reference.check.ownership import owners
from ringbench.subjects.reference.observe.buddy import block_place
from ringbench.subjects.reference.observe.picture import Picture
from ringbench.subjects.reference.vocabulary.constants import BUDDY_USED

SHOWN: Final = 12
"""Changes of one kind that are listed; one more says how many follow."""


class Change(NamedTuple):
    """A change, in words, and the layer whose state it is."""

    layer: str
    what: str


def changes(before: Picture, after: Picture) -> list[Change]:
    """Return all that differs, from the frames up."""
    found: list[Change] = []
    for layer, texts in (
        ("pmm", _frames(before, after)),
        ("slab", _objects(before, after)),
        ("paging", _entries(before, after)),
        ("vmm", _regions(before, after)),
        ("heap", _nodes(before, after)),
        ("buddy", _blocks(before, after)),
        ("task", _tasks(before, after)),
    ):
        listed = list(texts)
        found += [Change(layer, text) for text in listed[:SHOWN]]
        if len(listed) > SHOWN:
            found.append(Change(layer, f"and {len(listed) - SHOWN:,} more"))
    return found


def _frames(before: Picture, after: Picture) -> Iterator[str]:
    """Yield each frame that was taken or given back, and whose it is or was."""
    for words, bits, picture in (
        ("taken", before.pmm.free_bits & ~after.pmm.free_bits, after),
        ("given back", after.pmm.free_bits & ~before.pmm.free_bits, before),
    ):
        owned = owners(picture)
        while bits:
            frame = (bits & -bits).bit_length() - 1
            bits &= bits - 1
            whose = " and ".join(str(each) for each in owned.of(frame))
            yield f"frame {frame << PAGE_SHIFT:#x} {words}: {whose}"


def _objects(before: Picture, after: Picture) -> Iterator[str]:
    old, new = ({each.name: each for each in it.slabs.caches} for it in (before, after))
    for name in sorted(old.keys() | new.keys()):
        if name not in old or name not in new:
            yield f"cache {name} {'made' if name in new else 'gone'}"
            continue
        live = before.slabs.live(name), after.slabs.live(name)
        for vaddr in sorted(live[1] - live[0]):
            yield f"object {vaddr:#x} of cache {name} taken"
        for vaddr in sorted(live[0] - live[1]):
            yield f"object {vaddr:#x} of cache {name} freed"


def _entries(before: Picture, after: Picture) -> Iterator[str]:
    """Yield each entry that was written, without the bits that the processor sets."""
    places = {
        table.paddr: (root.name, table) for root in after.tables.roots for table in root.tables
    }
    gone = before.tables.entries.keys() - after.tables.entries.keys()
    for paddr in sorted(gone):
        yield f"table {paddr:#x} gone"
    empty = np.zeros(PAGE_SIZE // 8, np.uint64)
    for paddr, (name, table) in places.items():
        level = table.level
        new, old = (
            without_processor_bits(
                np.asarray(it.tables.entries.get(paddr, empty), np.uint64), level, after.features
            )
            for it in (after, before)
        )
        for index in np.flatnonzero(new != old).tolist():
            vaddr = sign_extend(table.vaddr + index * entry_span(level))
            entry = describe(int(new[index]), level)
            yield f"{name}: {LEVEL_NAMES[level]} {paddr:#x} entry {index} ({vaddr:#x}): {entry}"


def _regions(before: Picture, after: Picture) -> Iterator[str]:
    def all_of(picture: Picture) -> dict[tuple[str, int], tuple[int, str, int]]:
        return {
            (space.name, region.base): (region.length, region.kind, region.flags)
            for space in picture.spaces()
            for region in space.regions
        }

    yield from _differences("region", all_of(before), all_of(after), _region)


def _region(key: tuple[str, int], facts: tuple[int, str, int]) -> str:
    return f"{facts[1]}, {facts[0]:#x} bytes at {key[1]:#x} of {key[0]}"


def _nodes(before: Picture, after: Picture) -> Iterator[str]:
    def all_of(picture: Picture) -> dict[int, tuple[int, bool]]:
        return {node.address: (node.size, node.used) for node in picture.heap.nodes}

    yield from _differences("node", all_of(before), all_of(after), _node)


def _node(address: int, facts: tuple[int, bool]) -> str:
    return f"{address:#x}, {facts[0]:,} bytes {'used' if facts[1] else 'free'}"


def _blocks(before: Picture, after: Picture) -> Iterator[str]:
    yield from _differences("", before.buddy.blocks, after.buddy.blocks, _block)


def _block(offset: int, byte: int) -> str:
    order = byte & (BUDDY_USED - 1)
    return f"{block_place(offset)}, {1 << order:,} bytes {'used' if byte != order else 'free'}"


def _tasks(before: Picture, after: Picture) -> Iterator[str]:
    old, new = ({task.id: task.address for task in it.tasks.all} for it in (before, after))
    yield from _differences("task", old, new, lambda number, at: f"t{number} at {at:#x}")
    if before.tasks.current != after.tasks.current:
        yield f"t{after.tasks.current} is current"


def _differences(
    what: str, old: Mapping[Any, Any], new: Mapping[Any, Any], say: Callable[[Any, Any], str]
) -> Iterator[str]:
    """Yield what came, what went, and what is otherwise than it was."""
    for key in sorted(old.keys() | new.keys()):
        if key not in new:
            yield f"{what} {say(key, old[key])}: gone".lstrip()
        elif key not in old:
            yield f"{what} {say(key, new[key])}: made".lstrip()
        elif old[key] != new[key]:
            yield f"{what} {say(key, new[key])}: was {say(key, old[key])}".lstrip()
