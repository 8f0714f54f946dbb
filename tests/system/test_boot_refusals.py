"""What loaders can say and a kernel refuses, by the words of its panic; every panic is seen."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace

import pytest

from ringbench.subjects.reference.boots.entry import EntryMachine
from ringbench.subjects.reference.boots.handover import hand_over
from ringbench.subjects.reference.boots.story import Entry, Loaded, Story
from ringbench.subjects.reference.observe.picture import take_from
from tests.places import KERNEL
from tests.system.boot_stories import (
    ACPI,
    AT,
    FRAME,
    ISLAND,
    LOW,
    MAIN,
    CameUp,
    G,
    M,
    booted,
    islands,
    panic_of,
    told,
)

MODULES = replace(told(), modules=(Loaded(0, 0),))
INSIDE = M + 0x100
"""An address in the kernel's image."""

PANICS = (
    (told().lying(magic=0x1BADB002), "unknown loader, magic number 0x1badb002"),
    (told().lying(information=INSIDE), "the structure at 0x100100, 0x34 bytes, is in the image"),
    (told().lying(information=M - 1), "the structure at 0xfffff, 0x34 bytes, is in the image"),
    (
        told().lying(information=0xFFFFFFFD),
        "the structure at 0xfffffffd, 0x34 bytes, passes 4 GiB",
    ),
    (told().lying(information=0xC0000000), "the loader passed no memory map"),
    (told().lying(flags=1), "the loader passed no memory map"),
    (told().lying(memory_map_length=0), "the loader passed no memory map"),
    (told().lying(memory_map_length=47), "the memory map is malformed"),
    (told().lying(memory_map=0xC0000000), "the memory map is malformed"),
    (told(Entry(ISLAND, M, size=19)), "the memory map is malformed"),
    (told(Entry(ISLAND, M, size=21)), "the memory map is malformed"),
    (
        told().lying(memory_map=0xFFFFFFF0),
        "the memory map at 0xfffffff0, 0x30 bytes, passes 4 GiB",
    ),
    (
        told().lying(memory_map_length=M + 1),
        "the memory map at 0x9534, 0x100001 bytes, is too long",
    ),
    (
        told().lying(memory_map=M - 47),
        "the memory map at 0xfffd1, 0x30 bytes, is in the image",
    ),
    (told(*islands(252)), "more than 256 ranges of memory"),
    (
        replace(
            told(),
            modules=tuple(
                Loaded(ISLAND + 2 * FRAME * n, ISLAND + 2 * FRAME * n + 1) for n in range(200)
            ),
        ),
        "more than 256 ranges of memory",
    ),
    (
        MODULES.lying(modules_count=0xFFFFFFF),
        "the module list at 0x9564, 0xfffffff0 bytes, passes 4 GiB",
    ),
    (
        MODULES.lying(modules=0xC0000000, modules_count=0x4000001),
        "the module list at 0xc0000000, 0x40000010 bytes, passes 4 GiB",
    ),
    (
        MODULES.lying(modules=0xC0000000, modules_count=0x1FFFFFF),
        "the module list at 0xc0000000, 0x1ffffff0 bytes, is too long",
    ),
    (
        replace(told(), command_line="").lying(command_line=INSIDE),
        "a string at 0x100100, 0x1000 bytes, is in the image",
    ),
    (
        replace(told(), modules=(Loaded(0, 0, "", INSIDE),)),
        "a string at 0x100100, 0x1000 bytes, is in the image",
    ),
    (told(multiboot=2).lying(total_size=7), "no end tag in 0x7 bytes"),
    (told(multiboot=2).lying(total_size=72), "no end tag in 0x48 bytes"),
    (told(multiboot=2).lying(total_size=60), "tag 6 has 64 bytes"),
    (told(multiboot=2).lying(map_size=7), "tag 6 has 7 bytes"),
    (told(multiboot=2).lying(map_size=15), "tag 6 has only 15 bytes"),
    (replace(MODULES, multiboot=2).lying(module_size=15), "tag 3 has only 15 bytes"),
    (told(multiboot=2).lying(end_size=9), "tag 0 has 9 bytes"),
    (told(multiboot=2).lying(entry_size=16), "the memory map is malformed"),
    (told(multiboot=2).lying(map_size=63), "the memory map is malformed"),
    (replace(told(multiboot=2), map_tags=0), "the loader passed no memory map"),
    (replace(told(multiboot=2), entries=()), "the loader passed no memory map"),
    (
        told(multiboot=2).lying(total_size=M + 1, information=AT),
        "the structure at 0x9500, 0x100001 bytes, is too long",
    ),
)
"""A story, and the words that its panic has behind "boot information: "."""


@pytest.mark.parametrize(("story", "words"), PANICS, ids=[text for _, text in PANICS])
def test_it_is_refused_by_name(entry: EntryMachine, story: Story, words: str) -> None:
    assert panic_of(entry, hand_over(story)) == f"boot information: {words}"


ABOVE = Entry(4 * G, 32 * M)
METADATA = 0x43000
"""Bytes of metadata for memory up to the end of ABOVE: 1,056,768 frames in 2,064 blocks.

Two bitmaps of 132,096; two trees of 33 words; a counter of 2 bytes and a mask of 1 a block.
"""

NO_TABLES = "paging: no memory below 4 GiB for the kernel's tables"
NO_MONITOR = "no memory for the console: no_memory"

LACKS = (
    ((LOW,), "pmm: the memory map has no available memory"),
    ((LOW, replace(MAIN, type=ACPI)), "pmm: the memory map has no available memory"),
    ((Entry(16 * M + 1, 2 * FRAME - 2),), "pmm: the memory map has no available memory"),
    ((Entry(M, FRAME),), "pmm: the memory map has no available memory"),
    ((ABOVE,), f"pmm: no place for {METADATA:#x} bytes of metadata"),
    ((Entry(16 * M, METADATA - 1), ABOVE), f"pmm: no place for {METADATA:#x} bytes of metadata"),
    ((Entry(16 * M, METADATA), ABOVE), NO_TABLES),
    ((Entry(16 * M, METADATA + 5 * FRAME), ABOVE), NO_TABLES),
    ((Entry(16 * M, FRAME),), NO_TABLES),
)


@pytest.mark.parametrize(("entries", "words"), LACKS)
def test_too_little_memory(entry: EntryMachine, entries: tuple[Entry, ...], words: str) -> None:
    for multiboot in (1, 2):
        assert panic_of(entry, hand_over(Story(multiboot, AT, entries))) == words


def test_a_frame_more_each_time(entry: EntryMachine) -> None:
    """First the tables lack frames, then only the console, which takes one, then none is left."""
    seen: list[str] = []
    with suppress(CameUp):
        while len(seen) < 40:
            story = Story(1, AT, (Entry(16 * M, (len(seen) + 1) * FRAME),))
            seen.append(panic_of(entry, hand_over(story)))
    assert seen == [NO_TABLES] * (len(seen) - 1) + [NO_MONITOR]
    picture = take_from(entry.machine, entry.types)
    assert picture.pmm.free_count == 0
    assert picture.pmm.managed_count == len(seen), "all but the metadata's frame"


def test_frames_above_4_gib_are_used_once_they_can_be_reached(entry: EntryMachine) -> None:
    """The console's 33 frames need not be below 4 GiB, the tables do."""
    entries = (Entry(16 * M, METADATA + 20 * FRAME), ABOVE)
    picture = booted(entry, Story(1, AT, entries))
    assert picture.console.lent_base == 4 * G


UNREACHABLE = {"paging: the kernel's own mappings fail with status %d"}
"""What would be a mistake of the kernel's, whatever the loader says."""


def test_every_panic_of_the_way_up_is_seen_here() -> None:
    files = ("memmap/boot_info.c", "pmm/init.c", "paging/root.c", "paging/init.c")
    sources = [(KERNEL / name).read_text() for name in (*files, "console/console.c")]
    formats = {text for source in sources for text in re.findall(r'panic\("(.*?)"', source)}
    assert len(formats) > 10
    words = [f"boot information: {text}" for _, text in PANICS]
    words += [text for _, text in LACKS] + [NO_MONITOR]
    for each in formats - UNREACHABLE:
        pattern = re.sub(r"%(s|u|d|lx|x)", ".+", each)
        assert any(re.fullmatch(pattern, text) for text in words), each
