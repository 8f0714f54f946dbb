"""Who wrote to a place in memory: lines for people, plain data for programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

from ringbench.microscope.watch import Watched, Write

CALLERS_SHOWN: Final = 8
"""Calls of a write that are printed; JSON has all of them."""


def watch_lines(watched: Watched) -> Iterator[str]:
    """Yield the lines of a page: the oldest write first, each followed by who called."""
    count, kept = watched.written, len(watched.writes)
    if count == 0:
        yield f"{watched.target}: nobody wrote to it"
        return
    writes = "one write" if count == 1 else f"{count:,} writes"
    which = "" if count == 1 else ", all of them:" if kept == count else f", the last {kept:,}:"
    yield f"{watched.target}: {writes}{which}"
    for write in watched.writes:
        yield ""
        yield f"  {write.place}"
        yield f"    wrote {_value(write)} at instruction {write.instruction:,}{_where(write)}"
        yield from (f"    called by {each}" for each in write.callers[:CALLERS_SHOWN])
        if len(write.callers) > CALLERS_SHOWN:
            yield f"    ... and {len(write.callers) - CALLERS_SHOWN} more"


def watch_json(watched: Watched, ending: dict[str, Any]) -> dict[str, Any]:
    """Return the same as data, with how the kernel ended (`why_json`)."""
    target = watched.target
    return {
        "target": target.name,
        "address": target.address,
        "length": target.length,
        "physical": target.physical,
        "written": watched.written,
        "writes": [_write_json(each) for each in watched.writes],
        **ending,
    }


def _value(write: Write) -> str:
    if write.physical is None:
        return "to a device"
    return f"{write.value:#0{2 + 2 * write.size}x} to {write.address:#x}"


def _where(write: Write) -> str:
    return f" of processor {write.cpu}" if write.cpu else ""


def _write_json(write: Write) -> dict[str, Any]:
    return asdict(write) | {"value": None if write.physical is None else write.value}
