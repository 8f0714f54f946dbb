"""The whole memory management of a stopped guest, read out of its memory, as one frozen value.

Nothing here comes from what the kernel says about itself: a Picture is what is in its memory, by
the names of a `Layout` and the types of its DWARF, read as the emulator's processor reads it. What
could not be followed is in `broken`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ringbench.arch.x86_64.features import Features
from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.arch.x86_64.walk import root_table
from ringbench.debuginfo.dwarf import Record, Types
from ringbench.machine import Machine
from ringbench.observe.page_tables import PageTables, read_page_tables
from ringbench.observe.processor import read_features, read_registers
from ringbench.observe.reader import Broken, GuestReader
from ringbench.subjects.reference.observe.boot import SeenBoot, read_boot
from ringbench.subjects.reference.observe.buddy import SeenBuddy, read_buddy
from ringbench.subjects.reference.observe.chain import SeenChain, read_chain
from ringbench.subjects.reference.observe.console import SeenConsole, read_console
from ringbench.subjects.reference.observe.disks import SeenDisk, read_disks
from ringbench.subjects.reference.observe.files import SeenFile, read_files
from ringbench.subjects.reference.observe.heap import SeenHeap, read_heap
from ringbench.subjects.reference.observe.names import RINGBENCH, Layout
from ringbench.subjects.reference.observe.objects import SeenObject, read_objects
from ringbench.subjects.reference.observe.pmm import FRAMES_MAX, SeenPmm, read_pmm
from ringbench.subjects.reference.observe.scope import EVERYTHING, Scope
from ringbench.subjects.reference.observe.slabs import SeenSlabs, read_slabs
from ringbench.subjects.reference.observe.spaces import SeenSpace, read_space
from ringbench.subjects.reference.observe.tasks import SeenTasks, read_tasks

ACTIVE: Final = "active"
"""Name of the root in CR3 if it is nobody's, so that its tables are seen all the same."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Picture:
    """Everything that was read, layer by layer; `broken` is what could not be followed.

    Attributes:
        active_root: the physical address in CR3.
        kernel_root: the kernel's own note of its root.
        current_space: name of the space that page faults of the task half go to; None if there is
            none, or if it is no space.
    """

    layout: Layout
    features: Features
    active_root: int
    kernel_root: int
    boot: SeenBoot
    pmm: SeenPmm
    tables: PageTables
    kernel_space: SeenSpace
    current_space: str | None
    heap: SeenHeap
    tasks: SeenTasks
    disks: tuple[SeenDisk, ...]
    files: Mapping[int, SeenFile]
    slabs: SeenSlabs
    buddy: SeenBuddy
    objects: tuple[SeenObject, ...]
    chain: SeenChain
    console: SeenConsole
    broken: tuple[Broken, ...]

    def spaces(self) -> Iterator[SeenSpace]:
        """Every space that can have regions: the kernel's, the heap's, the buddy's, the tasks'."""
        yield self.kernel_space
        yield self.heap.space
        yield self.buddy.space
        yield from (task.space for task in self.tasks.all if task.id != 0)


def take(
    memory: PhysicalMemory,
    types: Types,
    cr3: int,
    features: Features,
    layout: Layout = RINGBENCH,
    scope: Scope = EVERYTHING,
) -> Picture:
    """Read everything from the memory of a stopped guest whose CR3 is, or was, `cr3`.

    `features` are those of its processor, as the emulator has them: what the kernel found out of
    them is one more thing that is read. What of memory is read and what is known already is up to
    `scope`.

    Raises:
        ImageError: the ELF has no symbol or type of one of the layout's names.
        VirtualUnreadable: the kernel's own variables are not mapped under `cr3`.
        MemoryUnreadable: they are mapped to what is not memory.
    """
    guest = GuestReader(memory, types, cr3, features)
    boot = scope.read(read_boot, guest, layout.boot)
    kernel_space = scope.read(_read_kernel_space, guest, layout)
    pmm = scope.read(read_pmm, guest, layout.pmm)
    tasks = scope.read(read_tasks, guest, layout)
    frames = pmm.frame_limit if pmm.frame_limit <= FRAMES_MAX else 0
    console = scope.read(read_console, guest, layout.console, frames)
    active_root = root_table(cr3, features)
    others = _roots_of_their_own(guest, kernel_space, tasks)
    others |= {f"r{n}": root for n, root in enumerate(console.roots) if root is not None}
    if active_root not in (kernel_space.root, *others.values()):
        others[ACTIVE] = active_root
    heap = scope.read(read_heap, guest, layout)
    buddy = scope.read(read_buddy, guest, layout)
    of_tasks = (task.space for task in tasks.all[1:])
    spaces = [kernel_space, heap.space, buddy.space, *of_tasks]
    return Picture(
        layout=layout,
        features=features,
        active_root=active_root,
        kernel_root=scope.read(GuestReader.integer, guest, layout.spaces.kernel_root),
        boot=boot,
        pmm=pmm,
        tables=scope.read(read_page_tables, guest, kernel_space.root, others),
        kernel_space=kernel_space,
        current_space=scope.read(_current_space, guest, layout, spaces),
        heap=heap,
        tasks=tasks,
        disks=scope.read(read_disks, guest, layout.disks),
        files=scope.read(read_files, guest, layout.files),
        buddy=buddy,
        chain=scope.read(read_chain, guest, layout.chain),
        slabs=scope.read(read_slabs, guest, layout.slabs),
        objects=scope.read(read_objects, guest, layout.objects),
        console=console,
        broken=guest.notebook.broken,
    )


def take_tables(
    memory: PhysicalMemory,
    types: Types,
    cr3: int,
    roots: Mapping[str, int],
    features: Features,
) -> tuple[PageTables, tuple[Broken, ...]]:
    """Read the page tables alone, of roots known from elsewhere, and what can't be followed.

    For a guest whose page tables are so broken that nothing else of it can be found. `roots` has
    the kernel's as "kernel".
    """
    guest = GuestReader(memory, types, cr3, features)
    others = {name: root for name, root in roots.items() if name != "kernel"}
    return read_page_tables(guest, roots["kernel"], others), guest.notebook.broken


def take_from(machine: Machine, types: Types, layout: Layout = RINGBENCH) -> Picture:
    """Take a picture of a running machine, which is stopped meanwhile.

    Raises:
        MachineError: the machine has ended; otherwise as for `take`.
    """
    with machine.stopped():
        registers = read_registers(machine)
        features = read_features(machine, registers, layout.pat)
        return take(machine.memory, types, registers.cr3, features, layout)


def _read_kernel_space(guest: GuestReader, layout: Layout) -> SeenSpace:
    record = guest.types.value(guest.virtual, layout.spaces.kernel_space)
    assert isinstance(record, Record)
    return read_space(guest, layout.spaces, "kernel", record)


def _roots_of_their_own(guest: GuestReader, kernel: SeenSpace, tasks: SeenTasks) -> dict[str, int]:
    """Return the roots of tasks' spaces by name; one that is another's already is noted."""
    owners = {kernel.root: kernel.name}
    for space in (task.space for task in tasks.all if task.id != 0):
        if (owner := owners.setdefault(space.root, space.name)) != space.name:
            guest.note("vmm", f"root {space.root:#x} is that of {owner}", space.name)
    return {name: root for root, name in owners.items() if name != kernel.name}


def _current_space(guest: GuestReader, layout: Layout, spaces: Sequence[SeenSpace]) -> str | None:
    """Return the name of the space that the kernel calls current."""
    name = layout.spaces.current
    address = guest.integer(name)
    found = next((space.name for space in spaces if space.address == address), None)
    if address and found is None:
        guest.note("vmm", f"the current space is {address:#x}, which is no space", name)
    return found
