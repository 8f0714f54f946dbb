"""An inspector takes pictures of a machine and holds them against the model, by every check."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from ringbench.arch.x86_64.walk import translate
from ringbench.check.comparison import Comparison
from ringbench.check.mismatch import MACHINE, Finding
from ringbench.debuginfo.dwarf import Types
from ringbench.drive.channel import Channel
from ringbench.errors import RingbenchError
from ringbench.machine import Machine
from ringbench.observe.processor import read_features, read_registers
from ringbench.observe.reader import UNREADABLE
from ringbench.subjects.reference.check.boot import (
    compare_kept,
    expected_map,
    image_segments,
    require_same_image,
)
from ringbench.subjects.reference.check.compare import compare, compare_absorbed, compare_contents
from ringbench.subjects.reference.check.compare_disks import compare_held, found_disks
from ringbench.subjects.reference.check.compare_files import compare_cache
from ringbench.subjects.reference.check.compare_objects import compare_object_contents
from ringbench.subjects.reference.check.compare_spaces import compare_tables
from ringbench.subjects.reference.check.interrupts import check_interrupts
from ringbench.subjects.reference.check.invariants import INVARIANTS, check_invariants
from ringbench.subjects.reference.check.questions import (
    ask_kernel,
    ask_loader,
    ask_qemu,
    processors_memory,
)
from ringbench.subjects.reference.drive.console import ConsoleChannel
from ringbench.subjects.reference.drive.ring import RingPlace
from ringbench.subjects.reference.drive.ring_format import RingFormat
from ringbench.subjects.reference.model.kernel import boot
from ringbench.subjects.reference.model.state import KernelState, Sizes
from ringbench.subjects.reference.observe.boot import SeenBoot
from ringbench.subjects.reference.observe.names import RINGBENCH
from ringbench.subjects.reference.observe.picture import Picture, take, take_tables
from ringbench.subjects.reference.observe.ring import locate_ring
from ringbench.subjects.reference.observe.scope import EVERYTHING, Scope
from ringbench.subjects.reference.vocabulary.operations.base import Operation


class Inspector:
    """Takes pictures of a machine and holds them against the model and against each other.

    Attributes:
        machine: whose kernel it looks at.
        layout: the names by which the kernel keeps its state.
        types: the kernel's types and variables.

    Raises:
        ConfigError: the ELF is not that of the kernel that runs.
        ImageError: the ELF lacks what the layout names.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.layout = RINGBENCH
        self.types = Types.load(machine.config.kernel.elf)
        self._random = Random(0)
        free_count = self.types.locate(self.layout.pmm.free_count)
        require_same_image(machine.memory, machine.config.kernel.elf)
        with machine.stopped():
            registers = read_registers(machine)
            self._features = read_features(machine, registers, self.layout.pat)
            paddr = translate(machine.memory, registers.cr3, free_count.address).paddr
        assert paddr is not None, "the kernel runs, so its variables are mapped"
        self._free_count = paddr
        self._first_boot: SeenBoot | None = None

    def ring(self) -> tuple[RingFormat, RingPlace]:
        """Find the kernel's ring: what it looks like and where it is."""
        return locate_ring(self.machine, self.types, self.layout)

    def boot_state(self) -> KernelState:
        """Return what the model says a kernel is that has just booted on this machine.

        Its only inputs are what the loader handed over, the processor, and the ELF.
        """
        picture = self.picture()
        self._first_boot = picture.boot
        elf = self.machine.config.kernel.elf
        return boot(
            expected_map(processors_memory(self.machine), picture, elf),
            image_segments(elf),
            picture.features,
            Sizes(
                task=self.types.struct(self.layout.tasks.task_type).size,
                object=self.types.struct(self.layout.objects.object_type).size,
            ),
            found_disks(self.machine),
            picture.boot.command_line,
        )

    def free_frames(self) -> int:
        """Read the allocator's free count straight from memory; the kernel sits at its prompt."""
        return int.from_bytes(self.machine.memory.read(self._free_count, 8), "little")

    def picture(self) -> Picture:
        """Read everything while the guest stands still."""
        machine = self.machine
        with machine.stopped():
            cr3 = read_registers(machine).cr3
            return take(machine.memory, self.types, cr3, self._features, self.layout)

    def inspect(
        self, state: KernelState, when: str, channel: Channel[Operation] | None = None
    ) -> Iterator[Finding]:
        """Compare everything, and ask loader, QEMU and kernel; `when` goes into each place.

        The kernel's own view is asked for through `channel`, by default the console; where the
        machine has ended, there is nobody to ask.
        """
        machine = self.machine
        with machine.stopped():
            registers = read_registers(machine)
            cr3 = registers.cr3
            picture = self._readable(cr3)
            if isinstance(picture, RingbenchError):
                findings = [self._tables_alone(state, cr3, picture)]
            else:
                findings = [
                    *self.compare(picture, state),
                    ask_loader(machine, picture.boot, self._features),
                ]
                findings.append(check_interrupts(machine.memory, registers))
                findings.append(compare_held(machine, state))
                findings += ask_qemu(machine, cr3, picture.features, self._random)
        if isinstance(picture, Picture) and machine.running:
            channel = channel or ConsoleChannel(machine.command)
            findings += ask_kernel(machine.memory, state, picture.features, channel, self._random)
        return (each.at(when) for each in findings)

    def glance(self, state: KernelState, when: str) -> Iterator[Finding]:
        """Compare everything as `inspect` does, but ask neither loader nor QEMU nor kernel.

        Needs nothing of the kernel, so that it also works in the middle of the `ring` command.
        """
        with self.machine.stopped():
            registers = read_registers(self.machine)
            findings = [
                *self.in_memory(state, registers.cr3),
                compare_held(self.machine, state),
                check_interrupts(self.machine.memory, registers),
            ]
        return (each.at(when) for each in findings)

    def in_memory(
        self, state: KernelState, cr3: int, scope: Scope = EVERYTHING
    ) -> Iterator[Finding]:
        """Compare everything in the memory of a stopped guest with this CR3 with the model.

        Where the kernel's own variables cannot be read, its page tables are compared alone, from
        the roots that the model knows.
        """
        picture = self._readable(cr3, scope)
        if isinstance(picture, RingbenchError):
            yield self._tables_alone(state, cr3, picture)
        else:
            yield from self.compare(picture, state, scope)

    def compare(
        self, picture: Picture, state: KernelState, scope: Scope = EVERYTHING
    ) -> Iterator[Finding]:
        """Compare a picture with the model, memory's contents too, and with what must always hold.

        The guest must stand still since the picture was taken.
        """
        yield from compare(picture, state, scope)
        for check in (
            compare_absorbed,
            compare_contents,
            compare_object_contents,
            compare_cache,
        ):
            memory = scope.memory(check, self.machine.memory)
            if memory is not None:
                yield check(memory, state)
        kept = scope.picture(compare_kept, picture)
        if kept is not None and self._first_boot is not None:
            yield compare_kept(self._first_boot, kept.boot, self.layout.boot)
        yield Finding(MACHINE, len(INVARIANTS), check_invariants(picture, scope=scope))

    def _readable(self, cr3: int, scope: Scope = EVERYTHING) -> Picture | RingbenchError:
        """Return a picture, or why the kernel's own variables, and so anything, cannot be read."""
        try:
            return take(self.machine.memory, self.types, cr3, self._features, self.layout, scope)
        except UNREADABLE as error:
            return error

    def _tables_alone(self, state: KernelState, cr3: int, error: RingbenchError) -> Finding:
        """Say what can be said of a guest whose variables are unreadable: that is one mismatch."""
        memory, features = self.machine.memory, state.features
        tally = Comparison("paging")
        tally.comparisons += 1
        tally.differs("kernel's variables", "can be read", str(error), "the active root")
        roots = state.roots()
        tables, broken = take_tables(memory, self.types, cr3, roots, features)
        compare_tables(tally, tables, state)
        for each in broken:
            tally.differs("structure", "can be followed", each.what, each.where)
        return tally.done()
