"""Whether a kernel's file fits in the guest's memory: QEMU loads what fits, and says nothing."""

from __future__ import annotations

from pathlib import Path

from ringbench.config.settings import MIB
from ringbench.errors import ImageError


def check_room(image: Path, memory: int) -> None:
    """Check that every segment of an ELF `image` lies below `memory`; other images fit anywhere.

    Raises:
        ImageError: one does not; the text says how much would do.
    """
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    try:
        with image.open("rb") as file:
            segments = list(ELFFile(file).iter_segments("PT_LOAD"))
    except (ELFError, OSError, ValueError):
        return  # an image of another kind
    end = max((each["p_paddr"] + each["p_memsz"] for each in segments), default=0)
    if end > memory:
        raise ImageError(
            f"{image}: reaches up to physical address {end:#x}, and the guest's memory ends at "
            f"{memory:#x}: set machine.memory to {-(-end // MIB)}M or more, or link it lower"
        )
