"""Programs as bytes: what the kernel loads, and every form that it refuses, by name.

The kernel's own function, compiled for this machine; files are made by hand, field by field.
"""

from __future__ import annotations

import ctypes
import struct
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.places import ROOT
from tests.unit.reference.host_library import load_library

PAGE = 4096
BASE, LIMIT = 0x10000, 0x7FFF_FFFE_E000
"""Where segments may lie."""

READ, WRITE, EXECUTE = 4, 2, 1
LIBRARY = load_library()
LIBRARY.elf_defect_name.restype = ctypes.c_char_p


class Segment(ctypes.Structure):
    """struct elf_segment."""

    _fields_ = (
        ("address", ctypes.c_uint64),
        ("length", ctypes.c_uint64),
        ("offset", ctypes.c_uint64),
        ("file_length", ctypes.c_uint64),
        ("writable", ctypes.c_bool),
        ("executable", ctypes.c_bool),
    )


class Program(ctypes.Structure):
    """struct elf_program."""

    _fields_ = (("entry", ctypes.c_uint64), ("count", ctypes.c_uint), ("segments", Segment * 8))


@dataclass(frozen=True)
class Load:
    """A segment as a file says it: the program header's fields."""

    address: int = 0x400000
    flags: int = READ | EXECUTE
    offset: int = 0
    file_length: int = 0x200
    length: int = 0x200
    type: int = 1

    def bytes(self) -> bytes:
        """The program header."""
        return struct.pack(
            "<IIQQQQQQ",
            self.type,
            self.flags,
            self.offset,
            self.address,
            self.address,
            self.file_length,
            self.length,
            PAGE,
        )


TEXT = Load()
DATA = Load(0x401000, READ | WRITE, length=0x3000)


def file_of(*loads: Load, entry: int = 0x400010) -> bytearray:
    """A file of 512 bytes, or more if the table of segments is longer."""
    header = struct.pack(
        "<4sBBBB8xHHIQQQIHHHHHH",
        *(b"\x7fELF", 2, 1, 1, 0),
        *(2, 62, 1, entry, 64, 0, 0, 64, 56, len(loads), 0, 0, 0),
    )
    table = b"".join(load.bytes() for load in loads)
    return bytearray((header + table).ljust(0x200, b"\xcc"))


def judge(content: bytes | bytearray) -> tuple[str, Program]:
    """The kernel's word on a file, and the program that it read."""
    program = Program()
    limits = ctypes.c_uint64(BASE), ctypes.c_uint64(LIMIT)
    defect = LIBRARY.elf_read(
        bytes(content), ctypes.c_uint64(len(content)), *limits, ctypes.byref(program)
    )
    return LIBRARY.elf_defect_name(ctypes.c_uint64(defect)).decode(), program


def changed(offset: int, value: bytes) -> bytes:
    """A good file with other bytes at an offset."""
    content = file_of(TEXT, DATA)
    content[offset : offset + len(value)] = value
    return bytes(content)


def test_a_good_program_is_read() -> None:
    verdict, program = judge(file_of(TEXT, DATA, Load(type=0x6474E551, length=0)))
    assert verdict == "good"
    assert (program.entry, program.count) == (0x400010, 2)
    text, data = program.segments[:2]
    assert (text.address, text.length, text.file_length) == (0x400000, 0x200, 0x200)
    assert (text.writable, text.executable, data.writable, data.executable) == (0, 1, 1, 0)
    assert (data.address, data.length, data.offset) == (0x401000, 0x3000, 0)


@pytest.mark.parametrize("name", ["turns", "forbidden", "pointers", "random", "calls"])
def test_the_programs_of_the_tree_are_good(name: str) -> None:
    assert judge((ROOT / f"build/user/{name}.elf").read_bytes())[0] == "good"


BAD_FILES = {
    "truncated": bytes(file_of(TEXT))[:63],
    "no_elf": changed(0, b"\x7fELG"),
    "not_64_bit": changed(4, b"\1"),
    "not_little_endian": changed(5, b"\2"),
    "bad_version": changed(6, b"\2"),
    "not_static": changed(16, b"\3\0"),
    "wrong_machine": changed(18, b"\3\0"),
    "bad_headers": changed(54, b"\x20\0"),
    "no_segments": bytes(file_of(Load(length=0, file_length=0))),
    "entry_outside": bytes(file_of(TEXT, DATA, entry=0x401000)),
}


@pytest.mark.parametrize(("defect", "content"), BAD_FILES.items(), ids=list(BAD_FILES))
def test_a_bad_file_is_refused_by_name(defect: str, content: bytes) -> None:
    assert judge(content)[0] == defect


@pytest.mark.parametrize(
    ("what", "offset", "value", "defect"),
    [
        ("second version", 20, b"\2", "bad_version"),
        ("table behind the end", 32, struct.pack("<Q", 0x201), "bad_headers"),
        ("table at the end of the address space", 32, b"\xff" * 8, "bad_headers"),
        ("table that reaches past the end", 56, struct.pack("<H", 9), "bad_headers"),
        ("entry one byte behind the text", 24, struct.pack("<Q", 0x400200), "entry_outside"),
        ("entry in the kernel's half", 24, b"\xff" * 8, "entry_outside"),
    ],
)
def test_a_bad_field_is_refused(what: str, offset: int, value: bytes, defect: str) -> None:
    assert judge(changed(offset, value))[0] == defect, what


@pytest.mark.parametrize(
    ("what", "load", "defect"),
    [
        ("interpreter", replace(TEXT, type=3), "not_static"),
        ("dynamic", replace(TEXT, type=2), "not_static"),
        ("bytes past the end", replace(DATA, offset=0x1000, file_length=1), "segment_truncated"),
        ("offset wraps", replace(DATA, offset=2**64 - PAGE), "segment_truncated"),
        ("length wraps", replace(DATA, file_length=2**64 - 1), "segment_truncated"),
        ("larger in the file", replace(DATA, length=0x1FF), "segment_size"),
        ("no memory, but bytes", replace(DATA, length=0), "segment_size"),
        ("below the window", replace(DATA, address=BASE - PAGE), "segment_outside"),
        ("the kernel's half", replace(DATA, address=0xFFFF_8000_0000_0000), "segment_outside"),
        ("reaches the stack", replace(DATA, address=LIMIT - 0x2000), "segment_outside"),
        ("wraps", replace(DATA, length=2**64 - 1), "segment_outside"),
        ("write and execute", replace(DATA, flags=7), "segment_rights"),
        ("not readable", replace(DATA, flags=WRITE), "segment_rights"),
        ("cut at another place", replace(DATA, address=0x401001), "segment_misaligned"),
        ("a page of the text's", replace(DATA, address=0x400000), "segments_overlap"),
        ("around the text", replace(DATA, address=0x3FF000), "segments_overlap"),
    ],
)
def test_a_bad_segment_is_refused(what: str, load: Load, defect: str) -> None:
    assert judge(file_of(TEXT, load))[0] == defect, what


def test_segments_may_touch_and_end_with_the_window() -> None:
    last = Load(LIMIT - 0x3000, READ, length=0x3000)
    assert judge(file_of(TEXT, DATA, last))[0] == "good"
    assert judge(file_of(TEXT, DATA, replace(last, length=0x3001)))[0] == "segment_outside"


def test_eight_segments_and_no_more() -> None:
    loads = [TEXT, *(replace(TEXT, address=0x500000 + n * PAGE) for n in range(8))]
    assert judge(file_of(*loads[:8]))[1].count == 8
    assert judge(file_of(*loads))[0] == "too_many_segments"


@given(
    st.lists(st.tuples(st.integers(0, 0xFF), st.binary(min_size=1, max_size=8)), max_size=4),
    st.integers(0, 0x200),
)
def test_no_file_is_read_past_its_end_or_loaded_outside(
    changes: list[tuple[int, bytes]], length: int
) -> None:
    """Whatever the bytes: undefined behaviour would trap, and what is good keeps the rules."""
    content = file_of(TEXT, DATA)
    for offset, value in changes:
        content[offset : offset + len(value)] = value
    content = content[:length] if length % 3 == 0 else content
    verdict, program = judge(content)
    assert verdict != "?"
    if verdict != "good":
        return
    pages: set[int] = set()
    for segment in program.segments[: program.count]:
        assert BASE <= segment.address < segment.address + segment.length <= LIMIT
        assert segment.offset + segment.file_length <= len(content)
        assert not (segment.writable and segment.executable)
        first, last = segment.address // PAGE, (segment.address + segment.length - 1) // PAGE
        assert not any(first <= page <= last for page in pages)
        pages |= {first, last}
