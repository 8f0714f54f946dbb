"""The memory that bench and plugin share is the same on both sides."""

from __future__ import annotations

import re
import struct
import subprocess
from pathlib import Path

from ringbench.microscope import aim, build, layout
from ringbench.microscope.kinds import BLOCK, DISTANCE, KINDS, SIZE, WRONG

FIELDS = {
    "instruments": layout.INSTRUMENTS_AT,
    "arena_size": layout.ARENA_SIZE_AT,
    "begin": layout.WATCHED_AT,
    "ram_count": layout.RAM_COUNT_AT,
    "ram": layout.RAM_AT,
    "function_count": layout.FUNCTION_COUNT_AT,
    "functions": layout.FUNCTIONS_AT,
    "own_count": layout.OWN_COUNT_AT,
    "own": layout.OWN_AT,
    "page_count": layout.PAGE_COUNT_AT,
    "pages": layout.PAGES_AT,
    "layout": layout.LAYOUT_AT,
    "instructions": layout.INSTRUCTIONS_AT,
    "lacking": layout.LACKING_AT,
    "written": layout.WRITTEN_AT,
    "found": layout.FOUND_AT,
    "further": layout.FURTHER_AT,
    "arena_used": layout.ARENA_USED_AT,
    "findings": layout.FINDINGS_AT,
    "records": layout.RECORDS_AT,
}


def test_fields_are_where_the_plugin_has_them(tmp_path: Path) -> None:
    lines = [f'printf("%zu\\n", offsetof(struct shared, {name}));' for name in FIELDS]
    source = tmp_path / "offsets.c"
    source.write_text(
        '#include <stdio.h>\n#include <stddef.h>\n#include "shared.h"\n'
        f"int main(void) {{ {' '.join(lines)} "
        'printf("%zu %d\\n", sizeof(struct shared), LAYOUT); }\n'
    )
    subprocess.run(
        ["gcc", "-I", build.SOURCES, "-o", tmp_path / "offsets", source], check=True, timeout=60
    )
    done = subprocess.run([tmp_path / "offsets"], capture_output=True, check=True, timeout=60)
    *offsets, size, number = map(int, done.stdout.split())
    assert dict(zip(FIELDS, offsets, strict=True)) == FIELDS
    assert (size, number) == (layout.SIZE, layout.LAYOUT)


def test_bits_are_the_plugins() -> None:
    header = (build.SOURCES / "shared.h").read_text("utf-8")
    bits = {name: 1 << int(bit) for name, bit in re.findall(r"(\w+) +\(1u << (\d+)\)", header)}
    ours = {each.name: each.value for each in layout.Instrument}
    lacks = {f"LACKS_{each.name}": each.value for each in layout.Lacking}
    flags = {"REFUSES": aim.REFUSES, "STATUS": aim.STATUS}
    assert bits == ours | lacks | flags
    assert f"(1ull << {aim.COPIES.bit_length() - 1})" in header


def numbers(header: str, prefix: str, enum: str) -> dict[str, int]:
    """Return an enum of a header: name without its prefix -> number."""
    text = (build.SOURCES / header).read_text("utf-8")
    [body] = re.findall(rf"enum {enum} {{(.*?)}};", text, re.DOTALL)
    names = re.findall(
        rf"\b{prefix}_(\w+)\b(?! in)", re.sub(r"/\*.*?\*/", "", body, flags=re.DOTALL)
    )
    first = 1 if "= 1" in body else 0
    return {name: number for number, name in enumerate(names, first)}


def test_roles_and_kinds_are_the_plugins() -> None:
    heap = numbers("heap.h", "HEAP", "heap_role")
    assert {name.lower(): number for name, number in heap.items()} == {
        **aim.HEAP_ROLES,
        "frames": aim.HEAP_FRAMES,
        "frames_bytes": aim.HEAP_FRAMES + 1,
    }
    frames = numbers("frames.h", "FRAMES", "frames_role")
    assert (frames["ALLOC"], frames["FREE"]) == (1, 2)
    assert frames["ALLOC_BYTES"] == frames["ALLOC"] + aim.OF_BYTES
    assert frames["FREE_BYTES"] == frames["FREE"] + aim.OF_BYTES
    kinds = {
        (layout.Instrument.HEAP, number)
        for number in numbers("heap.h", "HEAP", "heap_kind").values()
    } | {
        (layout.Instrument.FRAMES, number)
        for number in numbers("frames.h", "FRAMES", "frames_kind").values()
    }
    assert set(KINDS) >= kinds
    assert {each for each in KINDS if each[0].name in ("HEAP", "FRAMES")} == kinds
    details = numbers("heap.h", "HEAP", "heap_detail")
    assert details == {"BLOCK": BLOCK, "SIZE": SIZE, "DISTANCE": DISTANCE, "WRONG": WRONG}


def test_a_function_is_written_as_the_plugin_reads_it() -> None:
    function = layout.Function(
        0x1000, layout.Instrument.HEAP, 3, (("argument", 2), ("constant", -1)), none=-1
    )
    all_ones = (1 << 64) - 1
    assert function.words() == (0x1000, 2, 3, 2, 0, 0, 0, all_ones, 0, all_ones, 0, 0)


def test_a_finding_is_read_as_the_plugin_wrote_it() -> None:
    def event(pc: int, *callers: int) -> tuple[int, ...]:
        return (7, 1, pc, len(callers), *callers, *[0] * (layout.CALLERS - len(callers)))

    words = (
        *(int(layout.Instrument.FRAMES), 4, 9),
        *event(0x10, 0x20, 0x30),
        *(0x5000, layout.NOWHERE, 8, 1),
        *range(layout.DETAILS),
        *event(0x40),
        *event(0),
    )
    memory = bytearray(layout.RECORDS_AT)
    struct.pack_into(f"<{len(words)}Q", memory, layout.FINDINGS_AT + len(words) * 8, *words)
    found = layout.finding_at(memory, 1)
    assert (found.instrument, found.kind, found.times) == (layout.Instrument.FRAMES, 4, 9)
    assert found.event == layout.Event(7, 1, 0x10, (0x20, 0x30))
    assert found.access == layout.Access(0x5000, None, 8, True)
    assert found.details == (0, 1, 2, 3, 4, 5)
    assert found.related == (layout.Event(7, 1, 0x40, ()), None)
