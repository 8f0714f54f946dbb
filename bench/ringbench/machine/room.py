"""Whether a kernel's file fits in the guest's memory: QEMU loads what fits, and says nothing."""

from __future__ import annotations

from pathlib import Path

from ringbench.config.settings import MIB
from ringbench.debuginfo.elf import load_segments
from ringbench.errors import ImageError


def check_room(image: Path, memory: int) -> None:
    """Check that every segment of an ELF `image` lies below `memory`; other images fit anywhere.

    Raises:
        ImageError: one does not; the text says how much would do.
    """
    try:
        segments = load_segments(image)
    except ImageError:
        return  # an image of another kind, or one that is refused with better words elsewhere
    end = max((each.paddr + each.size for each in segments), default=0)
    if end > memory:
        raise ImageError(
            f"{image}: reaches up to physical address {end:#x}, and the guest's memory ends at "
            f"{memory:#x}: set machine.memory to {-(-end // MIB)}M or more, or link it lower"
        )
