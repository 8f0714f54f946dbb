"""Address spaces and their regions: tables for people, plain data for programs."""

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ringbench.arch.x86_64.address import PAGE_SIZE
from ringbench.arch.x86_64.entry import PAT_4K, PCD, PWT, cache_mode
from ringbench.arch.x86_64.records import permissions
from ringbench.observe.page_tables import Root
from ringbench.report.tables import SHOWN, exact_length, rest
from ringbench.subjects.reference.observe.picture import Picture
from ringbench.subjects.reference.observe.spaces import SeenRegion, SeenSpace


def spaces_table(picture: Picture) -> RenderableType:
    """Every space with its regions, and the roots that are no space's."""
    spaces, roots = list(picture.spaces()), {root.paddr: root for root in picture.tables.roots}
    parts: list[RenderableType] = []
    left = SHOWN
    for space in spaces[:SHOWN]:
        parts.append(_space_table(picture, space, roots.get(space.root), left))
        left = max(left - len(space.regions), 0)
    parts += rest(len(spaces), what=" spaces")
    current = picture.tasks.current
    tasks = ", ".join(
        f"t{task.id}{' (current)' if task.id == current else ''}"
        for task in picture.tasks.all[:SHOWN]
    )
    parts += [Text(f"tasks: {tasks}"), *rest(len(picture.tasks.all), what=" tasks")]
    bare = [f"r{n} {root:#x}" for n, root in enumerate(picture.console.roots) if root is not None]
    if bare:
        parts.append(Text(f"bare roots of the console: {', '.join(bare)}"))
    return Group(*parts)


def _space_table(
    picture: Picture, space: SeenSpace, root: Root | None, shown: int
) -> RenderableType:
    """A space, with as many regions as are still to be shown."""
    title = (
        f"{space.name}: root {space.root:#x}, window {space.base:#x}..{space.limit:#x}, "
        f"{len(space.regions)} regions"
    )
    if not space.regions[:shown]:
        return Group(Text(title), *rest(len(space.regions), shown))
    table = Table()
    table.add_column("virtual", no_wrap=True)
    table.add_column("to", no_wrap=True)
    table.add_column("length", justify="right", no_wrap=True)
    table.add_column("kind", no_wrap=True)
    table.add_column("rights", no_wrap=True)
    table.add_column("cache", no_wrap=True)
    table.add_column("pages", justify="right")
    for region in space.regions[:shown]:
        kind = region.kind
        table.add_row(
            f"{region.base:016x}",
            f"{region.end - 1:016x}",
            exact_length(region.length),
            f"{kind}{_place(picture, region)}",
            _rights(region),
            "" if kind == "guard" else _cache(picture, region),
            f"{_present(root, region)}/{region.length // PAGE_SIZE}",
        )
    return Group(Text(title), table, *rest(len(space.regions), shown))


def spaces_json(picture: Picture) -> dict[str, Any]:
    """Every space with its regions; `pages` are those mapped at the moment."""
    roots = {root.paddr: root for root in picture.tables.roots}
    return {
        "current_task": picture.tasks.current,
        "tasks": [{"id": task.id, "address": task.address} for task in picture.tasks.all],
        "bare_roots": {
            f"r{n}": root for n, root in enumerate(picture.console.roots) if root is not None
        },
        "spaces": [
            {
                "name": space.name,
                "root": space.root,
                "base": space.base,
                "limit": space.limit,
                "regions": [
                    _region_json(picture, roots.get(space.root), region) for region in space.regions
                ],
            }
            for space in picture.spaces()
        ],
    }


def _region_json(picture: Picture, root: Root | None, region: SeenRegion) -> dict[str, Any]:
    return {
        "base": region.base,
        "length": region.length,
        "kind": region.kind,
        "physical": region.paddr,
        "object": _shown(picture, region),
        "offset": region.offset,
        "write": region.write,
        "user": region.user,
        "execute": region.execute,
        "cache": _cache(picture, region),
        "pages": _present(root, region),
    }


def _shown(picture: Picture, region: SeenRegion) -> str | None:
    """Return the handle of the object that a region shows."""
    return next((it.handle for it in picture.objects if it.address == region.object), None)


def _place(picture: Picture, region: SeenRegion) -> str:
    """Return what a region's pages are of, where that is said: an address, or an object."""
    if region.object:
        return f" {_shown(picture, region)} {region.offset:#x}"
    return "" if region.paddr is None else f" {region.paddr:#x}"


def _rights(region: SeenRegion) -> str:
    if region.kind == "guard":
        return "----"
    return permissions(region.write, region.user, region.execute)


def _cache(picture: Picture, region: SeenRegion) -> str:
    """Return the name of a region's cache mode, under the PAT that the kernel loads."""
    index = region.cache
    raw = (PWT if index & 1 else 0) | (PCD if index & 2 else 0) | (PAT_4K if index & 4 else 0)
    return cache_mode(raw, 1, True, picture.features).value


def _present(root: Root | None, region: SeenRegion) -> int:
    """Return how many of a region's pages are mapped."""
    return len(root.leaves.between(region.base, region.end)) if root else 0
