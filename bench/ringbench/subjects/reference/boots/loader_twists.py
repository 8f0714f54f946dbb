"""Information that contradicts itself, or lies where nothing is: what is around the memory map."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Final

from ringbench.subjects.reference.boots.facts import FOUR_GIB, GIB, MIB, Facts
from ringbench.subjects.reference.boots.handover import WORD32, hand_over
from ringbench.subjects.reference.boots.story import Loaded, Story
from ringbench.subjects.reference.model.boot_info import STRUCTURE_MAX
from ringbench.subjects.reference.vocabulary.constants import FRAME_SIZE

_NAME, _TEXT = 64 - 1, 256 - 1
"""The characters of a module's name, and of a command line, that a kernel keeps."""

TAGS: Final = ("map", "module", "command_line", "end")
"""The tags whose sizes can be lied about."""


def larger_entries(random: Random, facts: Facts, story: Story) -> Story:
    """Entries with more in them than the format has today."""
    entries = [replace(e, extra=random.choice((0, 4, 8, 13, 100))) for e in story.entries]
    return replace(story, entries=tuple(entries), entry_extra=random.choice((8, 16, 40)))


def smaller_entries(random: Random, facts: Facts, story: Story) -> Story:
    """Entries that claim less than the format's fields, or an impossible step."""
    entries = list(story.entries)
    if not entries:
        return story
    n = random.randrange(len(entries))
    entries[n] = replace(entries[n], size=random.choice((0, 1, 12, 19, WORD32, WORD32 - 3)))
    size = random.choice((0, 8, 16, 20, 23, 25, 28, 4096 + 8, WORD32))
    lies = {} if story.multiboot == 1 else {"entry_size": size}
    return replace(story, entries=tuple(entries)).lying(**lies)


def truncated(random: Random, facts: Facts, story: Story) -> Story:
    """A memory map that ends inside its last entry."""
    cut = random.randrange(1, 24)
    if story.multiboot == 1:
        length = sum(24 + entry.extra for entry in story.entries)
        return story.lying(memory_map_length=max(length - cut, 1))
    return story.lying(map_size=16 + len(story.entries) * (24 + story.entry_extra) - cut)


def no_map(random: Random, facts: Facts, story: Story) -> Story:
    """No memory map: only the two old numbers of kilobytes, or one without entries."""
    if story.multiboot == 1:
        lie: dict[str, int] = random.choice(({"flags": 0x01}, {"memory_map_length": 0}))
        return story.lying(**lie)
    return random.choice((replace(story, map_tags=0), replace(story, entries=())))


def overlapping_modules(random: Random, facts: Facts, story: Story) -> Story:
    """Modules over each other, over the kernel, over what the loader passes."""
    start, end = facts.image
    base = facts.place(random, 64 * FRAME_SIZE)
    more = (
        Loaded(base, base + 3 * FRAME_SIZE, "one"),
        Loaded(base + FRAME_SIZE, base + 2 * FRAME_SIZE + 1, "inside"),
        Loaded(start - FRAME_SIZE, start + 1, "over the kernel's start"),
        Loaded(end - 1, end + 5 * FRAME_SIZE, "over the kernel's end"),
        Loaded(story.at & WORD32, (story.at + 1) & WORD32, "over the information"),
        Loaded(0, MIB + 1, "over the first MiB"),
    )
    return replace(story, modules=tuple(random.sample(more, random.randint(1, len(more)))))


def absurd_modules(random: Random, facts: Facts, story: Story) -> Story:
    """Modules without an inside, behind all memory, with texts that no one wrote."""
    base = facts.place(random, FRAME_SIZE)
    more = (
        Loaded(base, base, "empty"),
        Loaded(base + FRAME_SIZE, base, "ends before it begins"),
        Loaded(FOUR_GIB - FRAME_SIZE, WORD32, "at the top"),
        Loaded(facts.low_end + MIB, facts.low_end + 2 * MIB, "where no memory is"),
        Loaded(WORD32, 0, "x" * 200),
        Loaded(base, base + 1, "", facts.low_end - 3),
        Loaded(base, base + 1, "", _nowhere(random, facts)),
    )
    return replace(story, modules=tuple(random.sample(more, random.randint(1, len(more)))))


def many_modules(random: Random, facts: Facts, story: Story) -> Story:
    """More modules than the kernel names, or than there is room for in the memory map."""
    count = random.choice((15, 16, 17, 40, random.randint(110, 130), random.randint(130, 300)))
    apart = random.choice((FRAME_SIZE, 2 * FRAME_SIZE))
    base = facts.low_end - MIB - 2 * FRAME_SIZE * (count + 1)
    return replace(
        story,
        modules=tuple(
            Loaded(
                base + apart * n, base + apart * n + random.randint(1, FRAME_SIZE), f"number {n}"
            )
            for n in range(count)
        ),
    )


def wild_modules(random: Random, facts: Facts, story: Story) -> Story:
    """A list of modules that is somewhere else, or has another number of them."""
    honest = overlapping_modules(random, facts, replace(story, multiboot=1))
    lies: tuple[dict[str, int], ...] = (
        {"modules_count": WORD32},
        {"modules_count": WORD32 >> 4, "modules": 16},
        {"modules_count": STRUCTURE_MAX // 16, "modules": _nowhere(random, facts)},
        {"modules_count": STRUCTURE_MAX // 16 + 1, "modules": _nowhere(random, facts)},
        {"modules": WORD32 - 8},
        {"modules": facts.image[0] - 8},
        {"modules": facts.image[1] - 1},
        {"modules": _nowhere(random, facts)},
        {"modules": facts.image[0], "modules_count": 0},
        {"modules": facts.low_end - 16, "modules_count": 5},
    )
    return honest.lying(**random.choice(lies))


def strange_command_line(random: Random, facts: Facts, story: Story) -> Story:
    """A command line that is too long, does not end, or is not where it is said to be."""
    if random.random() < 0.5:
        text = random.choice(("x" * 255, "y" * 256, "word " * 60, "\xff" * 5000, "z" * 4095))
        ended = random.random() < 0.5
        return replace(story, command_line=text, ended=ended, modules=(), strings_at=_end(facts))
    start, end = facts.image
    places = [0, start - 1, start, end - 1, end, facts.low_end - 1, _nowhere(random, facts)]
    places += [start - 8, GIB - 8, 2 * GIB - 8, 3 * GIB - 8, 3 * GIB]
    honest = replace(story, multiboot=1, command_line="")
    return honest.lying(command_line=random.choice(places))


def exact_strings(random: Random, facts: Facts, story: Story) -> Story:
    """Texts of the longest length that is kept, or one less or more; with what ends them, or not.

    In Multiboot 2 a text without its end may fill its tag, so that the next tag is right behind it.
    """
    lengths = (*(0, 1, 7, 8, 15, 16, 40), *(_NAME - 1, _NAME, _NAME + 1))
    longer = (_TEXT - 8, _TEXT - 1, _TEXT, _TEXT + 1, _TEXT + 7)
    base = facts.place(random, 4 * FRAME_SIZE)
    modules = [
        Loaded(base + n * FRAME_SIZE, base + n * FRAME_SIZE + 1, letter * random.choice(lengths))
        for n, letter in enumerate("mno"[: random.randint(1, 3)])
    ]
    return replace(
        story,
        multiboot=random.choice((1, 2, 2)),
        modules=tuple(modules),
        command_line="c" * random.choice((*lengths, *longer)),
        ended=random.random() < 0.4,
        modules_first=random.random() < 0.5,
    )


def wild_map(random: Random, facts: Facts, story: Story) -> Story:
    """A memory map somewhere else, or longer than anything."""
    length = sum(24 + entry.extra for entry in story.entries)
    lies: tuple[dict[str, int], ...] = (
        {"memory_map": WORD32},
        {"memory_map": FOUR_GIB - length + 1},
        {"memory_map": _nowhere(random, facts)},
        {"memory_map": facts.image[0] - length + 1},
        {"memory_map": facts.image[1] - 1},
        {"memory_map_length": STRUCTURE_MAX + 1},
        {"memory_map_length": STRUCTURE_MAX},
        {"memory_map_length": WORD32},
    )
    return replace(story, multiboot=1).lying(**random.choice(lies))


def spread(random: Random, facts: Facts, story: Story) -> Story:
    """Each part of the information in another place, none of them aligned."""
    length = sum(24 + entry.extra for entry in story.entries)
    return replace(
        story,
        multiboot=1,
        map_at=facts.place(random, length),
        modules_at=facts.place(random, 16 * FRAME_SIZE),
        strings_at=random.choice((_end(facts), facts.place(random, 16 * FRAME_SIZE))),
    )


def wild_information(random: Random, facts: Facts, story: Story) -> Story:
    """EBX leads nowhere, into the kernel, or to the last bytes below 4 GiB."""
    start, end = facts.image
    places = (0, WORD32, FOUR_GIB - 7, start, start - 1, end - 1, (start + end) // 2)
    return story.lying(information=random.choice((*places, _nowhere(random, facts))))


def wrong_magic(random: Random, facts: Facts, story: Story) -> Story:
    """EAX is no loader's, or that of the other format."""
    magics = (0, 1, WORD32, 0x1BADB002, 0xE85250D6, 0x2BADB003, 0x2BADB002, 0x36D76289)
    return story.lying(magic=random.choice(magics))


def short_tags(random: Random, facts: Facts, story: Story) -> Story:
    """Multiboot 2: tags that are shorter than what must be in them."""
    told = _with_all_tags(story)
    size = random.choice((0, 7, 8, 9, 15, 16, 20))
    lies: tuple[dict[str, int], ...] = (
        *({f"{tag}_size": size} for tag in TAGS),
        {"entry_size": random.choice((0, 16, 20, 25))},
        {"total_size": random.choice((0, 7, 9, 16))},
    )
    return told.lying(**random.choice(lies))


def long_tags(random: Random, facts: Facts, story: Story) -> Story:
    """Multiboot 2: tags that pass the end of all tags, and an end that comes too early or never."""
    told = _with_all_tags(story)
    [whole] = hand_over(told).pieces
    total = len(whole.data)
    if random.random() < 0.7:
        size = random.choice((total, total + 1, 2 * total, STRUCTURE_MAX, WORD32 - 7, WORD32))
        return told.lying(**{f"{random.choice(TAGS)}_size": size})
    sizes = (total - 1, total - 8, total - random.randint(9, total), total + 8)
    return told.lying(total_size=random.choice((*sizes, STRUCTURE_MAX + 1, WORD32)))


def stray_tags(random: Random, facts: Facts, story: Story) -> Story:
    """Multiboot 2: tags of no meaning, the memory map in several, modules before it."""
    sizes = (0, 1, 7, 8, 13, 300)
    strays = [
        (random.choice((2, 4, 9, 14, 22, WORD32)), random.choice(sizes))
        for _ in range(random.randint(1, 6))
    ]
    return replace(
        story,
        multiboot=2,
        strays=tuple(strays),
        map_tags=random.randint(1, 4),
        modules_first=random.random() < 0.5,
    )


def _with_all_tags(story: Story) -> Story:
    modules = (Loaded(FOUR_GIB - FRAME_SIZE, WORD32, "a module"),)
    return replace(story, multiboot=2, modules=modules, command_line="text", map_tags=1)


def _nowhere(random: Random, facts: Facts) -> int:
    """Return an address below 4 GiB where there is neither memory nor a device."""
    return random.randrange(facts.low_end, FOUR_GIB - 64 * MIB)


def _end(facts: Facts) -> int:
    """Return a place for strings right below the end of RAM."""
    return facts.low_end - 2 * FRAME_SIZE
