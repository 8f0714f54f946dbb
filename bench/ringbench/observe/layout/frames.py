"""The bitmap of physical frames of a kernel that `[layout.frames]` describes."""

from __future__ import annotations

from dataclasses import dataclass, field

from ringbench.arch.x86_64.address import PAGE_SHIFT, PAGE_SIZE
from ringbench.config.layout import FramesLayout
from ringbench.debuginfo.dwarf import Array, Pointer
from ringbench.observe.layout.fields import Names
from ringbench.observe.reader import count_runs

LAYER = "frames"

MOST = 1 << 28
"""Frames of a bitmap that is read: 1 TiB."""

MOST_RUNS = 1 << 18
"""Runs of free frames that a bitmap may have."""


@dataclass(frozen=True, slots=True)
class SeenFrames:
    """A frame bitmap as the kernel's memory has it.

    Attributes:
        first: the number of the frame that the lowest bit is of.
        count: how many frames have a bit.
        free_bits: an integer, bit n: frame `first` + n is free.
        kernels_free, kernels_used: the kernel's own counts, where they are told.
    """

    first: int
    count: int
    free_bits: int = field(repr=False)
    kernels_free: int | None
    kernels_used: int | None

    @property
    def free(self) -> int:
        """How many frames are free."""
        return self.free_bits.bit_count()


def read_frames(names: Names, layout: FramesLayout) -> SeenFrames:
    """Read a frame bitmap, and what the kernel counts.

    Raises:
        ConfigError: a name that does not exist, or a bitmap that cannot be one.
    """
    place = names.place("layout.frames.bits", layout.bits)
    address = place.value
    if isinstance(place.type, Array) and isinstance(place.type.element, Pointer):
        address = int(place.type.element.decode(names.guest.virtual.read(address, 8), 0, address))
    if layout.count is not None:
        count = names.number("layout.frames.count", layout.count)
    elif isinstance(place.type, Array) and place.type.count:
        count = place.type.size * 8
    else:
        raise names.wrong(
            "layout.frames.count", f"missing: {layout.bits} is no array that has a length", "", ()
        )
    base = names.number("layout.frames.base", layout.base)
    if base % PAGE_SIZE:
        raise names.wrong("layout.frames.base", f"{base:#x} is no multiple of 4096", "", ())
    bits = 0
    if not 0 < count <= MOST:
        names.guest.note(LAYER, f"{count} frames cannot be", f"{layout.count}")
        count = 0
    elif (data := names.guest.bytes(address, (count + 7) // 8)) is None:
        names.guest.note(LAYER, f"the bitmap at {address:#x} is not readable", layout.bits)
        count = 0
    else:
        bits = int.from_bytes(data, "little") & (1 << count) - 1
        if layout.set == "used":
            bits ^= (1 << count) - 1
        if count_runs(bits) > MOST_RUNS:
            names.guest.note(LAYER, "more runs of free frames than are read", layout.bits)
            bits = 0
    return SeenFrames(
        base >> PAGE_SHIFT,
        count,
        bits,
        _count(names, "layout.frames.free", layout.free),
        _count(names, "layout.frames.used", layout.used),
    )


def _count(names: Names, key: str, path: str | None) -> int | None:
    return None if path is None else names.number(key, path)
