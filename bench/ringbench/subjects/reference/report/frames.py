"""Physical memory by owner: a table for people, plain data for programs."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ringbench.arch.x86_64.address import PAGE_SHIFT, PAGE_SIZE
from ringbench.report.tables import SHOWN, rest, rounded_length
from ringbench.subjects.reference.check.ownership import FrameOwners, OwnerKind
from ringbench.subjects.reference.observe.picture import Picture


def frames_table(picture: Picture, owners: FrameOwners, *, ranges: bool) -> RenderableType:
    """Frames and bytes by owner; with `ranges`, also who owns which."""
    pmm = picture.pmm
    title = (
        f"{pmm.managed_count} frames managed, {pmm.free_count} free, "
        f"{pmm.managed_count - pmm.free_count} used"
    )
    table = Table()
    table.add_column("owner", no_wrap=True)
    table.add_column("of", no_wrap=True)
    table.add_column("frames", justify="right")
    table.add_column("size", justify="right")
    order = list(OwnerKind)
    found = (each for each in owners.totals().items() if each[1])
    totals = sorted(found, key=lambda each: (order.index(each[0][0]), each[0][1]))
    for (kind, of), frames in totals[:SHOWN]:
        table.add_row(kind.value, of, f"{frames:,}", rounded_length(frames * PAGE_SIZE))
    further = _ranges(owners) if ranges else ()
    return Group(Text(title), table, *rest(len(totals)), *further)


def _ranges(owners: FrameOwners) -> Iterator[RenderableType]:
    table = Table()
    table.add_column("physical", justify="right", no_wrap=True)
    table.add_column("to", justify="right", no_wrap=True)
    table.add_column("frames", justify="right")
    table.add_column("owner", no_wrap=True)
    for start, end, owner in islice(owners.merged(), SHOWN):
        last = (end << PAGE_SHIFT) - 1
        table.add_row(f"{start << PAGE_SHIFT:x}", f"{last:x}", f"{end - start:,}", str(owner))
    yield table
    yield from rest(owners.merged_count)


def frames_json(picture: Picture, owners: FrameOwners) -> dict[str, Any]:
    """Counts, totals by owner, and every range in bytes: `start` included, `end` excluded."""
    return {
        "managed": picture.pmm.managed_count,
        "free": picture.pmm.free_count,
        "frame_limit": picture.pmm.frame_limit,
        "totals": [
            {"owner": kind.value, "of": of, "frames": frames}
            for (kind, of), frames in owners.totals().items()
            if frames
        ],
        "ranges": [
            {
                "start": start << PAGE_SHIFT,
                "end": end << PAGE_SHIFT,
                "frames": end - start,
                "owner": owner.kind.value,
                "of": owner.of,
            }
            for start, end, owner in owners.merged()
        ],
    }
