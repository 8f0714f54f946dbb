"""A machine whose kernel is called: the guest that the rules look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set

import numpy as np

from ringbench.arch.x86_64.access import access
from ringbench.arch.x86_64.address import LEVELS, entry_span
from ringbench.arch.x86_64.bulk import Decoder
from ringbench.arch.x86_64.control import Cr0, Cr4, Efer
from ringbench.arch.x86_64.leaves import Flags, Words
from ringbench.arch.x86_64.outcome import Controls
from ringbench.arch.x86_64.records import Leaf
from ringbench.arch.x86_64.tables import AddressSpace
from ringbench.arch.x86_64.virtual import VirtualMemory, VirtualUnreadable
from ringbench.arch.x86_64.walk import translate
from ringbench.drive.guest_calls import GuestCalls, Probe, Step
from ringbench.drive.guest_calls.probes import probes_possible, program_possible
from ringbench.errors import MemoryUnreadable
from ringbench.explain.registers import Cpu
from ringbench.machine import Machine
from ringbench.machine.ram import RamMap
from ringbench.observe.image import image_frames
from ringbench.observe.modules import module_frames
from ringbench.observe.processor import read_features, read_registers
from ringbench.subjects.contracts.ledger import PAGE
from ringbench.subjects.contracts.names import Names


class DecodedPages:
    """All page tables of a root, as they were when they were read.

    A table that several entries lead to was read where it was met first: what is behind the others,
    like a direct map that has the tables of the image, is walked to one by one, as they are now.
    """

    def __init__(self, space: AddressSpace, walk: Callable[[int], Leaf | None]) -> None:
        self._walk = walk
        self._vaddrs = space.leaves.vaddr
        self._paddrs = space.leaves.paddr
        self._levels = space.leaves.level
        self.tables: Set[int] = frozenset((space.tables.paddr // np.uint64(PAGE)).tolist())

    def within(self, start: int, end: int) -> Mapping[int, int]:
        """Return the pages of a range: virtual address -> physical address."""
        first, last = np.searchsorted(self._vaddrs, np.array([start, end], np.uint64))
        found = slice(int(first), int(last))
        return dict(zip(self._vaddrs[found].tolist(), self._paddrs[found].tolist(), strict=True))

    def translate(self, vaddr: int) -> int | None:
        """Return the physical address that a virtual one is mapped to; None if it is not mapped."""
        at = int(np.searchsorted(self._vaddrs, np.uint64(vaddr), "right")) - 1
        if at >= 0:
            offset = vaddr - int(self._vaddrs[at])
            if offset < entry_span(int(self._levels[at])):
                return int(self._paddrs[at]) + offset
        leaf = self._walk(vaddr)
        return None if leaf is None else leaf.paddr + vaddr - leaf.vaddr


class MachineGuest:
    """A guest that waits for calls, as `ringbench.subjects.contracts.guest.Guest` has it."""

    def __init__(self, machine: Machine, calls: GuestCalls, names: Names) -> None:
        """Look at a guest that has been brought to where calls are made.

        Raises:
            RingbenchError: it cannot be looked at.
        """
        self.addresses: Mapping[str, int] = names.addresses
        self.sizes: Mapping[str, int] = names.sizes
        self.silent: Set[str] = names.silent
        self._calls = calls
        self._memory = machine.memory
        self.ram: RamMap = machine.ram
        registers = read_registers(machine)
        self.window = window = calls.visit.window
        self._features = read_features(machine, registers)
        self.root = calls.visit.root
        self._slot = window.slot
        self.own = range(window.base, window.base + entry_span(LEVELS))
        self.reaches_user = not registers.cr4 & Cr4.SMAP
        self._controls = Controls(
            wp=bool(registers.cr0 & Cr0.WP),
            nxe=bool(registers.efer & Efer.NXE),
            smep=bool(registers.cr4 & Cr4.SMEP),
            smap=bool(registers.cr4 & Cr4.SMAP),
        )
        accelerator = machine.config.machine.accelerator
        self.probes = self._whose_accesses(calls.visit.cpu, emulated=accelerator == "tcg")
        pages, slide = self.pages(), machine.slide
        image = image_frames(
            machine.config.kernel.elf, lambda vaddr: pages.translate(vaddr + slide)
        )
        self.image: Mapping[int, str] = {
            frame: f"{what} of the kernel's image" for frame, what in image.items()
        }
        frames = machine.config.contracts.frames
        if frames is not None and frames.keeps_modules:
            modules = [each.path for each in machine.config.kernel.modules]
            self.image = {**self.image, **module_frames(machine.memory.views(), modules)}

    def perform(self, steps: Sequence[Step]) -> Sequence[int]:
        """Perform steps in order, and return the result of each.

        Raises:
            CallError: one of them ended the guest, or did not end.
            MachineError: it cannot be done.
        """
        return self._calls.perform(steps)

    def pages(self) -> DecodedPages:
        """Return the page tables as they are now."""
        decoder = Decoder(self._memory, self._features, once=True, fold=True)
        return DecodedPages(decoder.decode(self.root, self._is_own), self.walk)

    def _is_own(self, entries: Words) -> Flags:
        """Tell which entries of the root table lead to the bench's memory."""
        flags = np.zeros(len(entries), np.bool_)
        flags[self._slot] = True
        return flags

    def walk(self, vaddr: int) -> Leaf | None:
        """Return what the tables, as they are now, have at an address; None if nothing."""
        return translate(self._memory, self.root, vaddr, self._features).leaf

    def why_unmapped(self, vaddr: int) -> str:
        """Say why the tables lead nowhere: `not present at level 1 (PT)`; empty if they do."""
        return translate(self._memory, self.root, vaddr, self._features).reason

    def allows(self, probe: Probe) -> bool:
        """Whether the tables, as they are now, let an access through."""
        assert isinstance(probe.address, int), "it is known what is probed"
        found = translate(self._memory, self.root, probe.address, self._features)
        controls = self._controls._asdict()
        return access(found, probe.access, user=probe.program, **controls) is None

    def _whose_accesses(self, cpu: Cpu, *, emulated: bool) -> tuple[bool, ...]:
        """Return whose accesses can be probed: the kernel's, and those of programs.

        A processor that is not emulated cannot go back to having no task.
        """
        if not probes_possible(cpu):
            return ()
        table = cpu.segment("GDT")
        try:
            virtual = VirtualMemory(self._memory, self.root, self._features)
            gdt = virtual.read(table.base, table.limit + 1)
        except (VirtualUnreadable, MemoryUnreadable):
            gdt = b""
        has_task = cpu.segment("TR").selector != 0
        return (False, True)[: 1 + (program_possible(cpu, gdt) and (has_task or emulated))]

    def read(self, paddr: int, length: int) -> bytes:
        """Return physical memory.

        Raises:
            MemoryUnreadable: it is not all RAM.
        """
        return self._memory.read(paddr, length)

    def write(self, paddr: int, data: bytes) -> None:
        """Change physical memory.

        Raises:
            MemoryUnreadable: it is not all RAM.
        """
        self._memory.write(paddr, data)
