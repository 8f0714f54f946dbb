"""What loaders can say and a kernel boots on, with what it must make of it stated by hand."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from ringbench.subjects.reference.boots.entry import EntryMachine
from ringbench.subjects.reference.boots.story import Entry, Loaded, Story
from ringbench.subjects.reference.observe.picture import take_from
from tests.system.boot_stories import (
    ACPI,
    AT,
    FRAME,
    ISLAND,
    LOW,
    MAIN,
    RESERVED,
    G,
    M,
    booted,
    is_managed,
    islands,
    kind_at,
    told,
)


@dataclass(frozen=True, slots=True)
class Case:
    """A story, and what frames must be then: address -> kind."""

    name: str
    story: Story
    kinds: dict[int, str]


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
