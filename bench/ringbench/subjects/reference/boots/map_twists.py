"""Memory maps that no honest firmware makes: each function does one thing to a story's entries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Final

from ringbench.subjects.reference.boots.facts import (
    FOUR_GIB,
    GIB,
    MIB,
    RESERVED,
    Facts,
    is_available,
)
from ringbench.subjects.reference.boots.handover import WORD32, WORD64
from ringbench.subjects.reference.boots.story import AVAILABLE, Entry, Loaded, Story
from ringbench.subjects.reference.vocabulary.constants import FRAME_SIZE

Twist = Callable[[Random, Facts, Story], Story]

NOT_AVAILABLE: Final = (0, 2, 3, 4, 5, 6, 7, 12, 20, 0x80000001, WORD32)
"""ACPI's types, those of UEFI firmware, and ones that mean nothing: none of them is ours to use."""


def unsorted(random: Random, facts: Facts, story: Story) -> Story:
    """Entries in any order."""
    return replace(story, entries=tuple(random.sample(story.entries, len(story.entries))))


def overlapping_alike(random: Random, facts: Facts, story: Story) -> Story:
    """Entries over others of the same type: inside, across an edge, and the very same again."""
    more = []
    for entry in random.choices(story.entries, k=random.randint(1, 4)):
        shift = random.choice((0, 1, FRAME_SIZE, entry.length // 2))
        more.append(replace(entry, base=entry.base + shift, length=entry.length - shift))
    return _insert(random, story, more)


def overlapping_other(random: Random, facts: Facts, story: Story) -> Story:
    """Entries of other types in the middle of available memory: it is not available there."""
    more = [
        Entry(
            _address(random, facts), random.choice((1, FRAME_SIZE, 3 * FRAME_SIZE + 5, MIB)), each
        )
        for each in random.choices(NOT_AVAILABLE, k=random.randint(1, 5))
    ]
    return _insert(random, story, more)


def unaligned(random: Random, facts: Facts, story: Story) -> Story:
    """Starts and lengths that are not whole frames: available shrinks, anything else grows."""

    def shifted(entry: Entry) -> Entry:
        base = max(entry.base + random.randint(1 - FRAME_SIZE, FRAME_SIZE - 1), 0)
        return replace(
            entry, base=base, length=entry.length + random.randint(1 - FRAME_SIZE, FRAME_SIZE)
        )

    return replace(
        story, entries=tuple(shifted(e) if e.length > FRAME_SIZE else e for e in story.entries)
    )


def empty(random: Random, facts: Facts, story: Story) -> Story:
    """Entries of no length, at any place and of any type."""
    places = (0, 1, MIB, facts.image[0] + 1, _address(random, facts), FOUR_GIB, WORD64)
    more = [
        Entry(base, 0, random.choice((AVAILABLE, RESERVED)))
        for base in random.choices(places, k=random.randint(1, 6))
    ]
    return _insert(random, story, more)


def one_frame(random: Random, facts: Facts, story: Story) -> Story:
    """Islands: a reserved frame in available memory, an available one in a hole."""
    base = _address(random, facts) // FRAME_SIZE * FRAME_SIZE
    story = _cut(story, base, base + 3 * FRAME_SIZE)
    return _insert(
        random,
        story,
        [
            Entry(base + FRAME_SIZE, FRAME_SIZE),
            Entry(_address(random, facts) // FRAME_SIZE * FRAME_SIZE, FRAME_SIZE, 2),
        ],
    )


def single_bytes(random: Random, facts: Facts, story: Story) -> Story:
    """Entries of a byte: reserved, that is a frame; available, it is nothing."""
    base = _address(random, facts) // FRAME_SIZE * FRAME_SIZE
    story = _cut(story, base, base + FRAME_SIZE)
    more = [Entry(base + random.randrange(FRAME_SIZE), 1)]
    more += [Entry(_address(random, facts), 1, 2) for _ in range(random.randint(1, 4))]
    return _insert(random, story, more)


def holes(random: Random, facts: Facts, story: Story) -> Story:
    """Available memory with pieces that nobody speaks of."""
    for _ in range(random.randint(1, 8)):
        base = _address(random, facts)
        story = _cut(story, base, base + random.choice((1, FRAME_SIZE, 7 * FRAME_SIZE, 2 * MIB)))
    return story


def crumbs(random: Random, facts: Facts, story: Story) -> Story:
    """Small pieces right above the image, of which only some hold what is looked for."""
    at = facts.image[1] + random.choice((0, FRAME_SIZE, MIB))
    for _ in range(random.randint(2, 6)):
        at += random.choice((1, 2, 3, 5, 9, 33, 40, 66, 67, 80)) * FRAME_SIZE
        story = _cut(story, at, at + 1)
        at += FRAME_SIZE
    return story


def ends_at_4_gib(random: Random, facts: Facts, story: Story) -> Story:
    """A piece that ends at 4 GiB, a byte or a frame beside it, or goes on beyond."""
    base = FOUR_GIB - random.choice((FRAME_SIZE, MIB, 64 * MIB))
    end = FOUR_GIB + random.choice((-FRAME_SIZE, -1, 0, 0, 1, FRAME_SIZE, 2 * MIB))
    kind = random.choice((AVAILABLE, AVAILABLE, RESERVED))
    return _insert(random, story, [Entry(base, max(end - base, 0), kind)])


def above_4_gib(random: Random, facts: Facts, story: Story) -> Story:
    """Pieces above 4 GiB; seen without their upper half they would be somewhere else."""
    more = []
    for _ in range(random.randint(1, 4)):
        base = random.randrange(1, 4) * FOUR_GIB + _address(random, facts)
        length = random.choice((FRAME_SIZE, MIB, GIB, FOUR_GIB + FRAME_SIZE, 2 * FOUR_GIB + MIB))
        more.append(Entry(base, length, random.choice((AVAILABLE, RESERVED))))
    base = _address(random, facts)
    more.append(Entry(base, FOUR_GIB + random.choice((-base, FRAME_SIZE, MIB)), RESERVED))
    return _insert(random, story, more)


def beyond_the_width(random: Random, facts: Facts, story: Story) -> Story:
    """Pieces at, across and above the processor's physical width, and the kernel's own limit."""
    width = 1 << facts.features.physical_bits
    more = [
        Entry(
            width - random.choice((1, FRAME_SIZE, GIB)), random.choice((1, 2 * FRAME_SIZE, 2 * GIB))
        ),
        Entry(width + random.choice((0, 1, FRAME_SIZE, _address(random, facts))), MIB),
        Entry(width - 2 * FRAME_SIZE, FRAME_SIZE + random.choice((1, FRAME_SIZE)), RESERVED),
        Entry(1 << 52, 1 << 20, RESERVED),
        Entry(1 << 63, 1 << 62),
    ]
    return _insert(random, story, random.sample(more, random.randint(1, len(more))))


def wrapping(random: Random, facts: Facts, story: Story) -> Story:
    """Pieces whose end is 2^64 or beyond, and would come out at the bottom."""
    wrapped = random.choice((0, 1, MIB, facts.low_end))
    base = random.choice(
        (WORD64, 1 << 63, (1 << 64) - FRAME_SIZE, 1 << facts.features.physical_bits)
    )
    more = [Entry(base, (1 << 64) - base + wrapped, random.choice((AVAILABLE, RESERVED)))]
    low = random.choice((_address(random, facts), facts.low_end, FOUR_GIB + MIB))
    if random.random() < 0.5:
        more.append(Entry(low, (1 << 64) - random.choice((1, FRAME_SIZE, low)), RESERVED))
    return _insert(random, story, [replace(e, length=min(e.length, WORD64)) for e in more])


def many(random: Random, facts: Facts, story: Story) -> Story:
    """Hundreds of entries: of one piece again and again, or of more pieces than can be kept."""
    if random.random() < 0.2:
        return _insert(random, story, random.choices(story.entries, k=random.randint(300, 2000)))
    count = random.choice((20, *(random.randint(*span) for span in ((118, 126), (127, 400)))))
    first = facts.low_end - 2 * FRAME_SIZE * (count + 1) - MIB
    return _insert(random, story, [Entry(first + 2 * FRAME_SIZE * n, 9, 2) for n in range(count)])


def types(random: Random, facts: Facts, story: Story) -> Story:
    """Types that the formats do not know: whatever they mean, that memory is not ours."""
    entries = [
        replace(e, type=random.choice(NOT_AVAILABLE))
        if not is_available(e) or random.random() < 0.1
        else e
        for e in story.entries
    ]
    return overlapping_other(random, facts, replace(story, entries=tuple(entries)))


def image_reserved(random: Random, facts: Facts, story: Story) -> Story:
    """The kernel, or a part of it, inside a piece that is not available."""
    start, end = facts.image
    base = start + random.choice((-FRAME_SIZE, 0, 1, FRAME_SIZE, (end - start) // 2))
    stop = end + random.choice((-FRAME_SIZE, 0, 1, MIB))
    return _insert(random, story, [Entry(base, stop - base, random.choice(NOT_AVAILABLE))])


def modules_reserved(random: Random, facts: Facts, story: Story) -> Story:
    """Modules inside pieces that are not available."""
    start = facts.place(random, 64 * FRAME_SIZE)
    end = start + random.randrange(1, 20 * FRAME_SIZE)
    around = Entry(start - random.randrange(2 * FRAME_SIZE), end - start + FRAME_SIZE, 4)
    modules = (*story.modules, Loaded(start, end, "in a reserved piece"))
    return _insert(random, replace(story, modules=modules), [around])


def information_reserved(random: Random, facts: Facts, story: Story) -> Story:
    """What the loader passes, inside a piece that is not available."""
    at = facts.place(random, 16 * FRAME_SIZE) // 8 * 8
    around = Entry(at - random.randrange(2 * FRAME_SIZE), random.choice((1, 16)) * FRAME_SIZE, 3)
    return _insert(random, replace(story, at=at), [around])


def nothing_available(random: Random, facts: Facts, story: Story) -> Story:
    """No available memory at all, or none that is a whole frame above the first MiB."""
    none = tuple(replace(e, type=random.choice(NOT_AVAILABLE)) for e in story.entries)
    no_frame = Entry(facts.low_end // 2 + 1, 2 * FRAME_SIZE - 2)
    image = Entry(facts.image[0], facts.image[1] - facts.image[0])
    entries = random.choice((none, (*none, no_frame, Entry(0, MIB)), (image,)))
    return replace(story, entries=entries)


def little_available(random: Random, facts: Facts, story: Story) -> Story:
    """A few frames in all: too few for the metadata, for the tables, for the console, or enough."""
    count = random.choice((*range(1, 20), 40))
    base = facts.place(random, 64 * FRAME_SIZE) // FRAME_SIZE * FRAME_SIZE
    if random.random() < 0.4:  # one by one, so that nothing long finds a place
        scattered = tuple(Entry(base + 2 * FRAME_SIZE * n, FRAME_SIZE) for n in range(count))
        return replace(story, entries=(Entry(base - 9 * FRAME_SIZE, 9 * FRAME_SIZE), *scattered))
    return replace(
        story, entries=(Entry(base, count * FRAME_SIZE), Entry(MIB, FRAME_SIZE, RESERVED))
    )


def little_below_4_gib(random: Random, facts: Facts, story: Story) -> Story:
    """Most of memory above 4 GiB, where the kernel cannot reach it while it boots."""
    above = Entry(FOUR_GIB, random.choice((FRAME_SIZE, max(facts.high_end - FOUR_GIB, MIB))))
    frames = random.choice((0, *range(64, 84), 90, 110, 112, 120))
    base = facts.place(random, 128 * FRAME_SIZE) // FRAME_SIZE * FRAME_SIZE
    return replace(story, entries=(above, Entry(base, frames * FRAME_SIZE)), modules=())


def huge(random: Random, facts: Facts, story: Story) -> Story:
    """Available memory, so it is said, up to what the kernel can manage and beyond."""
    end = random.choice((100 * GIB, 512 * GIB - FRAME_SIZE, 512 * GIB, 513 * GIB, 1 << 60))
    base = random.choice((FOUR_GIB, 8 * GIB, 99 * GIB))
    return _insert(random, story, [Entry(base, end - base)])


def _insert(random: Random, story: Story, more: list[Entry]) -> Story:
    """Put entries among the others, anywhere."""
    entries = list(story.entries)
    for entry in more:
        entries.insert(random.randint(0, len(entries)), entry)
    return replace(story, entries=tuple(entries))


def _cut(story: Story, start: int, end: int) -> Story:
    """Leave [start, end) out of what is available."""
    entries: list[Entry] = []
    for entry in story.entries:
        if not is_available(entry) or end <= entry.base or entry.end <= start:
            entries.append(entry)
            continue
        parts = (entry.base, min(start, entry.end)), (max(end, entry.base), entry.end)
        entries += [replace(entry, base=a, length=b - a) for a, b in parts if a < b]
    return replace(story, entries=tuple(entries))


def _address(random: Random, facts: Facts) -> int:
    """Return an address in RAM; often where something begins or ends."""
    edges = (*facts.image, facts.low_end, MIB, 2 * MIB, 16 * MIB, facts.low_end - 2 * MIB)
    if random.random() < 0.4:
        return max(random.choice(edges) + random.choice((-FRAME_SIZE, -1, 0, 1, FRAME_SIZE)), 0)
    return random.randrange(MIB, facts.low_end)
