"""Files that are read, damaged: the kernel with its DWARF, scripts, configuration, stories."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest

from ringbench.config import load
from ringbench.coverage.data import Data
from ringbench.coverage.lines import Lines
from ringbench.coverage.ranges import Ranges
from ringbench.debuginfo.dwarf import Types
from ringbench.debuginfo.elf import load_segments, open_elf
from ringbench.engine.script import read_script
from ringbench.errors import ConfigError
from ringbench.machine.image import check_symbols, form_of
from ringbench.machine.translations import code_of
from ringbench.subjects.reference.boots.story import Story
from ringbench.subjects.reference.check.boot import image_frames, image_segments
from ringbench.subjects.reference.observe.names import RINGBENCH
from ringbench.subjects.reference.subject import REFERENCE
from tests.fuzz.mutate import Tally, mutated
from tests.places import ROOT
from tests.unit.reference.test_boots import STORY

ELF, IMAGE = ROOT / "build" / "kernel.elf", ROOT / "build" / "kernel32.elf"

Record = Callable[[str, object], None]


def sections(elf: Path) -> dict[str, tuple[int, int]]:
    """Where each section's bytes are in the file."""
    return {
        each.name: (each["sh_offset"], each["sh_offset"] + each["sh_size"])
        for each in open_elf(elf).iter_sections()
        if each["sh_type"] != "SHT_NOBITS" and each["sh_size"]
    }


def of_a_section(data: bytes, start: int, end: int, part: bytes) -> bytes:
    """The file with a section's bytes replaced, and no byte moved."""
    return data[:start] + part[: end - start].ljust(end - start, b"\0") + data[end:]


def read_types(path: Path) -> None:
    """Ask for what a picture asks for."""
    types = Types(path, open_elf(path))
    for name in ("pmm.free_bits", "kernel_space.first", "heap.free[3]", "boot_info.map.ranges[1]"):
        types.locate(name)
    for name in (RINGBENCH.spaces.region_type, RINGBENCH.tasks.task_type):
        for member in types.struct(name).flat.values():
            getattr(member.type, "target", None)
    assert types.enum(RINGBENCH.spaces.kind_enum).values is not None


READERS: dict[str, Callable[[Path], object]] = {
    "types": read_types,
    "lines": lambda path: Lines.load(path, ROOT),
    "segments": load_segments,
    "code": code_of,
    "frames of the image": image_frames,
    "segments of the image": image_segments,
    "check": check_symbols,
    "form of the image": form_of,
}


@pytest.mark.parametrize("reader", READERS)
def test_a_damaged_elf_file(
    tmp_path: Path, reader: str, share: int, record_property: Record
) -> None:
    """Damage anywhere in the headers, or in the file."""
    data, path, tally = ELF.read_bytes(), tmp_path / "kernel.elf", Tally(f"elf {reader}")
    table = len(data) - 64 * 30
    for random in tally.randoms(8 * share):
        start, end = random.choice(((0, 400), (table, len(data)), (0, len(data))))
        path.write_bytes(data[:start] + mutated(data[start:end], random) + data[end:])
        tally.attempt(lambda: READERS[reader](path))
    record_property("summary", str(tally))


@pytest.mark.parametrize(
    ("reader", "names"),
    [
        ("types", (".debug_info", ".debug_abbrev", ".debug_str", ".symtab", ".strtab")),
        ("lines", (".debug_line", ".debug_line_str", ".debug_info", ".debug_abbrev")),
    ],
)
def test_damaged_debug_information(
    tmp_path: Path, reader: str, names: tuple[str, ...], share: int, record_property: Record
) -> None:
    """Damage in what pyelftools parses."""
    data, path, tally = ELF.read_bytes(), tmp_path / "kernel.elf", Tally(f"dwarf {reader}")
    places = sections(ELF)
    for random in tally.randoms(20 * share):
        start, end = places[random.choice(names)]
        # Early bytes are the headers of tables, which matter more than most.
        near = min(end, start + random.choice((64, 1000, end - start)))
        part = mutated(data[start:near], random)
        path.write_bytes(of_a_section(data, start, near, part))
        tally.attempt(lambda: READERS[reader](path))
    record_property("summary", str(tally))


SCRIPT = """#!/usr/bin/env -S ringbench replay
# pmm: reply: expected 'not_allocated', seen 'ok'
# ringbench 1: memory=16M cpu=max modules=2 split=8M
task new
pmm alloc 3 0x4000
vm alloc t1 0x3000 demand rwu
vm write t1 0x10000 001122ff
page map r0 0x400000 0x200000 2m rwx
heap alloc 5000
"""


def test_a_damaged_script(tmp_path: Path, share: int, record_property: Record) -> None:
    path, tally = tmp_path / "a.ring", Tally("script")
    config = load(ROOT / "ringbench.toml")
    for random in tally.randoms(200 * share):
        path.write_bytes(mutated(SCRIPT.encode(), random))
        tally.attempt(lambda: read_script(path, REFERENCE.parse).on(config))
    record_property("summary", str(tally))


@pytest.mark.parametrize(
    "line",
    [
        f"pmm alloc {'9' * 5000}",
        f"pmm free 0x{'f' * 5000}",
        f"vm write t1 0x10000 {'00' * 1_000_000}",
        "x" * 3_000_000,
        f"# ringbench 1: modules={'9' * 5000}",
        "# ringbench 1: modules=1000000000",
        f"# ringbench {'9' * 5000}: memory=16M",
        f"task new{' ' * 5000}x",
        "pmm alloc " * 500,
    ],
    ids=lambda line: line[:24],
)
def test_monstrous_lines(tmp_path: Path, line: str) -> None:
    path = tmp_path / "a.ring"
    path.write_text(f"task new\n{line}\n")
    with pytest.raises(ConfigError) as raised:
        read_script(path, REFERENCE.parse).on(load(ROOT / "ringbench.toml"))
    assert len(str(raised.value)) < 20_000


def test_too_many_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.ring"
    path.write_text("\n" * 5_000_000)
    with pytest.raises(ConfigError, match="lines"):
        read_script(path, REFERENCE.parse)


CONFIG = (
    (ROOT / "ringbench.toml").read_bytes()
    + b"""
[deadlines]
boot = 3.5
reply = 2
"""
)


def test_a_damaged_configuration(tmp_path: Path, share: int, record_property: Record) -> None:
    path, tally = tmp_path / "ringbench.toml", Tally("configuration")
    for random in tally.randoms(200 * share):
        path.write_bytes(mutated(CONFIG, random))
        tally.attempt(lambda: load(path))
    record_property("summary", str(tally))


def test_a_damaged_file_of_what_ran(tmp_path: Path, share: int, record_property: Record) -> None:
    path, tally = tmp_path / "kernel.json", Tally("coverage")
    Data({"0123456789abcdef": Ranges.of([(0x10, 0x20), (0x30, 0x31)])}).save(path)
    data = path.read_bytes()
    for random in tally.randoms(200 * share):
        path.write_bytes(mutated(data, random))
        tally.attempt(lambda: Data.load(path))
    record_property("summary", str(tally))


def test_a_damaged_story(tmp_path: Path, share: int, record_property: Record) -> None:
    """What the loader says, as JSON: the command line makes one line of a ValueError."""
    tally = Tally("story")
    text = STORY.to_json().encode()
    for random in tally.randoms(100 * share):
        changed = mutated(text, random).decode("utf-8", "replace")

        def read(text: str = changed) -> None:
            with contextlib.suppress(ValueError):
                Story.from_json(text)

        tally.attempt(read)
    record_property("summary", str(tally))
