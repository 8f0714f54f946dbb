"""What the model starts from, next to a kernel that has just booted.

The memory map is made anew from what the loader left in memory, and the image's segments come from
its ELF file, how wide the processor is from the emulator: of the kernel only where the loader's
information lies is believed. So the kernel's own memory map is one more thing to compare.
"""

from pathlib import Path

from ringbench.arch.x86_64.features import Features
from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.check.comparison import Comparison
from ringbench.check.mismatch import MACHINE, Finding, Mismatch
from ringbench.debuginfo.elf import LoadSegment, load_segments
from ringbench.errors import ConfigError, ImageError, RingbenchError
from ringbench.subjects.reference.model.boot_info import LOADERS, BootInfo, boot_info_init
from ringbench.subjects.reference.model.state import Segment
from ringbench.subjects.reference.observe.boot import SeenBoot
from ringbench.subjects.reference.observe.names import BootNames
from ringbench.subjects.reference.observe.picture import Picture
from ringbench.subjects.reference.vocabulary.boot_values import MemoryRange
from ringbench.subjects.reference.vocabulary.constants import IMAGE_BASE
from ringbench.subjects.reference.vocabulary.flags import EXEC, WRITE
from ringbench.subjects.reference.vocabulary.status import Panic


def expected_boot_info(
    memory: PhysicalMemory, boot: SeenBoot, features: Features, elf: Path
) -> BootInfo:
    """Return what the kernel must have kept of its loader's information.

    `memory` is what the processor reads, where there is no RAM too; `features` are the processor's.

    Raises:
        RingbenchError: no kernel can be booted with that information; this one was.
    """
    magics = {loader: magic for magic, loader in LOADERS.items()}
    if boot.loader not in magics:
        raise RingbenchError(
            f"the kernel says that loader {boot.loader} booted it; there is no such one"
        )
    magic, image = magics[boot.loader], image_frames(elf)
    try:
        return boot_info_init(memory, magic, boot.information, features.physical_bits, image)
    except Panic as panic:
        raise RingbenchError(
            f"the loader's information is not one that a kernel can use: {panic.words}; "
            "this kernel accepted it"
        ) from None


def expected_map(memory: PhysicalMemory, picture: Picture, elf: Path) -> tuple[MemoryRange, ...]:
    """Return the memory map that the kernel must have made of its loader's information.

    Raises:
        RingbenchError: no kernel can be booted with that information; this one was.
    """
    return expected_boot_info(memory, picture.boot, picture.features, elf).map


def compare_loader(boot: SeenBoot, expected: BootInfo) -> list[Mismatch]:
    """Return where what the kernel kept, but for its memory map, is not what the loader passed."""
    facts: tuple[tuple[str, object, object], ...] = (
        ("loader", expected.loader, boot.loader),
        ("information", expected.information, boot.information),
        ("command line", expected.command_line, boot.command_line),
        ("modules", [*map(tuple, expected.modules)], [*map(tuple, boot.modules)]),
    )
    return [
        Mismatch(MACHINE, what, str(wanted), str(seen), "boot information")
        for what, wanted, seen in facts
        if wanted != seen
    ]


def compare_kept(first: SeenBoot, now: SeenBoot, names: BootNames) -> Finding:
    """Compare what the kernel keeps of its loader with what it kept when it had just booted.

    The memory map, which the model knows, is not part of this.
    """
    tally = Comparison(MACHINE)
    tally.equal("loader", first.loader, now.loader, names.loader)
    tally.equal("information", first.information, now.information, names.information, hex)
    tally.equal("command line", first.command_line, now.command_line, names.command_line)
    tally.equal("modules", len(first.modules), len(now.modules), names.module_count)
    tally.equal_all("module", first.modules, now.modules, lambda n: f"module {n}")
    return tally.done()


def require_same_image(memory: PhysicalMemory, elf: Path) -> None:
    """See that what was booted is what `elf` describes, by its read-only segments.

    Raises:
        ConfigError: it is another build, or another kernel: every address would be wrong.
        MemoryUnreadable: the ELF file loads where no memory is.
    """
    for segment in load_segments(elf):
        if segment.writable or not segment.content:
            continue
        if memory.read(segment.paddr, len(segment.content)) != segment.content:
            raise ConfigError(
                f"{elf}: not the kernel that was booted: memory at {segment.paddr:#x} "
                "has other contents; build kernel.elf and kernel.image together"
            )


def image_frames(elf: Path) -> tuple[int, int]:
    """Return the first and the past-the-last physical address of a kernel's image.

    Raises:
        ImageError: the ELF file has nothing to load.
    """
    loaded = [each for each in load_segments(elf) if each.size]
    places = [(each.paddr, each.paddr + each.size) for each in loaded]
    if not places:
        raise ImageError(f"{elf}: no loadable segment")
    return min(start for start, _ in places), max(end for _, end in places)


def image_segments(elf: Path) -> tuple[Segment, ...]:
    """Return the higher-half segments of a kernel's ELF file, with the page flags they ask for.

    Raises:
        ImageError: there is none.
    """
    segments = tuple(
        Segment(each.vaddr, each.size, _page_flags(each))
        for each in load_segments(elf)
        if each.vaddr >= IMAGE_BASE
    )
    if not segments:
        raise ImageError(f"{elf}: no loadable segment at or above {IMAGE_BASE:#x}")
    return segments


def _page_flags(segment: LoadSegment) -> int:
    return (WRITE if segment.writable else 0) | (EXEC if segment.executable else 0)
