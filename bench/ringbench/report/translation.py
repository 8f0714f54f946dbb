"""The walk of one address: a table for people, plain data for programs.

Only a table for people loads what draws tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ringbench.arch.x86_64.address import LEVEL_NAMES, SIZE_NAMES
from ringbench.arch.x86_64.records import Step, Translation
from ringbench.report.page_texts import leaf_json

if TYPE_CHECKING:
    from rich.console import RenderableType


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
        f"{walk.vaddr:#x} -> {walk.paddr:#x}: {SIZE_NAMES[leaf.size]} page "
        f"{leaf.vaddr:#x} -> {leaf.paddr:#x}, {leaf.permissions}, {leaf.cache.value}"
        + (", global" if leaf.global_ else "")
    )


def translation_json(walk: Translation) -> dict[str, Any]:
    """The walk as plain data; `page` and `physical` are null where nothing is mapped."""
    return {
        "root": walk.root,
        "virtual": walk.vaddr,
        "physical": walk.paddr,
        "page": leaf_json(walk.leaf) if walk.leaf else None,
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
