"""What a story must know of the machine that it is told on, and the story of an honest loader."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

from ringbench.arch.x86_64.features import Features
from ringbench.machine import RamMap
from ringbench.subjects.reference.boots.story import AVAILABLE, Entry, Loaded, Story
from ringbench.subjects.reference.model.state import Segment, Sizes
from ringbench.subjects.reference.vocabulary.constants import FRAME_SIZE

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
FOUR_GIB: Final = 4 * GIB
RESERVED: Final = 2
LOW_PLACE: Final = 0x9500
"""Where QEMU's own loader puts its information."""


@dataclass(frozen=True, slots=True)
class Facts:
    """A machine and its kernel: RAM, the image's frames and segments, the processor.

    Attributes:
        ram: where RAM is: from 0 on, and perhaps from 4 GiB on.
        image: first and past-the-last physical address of the kernel.
        segments, features, sizes: what the model of a boot takes.
    """

    ram: RamMap
    image: tuple[int, int]
    segments: tuple[Segment, ...]
    features: Features
    sizes: Sizes

    @property
    def low_end(self) -> int:
        """The end of the RAM that begins at 0."""
        return self.ram.ranges[0].end

    @property
    def high_end(self) -> int:
        """The end of the RAM above 4 GiB, which may be 4 GiB."""
        return max(self.ram.end, FOUR_GIB)

    def has_ram(self, base: int, length: int) -> bool:
        """Whether all of [base, base + length) is RAM."""
        return any(p.base <= base and base + length <= p.end for p in self.ram.ranges)

    def place(self, random: Random, length: int) -> int:
        """Return an address of `length` bytes of RAM above the image, often right above it."""
        first, last = self.image[1], self.low_end - length - MIB
        return random.randrange(first, random.choice((min(first + 16 * FRAME_SIZE, last), last)))


def honest_entries(facts: Facts, *, all_of_it: bool) -> tuple[Entry, ...]:
    """Return the memory map as a PC's firmware tells it, what is above 4 GiB or not."""
    low, high = facts.low_end, facts.high_end
    entries = [
        Entry(0, 639 * KIB),
        Entry(639 * KIB, KIB, RESERVED),
        Entry(960 * KIB, 64 * KIB, RESERVED),
        Entry(MIB, low - MIB - 128 * KIB),
        Entry(low - 128 * KIB, 128 * KIB, RESERVED),
        Entry(FOUR_GIB - 256 * KIB, 256 * KIB, RESERVED),
    ]
    if all_of_it and high > FOUR_GIB:
        entries.append(Entry(FOUR_GIB, high - FOUR_GIB))
    return tuple(entries)


def honest_story(random: Random, facts: Facts) -> Story:
    """Return what a loader without malice says: somewhere, in one format, with or without modules.

    Module and information may lie anywhere in RAM, as loaders do put them.
    """
    command_line = random.choice((None, "", "loader=honest", "a b=c " * 9))
    modules = []
    for number in range(random.choice((0, 0, 1, 2))):
        start = facts.place(random, 64 * KIB) // FRAME_SIZE * FRAME_SIZE
        modules.append(Loaded(start, start + random.randrange(1, 64 * KIB), f"module {number}"))
    at = random.choice((LOW_PLACE, facts.place(random, 8 * FRAME_SIZE) // 8 * 8))
    return Story(
        multiboot=random.choice((1, 2)),
        at=at,
        entries=honest_entries(facts, all_of_it=random.random() < 0.5),
        modules=tuple(modules),
        command_line=command_line,
    )


def is_available(entry: Entry) -> bool:
    """Whether the loader calls it available."""
    return entry.type == AVAILABLE
