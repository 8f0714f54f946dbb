"""Where a kernel's first instruction is, before anything has run."""

from __future__ import annotations

import struct
from pathlib import Path

from ringbench.config import Config
from ringbench.debuginfo.elf import damage, parse, read_head
from ringbench.machine.image import (
    MULTIBOOT1,
    MULTIBOOT1_ADDRESSES,
    Form,
    find_multiboot,
    form_of,
    is_elf,
    pvh_entry,
)

BOOT_SECTOR = 0x7C00
LOW = 0xFFFFFFFF
_PF_X = 1
_HEADER = 32  # bytes of a Multiboot 1 header with addresses (0.6.96, 3.1.1)


def entry_of(config: Config) -> int | None:
    """Return the address of the first instruction; None if only the firmware's is known.

    Of an image with its own loader that is the entry of the ELF file with the kernel's symbols, or
    else the boot sector's.

    Raises:
        ImageError: a file is missing or damaged.
    """
    image = config.kernel.image
    form = form_of(image)
    if form is Form.PVH:
        return pvh_entry(image)
    if form.is_elf:
        return _multiboot_entry(image)
    elf = config.kernel.elf
    if is_elf(elf):
        parsed = parse(elf)
        with damage(elf):
            return int(parsed["e_entry"])
    is_sector = form is Form.DISK and config.machine.firmware == "bios"
    return BOOT_SECTOR if is_sector else None


def _multiboot_entry(image: Path) -> int:
    """Return where QEMU's Multiboot loader jumps to, which is a physical address.

    It is the entry address of a Multiboot header that has addresses; else the ELF file's, which is
    virtual where the segment that it lies in is loaded elsewhere.
    """
    head = read_head(image, "image", MULTIBOOT1[1] + _HEADER)
    parsed = parse(image)
    with damage(image):
        at = find_multiboot(head, MULTIBOOT1)
        if at is not None and struct.unpack_from("<I", head, at + 4)[0] & MULTIBOOT1_ADDRESSES:
            return int(struct.unpack_from("<I", head, at + _HEADER - 4)[0])
        entry = int(parsed["e_entry"])
        for segment in parsed.iter_segments("PT_LOAD"):
            offset = entry - int(segment["p_vaddr"])
            if 0 <= offset < int(segment["p_filesz"]) and segment["p_flags"] & _PF_X:
                return int(segment["p_paddr"]) + offset & LOW
    return entry & LOW
