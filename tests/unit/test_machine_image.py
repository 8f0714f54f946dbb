"""Checks of the kernel's files: each thing that can be wrong with one, said in one message."""

import struct
from pathlib import Path

import pytest

from ringbench.config import Config, Disk, KernelConfig, MachineConfig, Module
from ringbench.errors import ImageError
from ringbench.machine.image import (
    MULTIBOOT1,
    MULTIBOOT2,
    Form,
    check_kernel,
    check_symbols,
    find_multiboot,
    form_of,
)
from tests.unit.elf import link

HEADER1 = ".text\n.align 4\n.long 0x1badb002, 0, -0x1badb002\n"
HEADER2 = ".text\n.align 8\n.long 0xe85250d6, 0, 24, -(0xe85250d6 + 24)\n.short 0, 0\n.long 8\n"
PVH = '.section .note.x,"a",@note\n.long 4, 4, 18\n.asciz "Xen"\n.long 0x100000\n'
CODE = ".text\n.globl _start\n_start: hlt\n"


def portable_executable(machine: int = 0x8664, magic: int = 0x20B, subsystem: int = 10) -> bytes:
    """The headers of a PE file, of an EFI application for x86_64 unless said otherwise."""
    coff = struct.pack("<H", machine) + bytes(18)
    optional = struct.pack("<H", magic) + bytes(66) + struct.pack("<H", subsystem)
    start = b"MZ" + bytes(58) + struct.pack("<I", 128) + bytes(64)
    return start + b"PE\0\0" + coff + optional + bytes(100)


def test_a_good_kernel(tmp_path: Path) -> None:
    check_symbols(link(tmp_path, HEADER1 + CODE, "-g"))


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"absent: no such kernel; build it"):
        check_symbols(tmp_path / "absent")
    with pytest.raises(ImageError, match=r"absent: no such image"):
        form_of(tmp_path / "absent")


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="cannot be read"):
        check_symbols(tmp_path)


@pytest.mark.parametrize("content", [b"", b"MZ", b"#!/bin/sh\n" * 10])
def test_not_an_elf(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "k"
    path.write_bytes(content)
    with pytest.raises(ImageError, match="not an ELF file"):
        check_symbols(path)
    with pytest.raises(ImageError, match=r"not an ELF file, nor anything.*\.iso"):
        form_of(path)


def test_32_bit_kernels_and_those_without_symbols_can_be_booted(tmp_path: Path) -> None:
    check_symbols(link(tmp_path, CODE, "-m32", "-g"))
    check_symbols(link(tmp_path, CODE))
    check_symbols(link(tmp_path, CODE, "-s"))


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
        form_of(link(tmp_path, CODE, "-m32"))


def test_image_with_only_multiboot_2(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="only a Multiboot 2 header"):
        form_of(link(tmp_path, HEADER2 + CODE, "-m32"))


def test_forms(tmp_path: Path) -> None:
    assert form_of(link(tmp_path, HEADER1 + CODE, "-m32")) is Form.MULTIBOOT
    assert form_of(link(tmp_path, HEADER1 + CODE)) is Form.MULTIBOOT64
    assert form_of(link(tmp_path, PVH + CODE)) is Form.PVH
    file = tmp_path / "file"
    file.write_bytes(b"\xeb\x3e" + bytes(508) + b"\x55\xaa")
    assert form_of(file) is Form.DISK
    file.write_bytes(b"QFI\xfb" + bytes(100))
    assert form_of(file) is Form.DISK
    file.write_bytes(portable_executable())
    assert form_of(file) is Form.EFI_APPLICATION
    folder = tmp_path / "esp"
    (folder / "EFI/BOOT").mkdir(parents=True)
    with pytest.raises(ImageError, match=r"a folder without EFI/BOOT/BOOTX64\.EFI"):
        form_of(folder)
    file.rename(folder / "EFI/BOOT/BOOTX64.EFI")
    assert form_of(folder) is Form.EFI_FOLDER


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"MZ", "no PE header"),
        (portable_executable(machine=0xAA64), r"for another machine \(0xaa64\)"),
        (portable_executable(magic=0x10B), "for another machine"),
        (portable_executable(subsystem=3), "subsystem 3, which the firmware does not start"),
        (portable_executable()[:200], "no PE header"),
    ],
)
def test_what_the_firmware_would_pass_over(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "EFI/BOOT").mkdir(parents=True)
    (tmp_path / "EFI/BOOT/BOOTX64.EFI").write_bytes(content)
    with pytest.raises(ImageError, match=why):
        form_of(tmp_path)


def test_a_form_and_its_firmware(tmp_path: Path) -> None:
    elf = link(tmp_path, HEADER1 + CODE)
    uefi = MachineConfig(firmware="uefi")
    with pytest.raises(ImageError, match="booted by QEMU itself"):
        check_kernel(Config(KernelConfig(elf, elf), tmp_path, uefi))
    disk = tmp_path / "disk.img"
    disk.write_bytes(bytes(510) + b"\x55\xaa")
    assert check_kernel(Config(KernelConfig(elf, disk), tmp_path, uefi)) is Form.DISK
    with pytest.raises(ImageError, match="its own loader"):
        check_kernel(Config(KernelConfig(elf, disk, command_line="x"), tmp_path))
    machine = MachineConfig(disks=(Disk(tmp_path / "absent"),))
    with pytest.raises(ImageError, match="absent: no such disk"):
        check_kernel(Config(KernelConfig(elf, elf), tmp_path, machine))


def test_iso_in_name_only(tmp_path: Path) -> None:
    path = tmp_path / "k.iso"
    path.write_bytes(b"\0" * 40000)
    with pytest.raises(ImageError, match="not an ISO 9660 disc"):
        form_of(path)
    path.write_bytes(b"\0" * 32769 + b"CD001" + b"\0" * 2000)
    form_of(path)


def test_missing_module(tmp_path: Path) -> None:
    elf = link(tmp_path, HEADER1 + CODE, "-g")
    folder = tmp_path / "32"
    folder.mkdir()
    image = link(folder, HEADER1 + CODE, "-m32")
    check_kernel(Config(KernelConfig(elf, image), tmp_path))
    absent = KernelConfig(elf, image, modules=(Module(tmp_path / "absent"),))
    with pytest.raises(ImageError, match="absent: no such module"):
        check_kernel(Config(absent, tmp_path))


def test_a_missing_further_elf_file(tmp_path: Path) -> None:
    elf = link(tmp_path, HEADER1 + CODE, "-m32")
    absent = KernelConfig(elf, elf, more=(tmp_path / "user.elf",))
    with pytest.raises(ImageError, match=r"user\.elf: no such ELF file of kernel\.more"):
        check_kernel(Config(absent, tmp_path))


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
