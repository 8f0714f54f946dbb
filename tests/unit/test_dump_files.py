"""Saved memory in files of each form, and files that are none."""

import struct
from dataclasses import dataclass
from pathlib import Path

import pytest

from ringbench.errors import ConfigError, MemoryUnreadable, RingbenchError
from ringbench.machine.core_file import Control
from ringbench.machine.dump import open_dump

PAGE = 4096
ET_CORE, EM_386, EM_X86_64, EM_AARCH64 = 4, 3, 62, 183
PT_LOAD, PT_NOTE = 1, 4
NO_ADDRESS = 2**64 - 1


@dataclass(frozen=True)
class Part:
    """A segment: what it holds, of which physical address, and how much there would be of it."""

    paddr: int
    data: bytes
    kind: int = PT_LOAD
    more: int = 0


def note(name: bytes, kind: int, content: bytes) -> bytes:
    padded = name + b"\0" + bytes(-(len(name) + 1) % 4)
    return struct.pack("<III", len(name) + 1, len(content), kind) + padded + content


def qemu_note(cr0: int, cr3: int, cr4: int) -> bytes:
    """What QEMU says of a processor: CR0 to CR4 are the five numbers before the last."""
    state = struct.pack("<II", 1, 440) + bytes(384) + struct.pack("<6Q", cr0, 0, 0, cr3, cr4, 0)
    return note(b"CORE", 1, bytes(336)) + note(b"QEMU", 0, state)


def core(*parts: Part, kind: int = ET_CORE, machine: int = EM_X86_64) -> bytes:
    """Return an ELF file with these segments."""
    offset = 64 + 56 * len(parts)
    headers, contents = b"", b""
    for part in parts:
        size = len(part.data)
        at = offset + len(contents) if size else NO_ADDRESS
        headers += struct.pack(
            "<IIQQQQQQ", part.kind, 0, at, 0, part.paddr, size, size + part.more, 0
        )
        contents += part.data
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    head = struct.pack("<HHIQQQIHHHHHH", kind, machine, 1, 0, 64, 0, 0, 64, 56, len(parts), 0, 0, 0)
    return ident + head + headers + contents


def page(letter: bytes) -> bytes:
    return letter * PAGE


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file"


def test_segments_lie_at_their_physical_addresses_and_holes_cannot_be_read(file: Path) -> None:
    file.write_bytes(core(Part(0x8000, page(b"b")), Part(0x1000, page(b"a"), more=PAGE)))
    with open_dump(file) as dump:
        assert dump.control is None
        assert dump.end == 0x9000
        assert dump.memory.read(0x1FFE, 2) == b"aa"
        assert dump.memory.read(0x8000, 3) == b"bbb"
        for paddr in (0, 0x2000, 0x7FFF, 0x9000, 2**63):
            with pytest.raises(MemoryUnreadable, match="has no memory at"):
                dump.memory.read(paddr, 1)
        with pytest.raises(MemoryUnreadable, match="has no memory at 0x2000"):
            dump.memory.read(0x1FFF, 2)


def test_segments_that_touch_or_overlap_are_read_across(file: Path) -> None:
    """QEMU's `-p` has a segment for each virtual range, all of one memory."""
    memory = page(b"a") + page(b"b") + page(b"c")
    parts = (
        Part(0x1000, memory),
        Part(0x2000, page(b"b")),
        Part(0x4000, page(b"d")),
        Part(0x3000, page(b"c") + page(b"d") + page(b"e")),
        Part(0xF000, b"", more=PAGE),
    )
    file.write_bytes(core(*parts))
    with open_dump(file) as dump:
        everything = memory + page(b"d") + page(b"e")
        assert dump.memory.read(0x1000, len(everything)) == everything
        with pytest.raises(MemoryUnreadable):
            dump.memory.read(0xF000, 1)


def test_qemus_note_has_the_first_processors_registers(file: Path) -> None:
    notes = qemu_note(0x8000_0011, 0x5000, 0x1020) + qemu_note(0x11, 0x6000, 0)
    file.write_bytes(core(Part(0, notes, PT_NOTE), Part(0, page(b"a"))))
    with open_dump(file) as dump:
        assert dump.control == Control(0x8000_0011, 0x5000, 0x1020, is_64_bit=True)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (core(Part(0, page(b"a")), kind=2), "no core (ET_EXEC)"),
        (core(Part(0, page(b"a")), machine=EM_AARCH64), "another machine (EM_AARCH64)"),
        (core(Part(0, page(b"a")), Part(0, page(b"b"))), "without physical addresses"),
        (core(Part(NO_ADDRESS, page(b"a"))), "without physical addresses"),
        (core(), "without physical addresses"),
        (core(Part(0x1000, page(b"a")))[:-1], "the core is cut"),
        (core(Part(0x1000, page(b"a")))[:90], "damaged"),
        (b"KDUMP   " + page(b"\0"), "a compressed dump (kdump)"),
        (b"makedumpfile\0\0\0\0" + page(b"\0"), "flattened by makedumpfile"),
        (b"PAGEDU64" + page(b"\0"), "a Windows crash dump"),
        (b"\x1f\x8b" + page(b"\0"), "compressed by gzip"),
        (b"QFI\xfb" + page(b"\0"), "a qcow2 disk image"),
        (b"int main(void) {\n" * 1000, "a text file"),
        ("Grüße\n".encode() * 2000, "a text file"),
        (bytes(4095), "4095 bytes, less than one page"),
        (b"", "the file is empty"),
    ],
)
def test_what_is_no_dump_is_refused_by_its_name(file: Path, content: bytes, words: str) -> None:
    file.write_bytes(content)
    with pytest.raises(ConfigError) as error, open_dump(file):
        pass
    assert words in str(error.value)
    assert str(file) in str(error.value)


def test_a_raw_dump_has_no_holes(file: Path) -> None:
    with file.open("wb") as raw:
        raw.write(b"a")
        raw.truncate(3 * PAGE)
    with open_dump(file) as dump:
        assert (dump.end, dump.control) == (3 * PAGE, None)
        assert dump.memory.read(0, 2 * PAGE) == b"a" + bytes(2 * PAGE - 1)


@pytest.mark.parametrize("cut", [64, 120, 200, 400, 900])
def test_a_core_cut_anywhere_is_one_message(file: Path, cut: int) -> None:
    whole = core(Part(0, qemu_note(1, 2, 3), PT_NOTE), Part(0, page(b"a")))
    file.write_bytes(whole[:cut])
    with pytest.raises(RingbenchError), open_dump(file):
        pass
