"""Address spaces: a table for people, plain data for programs.

All numbers in JSON are integers, addresses as well. Only a table for people loads what draws
tables.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final

from ringbench.arch.x86_64.address import LEVEL_NAMES, SIZE_NAMES
from ringbench.arch.x86_64.leaves import Leaves, Ranges
from ringbench.arch.x86_64.records import Leaf, Problem, Range, RecursiveSlot
from ringbench.arch.x86_64.tables import AddressSpace
from ringbench.observe.page_findings import Findings
from ringbench.observe.page_selection import Selection
from ringbench.report.page_texts import finding_texts, leaf_texts, range_texts
from ringbench.report.tables import SHOWN, exact_length, rest, rounded_length

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

_SHOWN_FINDINGS: Final = 8
"""Findings of a kind that the table has; JSON has all of them."""


@dataclass(frozen=True, slots=True, eq=False)
class PageList:
    """What is said of an address space.

    Attributes:
        space: everything under the root.
        selection: which pages are wanted.
        leaves: those pages.
        findings: what is to be said of them.
        each: whether every page is listed, and not ranges of them.
    """

    space: AddressSpace
    selection: Selection
    leaves: Leaves
    findings: tuple[Findings, ...]
    each: bool

    def ranges(self) -> Ranges:
        """Return the pages as ranges."""
        return self.selection.cut(self.leaves.merged())


def pages_table(pages: PageList) -> RenderableType:
    """The mapped ranges, or every page, between a summary and what is to be said of them."""
    from rich.console import Group
    from rich.table import Table

    ranges = pages.ranges()
    rows: Ranges | Leaves = pages.leaves if pages.each else ranges
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
            SIZE_NAMES[page_size],
            each.permissions + ("g" if each.global_ else ""),
            each.cache.value,
        )
    return Group(*_head(pages, ranges), table, *_notes(pages, len(rows)))


def _head(pages: PageList, ranges: Ranges) -> Iterator[Text]:
    from rich.text import Text

    space = pages.space
    mapped = int(ranges.length.sum())
    tables = ", ".join(
        f"{count} {LEVEL_NAMES[level]}" for level, count in space.tables.counts().items() if count
    )
    yield Text(
        f"root {space.root:#x}: {rounded_length(mapped)} mapped in {len(pages.leaves)} pages, "
        f"{len(ranges)} ranges; tables: {tables or 'none'}"
    )
    if wanted := str(pages.selection):
        yield Text(f"only pages {wanted}: {len(pages.leaves)} of {len(space.leaves)}")


def _notes(pages: PageList, rows: int) -> Iterator[RenderableType]:
    from rich.text import Text

    space = pages.space
    yield from rest(rows)
    for slot in space.recursive:
        yield Text(f"{slot} {slot.permissions}")
    for problem in space.problems[:SHOWN]:
        yield Text(f"problem: {problem}", style="red")
    yield from rest(len(space.problems), what=" problems")
    for found in pages.findings:
        if found.kind.is_problem:  # which has been printed as one
            continue
        word, style = ("warning", "yellow") if found.kind.is_warning else ("information", "")
        for each in islice(found, _SHOWN_FINDINGS):
            yield Text(f"{word}: {each}", style=style)
        yield from rest(len(found), _SHOWN_FINDINGS, f": {found.kind.value}")


def pages_json(pages: PageList) -> dict[str, Any]:
    """What a root maps, for `json_lines`: every page under `leaves`, or merged under `ranges`."""
    space = pages.space
    data: dict[str, Any] = {"root": space.root, "levels": space.levels}
    if pages.each:
        data["leaves"] = JsonTexts(leaf_texts(pages.leaves))
    else:
        data["ranges"] = JsonTexts(range_texts(pages.ranges()))
    data["leaf_count"] = len(pages.leaves)
    data["tables"] = {LEVEL_NAMES[level]: count for level, count in space.tables.counts().items()}
    data["recursive"] = [_recursive_json(slot) for slot in space.recursive]
    data["problems"] = [_problem_json(problem) for problem in space.problems]
    for name, is_warning in (("warnings", True), ("information", False)):
        found = [each for each in pages.findings if each.kind.is_warning is is_warning]
        data[name] = JsonTexts(chain.from_iterable(map(finding_texts, found)))
    return data


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


def _recursive_json(slot: RecursiveSlot) -> dict[str, Any]:
    return {
        "slot": slot.slot,
        "virtual": slot.vaddr,
        "length": slot.length,
        "write": slot.write,
        "user": slot.user,
        "execute": slot.execute,
        "raw": slot.raw,
    }


class JsonTexts(list[str]):
    """The elements of a list as JSON text already."""


def json_lines(data: dict[str, Any]) -> Iterator[str]:
    """Yield an object as JSON text, each element of its lists on a line of its own.

    Of a million pages that is written and read far faster than what an indenting writer makes.
    """
    last = len(data) - 1
    yield "{"
    for position, (name, value) in enumerate(data.items()):
        comma = "" if position == last else ","
        if isinstance(value, list) and value:
            texts = value if isinstance(value, JsonTexts) else [json.dumps(each) for each in value]
            yield f"  {json.dumps(name)}: ["
            yield from [f"    {text}," for text in texts[:-1]]
            yield f"    {texts[-1]}"
            yield f"  ]{comma}"
        else:
            yield f"  {json.dumps(name)}: {json.dumps(value)}{comma}"
    yield "}"
