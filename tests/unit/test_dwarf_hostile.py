"""Debug information that was made to take for ever: each ends in one line, with little memory."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from ringbench.coverage.lines import Lines
from ringbench.debuginfo.dwarf import Types
from ringbench.debuginfo.elf import load_segments, open_elf
from ringbench.debuginfo.symbols import Symbols
from ringbench.errors import CoverageError, ImageError
from tests.unit.elf import link

ABBREVIATIONS = """
.uleb128 1, 0x11; .byte 1; .uleb128 0x10, 0x17, 0, 0                      # unit: stmt_list
.uleb128 2, 0x24; .byte 0; .uleb128 3, 8, 0x0b, 0x0b, 0x3e, 0x0b, 0, 0    # base type
.uleb128 3, 0x13; .byte 1; .uleb128 3, 8, 0x0b, 0x0b, 0, 0                # struct
.uleb128 4, 0x0d; .byte 0; .uleb128 3, 8, 0x49, 0x13, 0x38, 0x0f, 0, 0    # member
.uleb128 5, 0x16; .byte 0; .uleb128 3, 8, 0x49, 0x13, 0, 0                # typedef
.uleb128 6, 0x34; .byte 0; .uleb128 3, 8, 0x49, 0x13, 0x02, 0x18, 0, 0    # variable
.uleb128 7, 0x34; .byte 0; .uleb128 0x47, 0x13, 0, 0                      # by specification
.uleb128 8, 0x01; .byte 1; .uleb128 0x49, 0x13, 0, 0                      # array
.uleb128 9, 0x21; .byte 0; .uleb128 0x2f, 0x07, 0, 0                      # its bound, 8 bytes
.uleb128 10, 0x0b; .byte 1; .uleb128 0, 0                                 # block, nothing else
.uleb128 11, 0x0b; .byte 0; .uleb128 0, 0                                 # the same, childless
.uleb128 12, 0x34; .byte 0; .uleb128 3, 8, 0x49, 0x13, 0x02, 0x0a, 0, 0   # variable, block1
.byte 0
"""
TABLE_HEAD = ".byte 1, 1, 251, 14, 13, 0,1,1,1,1,0,0,0,1,0,0,1\n"
ONE_FILE = '.byte 0\n.asciz "a.c"\n.uleb128 0, 0, 0\n.byte 0\n'
BEGIN, END = ".byte 0, 9, 2\n.quad _start\n", ".byte 0, 1, 1\n"


def program(
    folder: Path, entries: str = "", lines: str = "", names: str = ONE_FILE, more: str = ""
) -> Path:
    """Link a program whose debug information has these entries, these rows, these files."""
    source = f"""
    .text
    .globl _start, thing
    _start: nop; nop; nop; nop
    .data
    thing: .quad 0
    .section .debug_abbrev,"",@progbits
    abbreviations: {ABBREVIATIONS}
    .section .debug_info,"",@progbits
    unit: .long 2f - 1f
    1: .short 4; .long abbreviations; .byte 8
    .uleb128 1; .long table
    {entries}
    .byte 0
    2:
    .section .debug_line,"",@progbits
    table: .long 2f - 1f
    1: .short 3; .long 4f - 3f
    3: {TABLE_HEAD}
    {names}
    4: {lines}
    2:
    {more}
    """
    return link(folder, source.replace("#", "//").replace(";", "\n"))


def variable(type_: str) -> str:
    return f'.uleb128 12; .asciz "thing"; .long {type_} - unit; .byte 9, 3; .quad thing'


def types_of(elf: Path) -> object:
    return Types(elf, open_elf(elf)).variable("thing").type.size


def test_what_is_sound_is_read(tmp_path: Path) -> None:
    number = 'number: .uleb128 2; .asciz "number"; .byte 4, 5\n'
    elf = program(tmp_path, number + variable("number"), BEGIN + ".byte 0x21, 0x21\n" + END)
    assert types_of(elf) == 4
    assert list(Lines.load(elf, tmp_path).files) == ["a.c"]


LOOPS = {
    "a struct in itself": (
        's: .uleb128 3; .asciz "s"; .byte 8\n'
        '.uleb128 4; .asciz "m"; .long s - unit; .uleb128 0\n.byte 0\n' + variable("s")
    ),
    "typedefs in a circle": (
        'a: .uleb128 5; .asciz "a"; .long b - unit\n'
        'b: .uleb128 5; .asciz "b"; .long a - unit\n' + variable("a")
    ),
    "an array of itself": (
        "a: .uleb128 8; .long a - unit\n.uleb128 9; .quad 7\n.byte 0\n" + variable("a")
    ),
    "an array of 2^60": (
        'n: .uleb128 2; .asciz "n"; .byte 8, 7\n'
        "a: .uleb128 8; .long n - unit\n.uleb128 9; .quad 1 << 60\n.byte 0\n" + variable("a")
    ),
    "an array of a thousand dimensions": (
        'n: .uleb128 2; .asciz "n"; .byte 8, 7\n'
        "a: .uleb128 8; .long n - unit\n"
        ".rept 1000\n.uleb128 9; .quad 1\n.endr\n.byte 0\n" + variable("a")
    ),
    "a specification of itself": ("v: .uleb128 7; .long v - unit\n.uleb128 7; .long v - unit\n"),
    "blocks nested 100,000 deep": ".fill 100000, 1, 10\n" + variable("unit"),
    "a type that is no entry": variable("unit + 3"),
    "a type outside the file": '.uleb128 12; .asciz "thing"; .long 1 << 30; .byte 9, 3; .quad 1',
    "an unknown abbreviation": ".uleb128 99\n" + variable("unit"),
}


@pytest.mark.parametrize("name", LOOPS)
def test_types_without_an_end(tmp_path: Path, name: str) -> None:
    elf = program(tmp_path, LOOPS[name], BEGIN + END)
    with pytest.raises(ImageError) as raised:
        types_of(elf)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 1000


def test_files_in_folders_with_long_names(tmp_path: Path) -> None:
    """A thousand files, each in a folder whose name is 100,000 characters."""
    names = (
        '.fill 100000, 1, 0x61\n.byte 0, 0\n.rept 1000\n.asciz "b"\n.uleb128 1, 0, 0\n.endr\n'
        ".byte 0\n"
    )
    rows = "".join(f".byte 4\n.uleb128 {n}\n.byte 0x21\n" for n in range(1, 4))
    elf = program(tmp_path, "", BEGIN + rows + END, names)
    with pytest.raises(CoverageError, match="path of a source file has over"):
        Lines.load(elf, tmp_path)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (BEGIN + ".fill 11000, 1, 0x20\n" + END, "rows of line tables"),
        (BEGIN + ".fill 3000, 1, 0xff\n", "no DWARF line table|damaged|there is none of"),
        (BEGIN + ".byte 2\n.fill 5000, 1, 0xff\n.byte 0\n", "number too long"),
        (".byte 0\n.uleb128 1 << 40\n.byte 2\n", "cut"),
        (BEGIN + ".byte 4\n.uleb128 77\n.byte 0x21, 0x21\n" + END, "damaged"),
        (BEGIN + ".byte 0x21, 0x21, 0x21", None),
    ],
)
def test_line_programs_without_an_end(
    tmp_path: Path, lines: str, words: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringbench.debuginfo.lines.ROWS", 10_000)
    elf = program(tmp_path, "", lines)
    if words is None:
        assert Lines.load(elf, tmp_path).files
        return
    with pytest.raises(CoverageError, match=words):
        Lines.load(elf, tmp_path)


def patched(elf: Path, section: str, field: str, value: int) -> None:
    """Change a field of a section's header."""
    at = {"sh_type": (4, 4), "sh_flags": (8, 8), "sh_size": (32, 8), "sh_entsize": (56, 8)}[field]
    data = bytearray(elf.read_bytes())
    with elf.open("rb") as file:
        parsed = ELFFile(file)
        number = parsed.get_section_index(section)
        start = parsed["e_shoff"] + number * parsed["e_shentsize"] + at[0]
    data[start : start + at[1]] = value.to_bytes(at[1], "little")
    elf.write_bytes(data)


@pytest.mark.parametrize("section", [".debug_info", ".debug_line", ".debug_abbrev", ".symtab"])
@pytest.mark.parametrize(
    ("field", "value"), [("sh_size", 1 << 60), ("sh_type", 8), ("sh_entsize", 1)]
)
def test_sections_of_absurd_sizes(tmp_path: Path, section: str, field: str, value: int) -> None:
    elf = program(tmp_path, variable("unit"), BEGIN + END)
    patched(elf, section, field, value)
    for read, kind in ((types_of, ImageError), (lambda p: Lines.load(p, tmp_path), CoverageError)):
        with suppress(kind):
            read(elf)


@pytest.mark.parametrize("size", [1 << 40, 5 << 20])
def test_a_section_that_inflates_to_gigabytes(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To five megabytes, where one is too much."""
    monkeypatch.setattr("ringbench.debuginfo.elf.LARGEST", 1 << 20)
    content = struct.pack("<IIQQ", 1, 0, size, 1) + zlib.compress(bytes(5 << 20), 9)
    (tmp_path / "bomb").write_bytes(content)
    bomb = f'.section .debug_str,"",@progbits\n.incbin "{tmp_path}/bomb"\n'
    elf = program(tmp_path, variable("unit"), BEGIN + END, more=bomb)
    patched(elf, ".debug_str", "sh_flags", 0x800)
    with pytest.raises(ImageError, match="longer than any can be"):
        types_of(elf)


def test_an_old_section_that_inflates_to_gigabytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its header tells less than there is."""
    monkeypatch.setattr("ringbench.debuginfo.elf.LARGEST", 1 << 20)
    data = b"ZLIB" + struct.pack(">Q", 5) + zlib.compress(bytes(5 << 20), 9)
    (tmp_path / "bomb").write_bytes(data)
    bomb = f'.section .xdebug_str,"",@progbits\n.incbin "{tmp_path}/bomb"\n'
    elf = program(tmp_path, variable("unit"), BEGIN + END, more=bomb)
    elf.write_bytes(elf.read_bytes().replace(b".xdebug_str", b".zdebug_str"))
    with pytest.raises(ImageError, match="longer than any can be"):
        types_of(elf)


@pytest.mark.parametrize(
    ("at", "size", "value"),
    [(54, 2, 0), (56, 2, 0xFFFE), (58, 2, 0), (60, 2, 0xFEFF), (32, 8, 1 << 50), (40, 8, 1 << 50)],
)
def test_tables_of_headers(tmp_path: Path, at: int, size: int, value: int) -> None:
    elf = program(tmp_path, variable("unit"), BEGIN + END)
    data = bytearray(elf.read_bytes())
    data[at : at + size] = value.to_bytes(size, "little")
    elf.write_bytes(data)
    with pytest.raises(ImageError, match="damaged"):
        load_segments(elf)


def test_names_without_an_end(tmp_path: Path) -> None:
    """All symbols share one name of megabytes, which each sees from another place."""
    elf = program(tmp_path, variable("unit"), BEGIN + END)
    symbols = Symbols.load(elf)
    assert symbols.addresses("thing")
    data = bytearray(elf.read_bytes())
    with elf.open("rb") as file:
        strings = ELFFile(file).get_section_by_name(".strtab")
        assert strings is not None
        start, end = strings["sh_offset"], strings["sh_offset"] + strings["sh_size"]
    data[start:end] = b"x" * (end - start)
    elf.write_bytes(data)
    Symbols.load(elf)


MEASURED = """
import re, sys
from pathlib import Path
from ringbench.debuginfo.dwarf import Types
from ringbench.errors import ImageError
try:
    Types.load(Path(sys.argv[1])).variable("thing")
except ImageError as error:
    assert "debug information" in str(error), error
else:
    raise SystemExit("read whole")
print(re.findall(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[0])
"""


@pytest.mark.exhaustive
def test_entries_by_the_million(tmp_path: Path) -> None:
    """Ten million entries of a byte each: memory is measured in a process of its own."""
    elf = program(tmp_path, ".fill 10000000, 1, 11\n" + variable("unit"), BEGIN + END)
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(elf)],
        capture_output=True,
        text=True,
        timeout=400,
        check=True,
    )
    assert int(done.stdout) < 1600 << 10
