"""The whole machine against the model: every check there is, on one picture of a still guest."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final

import numpy as np

from ringbench.arch.x86_64.bulk import decode
from ringbench.arch.x86_64.leaves import Leaves
from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.arch.x86_64.walk import translate
from ringbench.check import witnesses
from ringbench.check.comparison import Comparison
from ringbench.check.mismatch import MACHINE, Finding
from ringbench.debuginfo.dwarf import Types
from ringbench.drive.channel import Channel
from ringbench.errors import RingbenchError
from ringbench.machine import Machine, PaddedMemory
from ringbench.observe import registers
from ringbench.observe.reader import UNREADABLE
from ringbench.subjects.reference.check.boot import (
    compare_kept,
    compare_loader,
    expected_boot_info,
    expected_map,
    image_segments,
    require_same_image,
)
from ringbench.subjects.reference.check.compare import compare, compare_absorbed, compare_contents
from ringbench.subjects.reference.check.compare_spaces import compare_tables
from ringbench.subjects.reference.check.invariants import INVARIANTS
from ringbench.subjects.reference.check.invariants import check as check_invariants
from ringbench.subjects.reference.drive.console import ConsoleChannel
from ringbench.subjects.reference.drive.ring import RingPlace
from ringbench.subjects.reference.drive.ring_format import RingFormat
from ringbench.subjects.reference.flags import EXEC, GLOBAL, USER, WRITE, parse_flags
from ringbench.subjects.reference.model.kernel import boot
from ringbench.subjects.reference.model.state import KernelState, Sizes
from ringbench.subjects.reference.observe.boot import Boot
from ringbench.subjects.reference.observe.layout import RINGBENCH
from ringbench.subjects.reference.observe.picture import Picture, take, take_from, take_tables
from ringbench.subjects.reference.observe.ring import locate_ring
from ringbench.subjects.reference.operations import Operation, PageQuery

SAMPLED_QUERIES: Final = 12
"""Addresses of each root at which the kernel's own query and QEMU's translation are asked for."""


class Inspector:
    """Takes pictures of a machine and holds them against the model and against each other.

    Raises:
        ConfigError: the ELF is not that of the kernel that runs.
        ImageError: the ELF lacks what the layout names.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.layout = RINGBENCH
        self.types = Types.load(machine.config.kernel.elf)
        self.random = Random(0)
        free_count = self.types.locate(self.layout.pmm.free_count)
        require_same_image(machine.memory, machine.config.kernel.elf)
        with machine.stopped():
            cr3 = registers.parse(machine.registers()).cr3
            paddr = translate(machine.memory, cr3, free_count.address).paddr
        assert paddr is not None, "the kernel runs, so its variables are mapped"
        self._free_count = paddr
        self._first_boot: Boot | None = None

    def ring(self) -> tuple[RingFormat, RingPlace]:
        """The kernel's ring: what it looks like and where it is."""
        return locate_ring(self.machine, self.types, self.layout)

    def boot_state(self) -> KernelState:
        """What the model says a kernel is that has just booted on this machine.

        Its only inputs are what the loader handed over, the processor, and the ELF.
        """
        picture = self.picture()
        self._first_boot = picture.boot
        elf = self.machine.config.kernel.elf
        return boot(
            expected_map(self._processors_memory(), picture, elf),
            image_segments(elf),
            picture.features,
            Sizes(task=self.types.struct(self.layout.tasks.task_type).size),
        )

    def free_frames(self) -> int:
        """The allocator's free count, straight from memory; the kernel sits at its prompt."""
        return int.from_bytes(self.machine.memory.read(self._free_count, 8), "little")

    def picture(self) -> Picture:
        """Everything, read while the guest stands still."""
        return take_from(self.machine, self.types, self.layout)

    def inspect(
        self, state: KernelState, when: str, channel: Channel[Operation] | None = None
    ) -> Iterator[Finding]:
        """Compare everything; `when` goes into each mismatch's place.

        The kernel's own view is asked for through `channel`, by default the console.
        """
        with self.machine.stopped():
            cr3 = self.cr3()
            picture = self.readable(cr3)
            if isinstance(picture, RingbenchError):
                findings = [self.tables_alone(state, cr3, picture)]
            else:
                findings = [*self.compare(picture, state)]
                findings += [*self.ask_loader(picture), *self.ask_qemu(picture)]
        if isinstance(picture, Picture):
            findings += self.ask_kernel(state, picture, channel)
        for layer, compared, mismatches in findings:
            yield Finding(layer, compared, [mismatch.at(when) for mismatch in mismatches])

    def glance(self, state: KernelState, when: str) -> Iterator[Finding]:
        """Compare everything as `inspect` does, but ask neither loader nor QEMU nor kernel.

        Needs nothing of the kernel, so that it also works in the middle of the `ring` command.
        """
        with self.machine.stopped():
            findings = list(self.in_memory(state, self.cr3()))
        for layer, compared, mismatches in findings:
            yield Finding(layer, compared, [mismatch.at(when) for mismatch in mismatches])

    def cr3(self) -> int:
        """The register, while the guest stands still."""
        return registers.parse(self.machine.registers()).cr3

    def in_memory(self, state: KernelState, cr3: int) -> Iterator[Finding]:
        """Everything in the memory of a stopped guest with this CR3, against the model.

        Where the kernel's own variables cannot be read, its page tables are compared alone, from
        the roots that the model knows.
        """
        picture = self.readable(cr3)
        if isinstance(picture, RingbenchError):
            yield self.tables_alone(state, cr3, picture)
        else:
            yield from self.compare(picture, state)

    def readable(self, cr3: int) -> Picture | RingbenchError:
        """A picture, or why the kernel's own variables, and so anything, cannot be read."""
        try:
            return take(self.machine.memory, self.types, cr3, self.layout)
        except UNREADABLE as error:
            return error

    def tables_alone(self, state: KernelState, cr3: int, error: RingbenchError) -> Finding:
        """What can be said of a guest whose variables are unreadable, which is one mismatch."""
        memory, features = self.machine.memory, state.features
        tally = Comparison("paging")
        tally.comparisons += 1
        tally.differs("kernel's variables", "can be read", str(error), "the active root")
        roots = state.roots()
        tables, broken = take_tables(memory, self.types, cr3, roots, features, self.layout)
        compare_tables(tally, tables, state)
        for each in broken:
            tally.differs("structure", "can be followed", each.what, each.where)
        return Finding("paging", tally.comparisons, tally.done().mismatches)

    def compare(self, picture: Picture, state: KernelState) -> Iterator[Finding]:
        """A picture against the model, memory's contents included, and what must always hold.

        The guest must stand still since the picture was taken.
        """
        memory = self.machine.memory
        tallies = [*compare(picture, state)]
        tallies += [compare_absorbed(memory, state), compare_contents(memory, state)]
        if self._first_boot is not None:
            tallies.append(compare_kept(self._first_boot, picture.boot, self.layout.boot))
        for each in tallies:
            yield Finding(each.layer, each.comparisons, each.mismatches)
        yield from self.invariants(picture)

    def ask_loader(self, picture: Picture) -> Iterator[Finding]:
        """What the loader passed, read where it lies, against what the kernel kept of it."""
        elf = self.machine.config.kernel.elf
        expected = expected_boot_info(self._processors_memory(), picture.boot, elf)
        found = compare_loader(picture.boot, expected)
        yield Finding(MACHINE, 1 + len(expected.modules), found)

    def _processors_memory(self) -> PhysicalMemory:
        return PaddedMemory(self.machine.memory, self.machine.ram)

    def invariants(self, picture: Picture) -> Iterator[Finding]:
        """What must hold whatever the model says; one comparison for each."""
        yield Finding(MACHINE, len(INVARIANTS), check_invariants(picture))

    def ask_qemu(self, picture: Picture) -> Iterator[Finding]:
        """QEMU's own walk of the active root, leaf by leaf, range by range, and at samples."""
        root = registers.parse(self.machine.registers()).cr3
        space = decode(self.machine.memory, root, picture.features)
        leaves = list(space.leaves)
        hmp = self.machine.qmp.hmp
        tlb = witnesses.parse_info_tlb(hmp("info tlb"))
        found = witnesses.compare_info_tlb(leaves, space.problems, tlb)
        yield Finding("paging", len(leaves), found)
        mem = witnesses.parse_info_mem(hmp("info mem"))
        yield Finding("paging", len(mem), witnesses.compare_info_mem(leaves, mem))
        for address in self.sample(space.leaves):
            walk = translate(self.machine.memory, root, address, picture.features)
            answer = witnesses.parse_gva2gpa(hmp(f"gva2gpa {address:#x}"))
            yield Finding("paging", 1, witnesses.compare_gva2gpa(walk, answer))

    def ask_kernel(
        self, state: KernelState, picture: Picture, channel: Channel[Operation] | None
    ) -> Iterator[Finding]:
        """The kernel's own query at samples of every root; needs a kernel that takes operations."""
        if not self.machine.running:
            return
        channel = channel or ConsoleChannel(self.machine.command)
        for handle, root in state.roots().items():
            for address in self.sample(decode(self.machine.memory, root, picture.features).leaves):
                walk = translate(self.machine.memory, root, address, picture.features)
                reply = channel.perform(PageQuery(handle, address))
                answer = kernel_mapping(reply.values) if reply.ok else None
                yield Finding("paging", 1, witnesses.compare_query(walk, answer))

    def sample(self, leaves: Leaves) -> list[int]:
        """Addresses inside leaves, and just past their ends, where there may be nothing."""
        count = min(SAMPLED_QUERIES // 2, len(leaves))
        chosen = list(leaves.pick(np.array(self.random.sample(range(len(leaves)), count), np.intp)))
        inside = [leaf.vaddr + self.random.randrange(leaf.size) for leaf in chosen]
        ends = (leaf.vaddr + leaf.size for leaf in chosen)
        return inside + [end for end in ends if end < 1 << 64 and end != 1 << 47]


def kernel_mapping(values: tuple[int | str, ...]) -> witnesses.KernelMapping:
    """The console's answer to `page query` as a witness's statement."""
    vaddr, paddr, size, words = values
    assert isinstance(vaddr, int)
    assert isinstance(paddr, int)
    assert isinstance(size, int)
    flags = parse_flags(str(words))
    return witnesses.KernelMapping(
        vaddr,
        paddr,
        size,
        bool(flags & WRITE),
        bool(flags & USER),
        bool(flags & EXEC),
        bool(flags & GLOBAL),
        str(words).partition(":")[2] or "wb",
    )
