"""Checks of the kernel's files: each thing that can be wrong with one, said in one message."""

import struct
from pathlib import Path

import pytest

from ringbench.config import KernelConfig, Module
from ringbench.errors import ImageError
from ringbench.machine.image import (
    MULTIBOOT1,
    MULTIBOOT2,
    check_bootable,
    check_kernel,
    check_symbols,
    find_multiboot,
)
from tests.unit.elf import link

HEADER1 = ".text\n.align 4\n.long 0x1badb002, 0, -0x1badb002\n"
HEADER2 = ".text\n.align 8\n.long 0xe85250d6, 0, 24, -(0xe85250d6 + 24)\n.short 0, 0\n.long 8\n"
CODE = ".text\n.globl _start\n_start: hlt\n"


def test_a_good_kernel(tmp_path: Path) -> None:
    check_symbols(link(tmp_path, HEADER1 + CODE, "-g"))


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"absent: no such kernel; build it"):
        check_symbols(tmp_path / "absent")
    with pytest.raises(ImageError, match=r"absent: no such image"):
        check_bootable(tmp_path / "absent")


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="cannot be read"):
        check_symbols(tmp_path)


@pytest.mark.parametrize("content", [b"", b"MZ", b"#!/bin/sh\n" * 10])
def test_not_an_elf(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "k"
    path.write_bytes(content)
    with pytest.raises(ImageError, match="not an ELF file"):
        check_symbols(path)
    with pytest.raises(ImageError, match=r"neither an ELF file nor an \.iso"):
        check_bootable(path)


def test_32_bit(tmp_path: Path) -> None:
    elf = link(tmp_path, CODE, "-m32", "-g")
    with pytest.raises(ImageError, match=r"a 32-bit ELF; kernel\.elf must be the 64-bit one"):
        check_symbols(elf)


def test_other_machine(tmp_path: Path) -> None:
    elf = link(tmp_path, CODE, "-g")
    data = bytearray(elf.read_bytes())
    struct.pack_into("<H", data, 18, 183)  # AArch64
    elf.write_bytes(data)
    with pytest.raises(ImageError, match="for another machine"):
        check_symbols(elf)


def test_a_kernel_without_dwarf_or_symbols_will_do(tmp_path: Path) -> None:
    check_symbols(link(tmp_path, CODE))
    check_symbols(link(tmp_path, CODE, "-s"))


@pytest.mark.parametrize("length", [20, 64, 100, 4200])
def test_cut_off(tmp_path: Path, length: int) -> None:
    elf = link(tmp_path, CODE, "-g")
    elf.write_bytes(elf.read_bytes()[:length])
    with pytest.raises(ImageError, match="damaged"):
        check_symbols(elf)


def test_image_without_multiboot_header(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no Multiboot header"):
        check_bootable(link(tmp_path, CODE, "-m32"))


def test_image_with_only_multiboot_2(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="only a Multiboot 2 header"):
        check_bootable(link(tmp_path, HEADER2 + CODE, "-m32"))


def test_image_that_qemu_calls_the_wrong_container(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="objcopy -O elf32-i386"):
        check_bootable(link(tmp_path, HEADER1 + CODE))


def test_32_bit_image_with_header(tmp_path: Path) -> None:
    check_bootable(link(tmp_path, HEADER1 + CODE, "-m32"))


def test_iso_in_name_only(tmp_path: Path) -> None:
    path = tmp_path / "k.iso"
    path.write_bytes(b"\0" * 40000)
    with pytest.raises(ImageError, match="not an ISO 9660 disc"):
        check_bootable(path)
    path.write_bytes(b"\0" * 32769 + b"CD001" + b"\0" * 2000)
    check_bootable(path)


def test_missing_module(tmp_path: Path) -> None:
    elf = link(tmp_path, HEADER1 + CODE, "-g")
    folder = tmp_path / "32"
    folder.mkdir()
    image = link(folder, HEADER1 + CODE, "-m32")
    kernel = KernelConfig(elf=elf, image=image, prompt="> ")
    check_kernel(kernel)
    absent = KernelConfig(elf=elf, image=image, prompt="> ", modules=(Module(tmp_path / "absent"),))
    with pytest.raises(ImageError, match="absent: no such module"):
        check_kernel(absent)


def test_where_headers_are_found() -> None:
    header = struct.pack("<III", 0x1BADB002, 3, (-0x1BADB002 - 3) & 0xFFFFFFFF)
    wrong = struct.pack("<III", 0x1BADB002, 3, 17)
    assert find_multiboot(b"\0" * 8 + header, MULTIBOOT1) == 8
    assert find_multiboot(wrong + header, MULTIBOOT1) == 12
    assert find_multiboot(b"\0" * 2 + header + b"\0" * 8, MULTIBOOT1) is None
    assert find_multiboot(b"\0" * (8192 - 12) + header, MULTIBOOT1) == 8180
    assert find_multiboot(b"\0" * (8192 - 8) + header, MULTIBOOT1) is None
    assert find_multiboot(header, MULTIBOOT2) is None
    assert find_multiboot(b"", MULTIBOOT1) is None
