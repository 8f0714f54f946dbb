"""The way of an operation through the layers: a tree of calls and a table of changes; data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ringbench.subjects.reference.explain.changes import Change
from ringbench.subjects.reference.explain.follow import Call


def explain_table(
    line: str, reply: str, calls: Sequence[Call], changes: Sequence[Change]
) -> RenderableType:
    """The way down as a tree, a layer beside each call; then what each layer has otherwise."""
    way = Table("layer", "called", "asked for", title="the way", title_justify="left")
    for call in calls:
        often = f"{call.times} times" if call.times > 1 else ""
        words = " ".join(filter(None, (call.asked, often)))
        way.add_row(call.layer, "  " * call.depth + call.function, words)
    done = Table("layer", "what changed", title="what it changed", title_justify="left")
    last = ""
    for change in changes:
        done.add_row("" if change.layer == last else change.layer, change.what)
        last = change.layer
    parts: list[RenderableType] = [Text(f"{line}: {reply.strip()}"), way]
    return Group(*parts, done if changes else Text("it changed nothing"))


def explain_json(
    line: str, reply: str, calls: Sequence[Call], changes: Sequence[Change]
) -> dict[str, Any]:
    """The same as data; `depth` is how many of the calls above a call is below."""
    return {
        "line": line,
        "reply": reply.strip(),
        "calls": [
            {
                "depth": call.depth,
                "layer": call.layer,
                "function": call.function,
                "asked": call.asked,
                "times": call.times,
            }
            for call in calls
        ],
        "changes": [{"layer": change.layer, "what": change.what} for change in changes],
    }
