"""The memory that bench and plugin share is the same on both sides."""

from __future__ import annotations

import re
import struct
import subprocess
from pathlib import Path

from ringbench.microscope import build, layout

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
    assert bits == ours | lacks


def test_a_function_is_written_as_the_plugin_reads_it() -> None:
    function = layout.Function(
        0x1000, layout.Instrument.HEAP, 3, (("argument", 2), ("constant", -1)), none=-1
    )
    all_ones = (1 << 64) - 1
    assert function.words() == (0x1000, 2, 3, 2, 0, 0, 0, all_ones, 0, all_ones)


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
