"""What loaders can say, one case a kind, with what the kernel must make of it stated by hand.

The machine has RAM below 128 MiB and from 4 GiB to 4 GiB + 32 MiB. Most stories tell of the same
memory: the first 639 KiB and everything from 1 MiB to 64 MiB, called LOW and MAIN here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ringbench.boots.bench import outcome
from ringbench.boots.entry import EntryMachine
from ringbench.boots.handover import Handover, hand_over
from ringbench.boots.story import Entry, Loaded, Story
from ringbench.config import Config
from ringbench.errors import Ended
from ringbench.machine import EndKind
from ringbench.observe.picture import Picture, take_from

KERNEL = Path(__file__).resolve().parents[2] / "kernel"
K, M, G = 1 << 10, 1 << 20, 1 << 30
FRAME = 4 * K
RESERVED, ACPI = 2, 3
AT = 0x9500
LOW, MAIN = Entry(0, 639 * K), Entry(M, 63 * M)
ISLAND = 0x2000000
"""An address in the middle of MAIN."""


@pytest.fixture(scope="module")
def entry(ringbench_config: Config) -> Iterator[EntryMachine]:
    with EntryMachine(ringbench_config) as machine:
        yield machine


def told(*entries: Entry, multiboot: int = 1, at: int = AT) -> Story:
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
    return found[0] if found else "hole"


def is_managed(picture: Picture, address: int) -> bool:
    """Whether the allocator can hand the frame out."""
    return bool(picture.pmm.managed_bits >> address // FRAME & 1)


# --- what comes up -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Case:
    """A story, and what frames must be then: address -> kind."""

    name: str
    story: Story
    kinds: dict[int, str]


def islands(count: int) -> tuple[Entry, ...]:
    """Reserved frames where nothing else is, from 80 MiB on.

    Beside them are five ranges: the kernel, MAIN, the information, and LOW around it.
    """
    return tuple(Entry(80 * M + 2 * FRAME * n, FRAME, RESERVED) for n in range(count))


UP = (
    Case("as told", told(), {0: "low", M - 1: "low", ISLAND: "available", 64 * M: "hole"}),
    Case(
        "unsorted",
        Story(1, AT, (Entry(64 * M, M), MAIN, Entry(63 * M, FRAME, RESERVED), LOW)),
        {63 * M: "reserved", 63 * M + FRAME: "available", 65 * M - 1: "available"},
    ),
    Case(
        "the same again, and overlapping",
        told(MAIN, Entry(60 * M, 8 * M), LOW),
        {ISLAND: "available", 68 * M - 1: "available", 68 * M: "hole"},
    ),
    Case(
        "reserved wins over available, told before or after",
        Story(1, AT, (Entry(ISLAND, FRAME, ACPI), LOW, MAIN, Entry(2 * ISLAND - M, FRAME, 2))),
        {
            ISLAND - 1: "available",
            ISLAND: "reserved",
            ISLAND + FRAME: "available",
            2 * ISLAND - M: "reserved",
        },
    ),
    Case(
        "available shrinks to whole frames, reserved grows",
        told(Entry(70 * M + 1, 3 * FRAME - 2), Entry(ISLAND + FRAME - 1, 2, RESERVED)),
        {
            70 * M: "hole",
            70 * M + FRAME: "available",
            70 * M + 2 * FRAME: "hole",
            ISLAND: "reserved",
            ISLAND + FRAME: "reserved",
            ISLAND + 2 * FRAME: "available",
        },
    ),
    Case(
        "nothing is nothing, and a byte of available memory too",
        told(Entry(ISLAND, 0, RESERVED), Entry(70 * M, 0), Entry(70 * M, 1), Entry(0, 0, 7)),
        {ISLAND: "available", 70 * M: "hole"},
    ),
    Case(
        "one frame",
        told(Entry(70 * M, FRAME), Entry(ISLAND, 1, RESERVED)),
        {70 * M - 1: "hole", 70 * M: "available", 70 * M + FRAME: "hole", ISLAND: "reserved"},
    ),
    Case(
        "a hole",
        Story(1, AT, (LOW, Entry(M, 20 * M), Entry(22 * M, 20 * M))),
        {21 * M - 1: "available", 21 * M: "hole", 22 * M: "available"},
    ),
    Case(
        "up to 4 GiB",
        told(Entry(4 * G - 8 * FRAME, 8 * FRAME, RESERVED), Entry(4 * G - 9 * FRAME, FRAME)),
        {4 * G - 9 * FRAME: "available", 4 * G - 1: "reserved", 4 * G: "hole"},
    ),
    Case(
        "across 4 GiB",
        told(Entry(4 * G - FRAME, 2 * FRAME)),
        {4 * G - FRAME: "available", 4 * G: "available", 4 * G + FRAME: "hole"},
    ),
    Case(
        "above 4 GiB, and not at the same place below",
        told(Entry(4 * G, 32 * M), Entry(4 * G + ISLAND, FRAME, RESERVED), Entry(ISLAND, 0)),
        {4 * G: "available", ISLAND: "available", 4 * G + ISLAND: "reserved"},
    ),
    Case(
        "a length of more than 4 GiB",
        told(Entry(70 * M, 4 * G + FRAME, RESERVED)),
        {70 * M: "reserved", 70 * M + FRAME: "reserved", 4 * G + 70 * M: "reserved"},
    ),
    Case(
        "beyond the processor's width of 40 bits",
        told(Entry((1 << 40) - FRAME, 2 * FRAME, RESERVED), Entry(1 << 40, M), Entry(1 << 63, M)),
        {(1 << 40) - FRAME: "reserved", 1 << 40: "hole", 1 << 63: "hole", 0: "low"},
    ),
    Case(
        "around 2^64",
        told(Entry((1 << 64) - FRAME, 65 * M, RESERVED), Entry((1 << 64) - FRAME, 128 * M)),
        {ISLAND: "available", 70 * M: "hole", (1 << 64) - FRAME: "hole"},
    ),
    Case(
        "a reserved piece from here to around 2^64",
        told(Entry(ISLAND, (1 << 64) - 1, RESERVED)),
        {
            ISLAND - 1: "available",
            ISLAND: "reserved",
            (1 << 40) - 1: "reserved",
            2 * M: "available",
        },
    ),
    Case(
        "a thousand times the same, and as many ranges as there is room for",
        told(*([MAIN] * 1000), *islands(251)),
        {80 * M: "reserved", 80 * M + FRAME: "hole", 80 * M + 500 * FRAME: "reserved"},
    ),
    Case(
        "entries with more in them",
        Story(1, AT, (replace(LOW, extra=4), replace(MAIN, extra=13), Entry(70 * M, M))),
        {ISLAND: "available", 70 * M: "available"},
    ),
    Case(
        "entries with more in them, Multiboot 2",
        replace(told(Entry(70 * M, M), multiboot=2), entry_extra=16),
        {ISLAND: "available", 70 * M: "available"},
    ),
    Case(
        "types that mean nothing, and ACPI's",
        told(*(Entry(ISLAND + n * M, FRAME, n) for n in (0, 3, 4, 5, 6, 20))),
        {ISLAND + n * M: "reserved" for n in (0, 3, 4, 5, 6, 20)} | {ISLAND + M: "available"},
    ),
    Case(
        "the kernel in a reserved piece",
        told(Entry(M, 8 * M, RESERVED)),
        {M: "kernel", 8 * M: "reserved", 10 * M: "available"},
    ),
    Case(
        "a module in a reserved piece, in available memory, in none",
        replace(
            told(Entry(ISLAND - M, 2 * M, RESERVED)),
            modules=(
                Loaded(ISLAND + 1, ISLAND + FRAME + 1, "one"),
                Loaded(48 * M, 48 * M + 1, "two"),
                Loaded(100 * M, 100 * M + FRAME),
            ),
        ),
        {
            ISLAND: "module",
            ISLAND + FRAME: "module",
            ISLAND + 2 * FRAME: "reserved",
            48 * M: "module",
            48 * M + FRAME: "available",
            100 * M: "module",
        },
    ),
    Case(
        "information in a reserved piece",
        told(Entry(ISLAND - M, 2 * M, RESERVED), at=ISLAND),
        {ISLAND - 1: "reserved", ISLAND: "boot_info", ISLAND + FRAME: "reserved"},
    ),
    Case(
        "information in available memory, in four places",
        replace(
            told(at=ISLAND),
            command_line="words",
            modules=(Loaded(0, 0, "nothing"),),
            map_at=ISLAND + 2 * FRAME - 4,
            modules_at=ISLAND + 4 * FRAME + 1,
            strings_at=ISLAND + 6 * FRAME - 1,
        ),
        {ISLAND + n * FRAME: "boot_info" for n in (0, 1, 2, 4, 5, 6)}
        | {ISLAND + n * FRAME: "available" for n in (3, 7)},
    ),
    Case(
        "information in available memory, Multiboot 2",
        told(multiboot=2, at=ISLAND + FRAME - 8),
        {ISLAND: "boot_info", ISLAND + FRAME: "boot_info", ISLAND + 2 * FRAME: "available"},
    ),
    Case(
        "modules over each other, the kernel, the first MiB",
        replace(
            told(),
            modules=(
                Loaded(ISLAND, ISLAND + 4 * FRAME),
                Loaded(ISLAND + FRAME, ISLAND + 2 * FRAME),
                Loaded(0, 8 * M),
            ),
        ),
        {0: "module", M: "kernel", 8 * M - 1: "module", 9 * M: "available", ISLAND: "module"},
    ),
    Case(
        "modules that end before they begin, or above all memory",
        replace(
            told(),
            modules=(
                Loaded(ISLAND, ISLAND),
                Loaded(ISLAND + M, ISLAND),
                Loaded(4 * G - FRAME, 4 * G - 1),
            ),
        ),
        {ISLAND: "available", ISLAND + M: "available", 4 * G - FRAME: "module"},
    ),
    Case(
        "tags of no meaning, two memory maps, modules first",
        replace(
            told(Entry(ISLAND, FRAME, RESERVED), multiboot=2),
            modules=(Loaded(48 * M, 48 * M + 1),),
            strays=((9, 13), (1 << 31, 0)),
            map_tags=2,
            modules_first=True,
        ),
        {ISLAND: "reserved", 48 * M: "module", ISLAND + FRAME: "available"},
    ),
)


@pytest.mark.parametrize("case", UP, ids=lambda case: case.name.replace(" ", "-"))
def test_the_map_is_made_of_it(entry: EntryMachine, case: Case) -> None:
    picture = booted(entry, case.story)
    assert {address: kind_at(picture, address) for address in case.kinds} == case.kinds
    for address, kind in case.kinds.items():
        assert is_managed(picture, address) == (kind == "available"), hex(address)
    assert picture.boot.loader == case.story.multiboot
    assert entry.machine.command("task new") == "ok t1"


def test_qemus_own_information(entry: EntryMachine) -> None:
    entry.boot(entry.honest)
    picture = take_from(entry.machine, entry.types)
    assert kind_at(picture, 4 * G) == kind_at(picture, 127 * M) == "available"
    assert kind_at(picture, 128 * M) == "hole"


def test_metadata_goes_where_it_fits(entry: EntryMachine) -> None:
    """With a bit for each frame up to 4 GiB + 4 KiB, it needs more than the first two pieces."""
    entries = (LOW, Entry(16 * M, FRAME), Entry(20 * M, 32 * FRAME), Entry(24 * M, 8 * M))
    picture = booted(entry, Story(1, AT, (*entries, Entry(4 * G, FRAME))))
    assert picture.pmm.metadata_base == 24 * M
    assert picture.pmm.frame_limit == (4 * G + 2 * M) // FRAME
    assert is_managed(picture, 16 * M)
    assert not is_managed(picture, 24 * M + picture.pmm.metadata_length - 1)
    assert is_managed(picture, 24 * M + picture.pmm.metadata_length)


def test_memory_beyond_what_is_managed(entry: EntryMachine) -> None:
    """Up to 512 GiB there is a bit for each frame; nobody looks whether that memory is there."""
    picture = booted(entry, told(Entry(64 * M, 32 * M), Entry(511 * G, 2 * G)))
    assert picture.pmm.frame_limit == 512 * G // FRAME
    assert kind_at(picture, 512 * G) == "available"
    assert is_managed(picture, 512 * G - FRAME)


def test_command_line_and_modules_are_cut(entry: EntryMachine) -> None:
    many = tuple(Loaded(ISLAND + 2 * n * FRAME, ISLAND + (2 * n + 1) * FRAME) for n in range(20))
    many = (replace(many[0], text="x" * 100), *many[1:])
    story = replace(told(multiboot=2), command_line="word " * 100, modules=many)
    for each in (story, replace(story, multiboot=1)):
        picture = booted(entry, each)
        assert picture.boot.command_line == ("word " * 100)[:255]
        assert len(picture.boot.modules) == 16
        assert picture.boot.modules[0].name == "x" * 63
        assert kind_at(picture, many[19].start) == "module", "not named, but kept"


def test_a_string_is_cut_at_the_image(entry: EntryMachine) -> None:
    image, _ = entry.facts.image
    before = entry.memory.read(image - 1, 1)
    assert before != b"\0", "firmware's last byte, so that the string goes on"
    picture = booted(entry, replace(told(), command_line="").lying(command_line=image - 1))
    assert len(picture.boot.command_line) >= 1
    assert kind_at(picture, image - 1) == "boot_info"


# --- what panics ---------------------------------------------------------------------------------

STRUCTURE = "boot information: the structure"
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
NO_MONITOR = "no memory for the monitor: no_memory"

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
    sources = [(KERNEL / name).read_text() for name in (*files, "monitor/monitor.c")]
    formats = {text for source in sources for text in re.findall(r'panic\("(.*?)"', source)}
    assert len(formats) > 10
    words = [f"boot information: {text}" for _, text in PANICS]
    words += [text for _, text in LACKS] + [NO_MONITOR]
    for each in formats - UNREACHABLE:
        pattern = re.sub(r"%(s|u|d|lx|x)", ".+", each)
        assert any(re.fullmatch(pattern, text) for text in words), each
