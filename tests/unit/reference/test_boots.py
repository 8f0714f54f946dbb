"""What needs no guest of the hostile boots: stories, how they lie in memory, what is predicted."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from ringbench.arch.x86_64.features import Features
from ringbench.errors import MemoryUnreadable
from ringbench.machine import BytesMemory, PaddedMemory, RamMap, RamRange, Snapshot
from ringbench.subjects.reference.boots.entry import STUB, FrozenMemory, register_stub
from ringbench.subjects.reference.boots.facts import Facts, honest_story
from ringbench.subjects.reference.boots.generate import (
    KINDS,
    HostileBoot,
    hostile_boot,
    is_predictable,
    told,
)
from ringbench.subjects.reference.boots.handover import Handover, Piece, hand_over
from ringbench.subjects.reference.boots.predict import Overlaid
from ringbench.subjects.reference.boots.story import Entry, Loaded, Story
from ringbench.subjects.reference.model.boot_info import boot_info_init
from ringbench.subjects.reference.model.state import Segment, Sizes
from ringbench.subjects.reference.vocabulary.boot_values import MemoryRange, Module
from ringbench.subjects.reference.vocabulary.constants import IMAGE_BASE, MemoryKind
from ringbench.subjects.reference.vocabulary.status import Panic

M, G = 1 << 20, 1 << 30
FRAME = 4096
RAM = RamMap((RamRange(0, 128 * M, 0), RamRange(4 * G, 32 * M, 128 * M)))
IMAGE = (M, M + 64 * FRAME)
SEGMENTS = (Segment(IMAGE_BASE + M, 64 * FRAME, 0),)
FACTS = Facts(RAM, IMAGE, SEGMENTS, Features(physical_bits=40), Sizes())
NOTHING = PaddedMemory(BytesMemory(b""), RamMap(()))
STORY = Story(
    1,
    0x9500,
    (Entry(0, 0x9FC00), Entry(M, 63 * M, extra=4), Entry((1 << 64) - 2, 1, 0x80000001)),
    modules=(Loaded(4 * M, 4 * M + 5, "one"), Loaded(8 * M, 8 * M, "two", 0x20)),
    command_line="a=1",
)


def believed(story: Story) -> HostileBoot:
    return told("a story", (), story, FACTS, NOTHING)


# --- stories -------------------------------------------------------------------------------------


def test_a_story_is_the_same_after_json() -> None:
    for seed in range(200):
        random = Random(seed)
        story = honest_story(random, FACTS)
        for kind in random.sample(list(KINDS), 5):
            story = KINDS[kind](random, FACTS, story)
        assert Story.from_json(story.to_json()) == story


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"multiboot": 3}, "there is no Multiboot 3"),
        ({"lies": {"flag": 1}}, "no field is called flag"),
        ({"entries": [{"base": 1}]}, "length"),
        ({"at": "here"}, "here"),
        ({"colour": 1}, "colour"),
    ],
)
def test_what_is_no_story_is_refused(change: dict[str, object], words: str) -> None:
    text = json.dumps(json.loads(STORY.to_json()) | change)
    with pytest.raises(ValueError, match=words):
        Story.from_json(text)
    with pytest.raises(ValueError, match=r"Expecting|not what"):
        Story.from_json("[")


def test_a_listing_names_everything() -> None:
    text = "\n".join(replace(STORY, ended=False).lying(flags=0x47).listing())
    for words in (
        "Multiboot 1, information at 0x9500",
        "0x0000000000100000 + 0x3f00000  available  (4 bytes more)",
        "0xfffffffffffffffe + 0x1  type 2147483649",
        "module 0x400000..0x400005 'one'",
        "said to be at 0x20",
        "command line 'a=1'",
        "ended = False",
        "lie: flags = 0x47",
    ):
        assert words in text


# --- how they lie in memory ----------------------------------------------------------------------


def test_multiboot_1_in_memory() -> None:
    """Multiboot 0.6.96, section 3.3, byte by byte."""
    handover = hand_over(STORY)
    assert (handover.magic, handover.information) == (0x2BADB002, 0x9500)
    memory = Overlaid(NOTHING, handover.pieces)
    words = struct.unpack("<13I", memory.read(0x9500, 52))
    flags, command_line, count, modules = words[0], words[4], words[5], words[6]
    length, entries = words[11], words[12]
    assert flags == 0x4D
    assert length == 24 + 28 + 24
    assert memory.read(entries, 24) == struct.pack("<IQQI", 20, 0, 0x9FC00, 1)
    assert memory.read(entries + 24, 28) == struct.pack("<IQQI", 24, M, 63 * M, 1) + b"\xee" * 4
    assert count == 2
    first = struct.unpack("<4I", memory.read(modules, 16))
    assert first[:2] == (4 * M, 4 * M + 5)
    assert memory.read(first[2], 4) == b"one\0"
    assert struct.unpack("<4I", memory.read(modules + 16, 16)) == (8 * M, 8 * M, 0x20, 0)
    assert memory.read(command_line, 4) == b"a=1\0"


def test_multiboot_2_in_memory() -> None:
    """Multiboot 2.0, section 3.6: tags at multiples of 8, sizes without the padding."""
    [piece] = hand_over(replace(STORY, multiboot=2, entry_extra=8)).pieces
    total, reserved = struct.unpack_from("<II", piece.data)
    assert (total, reserved) == (len(piece.data), 0)
    at, tags = 8, []
    while at < total:
        kind, size = struct.unpack_from("<II", piece.data, at)
        tags.append((kind, piece.data[at + 8 : at + size]))
        at += -(-size // 8) * 8
    assert [kind for kind, _ in tags] == [1, 6, 3, 3, 0]
    assert tags[0][1] == b"a=1\0"
    assert tags[1][1][:8] == struct.pack("<II", 32, 0)
    assert tags[1][1][8:40] == struct.pack("<QQII", 0, 0x9FC00, 1, 0) + b"\xee" * 8
    assert tags[2][1] == struct.pack("<II", 4 * M, 4 * M + 5) + b"one\0"


def test_lies_are_told() -> None:
    handover = hand_over(STORY.lying(magic=1, information=2, memory_map_length=3, modules_count=4))
    words = struct.unpack("<13I", handover.pieces[0].data)
    assert (handover.magic, handover.information) == (1, 2)
    assert (words[11], words[5]) == (3, 4)


def test_the_stub_sets_the_registers() -> None:
    """MOV EAX, MOV EBX, JMP: Intel SDM 2A and 2B, opcodes B8+r and E9."""
    code = register_stub(0x2BADB002, 0x12345678, 0x100040)
    assert code[:10].hex() == "b802b0ad2bbb78563412"
    jump, distance = struct.unpack("<Bi", code[10:])
    assert jump == 0xE9
    assert STUB + len(code) + distance == 0x100040


# --- memory --------------------------------------------------------------------------------------


def test_memory_as_a_processor_reads_it() -> None:
    ram = RamMap((RamRange(0, 16, 0), RamRange(0x100, 16, 16)))
    snapshot = Snapshot(Path(), "", ((2, b"abcd"), (16, b"xy")), {}, (0, 0))
    frozen = FrozenMemory(ram, snapshot)
    assert frozen.read(0, 8) == b"\0\0abcd\0\0"
    assert frozen.read(0x101, 2) == b"y\0"
    with pytest.raises(MemoryUnreadable):
        frozen.read(10, 8)
    padded = PaddedMemory(frozen, ram)
    assert padded.read(4, 0x100) == b"cd" + bytes(0xFA) + b"xy\0\0"
    overlaid = Overlaid(padded, (Piece(0xFE, b"1234"), Piece(0x100, b"-")))
    assert overlaid.read(0xFD, 6) == b"\x0012-4\0"


# --- predictions ---------------------------------------------------------------------------------


def test_what_the_model_makes_of_both_formats() -> None:
    """The same story gives the same map, but for where the information lies."""
    infos = []
    for multiboot in (1, 2):
        handover = hand_over(replace(STORY, multiboot=multiboot))
        memory = Overlaid(NOTHING, handover.pieces)
        infos.append(boot_info_init(memory, handover.magic, handover.information, 40, IMAGE))
    one, two = infos
    assert one.command_line == two.command_line == "a=1"
    assert one.modules[0] == two.modules[0] == Module(4 * M, 5, "one")
    assert one.modules[1] == Module(8 * M, 0, ""), "its text is said to be where zeros are"
    expected = [
        MemoryRange(M, 64 * FRAME, MemoryKind.KERNEL),
        MemoryRange(M + 64 * FRAME, 3 * M - 64 * FRAME, MemoryKind.AVAILABLE),
        MemoryRange(4 * M, FRAME, MemoryKind.MODULE),
        MemoryRange(4 * M + FRAME, 60 * M - FRAME, MemoryKind.AVAILABLE),
    ]
    assert [r for r in one.map if r.base >= M] == [r for r in two.map if r.base >= M] == expected


def test_a_megabyte_of_entries_is_read_to_the_end() -> None:
    """Most of them on one another: what is kept of them stays small."""
    entries = tuple(Entry(2 * M + FRAME * (n % 100), FRAME) for n in range(20_000))
    boot = believed(replace(STORY, entries=entries, at=16 * M))
    assert boot.prediction.panic == ""


def test_panics_of_the_model_name_themselves() -> None:
    with pytest.raises(Panic, match=r"^boot information: unknown loader, magic number 0x5$"):
        boot_info_init(NOTHING, 5, 0, 40, IMAGE)


@pytest.mark.parametrize(
    ("story", "predictable"),
    [
        (STORY, True),
        (replace(STORY, at=M + 1), False),  # over the kernel
        (replace(STORY, at=128 * M - 8), False),  # beyond RAM
        (replace(STORY, at=0x100), False),  # over firmware's data, and the code that sets registers
        (replace(STORY, entries=(Entry(200 * M, 64 * M),)), False),  # metadata nowhere
        (replace(STORY, entries=(Entry(64 * M, FRAME), Entry(200 * M, 64 * M))), False),  # tables
        (replace(STORY, entries=(Entry(64 * M, M), Entry(200 * M, 64 * M))), True),
        (replace(STORY, entries=(Entry(200 * M, 64 * M),)).lying(magic=1), True),  # never used
    ],
)
def test_what_needs_memory_that_is_not_there_is_not_predicted(
    story: Story, *, predictable: bool
) -> None:
    assert is_predictable(believed(story), FACTS) == predictable


def test_generated_boots() -> None:
    """Each is predictable and made of its kinds; in a hundred are all kinds, and both formats."""
    boots = [hostile_boot(3, number, FACTS, NOTHING) for number in range(120)]
    assert all(is_predictable(boot, FACTS) for boot in boots)
    assert {kind for boot in boots for kind in boot.kinds} == set(KINDS)
    assert {boot.story.multiboot for boot in boots} == {1, 2}
    assert len({boot.handover for boot in boots}) == 120
    assert isinstance(boots[0].handover, Handover)
    assert boots[7] == hostile_boot(3, 7, FACTS, NOTHING)
    assert 20 < sum(bool(boot.prediction.panic) for boot in boots) < 80
