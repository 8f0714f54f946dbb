"""Where a kernel's first instruction is, before anything has run."""

from __future__ import annotations

from ringbench.config import Config
from ringbench.debuginfo.elf import damage, parse
from ringbench.machine.image import Form, form_of, is_elf, pvh_entry

BOOT_SECTOR = 0x7C00
LOW = 0xFFFFFFFF


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
    elf = image if form.is_elf else config.kernel.elf
    if is_elf(elf):
        parsed = parse(elf)
        with damage(elf):
            entry = int(parsed["e_entry"])
        return entry & LOW if form.is_elf else entry
    is_sector = form is Form.DISK and config.machine.firmware == "bios"
    return BOOT_SECTOR if is_sector else None
