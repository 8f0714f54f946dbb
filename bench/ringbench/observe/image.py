"""Which frames the kernel's image is in, as its own page tables have it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from ringbench.arch.x86_64.address import PAGE_SIZE
from ringbench.debuginfo.elf import damage, open_elf
from ringbench.debuginfo.symbols import Symbols
from ringbench.errors import ImageError

GIVEN_UP: Final = ("init", "boot")
"""Words in the names of sections that some kernels give to their allocators after the boot."""

POOL: Final = 16 * PAGE_SIZE
"""Size of a zeroed array from which on frames may well come out of it."""

_ALLOCATED: Final = 2


def image_frames(elf: Path, translate: Callable[[int], int | None]) -> dict[int, str]:
    """Return the frames that have a part of the image: number -> what is in it.

    Left out are sections that are of no use after the boot, and arrays so large that a kernel may
    take its frames from them.

    Raises:
        ImageError: the file cannot be read.
    """
    found: dict[int, str] = {}
    symbols = Symbols.load(elf)
    with damage(elf):
        sections = [
            (each.name, each["sh_addr"], each["sh_size"], each["sh_type"] == "SHT_NOBITS")
            for each in open_elf(elf).iter_sections()
            if each["sh_flags"] & _ALLOCATED
        ]
    for name, start, size, zeroed in sections:
        if any(word in name for word in GIVEN_UP):
            continue
        for vaddr in range(start & -PAGE_SIZE, start + size, PAGE_SIZE):
            if zeroed and _in_pool(symbols, vaddr):
                continue
            paddr = translate(vaddr)
            if paddr is not None:
                found.setdefault(
                    paddr // PAGE_SIZE, f"{symbols.describe(max(vaddr, start))} ({name})"
                )
    return found


def _in_pool(symbols: Symbols, vaddr: int) -> bool:
    symbol = symbols.at(vaddr)
    if symbol is None:
        return False
    try:
        size = symbols.size(symbol.name)
    except ImageError:  # several have that name
        return False
    return size >= POOL and symbol.offset + PAGE_SIZE <= size
