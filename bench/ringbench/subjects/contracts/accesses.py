"""Accesses that may fault, made in the guest, beside what the tables say of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from ringbench.arch.x86_64.access import AccessKind
from ringbench.drive.guest_calls import Probe, Raised, raised
from ringbench.subjects.contracts.batch import Batch, Results

BEFORE: Final = "the processor goes by what was there before"
DONE: Final = {
    AccessKind.READ: "reads",
    AccessKind.WRITE: "writes to",
    AccessKind.EXECUTE: "executes what is at",
}


@dataclass(frozen=True, slots=True)
class Access:
    """An access that was made to a page, which may have faulted.

    Attributes:
        probe: what was done, and by whom.
        allowed: whether the tables let it through.
        raised: the exception that it met; None if it went through.
    """

    probe: Probe
    allowed: bool
    raised: Raised | None


def plan(batch: Batch, address: int, kinds: Iterable[AccessKind]) -> Mapping[int, Probe]:
    """Plan accesses to a byte, and return them by the numbers of their steps."""
    planned = {}
    for kind in kinds:
        for program in batch.guest.probes:
            planned[len(batch.steps)] = probe = Probe(address, kind, program)
            batch.steps.append(probe)
    return planned


def met(batch: Batch, probes: Mapping[int, Probe], results: Results) -> tuple[Access, ...]:
    """Return what became of accesses, beside what the tables say of them."""
    return tuple(
        Access(probe, batch.guest.allows(probe), raised(results[number]))
        for number, probe in probes.items()
    )


def disobeyed(call: str, accesses: Iterable[Access]) -> str | None:
    """Say which access did not go by the tables as they are after a call; None if all did."""
    for each in accesses:
        if each.allowed == (each.raised is None):
            continue
        who = "a program" if each.probe.program else "the kernel"
        what = f"{DONE[each.probe.access]} {each.probe.address:#x}"
        if each.raised is None:
            return (
                f"{call}: expected that {who} meets a page fault when it {what}, by the tables as "
                f"they are, seen that it does not: {BEFORE}"
            )
        return f"{call}: expected that {who} {what}, by the tables as they are, seen {each.raised}"
    return None
