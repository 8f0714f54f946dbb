"""The memory map that a kernel must have made: from the loader's own bytes, not from its word."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.errors import RingbenchError
from ringbench.model.layout import MemoryKind
from ringbench.model.memory_map import (
    memory_map_claim,
    memory_map_init,
    memory_map_multiboot1,
    memory_map_multiboot2,
)
from ringbench.model.state import MemoryRange
from ringbench.model.status import Status
from ringbench.observe.boot import Boot
from ringbench.observe.loader import LoaderInformation, read_loader
from ringbench.observe.symbols import open_elf

FIRST_MIB: Final = 1 << 20


def expected_map(memory: PhysicalMemory, boot: Boot, elf: Path) -> tuple[MemoryRange, ...]:
    """Return the map of a machine, as its loader described it and the kernel must have read it.

    Of `boot` only the loader, the place of its information and the processor's width are used.

    Raises:
        RingbenchError: the loader's information is not where the kernel says, or no kernel could
            boot with it.
    """
    loader = read_loader(memory, boot.loader, boot.information)
    start, end = image_extent(elf)
    claims = [
        (0, FIRST_MIB, MemoryKind.LOW),
        (start, end - start, MemoryKind.KERNEL),
        *((base, length, MemoryKind.BOOT_INFO) for base, length in loader.information),
        *((each.start, each.end - each.start, MemoryKind.MODULE) for each in loader.modules),
    ]
    result = memory_map_init(boot.physical_bits)
    for base, length, kind in claims:
        result, status, _ = memory_map_claim(result, base, length, kind)
        _require(status, f"claim {base:#x} + {length:#x}")
    if loader.entry_size is None:
        result, status, _ = memory_map_multiboot1(result, loader.map_bytes)
    else:
        result, status, _ = memory_map_multiboot2(result, loader.map_bytes, loader.entry_size)
    _require(status, "the loader's memory map")
    return result.ranges


def compare_loader(boot: Boot, loader: LoaderInformation) -> list[tuple[str, str, str]]:
    """Return (what, expected, seen) where command line or modules did not arrive as loaded."""
    pairs = [("command line", loader.command_line[:255], boot.command_line)]
    named = [(each.start, each.end - each.start, each.text[:63]) for each in loader.modules[:16]]
    seen = [(each.base, each.length, each.name) for each in boot.modules]
    pairs.append(("modules", str(named), str(seen)))
    return [(what, expected, found) for what, expected, found in pairs if expected != found]


def image_extent(elf: Path) -> tuple[int, int]:
    """Return first and past-the-last physical address of the image, its boot part included."""
    headers = [segment.header for segment in open_elf(elf).iter_segments("PT_LOAD")]
    return (
        min(header["p_paddr"] for header in headers),
        max(header["p_paddr"] + header["p_memsz"] for header in headers),
    )


def _require(status: Status, what: str) -> None:
    if status != Status.OK:
        raise RingbenchError(f"no kernel can boot with this memory map: {what}: {status.text}")
