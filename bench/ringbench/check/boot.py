"""What the model starts from, next to a kernel that has just booted.

The memory map is made anew from what the loader left in memory, and the image's segments come from
its ELF file: of the kernel only where the loader's information lies is believed, and how wide its
processor is. So the kernel's own memory map is one more thing to compare.
"""

from pathlib import Path
from typing import Final

from elftools.elf.elffile import ELFFile

from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.check.mismatch import Mismatch
from ringbench.check.result import MACHINE
from ringbench.drive.flags import EXEC, WRITE
from ringbench.errors import ConfigError, ImageError, RingbenchError
from ringbench.model.layout import IMAGE_BASE, MemoryKind
from ringbench.model.memory_map import (
    MemoryMap,
    memory_map_claim,
    memory_map_init,
    memory_map_multiboot1,
    memory_map_multiboot2,
)
from ringbench.model.state import MemoryRange, Segment
from ringbench.model.status import Status
from ringbench.observe.boot import Boot
from ringbench.observe.loader import LoaderInformation, read_loader
from ringbench.observe.picture import Picture

FIRST_MIB: Final = 1 << 20
COMMAND_LINE_MAX, MODULES_MAX, NAME_MAX = 255, 16, 63
"""What the kernel keeps: characters of the command line, modules, characters of a module's name."""

_PF_X: Final = 1
_PF_W: Final = 2


def expected_map(memory: PhysicalMemory, picture: Picture, elf: Path) -> tuple[MemoryRange, ...]:
    """Return the memory map that the kernel must have made of its loader's information.

    Raises:
        RingbenchError: the information makes no sense, so that the kernel should have refused it.
        MemoryUnreadable: it lies where no memory is.
    """
    boot = picture.boot
    loader = read_loader(memory, boot.loader, boot.information)
    memory_map = memory_map_init(picture.features.physical_bits)
    if loader.entry_size is None:
        memory_map, status, _ = memory_map_multiboot1(memory_map, loader.map_bytes)
    else:
        entries = loader.map_bytes
        memory_map, status, _ = memory_map_multiboot2(memory_map, entries, loader.entry_size)
    _require(status)
    start, end = image_frames(elf)
    memory_map = _claim(memory_map, 0, FIRST_MIB, MemoryKind.LOW)
    memory_map = _claim(memory_map, start, end - start, MemoryKind.KERNEL)
    for base, length in loader.information:
        memory_map = _claim(memory_map, base, length, MemoryKind.BOOT_INFO)
    for module in loader.modules:
        length = max(module.end - module.start, 0)
        memory_map = _claim(memory_map, module.start, length, MemoryKind.MODULE)
    return memory_map.ranges


def _claim(memory_map: MemoryMap, base: int, length: int, kind: MemoryKind) -> MemoryMap:
    memory_map, status, _ = memory_map_claim(memory_map, base, length, kind)
    _require(status)
    return memory_map


def _require(status: Status) -> None:
    if status is not Status.OK:
        raise RingbenchError(
            f"the loader's memory map is not one that a kernel can use: {status.text}; "
            "this kernel accepted it"
        )


def compare_loader(boot: Boot, loader: LoaderInformation) -> list[Mismatch]:
    """Return where command line or modules did not arrive as the loader passed them."""
    kept = boot.modules
    modules = [(each.start, each.end - each.start, each.text) for each in loader.modules]
    expected = {
        "command line": loader.command_line[:COMMAND_LINE_MAX],
        "modules": str(
            [(base, size, text[:NAME_MAX]) for base, size, text in modules[:MODULES_MAX]]
        ),
    }
    seen = {
        "command line": boot.command_line,
        "modules": str([(each.base, each.length, each.name) for each in kept]),
    }
    return [
        Mismatch(MACHINE, what, expected[what], seen[what], "boot information")
        for what in expected
        if expected[what] != seen[what]
    ]


def require_same_image(memory: PhysicalMemory, elf: Path) -> None:
    """See that what was booted is what `elf` describes, by its read-only segments.

    Raises:
        ConfigError: it is another build, or another kernel: every address would be wrong.
        MemoryUnreadable: the ELF file loads where no memory is.
    """
    with elf.open("rb") as file:
        for segment in ELFFile(file).iter_segments("PT_LOAD"):
            if segment["p_flags"] & _PF_W or not segment["p_filesz"]:
                continue
            if memory.read(segment["p_paddr"], segment["p_filesz"]) != segment.data():
                raise ConfigError(
                    f"{elf}: not the kernel that was booted: memory at {segment['p_paddr']:#x} "
                    "has other contents; build kernel.elf and kernel.image together"
                )


def image_frames(elf: Path) -> tuple[int, int]:
    """Return the first and the past-the-last physical address of a kernel's image.

    Raises:
        ImageError: the ELF file has nothing to load.
    """
    with elf.open("rb") as file:
        places = [
            (each["p_paddr"], each["p_paddr"] + each["p_memsz"])
            for each in ELFFile(file).iter_segments("PT_LOAD")
            if each["p_memsz"]
        ]
    if not places:
        raise ImageError(f"{elf}: no loadable segment")
    return min(start for start, _ in places), max(end for _, end in places)


def image_segments(elf: Path) -> tuple[Segment, ...]:
    """Return the higher-half segments of a kernel's ELF file, with the page flags they ask for.

    Raises:
        ImageError: there is none.
    """
    with elf.open("rb") as file:
        segments = tuple(
            Segment(each["p_vaddr"], each["p_memsz"], _page_flags(each["p_flags"]))
            for each in ELFFile(file).iter_segments("PT_LOAD")
            if each["p_vaddr"] >= IMAGE_BASE
        )
    if not segments:
        raise ImageError(f"{elf}: no loadable segment at or above {IMAGE_BASE:#x}")
    return segments


def _page_flags(segment_flags: int) -> int:
    write = WRITE if segment_flags & _PF_W else 0
    return write | (EXEC if segment_flags & _PF_X else 0)
