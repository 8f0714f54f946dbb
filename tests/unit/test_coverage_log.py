"""Reading QEMU's log of translated code, on pieces that a QEMU 7.2 wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringbench.coverage.log import Ran, TranslationLog, TranslationLogs, instructions
from ringbench.errors import CoverageError
from ringbench.machine.own_arguments import log_arguments
from ringbench.machine.translations import Code, build_id, code_filter, code_of
from tests.unit.elf import link

BASE = 0xFFFFFFFF80110C56
FIRST = b"""\
----------------
IN: 
0xffffffff80110c56:  48 c7 05 23 14 01 00 f0  movq     $-0x7fedbf10, 0x11423(%rip)
0xffffffff80110c5e:  40 12 80 
0xffffffff80110c61:  48 09 c8                 orq      %rcx, %rax
0xffffffff80110c64:  48 b9 67 00 00 00 00 89  movabsq  $0x890000000067, %rcx
0xffffffff80110c6c:  00 00 

"""  # noqa: W291
SECOND = b"""\
----------------
IN: 
0xffffffff80110c6e:  0f 0b                    ud2      
0xffffffff80110c70:  ad                       lodsl    (%rsi), %eax

"""  # noqa: W291
RESET = b"""\
Triple fault
CPU Reset (CPU 0)
RAX=0000000000000000 RBX=0000000000010000 RCX=0000000000000001 RDX=0000000000000000
XMM00=0000000000000000 0000000000000000 XMM01=0000000000000000 0000000000000000
"""
CONTENT = bytes.fromhex("48c70523140100f0401280 4809c8 48b967000000008900 00 0f0b ad")
CODE = (Code(0x100000, b"\xfa\xfc"), Code(BASE, CONTENT))
TWO_SEGMENTS = """\
.section .boot, "ax"
.globl _start
_start: cli; cld
.text
ud2; nop
"""


@pytest.fixture
def elf(tmp_path: Path) -> Path:
    """A kernel with code at 1 MiB and in the top half."""
    folder = tmp_path / "kernel"
    folder.mkdir()
    places = ("-Wl,--section-start=.boot=0x100000", f"-Wl,-Ttext={BASE & ~0xFFF:#x}")
    return link(folder, TWO_SEGMENTS, *places)


def test_bytes_go_on_in_the_next_line() -> None:
    assert list(instructions(FIRST)) == [
        (BASE, CONTENT[:11]),
        (BASE + 11, CONTENT[11:14]),
        (BASE + 14, CONTENT[14:24]),
    ]


def test_what_is_not_an_instruction_is_passed_over() -> None:
    text = RESET + SECOND + RESET
    assert [address for address, _ in instructions(text)] == [BASE + 24, BASE + 26]


def test_only_what_is_new(tmp_path: Path) -> None:
    path = tmp_path / "qemu.log"
    path.write_bytes(RESET)
    ran = Ran(CODE)
    log = TranslationLog(path, ran)
    assert log.new() == set()
    with path.open("ab") as file:
        file.write(FIRST)
    assert log.new() == {BASE, BASE + 11, BASE + 14}
    with path.open("ab") as file:
        file.write(FIRST + SECOND)
    assert log.new() == {BASE + 24, BASE + 26}
    assert log.new() == set()
    assert ran.lengths == {BASE: 11, BASE + 11: 3, BASE + 14: 10, BASE + 24: 2, BASE + 26: 1}


def test_a_block_that_is_being_written_waits(tmp_path: Path) -> None:
    path = tmp_path / "qemu.log"
    for cut in range(1, len(FIRST)):
        path.write_bytes(SECOND + FIRST[:cut])
        log = TranslationLog(path, Ran(CODE))
        assert log.new() == {BASE + 24, BASE + 26}
        path.write_bytes(SECOND + FIRST)
        assert log.new() == {BASE, BASE + 11, BASE + 14}


def test_a_boot_loader_at_the_same_address_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "qemu.log"
    path.write_bytes(
        b"IN: \n0x00100000:  fa                       cli      \n"
        b"0x00100001:  fb                       sti      \n"
        b"0x00100002:  90                       nop      \n\n"
    )
    assert TranslationLog(path, Ran(CODE)).new() == {0x100000}


def test_logs_of_one_build_in_a_folder(tmp_path: Path, elf: Path) -> None:
    code = code_of(elf)
    text = f"IN: \n{code[0].base:#x}:  {code[0].content[:1].hex()}   cli\n\n"
    logs = TranslationLogs(tmp_path, elf)
    assert logs.new() == set()
    (tmp_path / "0123456789abcdef-other.log").write_text(text)
    assert logs.new() == set()
    for machine in ("one", "two"):
        (tmp_path / f"{build_id(elf)}-{machine}.log").write_text(text)
    assert logs.new() == {code[0].base}
    assert logs.new() == set()
    assert logs.ran.lengths == {code[0].base: 1}


def test_qemu_without_a_disassembler_is_named() -> None:
    with pytest.raises(CoverageError, match="without a disassembler"):
        list(instructions(b"IN: \nOBJD-T: fafcbc00001100\n\n"))


def test_log_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(CoverageError, match=r"gone\.log: cannot be read"):
        TranslationLog(tmp_path / "gone.log", Ran(CODE)).new()


def test_what_qemu_is_asked_to_log() -> None:
    ranges = f"0x100000+0x2,{BASE:#x}+{len(CONTENT):#x}"
    assert code_filter(CODE) == ("-dfilter", ranges)
    assert log_arguments((), CODE) == ("-d", "int,cpu_reset,in_asm", "-dfilter", ranges)


def test_executable_segments_of_a_kernel(elf: Path) -> None:
    boot, text = code_of(elf)
    assert boot == Code(0x100000, b"\xfa\xfc")
    assert text == Code(BASE & ~0xFFF, b"\x0f\x0b\x90")
