"""Pages, ranges and findings by the hundred thousand as JSON text, made from columns.

Each text is what `json.dumps` makes of `leaf_json`, `range_json` and `finding_json`, and takes a
part of the time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from ringbench.arch.x86_64.leaves import Flags, Leaves, Ranges
from ringbench.arch.x86_64.records import Leaf, Range
from ringbench.observe.page_findings import Finding, Findings

_BATCH: Final = 1 << 15
"""Texts made at a time."""


def leaf_json(leaf: Leaf) -> dict[str, Any]:
    """One page as plain data."""
    return {
        "virtual": leaf.vaddr,
        "physical": leaf.paddr,
        "length": leaf.size,
        "page_size": leaf.size,
        "write": leaf.write,
        "user": leaf.user,
        "execute": leaf.execute,
        "global": leaf.global_,
        "cache": leaf.cache.value,
        "accessed": leaf.accessed,
        "dirty": leaf.dirty,
        "raw": leaf.raw,
    }


def range_json(each: Range) -> dict[str, Any]:
    """One range as plain data."""
    return {
        "virtual": each.vaddr,
        "physical": each.paddr,
        "length": each.length,
        "page_size": each.page_size,
        "write": each.write,
        "user": each.user,
        "execute": each.execute,
        "global": each.global_,
        "cache": each.cache.value,
    }


def finding_json(finding: Finding) -> dict[str, Any]:
    """One finding as plain data."""
    return {
        "what": finding.kind.value,
        "virtual": finding.vaddr,
        "length": finding.length,
        "physical": finding.paddr,
    }


def leaf_texts(leaves: Leaves) -> Iterator[str]:
    """Yield the JSON text of each page."""
    for start in range(0, len(leaves), _BATCH):
        part = leaves.pick(slice(start, start + _BATCH))
        state = (_words(part.accessed), _words(part.dirty), part.raw.tolist())
        yield from _texts(leaf_json(next(iter(part))), (*_shared(part, part.size), *state))


def range_texts(ranges: Ranges) -> Iterator[str]:
    """Yield the JSON text of each range."""
    for start in range(0, len(ranges), _BATCH):
        which = slice(start, start + _BATCH)
        part = Ranges(ranges.heads.pick(which), ranges.length[which])
        yield from _texts(range_json(next(iter(part))), _shared(part.heads, part.length))


def finding_texts(found: Findings) -> Iterator[str]:
    """Yield the JSON text of each finding of a kind."""
    heads, length = found.ranges.heads, found.ranges.length
    if len(length):
        kind = [json.dumps(found.kind.value)] * len(length)
        columns = (kind, heads.vaddr.tolist(), length.tolist(), heads.paddr.tolist())
        yield from _texts(finding_json(next(iter(found))), columns)
    yield from (json.dumps(finding_json(each)) for each in found.others)


def _shared(part: Leaves, length: Any) -> tuple[Sequence[object], ...]:
    """Return the columns that pages and ranges have in common, in the order of their keys."""
    modes = [json.dumps(mode.value) for mode in part.modes]
    return (
        part.vaddr.tolist(),
        part.paddr.tolist(),
        length.tolist(),
        part.size.tolist(),
        _words(part.write),
        _words(part.user),
        _words(part.execute),
        _words(part.global_),
        [modes[index] for index in part.cache.tolist()],
    )


def _words(flags: Flags) -> Sequence[object]:
    words: list[object] = np.where(flags, "true", "false").tolist()
    return words


def _texts(example: dict[str, Any], columns: Sequence[Sequence[object]]) -> Iterator[str]:
    """Yield a text for each row of the columns; `example` has the keys, in the same order."""
    line = "{" + ", ".join(f"{json.dumps(key)}: %s" for key in example) + "}"
    return map(line.__mod__, zip(*columns, strict=True))
