"""What a frame allocator owes whoever calls it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ringbench.errors import MemoryUnreadable
from ringbench.machine.ram import RamMap
from ringbench.subjects.contracts.guest import Pages
from ringbench.subjects.contracts.ledger import PAGE, Ledger, Run
from ringbench.subjects.contracts.rule import Owed, Rule

FIRMWARE: Final = range(0xA0000 // PAGE, 0x100000 // PAGE)
"""Frames of a PC that are the display's and the firmware's, RAM or not."""


@dataclass(frozen=True, slots=True)
class Places:
    """What the frames of a guest are.

    Attributes:
        ram: where there is RAM, by QEMU's own account.
        image: number of a frame -> what is in it that came with the kernel, and is in use.
        pages: the page tables in use.
        heap: number of a frame -> the block of the heap that is in it.
    """

    ram: RamMap
    image: Mapping[int, str]
    pages: Pages
    heap: Mapping[int, str]

    def is_ram(self, frame: int) -> bool:
        """Whether a frame is RAM that is neither the display's nor the firmware's."""
        try:
            self.ram.offset(frame * PAGE, PAGE)
        except MemoryUnreadable:
            return False
        return frame not in FIRMWARE


@dataclass(frozen=True, slots=True)
class Seen:
    """What an operation of the frame allocator's did; where it did not go so far, None.

    Attributes:
        call: the last call.
        places: what the frames of the guest are.
        count: of the frames that were asked for or given back.
        align: of the first of them, that was asked for.
        run: what was got; None if it was refused.
        handle: what the kernel returned, whether or not a frame can have that name.
        old: what was given back.
        changed: the frame, of those given back, that was not as it had been written.
        moved: by how much the kernel's own count moved; None if it has none.
    """

    call: str
    places: Places
    count: int = 1
    align: int = PAGE
    run: Run | None = None
    handle: int | None = None
    old: Run | None = None
    changed: int | None = None
    moved: int | None = None


def _contents(seen: Seen, ledger: Ledger) -> str | None:
    if seen.changed is None or seen.old is None:
        return None
    return f"before {seen.call}: {changed(seen.old, seen.changed)}"


def changed(run: Run, frame: int) -> str:
    """Say that a frame is not as it was written."""
    return (
        f"frame {frame * PAGE:#x} of {run}: expected that nobody writes to it while it is owned, "
        "seen other bytes"
    )


def _aligned(seen: Seen, ledger: Ledger) -> str | None:
    if seen.handle is None or (seen.run and seen.run.first * PAGE % seen.align == 0):
        return None
    words = f"a multiple of {seen.align:#x}" if seen.run else "a frame's address"
    return f"{seen.call}: expected {words}, seen {seen.handle:#x}"


def _ram(seen: Seen, ledger: Ledger) -> str | None:
    for frame in seen.run.frames if seen.run else ():
        if not seen.places.is_ram(frame):
            return (
                f"{seen.call}: expected RAM, seen {frame * PAGE:#x}, which is none; QEMU has RAM "
                f"at {seen.places.ram}, of which 0xa0000..0xfffff is the firmware's"
            )
    return None


def _image(seen: Seen, ledger: Ledger) -> str | None:
    for frame in seen.run.frames if seen.run else ():
        if frame in seen.places.image:
            return (
                f"{seen.call}: expected a frame that nobody uses, seen {frame * PAGE:#x}, which "
                f"has {seen.places.image[frame]}"
            )
    return None


def _tables(seen: Seen, ledger: Ledger) -> str | None:
    for frame in seen.run.frames if seen.run else ():
        if frame in seen.places.pages.tables:
            return (
                f"{seen.call}: expected a frame that nobody uses, seen {frame * PAGE:#x}, which is "
                "a page table in use"
            )
    return None


def _once(seen: Seen, ledger: Ledger) -> str | None:
    for frame in seen.run.frames if seen.run else ():
        if other := ledger.owners.get(frame):
            return (
                f"{seen.call}: expected a frame that nobody has, seen {frame * PAGE:#x}, which is "
                f"of {other}"
            )
        if frame in seen.places.heap:
            return (
                f"{seen.call}: expected a frame that nobody has, seen {frame * PAGE:#x}, in which "
                f"the heap has {seen.places.heap[frame]}"
            )
    return None


def _count(seen: Seen, ledger: Ledger) -> str | None:
    if seen.moved is None:
        return None
    owed = seen.count if seen.run else -seen.count if seen.old else 0
    if abs(seen.moved) == abs(owed) and (not owed or ledger.sign * owed * seen.moved >= 0):
        return None
    words = f"{owed * ledger.sign:+d}" if ledger.sign or not owed else f"+{owed} or -{owed}"
    return f"{seen.call}: expected that the count moves by {words}, seen {seen.moved:+d}"


def _freed(seen: Seen, ledger: Ledger) -> str | None:
    freed = ledger.freed
    if seen.handle is not None or seen.old is not None or not isinstance(freed, Run):
        return None
    if freed.count != seen.count or seen.align > freed.pages * PAGE:
        return None
    return (
        f"{seen.call}: expected frames, for {freed}, as many, was given back just before, seen "
        "that there are none"
    )


CONTENTS: Final = Rule(
    "contents", "A frame is its owner's until it is freed: nobody else writes to it.", _contents
)
TABLES: Final = Rule("tables", "The processor reads page tables in use at any time.", _tables)
ONCE: Final = Rule("once", "A frame has one owner.", _once)
COUNT: Final = Rule(
    "count", "A count of frames moves by those that were got or given back.", _count
)
RULES: Final[tuple[Rule[Seen], ...]] = (
    CONTENTS,
    Rule("aligned", "A frame begins at a multiple of 4 KiB: tables keep no lower bits.", _aligned),
    Rule("ram", "A frame can be written and read: it is RAM, by the machine's own map.", _ram),
    Rule(
        "image",
        "The kernel's code and data are in use as long as it runs; its modules, where it says so.",
        _image,
    ),
    TABLES,
    ONCE,
    COUNT,
    Rule("freed", "What was given back can be had again, by the next call.", _freed),
)
"""Those of single operations, in the order in which they are tried."""

ALL_BACK: Final = Owed(
    "all-back",
    "Frames that were given back can be had again, all of them, as often as one likes.",
)
