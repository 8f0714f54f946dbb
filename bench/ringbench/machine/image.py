"""What can be known about the kernel's files before anything is started.

QEMU and gdb do complain about a wrong file, each in its own way and some only after the guest
has run into nothing. These checks say it at once: what is wrong, with which file, what to do.
"""

from __future__ import annotations

import enum
import struct
from pathlib import Path

from ringbench.config import Config
from ringbench.debuginfo.elf import LARGEST, check_sections, damage, parse, read_head
from ringbench.errors import ImageError

# Multiboot 1 (0.6.96, 3.1) and Multiboot 2 (2.0, 3.1): where the header must lie, how aligned.
MULTIBOOT1 = (0x1BADB002, 8192, 4)
MULTIBOOT2 = (0xE85250D6, 32768, 8)
MULTIBOOT1_ADDRESSES = 1 << 16  # flag: load addresses are in the header, not in ELF headers

PVH_NOTE = "18"
EFI_PATH = "EFI/BOOT/BOOTX64.EFI"
QCOW2_MAGIC = b"QFI\xfb"

PE_ENDS = 8192  # by when a PE header has come
_PE_X86_64, _PE32_PLUS = 0x8664, 0x20B
_EFI_SUBSYSTEMS = (10, 11, 12)  # an application, a boot service driver, a runtime driver

_ELF_MAGIC = b"\x7fELF"
_ISO_MAGIC_AT = (32769, b"CD001")  # ECMA-119, 8.4: sector 16, after the type byte
_ELFDATA_LITTLE = 1
_EM_386 = 3
_EM_X86_64 = 62
_E_MACHINE_AT = 18


class Form(enum.Enum):
    """What QEMU can be given to boot; the values are for messages."""

    MULTIBOOT = "a 32-bit Multiboot ELF"
    MULTIBOOT64 = "a 64-bit Multiboot ELF"
    PVH = "an ELF with a PVH entry"
    ISO = "a disc"
    DISK = "a disk image"
    EFI_APPLICATION = "an EFI application"
    EFI_FOLDER = "a folder as an EFI system partition"

    @property
    def is_elf(self) -> bool:
        """Whether QEMU itself loads it, with a command line and modules."""
        return self in (Form.MULTIBOOT, Form.MULTIBOOT64, Form.PVH)

    @property
    def is_efi(self) -> bool:
        """Whether only UEFI firmware starts it."""
        return self in (Form.EFI_APPLICATION, Form.EFI_FOLDER)


FORMS = (
    "what can be booted: an ELF with a Multiboot 1 header or a PVH note, an .iso, a raw or qcow2 "
    "disk image with a boot sector, an EFI application (.efi), or a folder with "
    "EFI/BOOT/BOOTX64.EFI"
)


def check_kernel(config: Config) -> Form:
    """Check everything that the configuration has to boot, and say of which form the image is.

    Raises:
        ImageError: the first thing that cannot work.
    """
    kernel, firmware = config.kernel, config.machine.firmware
    if kernel.elf != kernel.image or is_elf(kernel.elf):
        check_symbols(kernel.elf)
    form = form_of(kernel.image)
    if not form.is_elf and (kernel.command_line or kernel.modules):
        raise ImageError(
            f"{kernel.image}: {form.value} boots through its own loader, which alone decides on "
            "command line and modules; leave out kernel.command_line and kernel.modules"
        )
    if form.is_elf and firmware != "bios":
        raise ImageError(
            f"{kernel.image}: {form.value} is booted by QEMU itself, which only "
            'machine.firmware = "bios" can do; with other firmware name an .iso or a disk image'
        )
    if form.is_efi and firmware == "bios":
        raise ImageError(f'{kernel.image}: {form.value} needs machine.firmware = "uefi"')
    for further in kernel.more:
        _head(further, "ELF file of kernel.more", 1)
    for module in kernel.modules:
        _head(module.path, "module", 1)
    for disk in config.machine.disks:
        if disk.path is not None:
            _head(disk.path, "disk", 1)
    return form


def is_elf(path: Path) -> bool:
    """Whether the file is there and begins like an ELF file."""
    return path.is_file() and _head(path, "image", 4) == _ELF_MAGIC


def check_symbols(elf: Path) -> None:
    """Check that `elf` is an x86 ELF that can be read, whatever it has of symbols.

    Raises:
        ImageError: it is not.
    """
    head = _head(elf, "kernel", 20)
    if not head.startswith(_ELF_MAGIC):
        raise ImageError(f"{elf}: not an ELF file; kernel.elf must be the linked kernel")
    if head[5:6] != bytes([_ELFDATA_LITTLE]) or _machine(head) not in (_EM_386, _EM_X86_64):
        raise ImageError(f"{elf}: an ELF for another machine; kernel.elf must be for x86_64")
    parsed = parse(elf)
    check_sections(elf, parsed)
    with damage(elf):
        parsed.get_section_by_name(".symtab")


def form_of(image: Path) -> Form:
    """Return what `image` is, by what is in it.

    Raises:
        ImageError: nothing that can be booted; the text says what is missing.
    """
    if image.is_dir():
        application = image / EFI_PATH
        if not application.is_file():
            raise ImageError(f"{image}: a folder without {EFI_PATH}; {FORMS}")
        _check_efi(application, _head(application, "EFI application", PE_ENDS))
        return Form.EFI_FOLDER
    at, magic = _ISO_MAGIC_AT
    head = _head(image, "image", at + len(magic))
    if head.startswith(_ELF_MAGIC):
        if image.stat().st_size > LARGEST:
            raise ImageError(f"{image}: longer than an image can be: {LARGEST:,} bytes at most")
        return _elf_form(image, head[: MULTIBOOT2[1]])
    if head[at:] == magic:
        return Form.ISO
    if image.suffix.lower() == ".iso":
        raise ImageError(f"{image}: not an ISO 9660 disc, for all its name")
    if head.startswith(b"MZ") and _pe(head) is not None:
        _check_efi(image, head)
        return Form.EFI_APPLICATION
    if head.startswith(QCOW2_MAGIC) or head[510:512] == b"\x55\xaa":
        return Form.DISK
    raise ImageError(f"{image}: not an ELF file, nor anything else that can be booted; {FORMS}")


def _pe(head: bytes) -> int | None:
    """Return where the PE header is that an MS-DOS header leads to; None without one."""
    [at] = struct.unpack_from("<I", head, 0x3C) if len(head) >= 0x40 else (len(head),)
    return at if head[at : at + 4] == b"PE\0\0" else None


def _check_efi(path: Path, head: bytes) -> None:
    """Check that a file is an EFI application for x86_64: others the firmware passes over.

    Reference: PE format, COFF file header and optional header; UEFI 2.10, 2.1.1.
    """
    at = _pe(head) if head.startswith(b"MZ") else None
    if at is None or len(head) < at + 94:
        raise ImageError(f"{path}: no EFI application: it has no PE header")
    machine, magic = (struct.unpack_from("<H", head, at + offset)[0] for offset in (4, 24))
    if (machine, magic) != (_PE_X86_64, _PE32_PLUS):
        raise ImageError(f"{path}: a PE file for another machine ({machine:#x}), not for x86_64")
    [subsystem] = struct.unpack_from("<H", head, at + 92)
    if subsystem not in _EFI_SUBSYSTEMS:
        raise ImageError(
            f"{path}: a PE file of subsystem {subsystem}, which the firmware does not start: link "
            "it as an EFI application (subsystem 10)"
        )


def _elf_form(image: Path, head: bytes) -> Form:
    first = find_multiboot(head, MULTIBOOT1)
    if first is not None:
        [flags] = struct.unpack_from("<I", head, first + 4)
        wide = _machine(head) == _EM_X86_64 and not flags & MULTIBOOT1_ADDRESSES
        return Form.MULTIBOOT64 if wide else Form.MULTIBOOT
    if pvh_entry(image) is not None:
        return Form.PVH
    if find_multiboot(head, MULTIBOOT2) is not None:
        raise ImageError(
            f"{image}: only a Multiboot 2 header, which QEMU itself cannot boot; add a "
            "Multiboot 1 header, or make an .iso with GRUB and name that in kernel.image"
        )
    raise ImageError(
        f"{image}: no Multiboot header in its first 8 KiB (Multiboot 1) or 32 KiB "
        "(Multiboot 2), and no PVH note; check that the linker script puts the header section "
        "first, or name the .iso or disk image that your boot loader is on; " + FORMS
    )


def pvh_entry(image: Path) -> int | None:
    """Return the address in an ELF's note XEN_ELFNOTE_PHYS32_ENTRY (Xen, public/elfnote.h)."""
    from elftools.elf.segments import NoteSegment

    elf = parse(image)
    with damage(image):
        for segment in elf.iter_segments("PT_NOTE"):
            for note in segment.iter_notes() if isinstance(segment, NoteSegment) else ():
                if note["n_name"] == "Xen" and str(note["n_type"]) == PVH_NOTE:
                    return int.from_bytes(note["n_descdata"], "little")
    return None


def find_multiboot(head: bytes, kind: tuple[int, int, int]) -> int | None:
    """Return the offset of the first header of `kind` whose checksum is right, or None."""
    magic, limit, alignment = kind
    words = 4 if kind is MULTIBOOT2 else 3
    for offset in range(0, min(len(head), limit) - 4 * words + 1, alignment):
        found = struct.unpack_from(f"<{words}I", head, offset)
        if found[0] == magic and sum(found) & 0xFFFFFFFF == 0:
            return offset
    return None


def _machine(head: bytes) -> int:
    return int(struct.unpack_from("<H", head, _E_MACHINE_AT)[0]) if len(head) >= 20 else 0


def _head(path: Path, what: str, length: int) -> bytes:
    if not path.exists():
        raise ImageError(f"{path}: no such {what}; build it, or correct the path")
    return read_head(path, what, length)
