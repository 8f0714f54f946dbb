"""Hostile boots from a seed: the honest story of a loader, twisted, and what must become of it.

Boot `number` of seed `seed` is the same whenever it is asked for, on the same machine with the same
kernel. The kinds take turns in being what a boot is about; others are added to it by chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Final

from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.subjects.reference.boots import loader_twists, map_twists
from ringbench.subjects.reference.boots.facts import GIB, Facts, honest_story
from ringbench.subjects.reference.boots.handover import Handover, hand_over
from ringbench.subjects.reference.boots.map_twists import Twist
from ringbench.subjects.reference.boots.predict import Overlaid, Prediction, predict, uses_only_ram
from ringbench.subjects.reference.boots.story import Story
from ringbench.subjects.reference.vocabulary.constants import FRAME_SIZE

MILD: Final[tuple[Twist, ...]] = (
    map_twists.unsorted,
    map_twists.overlapping_alike,
    map_twists.overlapping_other,
    map_twists.unaligned,
    map_twists.empty,
    map_twists.one_frame,
    map_twists.single_bytes,
    map_twists.holes,
    map_twists.crumbs,
    map_twists.ends_at_4_gib,
    map_twists.above_4_gib,
    map_twists.beyond_the_width,
    map_twists.types,
    map_twists.image_reserved,
    map_twists.modules_reserved,
    map_twists.information_reserved,
    loader_twists.larger_entries,
    loader_twists.overlapping_modules,
    loader_twists.absurd_modules,
    loader_twists.spread,
    loader_twists.stray_tags,
    loader_twists.exact_strings,
)
"""Twists that a kernel mostly boots with: any of them may come on top of another."""

GRAVE: Final[tuple[Twist, ...]] = (
    map_twists.wrapping,
    map_twists.many,
    map_twists.nothing_available,
    map_twists.little_available,
    map_twists.little_below_4_gib,
    loader_twists.smaller_entries,
    loader_twists.truncated,
    loader_twists.no_map,
    loader_twists.many_modules,
    loader_twists.wild_modules,
    loader_twists.strange_command_line,
    loader_twists.wild_map,
    loader_twists.wild_information,
    loader_twists.wrong_magic,
    loader_twists.short_tags,
    loader_twists.long_tags,
)
"""Twists that end many boots."""

KINDS: Final = {twist.__name__: twist for twist in (*MILD, *GRAVE, map_twists.huge)}
HUGE_EVERY: Final = 120
"""Boots between two that are about memory without end: each takes as long as fifty others."""

FURTHER: Final = (0, 1, 2, 3, 4)
"""How many mild twists come on top."""

COMMON_FRAMES: Final = 64 * GIB // FRAME_SIZE
"""Managed frames beyond which a boot takes a second: only where it is about that."""


@dataclass(frozen=True, slots=True)
class HostileBoot:
    """One boot: what the loader says, and what must come of it.

    Attributes:
        name: how to have it again: "boot 17 of seed 3".
        kinds: what was done to the honest story.
    """

    name: str
    kinds: tuple[str, ...]
    story: Story
    handover: Handover
    prediction: Prediction


def hostile_boot(seed: int, number: int, facts: Facts, memory: PhysicalMemory) -> HostileBoot:
    """Return boot `number` of a seed; `memory` is as the loader leaves it but for what it says.

    What could not be predicted is drawn again: a story that needs bytes where no memory is, or a
    kernel that would write to such a place.
    """
    for attempt in count():
        random = Random(f"{seed} {number} {attempt}")
        boot = _draw(random, number, facts, memory, f"boot {number} of seed {seed}")
        if is_predictable(boot, facts):
            return boot
    raise AssertionError("unreachable")


def told(
    name: str, kinds: tuple[str, ...], story: Story, facts: Facts, memory: PhysicalMemory
) -> HostileBoot:
    """Return the boot with a story."""
    handover = hand_over(story)
    prediction = predict(Overlaid(memory, handover.pieces), handover, facts)
    return HostileBoot(name, kinds, story, handover, prediction)


def _draw(
    random: Random, number: int, facts: Facts, memory: PhysicalMemory, name: str
) -> HostileBoot:
    about = list(KINDS)[number % (len(KINDS) - 1)]
    if number % HUGE_EVERY == HUGE_EVERY - 1:
        about = map_twists.huge.__name__
    mild = [twist.__name__ for twist in MILD if twist.__name__ != about]
    kinds = (*random.sample(mild, random.choice(FURTHER)), about)
    story = honest_story(random, facts)
    for kind in kinds:
        story = KINDS[kind](random, facts, story)
    return told(name, kinds, story, facts, memory)


def is_predictable(boot: HostileBoot, facts: Facts) -> bool:
    """Whether the story can be told on that machine, and the kernel keeps to its memory."""
    if not all(_is_free(piece.at, piece.end, facts) for piece in boot.handover.pieces):
        return False
    pmm = boot.prediction.pmm
    if (
        pmm is not None
        and pmm.frame_limit > COMMON_FRAMES
        and boot.kinds
        and "huge" not in boot.kinds
    ):
        return False
    return uses_only_ram(boot.prediction, facts)


def _is_free(start: int, end: int, facts: Facts) -> bool:
    """Whether a loader can put something there: RAM, but not firmware's or the kernel's."""
    first, last = facts.image
    in_image = start < last and end > first
    in_firmware = start < 640 << 10 < end or 640 << 10 <= start < 1 << 20 or start < 0x1000
    return facts.has_ram(start, end - start) and not in_image and not in_firmware
