"""Many flips: kernels in some states, each stopped, one bit of one structure flipped at a time.

The check looks after each flip at what of the guest's memory can have changed (`observe.scope`),
and the bit is flipped back before anything runs. Now and then, and at the end, it looks at all of
the memory without a flip: all must agree. Then the kernel goes on, and gives everything back.
"""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from ringbench.check.mismatch import Finding, Mismatch
from ringbench.config import Config, Module, override
from ringbench.errors import RingbenchError
from ringbench.machine.folder import guarded_folder
from ringbench.machine.memory import MappedMemory
from ringbench.observe.processor import read_registers
from ringbench.subjects.reference.flips.in_boot import boot_structures
from ringbench.subjects.reference.flips.in_buddy import buddy_structures, chain_structures
from ringbench.subjects.reference.flips.in_disks import disk_structures
from ringbench.subjects.reference.flips.in_files import file_structures
from ringbench.subjects.reference.flips.in_frames import allocator_structures, console_structures
from ringbench.subjects.reference.flips.in_heap import heap_structures
from ringbench.subjects.reference.flips.in_objects import object_structures
from ringbench.subjects.reference.flips.in_slabs import slab_structures
from ringbench.subjects.reference.flips.in_spaces import space_structures, task_structures
from ringbench.subjects.reference.flips.in_tables import table_structures
from ringbench.subjects.reference.flips.prepare import prepare
from ringbench.subjects.reference.flips.result import FlipsResult, Tally
from ringbench.subjects.reference.flips.site import Site
from ringbench.subjects.reference.flips.structure import BYTE, Flip, Structure
from ringbench.subjects.reference.kernel import ReferenceKernel
from ringbench.subjects.reference.lockstep import ReferenceLockstep
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.observe.scope import Noted, Short

CLEAN_EVERY: Final = 256
"""Flips between two looks at the memory as it is."""

Progress = Callable[[int, int], None]
"""Called with how many flips are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A machine to make a state on."""

    memory: str
    cpu: str
    modules: int
    disks: tuple[str, ...] = ()


VARIANTS: Final = (
    Variant("32M", "max", 2),
    Variant("16M", "max", 0),
    Variant("64M", "qemu64", 1),
    Variant("48M", "max", 16, ("4M virtio serial=swap",)),
    Variant("24M", "qemu64", 0),
)
"""With 1 GiB pages, modules, disks and without; from few blocks of frames to many."""


def flip_many(
    config: Config,
    *,
    seed: int,
    count: int,
    progress: Progress | None = None,
    variants: tuple[Variant, ...] | None = None,
) -> FlipsResult:
    """Flip `count` bits, one at a time, in as many states of the kernel as there are variants.

    Raises:
        RingbenchError: the machine could not start, died or hung; or the check reports something
            where nothing was flipped, so that it says nothing of flips.
    """
    started = time.monotonic()
    variants = variants or VARIANTS
    tally, states = Tally(), []
    done = 0
    for number, variant in enumerate(variants):
        share = count // len(variants) + (number < count % len(variants))
        if share == 0:
            continue
        with _kernel(config, variant) as kernel:
            random = Random(f"{seed} {number}")
            lockstep = ReferenceLockstep(kernel)
            with kernel.channel("ring") as ring:
                prepare(lockstep, ring, random)
            states.append(f"{variant.memory} {variant.cpu}: {describe(lockstep.state)}")
            for flip, mismatches in flips_of(kernel, lockstep.state, random, share):
                tally.add(flip, mismatches)
                done += 1
                if progress is not None:
                    progress(done, count)
            with kernel.channel("ring") as ring:
                lockstep.drain(ring)
    return tally.result(seed, time.monotonic() - started, states)


@contextmanager
def _kernel(config: Config, variant: Variant) -> Iterator[ReferenceKernel]:
    """A booted kernel on the machine of a variant, its modules a few bytes each."""
    with ExitStack() as stack:
        folder, _ = stack.enter_context(guarded_folder("flips"))
        modules = []
        for number in range(variant.modules):
            file = folder / f"module{number}"
            file.write_bytes(bytes(100 + number))
            modules.append(Module(file, f"number {number}"))
        changes: dict[str, object] = {
            "machine.memory": variant.memory,
            "machine.cpu": variant.cpu,
            "machine.disks": [*_data_disk(folder, variant), *variant.disks],
            "kernel.modules": modules,
        }
        yield stack.enter_context(closing(ReferenceKernel.start(override(config, changes))))


def _data_disk(folder: Path, variant: Variant) -> Iterator[str]:
    """Yield a data disk with an archive of some files, for a variant that has disks."""
    if variant.disks:
        archive = folder / "data.tar"
        with tarfile.open(archive, "w", format=tarfile.USTAR_FORMAT) as tar:
            for length in (0, 100, 5000, 100_000):
                info = tarfile.TarInfo(f"file{length}")
                info.size = length
                tar.addfile(info, io.BytesIO(bytes(n % 251 for n in range(length))))
        yield f"{archive} virtio serial=data"


def describe(state: KernelState) -> str:
    """Say what there is in a state."""
    regions = sum(len(space.regions) for space in state.spaces.values())
    bare = sum(root is not None for root in state.console.roots)
    return (
        f"{len(state.tables)} page tables, {len(state.tasks)} tasks, {bare} bare roots, "
        f"{regions} regions, {len(state.heap.nodes)} heap nodes"
    )


def structures_of(site: Site) -> tuple[Structure, ...]:
    """Return everything that there is to flip bits of, as far as the state has any."""
    found = (
        *allocator_structures(site),
        *slab_structures(site),
        *buddy_structures(site),
        *chain_structures(site),
        *table_structures(site),
        *object_structures(site),
        *space_structures(site),
        *heap_structures(site),
        *task_structures(site),
        *disk_structures(site),
        *file_structures(site),
        *boot_structures(site),
        *console_structures(site),
    )
    return tuple(each for each in found if each.count)


def flips_of(
    kernel: ReferenceKernel, state: KernelState, random: Random, count: int
) -> Iterator[tuple[Flip, list[Mismatch]]]:
    """Flip `count` bits, and yield each with what the check says of it; all is put back.

    The structures take turns, so that each gets as many flips as any other.

    Raises:
        RingbenchError: the check reports something where nothing was flipped.
    """
    machine, inspector = kernel.machine, kernel.inspector
    with machine.stopped():
        cr3 = read_registers(machine).cr3
        site = Site(
            machine.memory, state, inspector.types, inspector.layout, inspector.picture().boot
        )
        structures, noted = structures_of(site), Noted()
        _require_clean(inspector.in_memory(state, cr3, noted))
        for number in range(count):
            if number % CLEAN_EVERY == 0:
                _require_clean(inspector.in_memory(state, cr3))
            flip = structures[number % len(structures)].draw(random)
            with flipped(machine.memory, flip):
                findings = inspector.in_memory(state, cr3, Short(noted, flip.address))
                mismatches = [each for found in findings for each in found.mismatches]
            yield flip, mismatches
        _require_clean(inspector.in_memory(state, cr3))


@contextmanager
def flipped(memory: MappedMemory, flip: Flip) -> Iterator[None]:
    """Keep a bit flipped for the time of the block; the guest must stand still."""
    before = memory.read(flip.address, 1)
    memory.write(flip.address, bytes([before[0] ^ 1 << flip.bit % BYTE]))
    try:
        yield
    finally:
        memory.write(flip.address, before)


def _require_clean(findings: Iterable[Finding]) -> None:
    mismatches = [str(each) for found in findings for each in found.mismatches]
    if mismatches:
        raise RingbenchError("\n".join(["a mismatch without a flip:", *mismatches]))
