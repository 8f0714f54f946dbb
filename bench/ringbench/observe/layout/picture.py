"""All that a `[layout]` tells of a stopped guest, and the page tables beside it, as one value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ringbench.arch.x86_64.bulk import decode
from ringbench.arch.x86_64.control import paging_mode
from ringbench.arch.x86_64.tables import AddressSpace
from ringbench.arch.x86_64.walk import root_table
from ringbench.config.layout import Layout
from ringbench.errors import ConfigError, ImageError
from ringbench.machine import Machine
from ringbench.observe.image import image_frames
from ringbench.observe.layout.fields import Names
from ringbench.observe.layout.frames import SeenFrames, read_frames
from ringbench.observe.layout.heap import SeenHeap, read_heap
from ringbench.observe.layout.spaces import SeenSpace, SeenTasks, all_spaces, read_spaces
from ringbench.observe.processor import read_features, read_registers
from ringbench.observe.reader import Broken, GuestReader

MOST_PAGES: Final = 1 << 20
"""Tables and pages of a root that are read."""

MOST_ROOTS: Final = 256
"""Roots that are read."""


@dataclass(frozen=True, slots=True, eq=False)
class LayoutPicture:
    """What a layout tells; a part that it does not tell is None.

    Attributes:
        tables: the page tables in use and those of all spaces, by the root's physical address.
        image: the frames of the kernel's image, by number, and what is in them.
        ram: start and end of each piece of RAM, in bytes.
        root: the physical address of the root table in use.
        nx: whether pages can be without the right to be executed.
        broken: what could not be followed.
    """

    frames: SeenFrames | None
    heap: SeenHeap | None
    kernel: SeenSpace | None
    tasks: SeenTasks | None
    tables: Mapping[int, AddressSpace] = field(repr=False)
    image: Mapping[int, str] = field(repr=False)
    ram: tuple[tuple[int, int], ...]
    root: int
    nx: bool
    broken: tuple[Broken, ...]

    def spaces(self) -> Iterator[SeenSpace]:
        """Yield every space: the kernel's, and those of tasks."""
        yield from all_spaces(self.kernel, self.tasks)


def read_layout(
    guest: GuestReader,
    layout: Layout,
    source: Path,
    elf: Path,
    ram: tuple[tuple[int, int], ...],
    slide: int = 0,
) -> LayoutPicture:
    """Read everything that a layout tells of a stopped guest.

    Raises:
        ConfigError: the layout has a name that does not exist.
        VirtualUnreadable: the kernel's own variables are not mapped.
    """
    names = Names(guest, source)
    frames = None if layout.frames is None else read_frames(names, layout.frames)
    heap = None if layout.heap is None else read_heap(names, layout.heap)
    kernel, tasks = read_spaces(names, layout)
    active = root_table(guest.root, guest.features)
    roots = dict.fromkeys((active, *(each.root for each in all_spaces(kernel, tasks))))
    tables = {
        root: decode(guest.memory, root, guest.features, MOST_PAGES, fold=True)
        for root in list(roots)[:MOST_ROOTS]
    }
    if len(roots) > MOST_ROOTS:
        guest.note("spaces", f"{len(roots)} root tables: the rest is not read", "tasks")
    try:
        image = image_frames(elf, lambda vaddr: guest.paddr_of(vaddr + slide))
    except ImageError:
        image = {}
    return LayoutPicture(
        frames,
        heap,
        kernel,
        tasks,
        tables,
        image,
        ram,
        active,
        guest.features.nx,
        guest.notebook.broken,
    )


def take_from(machine: Machine) -> LayoutPicture:
    """Take the picture that a machine's own layout tells; it is stopped meanwhile.

    Raises:
        ConfigError: the layout has a name that does not exist, or the guest uses other paging.
        MachineError: the machine has ended; otherwise as for `read_layout`.
    """
    config = machine.config
    with machine.stopped():
        registers = read_registers(machine)
        mode = paging_mode(registers.cr0, registers.cr4, registers.efer)
        if mode.levels is None:
            raise ConfigError(
                f"{config.source}: layout: the guest uses {mode.value}: variables are read under "
                "4-level and 5-level paging only"
            )
        features = read_features(machine, registers)
        reader = GuestReader(machine.memory, machine.types, registers.cr3, features)
        ram = tuple((piece.base, piece.end) for piece in machine.ram.ranges)
        elf, slide = config.kernel.elf, machine.slide
        return read_layout(reader, config.layout, config.source, elf, ram, slide)
