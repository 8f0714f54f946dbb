"""One hostile boot on a machine, and everything that it is held against."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from ringbench.check.mismatch import MACHINE, Mismatch
from ringbench.ending import Ending, EndKind
from ringbench.engine.lockstep import Diverged
from ringbench.errors import Ended, QemuDied
from ringbench.subjects.reference.boots.entry import EntryMachine
from ringbench.subjects.reference.boots.facts import Facts
from ringbench.subjects.reference.boots.generate import HostileBoot
from ringbench.subjects.reference.check.boot import compare_loader
from ringbench.subjects.reference.check.inspector import Inspector
from ringbench.subjects.reference.kernel import ReferenceKernel
from ringbench.subjects.reference.lockstep import ReferenceLockstep
from ringbench.subjects.reference.model.boot_info import BootInfo
from ringbench.subjects.reference.model.pmm import take
from ringbench.subjects.reference.model.state import KernelState, PmmState
from ringbench.subjects.reference.vocabulary.constants import FRAME_SIZE
from ringbench.subjects.reference.vocabulary.flags import WRITE
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.heap import HeapAlloc
from ringbench.subjects.reference.vocabulary.operations.pmm import PmmAlloc, PmmAlloc2m, PmmFree
from ringbench.subjects.reference.vocabulary.operations.task import TaskNew
from ringbench.subjects.reference.vocabulary.operations.vmm import VmAlloc

ROOMY: Final = 1024
"""Lowest free frames that must be RAM for operations that write to the frames they take."""


class BootBench:
    """Boots on one machine, and compares."""

    def __init__(self, machine: EntryMachine) -> None:
        self.machine = machine
        self._inspector: Inspector | None = None

    def attempt(self, boot: HostileBoot, *, thorough: bool) -> tuple[Mismatch, ...]:
        """Perform a boot; return what did not agree with its prediction.

        What is in memory is compared always, and some operations are performed; a `thorough` one
        asks QEMU and the kernel as well, and looks at memory again at the end.

        Raises:
            MachineError: the machine is of no use any more.
        """
        expected = boot.prediction.panic or "comes up"
        try:
            self.machine.boot(boot.handover)
        except Ended as error:
            if error.outside or isinstance(error, QemuDied):
                raise
            seen = outcome(error.ending) if error.ending else str(error)
        else:
            seen = "comes up"
        if seen != expected:
            words = f"boot that should not end so: {seen}"
            return (Mismatch(MACHINE, words, expected, seen, boot.name),)
        info, state = boot.prediction.info, boot.prediction.state
        if info is None or state is None:
            return ()
        try:
            return self._compare(info, state, boot.name, thorough=thorough)
        except Ended as error:
            if error.outside or isinstance(error, QemuDied):
                raise
            seen = outcome(error.ending) if error.ending else str(error)
            words = f"end after the boot: {seen}"
            return (Mismatch(MACHINE, words, "goes on", seen, boot.name),)

    def _compare(
        self, info: BootInfo, state: KernelState, name: str, *, thorough: bool
    ) -> tuple[Mismatch, ...]:
        """Compare a kernel at its prompt with its prediction, then use it a little."""
        machine = self.machine.machine
        if self._inspector is None:
            self._inspector = Inspector(machine)
        inspector, when = self._inspector, f"after {name}"
        with machine.stopped():
            picture = inspector.picture()
            found = [each for _, _, some in inspector.compare(picture, state) for each in some]
        found += compare_loader(picture.boot, info)
        if found:
            return tuple(mismatch.at(when) for mismatch in found)
        kernel = ReferenceKernel(machine, inspector, state)
        lockstep = ReferenceLockstep(kernel)
        with suppress(Diverged):
            if thorough:
                lockstep.look(when)
            for operation in operations(state, self.machine.facts):
                lockstep.predict(operation)
            lockstep.catch_up(kernel.channel("console"), f", {when}")
            if thorough:
                lockstep.glance(f"when used {when}")
        return tuple(lockstep.mismatches)


def outcome(ending: Ending) -> str:
    """Return how a boot ended: the words of a panic behind file and line, or what else it was."""
    if ending.kind is EndKind.KERNEL_PANIC and ending.block:
        return ending.block[0].split(" ", 3)[-1]
    return "; ".join([ending.message, *ending.block[1:2]])


def operations(state: KernelState, facts: Facts) -> Iterator[Operation]:
    """Yield a few operations that show whether the allocator is what it seems to be."""
    pmm = state.pmm
    lowest = pmm.free.edges[0] if pmm.free else 0
    yield PmmAlloc()
    yield PmmAlloc(3)
    yield PmmAlloc(2, 16 * FRAME_SIZE)
    yield PmmAlloc2m()
    yield PmmFree(lowest * FRAME_SIZE)
    yield PmmFree(lowest * FRAME_SIZE)
    yield PmmFree(pmm.metadata_base)
    yield PmmFree(facts.image[0])
    yield PmmAlloc(pmm.free_count + 1)
    yield PmmAlloc()
    if is_roomy(pmm, facts):
        yield TaskNew()
        yield HeapAlloc(5000)
        yield VmAlloc("kernel", 3 * FRAME_SIZE, "anonymous", WRITE)


def is_roomy(pmm: PmmState, facts: Facts) -> bool:
    """Whether the frames that will be taken next are memory, all of them."""
    _, frames = take(pmm, min(ROOMY, pmm.free_count))
    return all(facts.has_ram(frame, FRAME_SIZE) for frame in frames)
