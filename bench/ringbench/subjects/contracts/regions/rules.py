"""What is owed to whoever asks for a region: all of it is there, its own, and gone afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from ringbench.arch.x86_64.records import Leaf
from ringbench.config.contracts import RegionsCalls
from ringbench.subjects.contracts.accesses import BEFORE, Access, disobeyed
from ringbench.subjects.contracts.frames.rules import Places
from ringbench.subjects.contracts.ledger import PAGE, Ledger, Region
from ringbench.subjects.contracts.rule import Owed, Rule


@dataclass(frozen=True, slots=True)
class Seen:
    """What an operation on a region did; where it did not go so far, None.

    Attributes:
        call: the call.
        calls: what is known of rights.
        places: what the frames of the guest are.
        asked: bytes that were asked for.
        region: what was got; its frames are those that the walk finds.
        old: what was given back.
        leaves: address of a page of it -> what the walk finds there; None if nothing.
        changed: the address of the first byte of the old one that was not as it had been written.
        nonzero: the address of the first byte of the new one that is not zero, and has to be.
        other: the address of the first byte that was read through it and is not its frame's.
        accesses: what was tried there besides.
        moved: another region of which a page does not lead to its frame any more.
    """

    call: str
    calls: RegionsCalls
    places: Places | None = None
    asked: int = 0
    region: Region | None = None
    old: Region | None = None
    leaves: Mapping[int, Leaf | None] | None = None
    changed: int | None = None
    nonzero: int | None = None
    other: int | None = None
    accesses: tuple[Access, ...] = ()
    moved: tuple[Region, int] | None = None


def _contents(seen: Seen, ledger: Ledger) -> str | None:
    if seen.changed is None or seen.old is None:
        return None
    return (
        f"before {seen.call}: expected that nobody else writes to {seen.old} while it is there, "
        f"seen another byte at {seen.changed:#x}"
    )


def _aligned(seen: Seen, ledger: Ledger) -> str | None:
    if seen.region is None or seen.region.address % PAGE == 0:
        return None
    return f"{seen.call}: expected a multiple of 4 KiB, seen {seen.region.address:#x}"


def _disjoint(seen: Seen, ledger: Ledger) -> str | None:
    region = seen.region
    if region is None:
        return None
    what = f"{seen.call}: expected addresses that nobody has, seen {region.address:#x}.."
    for other in ledger.regions.values():
        if other.address < region.end and region.address < other.end:
            return f"{what}{region.end:#x}, which has pages of {other}"
    for page in ledger.pages.values():
        if region.address <= page.virtual < region.end:
            return f"{what}{region.end:#x}, where {page} is mapped"
    if block := ledger.over(region.address, region.size):
        return f"{what}{region.end:#x}, which has bytes of {block}"
    return None


def _mapped(seen: Seen, ledger: Ledger) -> str | None:
    if seen.region is None:
        return None
    for address, leaf in (seen.leaves or {}).items():
        if leaf is None:
            return (
                f"{seen.call}: expected that all {seen.asked} bytes from {seen.region.address:#x} "
                f"on are mapped, seen that {address:#x} is not"
            )
    return None


def _rights(seen: Seen, ledger: Ledger) -> str | None:
    region, calls = seen.region, seen.calls
    if region is None or not calls.has_rights:
        return None
    for address, leaf in _there(seen):
        facts = (
            ("written", calls.write, leaf.write, "w" in region.rights),
            ("executed", calls.no_execute, leaf.execute, "x" in region.rights),
            ("used by programs", calls.user, leaf.user, "u" in region.rights),
        )
        for word, known, is_so, should in facts:
            if known and is_so != should:
                may = ("can not", "can")
                return (
                    f"{seen.call}: expected that {address:#x} {may[should]} be {word} "
                    f"({region.rights}), seen that it {may[is_so]}, by the entries of all levels"
                )
    return None


def _once(seen: Seen, ledger: Ledger) -> str | None:
    region = seen.region
    if region is None or not region.frames:
        return None
    met: dict[int, int] = {}
    for address, leaf in _there(seen):
        frame = leaf.paddr // PAGE
        owner = f"also at {met[frame]:#x}" if frame in met else _owner(frame, seen.places, ledger)
        if owner is not None:
            return (
                f"{seen.call}: expected frames that nobody has, seen at {address:#x} frame "
                f"{frame * PAGE:#x}, which is {owner}"
            )
        met[frame] = address
    return None


def _owner(frame: int, places: Places | None, ledger: Ledger) -> str | None:
    """Say whose a frame is that is no region's to have; None if it is."""
    if places is not None:
        if not places.is_ram(frame):
            return "no RAM"
        if frame in places.image:
            return f"that of {places.image[frame]}"
        if frame in places.pages.tables:
            return "a page table in use"
        if frame in places.heap:
            return f"that in which the heap has {places.heap[frame]}"
    if run := ledger.owners.get(frame):
        return f"of {run}"
    return next((f"of {other}" for other in ledger.regions.values() if frame in other.frames), None)


def _zeroed(seen: Seen, ledger: Ledger) -> str | None:
    if seen.nonzero is None:
        return None
    return f"{seen.call}: expected zeros, seen another byte at {seen.nonzero:#x}"


def _obeyed(seen: Seen, ledger: Ledger) -> str | None:
    if seen.other is not None:
        return (
            f"{seen.call}: expected that {seen.other:#x} reads as the frame to which the tables "
            f"lead, seen another byte: {BEFORE}"
        )
    return disobeyed(seen.call, seen.accesses)


def _gone(seen: Seen, ledger: Ledger) -> str | None:
    if seen.old is None or seen.region is not None:
        return None
    for address, leaf in _there(seen):
        return (
            f"{seen.call}: expected that nothing is at {address:#x} any more, seen that it leads "
            f"to {leaf.paddr:#x}"
        )
    return None


def _others(seen: Seen, ledger: Ledger) -> str | None:
    if seen.moved is None:
        return None
    region, address = seen.moved
    return (
        f"{seen.call}: expected that it leaves others as they are, seen that {address:#x}, of "
        f"{region}, does not lead to its frame any more"
    )


def _there(seen: Seen) -> Iterator[tuple[int, Leaf]]:
    """Yield the pages that are mapped, by address."""
    for address, leaf in (seen.leaves or {}).items():
        if leaf is not None:
            yield address, leaf


CONTENTS: Final = Rule("contents", "A region is its owner's until it is freed.", _contents)
OTHERS: Final = Rule("others", "A call on one region leaves the others as they are.", _others)
RULES: Final[tuple[Rule[Seen], ...]] = (
    CONTENTS,
    Rule("aligned", "A region is of whole pages: rights are those of pages.", _aligned),
    Rule("disjoint", "An address has one owner.", _disjoint),
    Rule(
        "mapped",
        "All that was asked for is there; where pages come with the first access, after that.",
        _mapped,
    ),
    Rule(
        "rights",
        "Rights are those of all levels together: those that were asked for (Intel SDM 3A 4.6).",
        _rights,
    ),
    Rule("once", "A frame has one owner; those of a region are RAM, and nobody else's.", _once),
    Rule(
        "zeroed",
        "Where it is promised, all is zero: what others left there is not for the next to read.",
        _zeroed,
    ),
    Rule(
        "stale",
        "What was changed in the tables, the processor has to be told (Intel SDM 3A 4.10.4).",
        _obeyed,
    ),
    Rule("gone", "What was freed is not there any more.", _gone),
    OTHERS,
)
"""Those of single operations, in the order in which they are tried."""

ROUNDS: Final = Owed(
    "rounds", "A region can be got and given back for ever: its frames and tables are not lost."
)
