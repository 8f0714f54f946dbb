"""What can be known about the kernel's files before anything is started.

QEMU and gdb do complain about a wrong file, each in its own way and some only after the guest
has run into nothing. These checks say it at once: what is wrong, with which file, what to do.
"""

from __future__ import annotations

import struct
from pathlib import Path

from ringbench.config import KernelConfig
from ringbench.debuginfo.elf import LARGEST, damage, open_elf, read_head
from ringbench.errors import ImageError

# Multiboot 1 (0.6.96, 3.1) and Multiboot 2 (2.0, 3.1): where the header must lie, how aligned.
MULTIBOOT1 = (0x1BADB002, 8192, 4)
MULTIBOOT2 = (0xE85250D6, 32768, 8)
MULTIBOOT1_ADDRESSES = 1 << 16  # flag: load addresses are in the header, not in ELF headers

_ELF_MAGIC = b"\x7fELF"
_ISO_MAGIC_AT = (32769, b"CD001")  # ECMA-119, 8.4: sector 16, after the type byte
_ELFCLASS64 = 2
_ELFDATA_LITTLE = 1
_EM_386 = 3
_EM_X86_64 = 62
_E_MACHINE_AT = 18


def check_kernel(kernel: KernelConfig) -> None:
    """Check everything that `kernel` names.

    Raises:
        ImageError: the first thing that cannot work.
    """
    check_symbols(kernel.elf)
    check_bootable(kernel.image)
    for module in kernel.modules:
        _head(module.path, "module", 1)


def check_symbols(elf: Path) -> None:
    """Check that `elf` is a 64-bit x86_64 ELF, with or without symbols and DWARF.

    Raises:
        ImageError: it is not; the text says how to make one.
    """
    head = _head(elf, "kernel", 20)
    if not head.startswith(_ELF_MAGIC):
        raise ImageError(f"{elf}: not an ELF file; kernel.elf must be the linked kernel")
    if head[4] != _ELFCLASS64:
        raise ImageError(
            f"{elf}: a 32-bit ELF; kernel.elf must be the 64-bit one that has the symbols "
            "(a 32-bit container to boot from belongs in kernel.image)"
        )
    if head[5] != _ELFDATA_LITTLE or _machine(head) != _EM_X86_64:
        raise ImageError(f"{elf}: an ELF for another machine; kernel.elf must be for x86_64")
    parsed = open_elf(elf)
    with damage(elf):
        parsed.get_section_by_name(".symtab")


def check_bootable(image: Path) -> None:
    """Check that QEMU can boot `image`: an ISO, or an ELF with a Multiboot 1 header.

    Raises:
        ImageError: it cannot; the text says what is missing.
    """
    if image.suffix.lower() == ".iso":
        at, magic = _ISO_MAGIC_AT
        if _head(image, "image", at + len(magic))[at:] != magic:
            raise ImageError(f"{image}: not an ISO 9660 disc, for all its name")
        return
    head = _head(image, "image", MULTIBOOT2[1])
    if image.stat().st_size > LARGEST:
        raise ImageError(f"{image}: the image is longer than any can be: {LARGEST:,} bytes at most")
    if not head.startswith(_ELF_MAGIC):
        raise ImageError(f"{image}: neither an ELF file nor an .iso; it cannot be booted")
    first = find_multiboot(head, MULTIBOOT1)
    if first is None:
        if find_multiboot(head, MULTIBOOT2) is not None:
            raise ImageError(
                f"{image}: only a Multiboot 2 header, which QEMU itself cannot boot; add a "
                "Multiboot 1 header, or make an .iso with GRUB and name that in kernel.image"
            )
        raise ImageError(
            f"{image}: no Multiboot header in its first 8 KiB (Multiboot 1) or 32 KiB "
            "(Multiboot 2); check that the linker script puts the header section first"
        )
    flags = struct.unpack_from("<I", head, first + 4)[0]
    if _machine(head) == _EM_X86_64 and not flags & MULTIBOOT1_ADDRESSES:
        raise ImageError(
            f"{image}: QEMU boots Multiboot kernels only from a 32-bit ELF; make one with "
            "'objcopy -O elf32-i386' and name it in kernel.image"
        )


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
