"""Debug information made to do harm in the ways that several files, scopes and bits have."""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ringbench.debuginfo.dwarf import Types
from ringbench.debuginfo.elf import open_elf
from ringbench.debuginfo.information import MOST
from ringbench.errors import ImageError
from tests.unit.elf import link
from tests.unit.programs import build
from tests.unit.test_dwarf_hostile import patched

LIMIT = 1 << 20

ABBREVIATIONS = """
.uleb128 1, 0x11; .byte 1; .uleb128 0x13, 0x0b, 0x2130, 8, 0x2131, 7, 0, 0  # unit: C++, .dwo, its number
.uleb128 2, 0x24; .byte 0; .uleb128 3, 8, 0x0b, 0x0b, 0x3e, 0x0b, 0, 0      # base type
.uleb128 3, 0x13; .byte 1; .uleb128 3, 8, 0x0b, 0x0b, 0, 0                  # struct
.uleb128 4, 0x0d; .byte 0; .uleb128 3, 8, 0x49, 0x13, 0x38, 0x0f, 0x0d, 0x0f, 0x6b, 0x0f, 0, 0  # bits
.uleb128 5, 0x16; .byte 0; .uleb128 3, 8, 0x49, 0x20, 0, 0                  # typedef, by signature
.uleb128 6, 0x34; .byte 0; .uleb128 3, 8, 0x49, 0x13, 0x02, 0x0a, 0, 0      # variable
.uleb128 7, 0x39; .byte 1; .uleb128 3, 8, 0, 0                              # namespace
.uleb128 8, 0x34; .byte 0; .uleb128 3, 8, 0x49, 0x13, 0x02, 0x18, 0, 0      # variable, exprloc
.uleb128 9, 0x34; .byte 0; .uleb128 3, 0x1a, 0x49, 0x13, 0, 0               # variable, name by number
.uleb128 10, 0x33; .byte 1; .uleb128 0x15, 0x13, 0, 0                       # variant part
.uleb128 11, 0x19; .byte 1; .uleb128 0x16, 0x0f, 0, 0                       # variant
.uleb128 12, 0x0d; .byte 0; .uleb128 3, 8, 0x49, 0x13, 0x38, 0x0f, 0, 0     # member
.uleb128 13, 0x41; .byte 1; .uleb128 0, 0                                   # type unit
.uleb128 14, 0x1c; .byte 0; .uleb128 0x49, 0x13, 0x38, 0x0f, 0, 0           # base class
.uleb128 15, 0x34; .byte 0; .uleb128 3, 0x28, 0x49, 0x13, 0x02, 0x18, 0, 0  # name by four bytes
.byte 0
"""  # noqa: E501


def program(folder: Path, entries: str, dwo: str = "", units: int = 1, more: str = "") -> Path:
    """Link a program with these entries in so many units, each split from a file of this name."""
    source = f"""
    .text
    .globl _start, thing
    _start: nop
    .data
    thing: .quad 0
    .section .debug_abbrev,"",@progbits
    abbreviations: {ABBREVIATIONS}
    .section .debug_info,"",@progbits
    unit:
    .rept {units}
    .long 2f - 1f
    1: .short 4; .long abbreviations; .byte 8
    .uleb128 1; .byte 4; .asciz "{dwo}"; .quad 1
    {entries}
    .byte 0
    2:
    .endr
    {more}
    """
    return link(folder, source.replace("#", "//").replace(";", "\n"))


def variable(type_: str) -> str:
    return f'.uleb128 6; .asciz "thing"; .long {type_} - unit; .byte 9, 3; .quad thing\n'


NUMBER = 'number: .uleb128 2; .asciz "number"; .byte 4, 5\n'


def read(elf: Path, name: str = "thing") -> object:
    return Types(elf, open_elf(elf)).variable(name).type.size


def refused(elf: Path, *words: str, name: str = "thing") -> None:
    """Reading must end in one line, not too long, that has these words."""
    with pytest.raises(ImageError) as raised:
        read(elf, name)
    message = str(raised.value)
    assert "\n" not in message
    assert len(message) < 2000
    for word in words:
        assert word in message, message


def test_what_is_sound_is_read(tmp_path: Path) -> None:
    fields = 's: .uleb128 3; .asciz "s"; .byte 8\n' + bits(5, 7) + ".byte 0\n"
    assert read(program(tmp_path, NUMBER + fields + variable("s"))) == 8


def test_a_name_by_a_number_of_four_bytes_is_read(tmp_path: Path) -> None:
    """Which pyelftools takes for eight."""
    entry = ".uleb128 15; .long 1; .long number - unit; .byte 9, 3; .quad thing\n"
    tables = """
    .section .debug_str_offsets,"",@progbits
    .long text, text + 1
    .section .debug_str,"",@progbits
    text: .asciz "athing"
    """
    elf = program(tmp_path, NUMBER + entry, more=tables)
    assert Types(elf, open_elf(elf)).variable("thing").type.size == 4


def bits(width: int, first: int) -> str:
    return (
        '.uleb128 4; .asciz "m"; .long number - unit; '
        f".uleb128 0; .uleb128 {width}; .uleb128 {first}\n"
    )


ENTRIES = {
    "a bit-field of 2^50 bits": (
        NUMBER + 's: .uleb128 3; .asciz "s"; .byte 8\n' + bits(1 << 50, 0) + ".byte 0\n"
        + variable("s"),
        "bit-field",
    ),
    "a bit-field behind the end": (
        NUMBER + 's: .uleb128 3; .asciz "s"; .byte 8\n' + bits(8, 64) + ".byte 0\n" + variable("s"),
        "has 8 bytes, and not all of its member",
    ),
    "a base class of itself": (
        's: .uleb128 3; .asciz "s"; .byte 8\n.uleb128 14; .long s - unit; .uleb128 0\n.byte 0\n'
        + variable("s"),
        "nested too deep",
    ),
    "a variant of itself": (
        's: .uleb128 3; .asciz "s"; .byte 8\n.uleb128 10; .long s - unit\n.uleb128 11, 5\n'
        '.uleb128 12; .asciz "m"; .long s - unit; .uleb128 0\n.byte 0, 0, 0\n' + variable("s"),
        "nested too deep",
    ),
    "namespaces nested 100,000 deep": (
        '.rept 100000\n.uleb128 7; .asciz "n"\n.endr\n' + variable("unit"),
        "nested",
    ),
    "a signature that no unit has": (
        't: .uleb128 5; .asciz "t"; .quad 77\n' + variable("t"),
        "no type unit with the signature",
    ),
    "an address by number, without a table": (
        NUMBER + '.uleb128 8; .asciz "thing"; .long number - unit; .uleb128 2; .byte 0xa1, 9\n',
        "no table of addresses",
    ),
    "a name by number, without a table": (
        NUMBER + ".uleb128 9, 1 << 40; .long number - unit\n" + variable("number"),
        "damaged",
    ),
    "a name of two lines": (
        NUMBER + 's: .uleb128 3; .asciz "a\\nb"; .byte 2\n'
        '.uleb128 12; .asciz "m"; .long number - unit; .uleb128 0\n.byte 0\n' + variable("s"),
        "struct a?b has 2 bytes, and not all of its member 'm'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ENTRIES)
def test_entries_that_mean_nothing(tmp_path: Path, name: str) -> None:
    entries, words = ENTRIES[name]
    refused(program(tmp_path, entries), words)


def test_a_type_unit_that_is_a_typedef_of_itself(tmp_path: Path) -> None:
    types = """
    .section .debug_types,"",@progbits
    types: .long 2f - 1f
    1: .short 4; .long abbreviations; .byte 8; .quad 77; .long 3f - types
    .uleb128 13
    3: .uleb128 5; .asciz "t"; .quad 77
    .byte 0
    2:
    """
    entries = 't: .uleb128 5; .asciz "t"; .quad 77\n' + variable("t")
    refused(program(tmp_path, entries, more=types), "nested too deep")


# -- files that are named ----------------------------------------------------------------------


def fifo(path: Path) -> None:
    os.mkfifo(path)


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"\x7fELF")
        file.truncate(20 << 30)


NAMED: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: None,
    "pipe": fifo,
    "folder": Path.mkdir,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "no ELF": lambda path: path.write_text("nothing\n"),
    "sparse": sparse,
}


@pytest.mark.parametrize("kind", NAMED)
@pytest.mark.parametrize("name", ["k.dwo", "k.elf.dwp"])
def test_split_files_of_other_kinds(tmp_path: Path, kind: str, name: str) -> None:
    NAMED[kind](tmp_path / name)
    elf = program(tmp_path, NUMBER, "k.dwo")
    refused(elf, "k.elf")


def test_a_split_file_whose_name_has_two_lines(tmp_path: Path) -> None:
    refused(program(tmp_path, NUMBER, "a\\nb.dwo"), "a?b.dwo is missing")


def test_a_split_file_of_a_thousand_units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each would have all of it read again."""
    monkeypatch.setattr("ringbench.debuginfo.metered.LARGEST", LIMIT)
    padding = f'.section .padding,"",@progbits\n.fill {LIMIT // 8}, 1, 1\n'
    (tmp_path / "other").mkdir()
    program(tmp_path / "other", "", more=padding).rename(tmp_path / "k.dwo")
    elf = program(tmp_path, "", "k.dwo", units=1000)
    refused(elf, "more debug information than is read", f"{LIMIT:,} bytes")


# -- packages ----------------------------------------------------------------------------------


def index(columns: int, rows: int, slots: int, *words: int) -> bytes:
    return struct.pack("<IIII", 5, columns, rows, slots) + struct.pack(f"<{len(words)}I", *words)


PACKAGES = {
    "more units than are read": index(1, MOST + 1, MOST + 1, *[0] * (5 * MOST + 9)),
    "slots without end": index(3, 1, 0xFFFFFFFF),
    "rows without end": index(3, 0xFFFFFFFF, 1, 1, 0, 1, 1, 3, 6),
    "columns without end": index(0xFFFFFFFF, 1, 1, 1, 0, 1),
    "a part behind the end": index(1, 1, 1, 1, 0, 1, 1, 1 << 31, 1 << 31),
    "cut": b"\5\0\0\0",
}


@pytest.mark.parametrize("name", PACKAGES)
def test_packages_whose_index_cannot_be(tmp_path: Path, name: str) -> None:
    package(tmp_path, PACKAGES[name])
    refused(program(tmp_path, "", "k.dwo"), "k.elf.dwp: the ELF file is damaged")


def package(folder: Path, content: bytes) -> None:
    """Make the package of the program in `folder`."""
    (folder / "other").mkdir()
    (folder / "other" / "index").write_bytes(content)
    sections = (
        f'.section .debug_cu_index,"",@progbits\n.incbin "{folder}/other/index"\n'
        f'.section .debug_str.dwo,"",@progbits\n.fill {LIMIT // 8}, 1, 1\n'
        f'.section .debug_info.dwo,"",@progbits\n.fill {LIMIT // 8}, 1, 1\n'
    )
    program(folder / "other", "", more=sections).rename(folder / "k.elf.dwp")


def test_a_package_of_which_every_unit_has_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringbench.debuginfo.metered.LARGEST", LIMIT)
    package(tmp_path, index(1, 1, 1, 1, 0, 1, 1, 0, LIMIT // 8))
    elf = program(tmp_path, "", "k.dwo", units=1000)
    refused(elf, "more debug information than is read")


# -- compressed, or elsewhere ------------------------------------------------------------------


def zstd(data: bytes) -> bytes:
    backports = pytest.importorskip("backports.zstd")
    compressed: bytes = backports.compress(data)
    return compressed


@pytest.mark.parametrize(
    ("size", "data", "words"),
    [
        (1 << 40, b"", "longer than any can be"),
        (100, b"\0" * 50, "cannot be decompressed"),
        (100, zstd(b"\0" * 50), "has 50 bytes decompressed, and says 100"),
        (100, zstd(b"\0" * (5 << 20)), None),
        (100, b"\x28\xb5\x2f\xfd\x00\xf8" + b"\0" * 50, "cannot be decompressed"),  # window of TiB
    ],
)
def test_sections_compressed_by_zstd(
    tmp_path: Path, size: int, data: bytes, words: str | None
) -> None:
    """Never more is made of one than its header says."""
    (tmp_path / "bomb").write_bytes(struct.pack("<IIQQ", 2, 0, size, 1) + data)
    bomb = f'.section .debug_str,"",@progbits\n.incbin "{tmp_path}/bomb"\n'
    elf = program(tmp_path, NUMBER + variable("number"), more=bomb)
    patched(elf, ".debug_str", "sh_flags", 0x800)
    if words is None:
        assert read(elf) == 4
    else:
        refused(elf, words)


def test_a_section_compressed_in_a_way_that_is_not_known(tmp_path: Path) -> None:
    (tmp_path / "odd").write_bytes(struct.pack("<IIQQ", 77, 0, 5, 1) + b"abcde")
    odd = f'.section .debug_str,"",@progbits\n.incbin "{tmp_path}/odd"\n'
    elf = program(tmp_path, NUMBER + variable("number"), more=odd)
    patched(elf, ".debug_str", "sh_flags", 0x800)
    refused(elf, "compressed in a way that is not known: 77")


LINKS = {
    "above": (b"../../etc/passwd\0\0\0\0\1\2\3\4", "names no file: '../../etc/passwd'"),
    "two lines": (b"a\nb\0\1\2\3\4", r"names no file: 'a\nb'"),
    "no end": (b"k.debug", "damaged"),
    "empty": (b"", "damaged"),
    "itself": (b"k.elf\0\0\0\1\2\3\4", "which is missing; looked for"),
    "of another": (b"k.debug\0\1\2\3\4", "its checksum is not the one in the link"),
}


def linked(folder: Path, content: bytes) -> Path:
    """A program whose debug link has this content, and whose build-ID is cut."""
    source = """.globl _start
    _start: nop
    .section .note.gnu.build-id,"a",@note
    .long 4, 0xfffffff0, 3, 0x554e47
    """
    elf = link(folder, source)
    (folder / "link").write_bytes(content)
    command = ["objcopy", "--add-section", f".gnu_debuglink={folder}/link", str(elf)]
    subprocess.run(command, check=True, timeout=20)
    return elf


@pytest.mark.parametrize("name", LINKS)
def test_debug_links_to_what_is_no_debug_file(tmp_path: Path, name: str) -> None:
    build(tmp_path, {"main.c": "int main(void) { return 0; }\n"}, "-g").rename(tmp_path / "k.debug")
    content, words = LINKS[name]
    refused(linked(tmp_path, content), "k.elf", words)


def test_a_debug_file_without_end(tmp_path: Path) -> None:
    sparse(tmp_path / "k.debug")
    refused(linked(tmp_path, b"k.debug\0\0\0\0\0"), "k.debug")
