"""The kernel heap: a table for people, plain data for programs."""

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ringbench.report.tables import SHOWN, rest
from ringbench.subjects.reference.observe.heap import SeenHeap


def heap_table(heap: SeenHeap) -> RenderableType:
    """Every node in address order, with the free list that it is on."""
    totals = _totals(heap)
    title = (
        f"heap {heap.space.base:#x}..{heap.end:#x}: {totals['used']} used nodes of "
        f"{totals['used_bytes']:,} bytes, {totals['free']} free of {totals['free_bytes']:,}"
    )
    lists = {address: place for place, nodes in heap.free_lists.items() for address in nodes}
    table = Table()
    table.add_column("node", no_wrap=True)
    table.add_column("bytes", justify="right")
    table.add_column("state")
    table.add_column("free list")
    table.add_column("header")
    for node in heap.nodes[:SHOWN]:
        place = lists.get(node.address)
        table.add_row(
            f"{node.address:016x}",
            f"{node.size:,}",
            "used" if node.used else Text("free", style="green"),
            f"{place[0]}.{place[1]}" if place else "",
            "" if node.guard_right else Text("smashed", style="bold red"),
        )
    return Group(Text(title), table, *rest(len(heap.nodes)))


def heap_json(heap: SeenHeap) -> dict[str, Any]:
    """Totals, every node (sizes with the header), every free list from its head."""
    return {
        "base": heap.space.base,
        "end": heap.end,
        **_totals(heap),
        "nodes": [
            {
                "address": node.address,
                "size": node.size,
                "used": node.used,
                "previous": node.previous,
                "header_intact": node.guard_right,
            }
            for node in heap.nodes
        ],
        "free_lists": [
            {"first": first, "second": second, "nodes": list(nodes)}
            for (first, second), nodes in heap.free_lists.items()
        ],
    }


def _totals(heap: SeenHeap) -> dict[str, int]:
    used = [node.size for node in heap.nodes if node.used]
    free = [node.size for node in heap.nodes if not node.used]
    return {
        "used": len(used),
        "free": len(free),
        "used_bytes": sum(used),
        "free_bytes": sum(free),
    }
