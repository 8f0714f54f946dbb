"""What a `[layout]` tells, as tables for people and as plain data for programs."""

from __future__ import annotations

from itertools import islice
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ringbench.arch.x86_64.address import ADDRESS_END, PAGE_SHIFT, PAGE_SIZE
from ringbench.check.layout_frames import FrameOwners
from ringbench.check.layout_spaces import told_rights
from ringbench.observe.layout.pages import pages_behind
from ringbench.observe.layout.picture import LayoutPicture
from ringbench.observe.layout.spaces import SeenRegion, SeenSpace
from ringbench.report.tables import SHOWN, exact_length, rest, rounded_length


def frames_table(picture: LayoutPicture, owners: FrameOwners, *, ranges: bool) -> RenderableType:
    """Frames by owner; with `ranges`, also which are whose."""
    frames = picture.frames
    assert frames is not None
    title = f"{frames.count:,} frames, {frames.free:,} free, {frames.count - frames.free:,} used"
    table = Table()
    table.add_column("owner", no_wrap=True)
    table.add_column("frames", justify="right")
    table.add_column("size", justify="right")
    for name, count in owners.totals():
        table.add_row(name, f"{count:,}", rounded_length(count * PAGE_SIZE))
    if not ranges:
        return Group(Text(title), table)
    listed = Table()
    listed.add_column("physical", justify="right", no_wrap=True)
    listed.add_column("to", justify="right", no_wrap=True)
    listed.add_column("frames", justify="right")
    listed.add_column("owner", no_wrap=True)
    every = list(owners.runs())
    for start, end, name in every[:SHOWN]:
        last = (end << PAGE_SHIFT) - 1
        listed.add_row(f"{start << PAGE_SHIFT:x}", f"{last:x}", f"{end - start:,}", name)
    return Group(Text(title), table, listed, *rest(len(every)))


def frames_json(picture: LayoutPicture, owners: FrameOwners) -> dict[str, Any]:
    """Counts, totals by owner, and every range in bytes: `start` included, `end` excluded."""
    frames = picture.frames
    assert frames is not None
    return {
        "frames": frames.count,
        "free": frames.free,
        "used": frames.count - frames.free,
        "totals": [{"owner": name, "frames": count} for name, count in owners.totals()],
        "ranges": [
            {
                "start": start << PAGE_SHIFT,
                "end": end << PAGE_SHIFT,
                "frames": end - start,
                "owner": name,
            }
            for start, end, name in owners.runs()
        ],
    }


def heap_table(picture: LayoutPicture) -> RenderableType:
    """Every node in the order of the list, and the free list that it is on."""
    heap = picture.heap
    assert heap is not None
    totals = _heap_totals(picture)
    title = (
        f"heap: {totals['used']:,} used nodes of {totals['used_bytes']:,} bytes, "
        f"{totals['free']:,} free of {totals['free_bytes']:,}"
    )
    lists = {each: number for number, nodes in (heap.listed or {}).items() for each in nodes}
    table = Table()
    table.add_column("node", no_wrap=True)
    table.add_column("bytes", justify="right")
    table.add_column("state")
    if heap.listed is not None:
        table.add_column("free list", justify="right")
    table.add_column("header")
    for node in heap.nodes[:SHOWN]:
        listed = [] if heap.listed is None else [str(lists.get(node.address, ""))]
        table.add_row(
            f"{node.address:016x}",
            f"{node.size:,}",
            "used" if node.used else Text("free", style="green"),
            *listed,
            Text("smashed", style="bold red") if node.intact is False else "",
        )
    return Group(Text(title), table, *rest(len(heap.nodes)))


def heap_json(picture: LayoutPicture) -> dict[str, Any]:
    """Totals, every node (sizes with the header), every free list from its head."""
    heap = picture.heap
    assert heap is not None
    return {
        "end": heap.end,
        **_heap_totals(picture),
        "nodes": [
            {
                "address": node.address,
                "size": node.size,
                "used": node.used,
                "previous": node.previous,
                "header_intact": node.intact,
            }
            for node in heap.nodes
        ],
        "free_lists": [
            {"list": number, "nodes": list(nodes)} for number, nodes in (heap.listed or {}).items()
        ],
    }


def _heap_totals(picture: LayoutPicture) -> dict[str, int]:
    nodes = picture.heap.nodes if picture.heap is not None else ()
    used = [node.size for node in nodes if node.used]
    free = [node.size for node in nodes if not node.used]
    return {
        "used": len(used),
        "free": len(free),
        "used_bytes": sum(used),
        "free_bytes": sum(free),
    }


def spaces_table(picture: LayoutPicture) -> RenderableType:
    """Every space with its regions, and the tasks."""
    spaces = list(picture.spaces())
    parts: list[RenderableType] = [_space_table(picture, space) for space in spaces[:SHOWN]]
    parts += rest(len(spaces), what=" spaces")
    if picture.tasks is not None:
        tasks = ", ".join(
            f"t{task.id}{' (current)' if task.id == picture.tasks.current else ''}"
            for task in islice(picture.tasks.all, SHOWN)
        )
        parts += [Text(f"tasks: {tasks or 'none'}"), *rest(len(picture.tasks.all), what=" tasks")]
    return Group(*parts)


def _space_table(picture: LayoutPicture, space: SeenSpace) -> RenderableType:
    title = Text(f"{space.name}: root {space.root:#x}, {len(space.regions)} regions")
    if not space.regions:
        return title
    table = Table()
    for name in ("virtual", "to", "length", "kind", "rights", "pages"):
        right = name in ("length", "pages")
        table.add_column(name, justify="right" if right else "left", no_wrap=True)
    for region in space.regions[:SHOWN]:
        table.add_row(
            f"{region.base:016x}",
            f"{region.end - 1:016x}",
            exact_length(region.end - region.base),
            _kind(region),
            "----" if region.guard else told_rights(region),
            f"{_mapped(picture, space, region)}/{(region.end - region.base) // PAGE_SIZE}",
        )
    return Group(title, table, *rest(len(space.regions)))


def spaces_json(picture: LayoutPicture) -> dict[str, Any]:
    """Every space with its regions; `pages` are those mapped at the moment."""
    tasks = picture.tasks
    return {
        "current_task": tasks.current if tasks is not None else None,
        "tasks": [
            {"id": task.id, "address": task.address} for task in (tasks.all if tasks else ())
        ],
        "spaces": [
            {
                "name": space.name,
                "root": space.root,
                "regions": [
                    {
                        "base": region.base,
                        "length": region.end - region.base,
                        "kind": _kind(region),
                        "physical": region.physical,
                        "write": region.write,
                        "user": region.user,
                        "execute": region.execute,
                        "pages": _mapped(picture, space, region),
                    }
                    for region in space.regions
                ],
            }
            for space in picture.spaces()
        ],
    }


def _kind(region: SeenRegion) -> str:
    if region.guard:
        return "guard"
    if region.physical is not None:
        return f"physical {region.physical:#x}"
    return "filled" if region.filled else ""


def _mapped(picture: LayoutPicture, space: SeenSpace, region: SeenRegion) -> int:
    """Return how many of a region's pages are mapped."""
    tables = picture.tables.get(space.root)
    if tables is None or not region.base < region.end <= ADDRESS_END:
        return 0
    return pages_behind(tables.leaves, region.base, region.end).mapped // PAGE_SIZE
