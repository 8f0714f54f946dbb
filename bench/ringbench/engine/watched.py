"""What the microscope objects to in a kernel's accesses to memory, as mismatches like others."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import nullcontext
from typing import Final

from ringbench.check.mismatch import MACHINE, Finding, Mismatch
from ringbench.machine import Machine
from ringbench.microscope.findings import Seen

CALLERS: Final = 3
"""Calls that led to an access which a mismatch names; those that led to allocations too."""


def watched(kernel: object, layers: Collection[str], when: str) -> Finding | None:
    """Return what is wrong with accesses so far; None if nothing is, or nothing is watched.

    That is cheap to ask while nothing is wrong. A kernel is watched that has its `machine`, which
    was started with `machine.watch`.
    """
    machine = getattr(kernel, "machine", None)
    if not isinstance(machine, Machine) or not machine.config.machine.watch:
        return None
    if not machine.microscope.found:
        return None
    is_over = not machine.is_there or machine.ending() is not None
    with nullcontext() if is_over else machine.stopped():
        seen = machine.seen()
    layer = {each: each if each in layers else MACHINE for each in ("heap", "frames")}
    mismatches = [mismatch(each, layer.get(each.instrument, MACHINE), when) for each in seen]
    return Finding(MACHINE, len(mismatches), mismatches)


def mismatch(seen: Seen, layer: str, when: str) -> Mismatch:
    """Return one thing that an instrument objects to as a mismatch of a layer."""
    paths = (seen.path, *seen.before)
    calls = [
        " <- ".join([f"{each.what} {each.place}", *map(str, each.callers[:CALLERS])])
        for each in paths[1:]
    ]
    callers = " <- ".join(map(str, seen.path.callers[:CALLERS]))
    words = [seen.words, *([f"called by {callers}"] if callers else []), *calls]
    return Mismatch(layer, seen.kind, seen.should, "; ".join(words), f"{seen.path.place}, {when}")
