"""Stories that loaders tell, told to a machine, and how to look at what the kernel makes of them.

The machine has RAM below 128 MiB and from 4 GiB to 4 GiB + 32 MiB. Most stories tell of the same
memory: the first 639 KiB and everything from 1 MiB to 64 MiB, called LOW and MAIN here.
"""

from __future__ import annotations

from ringbench.errors import Ended
from ringbench.machine import EndKind
from ringbench.subjects.reference.boots.bench import outcome
from ringbench.subjects.reference.boots.entry import EntryMachine
from ringbench.subjects.reference.boots.handover import Handover, hand_over
from ringbench.subjects.reference.boots.story import Entry, Story
from ringbench.subjects.reference.observe.picture import Picture, take_from
from ringbench.subjects.reference.vocabulary.constants import MemoryKind

K, M, G = 1 << 10, 1 << 20, 1 << 30
FRAME = 4 * K
RESERVED, ACPI = 2, 3
AT = 0x9500
LOW, MAIN = Entry(0, 639 * K), Entry(M, 63 * M)
ISLAND = 0x2000000
"""An address in the middle of MAIN."""


def told(*entries: Entry, multiboot: int = 1, at: int = AT) -> Story:
    """The usual memory, and some entries more."""
    return Story(multiboot, at, (LOW, MAIN, *entries))


class CameUp(AssertionError):
    """A kernel that should have panicked is at its prompt."""


def panic_of(entry: EntryMachine, handover: Handover) -> str:
    """Boot what must panic; the panic's words."""
    try:
        entry.boot(handover)
    except Ended as error:
        ending = error.ending
    else:
        raise CameUp
    assert ending is not None
    assert ending.kind is EndKind.KERNEL_PANIC, ending.message
    return outcome(ending)


def booted(entry: EntryMachine, story: Story) -> Picture:
    """Boot what must come up; all of its memory management."""
    entry.boot(hand_over(story))
    return take_from(entry.machine, entry.types)


def kind_at(picture: Picture, address: int) -> str:
    """What the kernel takes the frame of an address to be."""
    found = [r.kind for r in picture.boot.map.ranges if r.base <= address < r.end]
    assert len(found) <= 1
    return MemoryKind(found[0]).text if found else "hole"


def is_managed(picture: Picture, address: int) -> bool:
    """Whether the allocator can hand the frame out."""
    return bool(picture.pmm.managed_bits >> address // FRAME & 1)


def islands(count: int) -> tuple[Entry, ...]:
    """Reserved frames where nothing else is, from 80 MiB on.

    Beside them are five ranges: the kernel, MAIN, the information, and LOW around it.
    """
    return tuple(Entry(80 * M + 2 * FRAME * n, FRAME, RESERVED) for n in range(count))
