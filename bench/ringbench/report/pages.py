"""Address spaces and translations: tables for people, plain data for programs.

Only a table for people loads what draws tables.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from ringbench.arch.x86_64.address import LEVEL_NAMES, SIZE_1G, SIZE_2M, SIZE_4K
from ringbench.arch.x86_64.leaves import Leaves, Ranges
from ringbench.arch.x86_64.records import Leaf, Problem, Range, Step, Translation
from ringbench.arch.x86_64.tables import AddressSpace
from ringbench.report.tables import SHOWN, exact_length, rest, rounded_length

if TYPE_CHECKING:
    from rich.console import RenderableType

_SIZE_NAMES: Final = {SIZE_4K: "4K", SIZE_2M: "2M", SIZE_1G: "1G"}


def pages_table(space: AddressSpace, *, leaves: bool) -> RenderableType:
    """The mapped ranges, or with `leaves` every page, between a summary and the problems."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    ranges = space.leaves.merged()
    rows: Ranges | Leaves = space.leaves if leaves else ranges
    table = Table()
    table.add_column("virtual", no_wrap=True)
    table.add_column("to", no_wrap=True)
    table.add_column("physical", justify="right", no_wrap=True)
    table.add_column("length", justify="right", no_wrap=True)
    table.add_column("page", no_wrap=True)
    table.add_column("rights", no_wrap=True)
    table.add_column("cache", no_wrap=True)
    shown: Iterator[Range | Leaf] = islice(rows, SHOWN)
    for each in shown:
        length = each.length if isinstance(each, Range) else each.size
        page_size = each.page_size if isinstance(each, Range) else each.size
        table.add_row(
            f"{each.vaddr:016x}",
            f"{each.vaddr + length - 1:016x}",
            f"{each.paddr:x}",
            exact_length(length),
            _SIZE_NAMES[page_size],
            each.permissions + ("g" if each.global_ else ""),
            each.cache.value,
        )
    return Group(Text(_headline(space, len(ranges))), table, *_notes(space, len(rows)))


def _headline(space: AddressSpace, ranges: int) -> str:
    mapped = int(space.leaves.size.sum())
    tables = ", ".join(
        f"{count} {LEVEL_NAMES[level]}" for level, count in space.tables.counts().items() if count
    )
    return (
        f"root {space.root:#x}: {rounded_length(mapped)} mapped in {len(space.leaves)} pages, "
        f"{ranges} ranges; tables: {tables or 'none'}"
    )


def _notes(space: AddressSpace, rows: int) -> Iterator[RenderableType]:
    from rich.text import Text

    yield from rest(rows)
    for problem in space.problems[:SHOWN]:
        yield Text(f"problem: {problem}", style="red")
    yield from rest(len(space.problems), what=" problems")


def pages_json(space: AddressSpace, *, leaves: bool) -> dict[str, Any]:
    """What a root maps as plain data: every page under `leaves`, or merged under `ranges`."""
    data: dict[str, Any] = {"root": f"{space.root:#x}"}
    if leaves:
        data["leaves"] = [_leaf_json(leaf) for leaf in space.leaves]
    else:
        data["ranges"] = [_range_json(each) for each in space.leaves.merged()]
    data["leaf_count"] = len(space.leaves)
    data["tables"] = {LEVEL_NAMES[level]: count for level, count in space.tables.counts().items()}
    data["problems"] = [_problem_json(problem) for problem in space.problems]
    return data


def _range_json(each: Range) -> dict[str, Any]:
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


def _leaf_json(leaf: Leaf) -> dict[str, Any]:
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


def _problem_json(problem: Problem) -> dict[str, Any]:
    return {
        "problem": problem.stop.value,
        "virtual": problem.vaddr,
        "length": problem.length,
        "level": problem.level,
        "table": problem.table,
        "index": problem.index,
        "raw": problem.raw,
    }


def translation_table(walk: Translation) -> RenderableType:
    """The walk level by level, and what comes of it."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table()
    table.add_column("level", no_wrap=True)
    table.add_column("table", justify="right", no_wrap=True)
    table.add_column("index", justify="right", no_wrap=True)
    table.add_column("entry", justify="right", no_wrap=True)
    table.add_column("meaning")
    for step in walk.steps:
        table.add_row(
            LEVEL_NAMES[step.level],
            f"{step.table:#x}",
            f"{step.index}",
            f"{step.entry.raw:#018x}",
            str(step.entry),
        )
    headline = Text(f"{walk.vaddr:#x} under root {walk.root:#x}")
    return Group(headline, table, Text(verdict(walk), style="green" if walk.leaf else "red"))


def verdict(walk: Translation) -> str:
    """One line: the physical address with the page's rights, or why there is none."""
    leaf = walk.leaf
    if leaf is None:
        return f"{walk.vaddr:#x}: {walk.reason}"
    return (
        f"{walk.vaddr:#x} -> {walk.paddr:#x}: {_SIZE_NAMES[leaf.size]} page "
        f"{leaf.vaddr:#x} -> {leaf.paddr:#x}, {leaf.permissions}, {leaf.cache.value}"
        + (", global" if leaf.global_ else "")
    )


def translation_json(walk: Translation) -> dict[str, Any]:
    """The walk as plain data; `page` and `physical` are null where nothing is mapped."""
    return {
        "root": f"{walk.root:#x}",
        "virtual": walk.vaddr,
        "physical": walk.paddr,
        "page": _leaf_json(walk.leaf) if walk.leaf else None,
        "reason": walk.reason or None,
        "level": walk.level,
        "levels": [_step_json(step) for step in walk.steps],
    }


def _step_json(step: Step) -> dict[str, Any]:
    entry = step.entry
    return {
        "level": step.level,
        "name": LEVEL_NAMES[step.level],
        "table": step.table,
        "index": step.index,
        "raw": entry.raw,
        "present": entry.present,
        "write": entry.write,
        "user": entry.user,
        "no_execute": entry.no_execute,
        "leaf": entry.leaf and entry.present,
        "address": entry.address,
        "reserved": entry.reserved,
        "text": str(entry),
    }


def json_lines(data: dict[str, Any]) -> Iterator[str]:
    """Yield an object as JSON text, each element of its lists on a line of its own.

    Of a million pages that is written and read far faster than what an indenting writer makes.
    """
    last = len(data) - 1
    yield "{"
    for position, (name, value) in enumerate(data.items()):
        comma = "" if position == last else ","
        if isinstance(value, list) and value:
            yield f"  {json.dumps(name)}: ["
            for each in value[:-1]:
                yield f"    {json.dumps(each)},"
            yield f"    {json.dumps(value[-1])}"
            yield f"  ]{comma}"
        else:
            yield f"  {json.dumps(name)}: {json.dumps(value)}{comma}"
    yield "}"
