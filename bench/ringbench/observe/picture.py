"""The whole memory management of a stopped guest, read out of its memory, as one frozen value.

Nothing here comes from what the kernel says about itself: a Picture is what is in its memory, by
the names of a `Layout` and the types of its DWARF. What could not be followed is in `broken`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ringbench.arch.x86_64.features import Features
from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.arch.x86_64.walk import root_table
from ringbench.machine import Machine
from ringbench.observe import registers
from ringbench.observe.boot import Boot, read_boot
from ringbench.observe.console import Console, read_console
from ringbench.observe.dwarf import Record, Types
from ringbench.observe.guest import Broken, Guest
from ringbench.observe.heap import Heap, read_heap
from ringbench.observe.layout import RINGBENCH, Layout
from ringbench.observe.page_tables import PageTables, read_page_tables
from ringbench.observe.pmm import FRAMES_MAX, Pmm, read_pmm
from ringbench.observe.spaces import Space, read_space
from ringbench.observe.tasks import Tasks, read_tasks


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Picture:
    """Everything that was read, layer by layer; `broken` is what could not be followed.

    `active_root` is the physical address in CR3.
    """

    layout: Layout
    features: Features
    active_root: int
    boot: Boot
    pmm: Pmm
    tables: PageTables
    kernel_space: Space
    heap: Heap
    tasks: Tasks
    console: Console
    broken: tuple[Broken, ...]

    def spaces(self) -> Iterator[Space]:
        """Every space that can have regions: the kernel's, the heap's, the tasks'."""
        yield self.kernel_space
        yield self.heap.space
        yield from (task.space for task in self.tasks.all if task.id != 0)


def take(memory: PhysicalMemory, types: Types, cr3: int, layout: Layout = RINGBENCH) -> Picture:
    """Read everything from the memory of a stopped guest whose CR3 is, or was, `cr3`.

    Raises:
        ImageError: the ELF has no symbol or type of one of the layout's names.
        VirtualUnreadable: the kernel's own variables are not mapped under `cr3`.
        MemoryUnreadable: they are mapped to what is not memory.
    """
    guest = Guest(memory, types, layout, cr3, Features(pat=layout.pat))
    boot = read_boot(guest)
    features = Features(_physical_bits(boot), boot.gib_pages, pat=layout.pat)
    guest = Guest(memory, types, layout, cr3, features, guest.broken)
    kernel_record = types.value(guest.virtual, layout.spaces.kernel_space)
    assert isinstance(kernel_record, Record)
    kernel_space = read_space(guest, "kernel", kernel_record)
    pmm = read_pmm(guest)
    tasks = read_tasks(guest)
    console = read_console(guest, pmm.frame_limit if pmm.frame_limit <= FRAMES_MAX else 0)
    others = {f"t{task.id}": task.space.root for task in tasks.all if task.id != 0}
    others |= {f"r{n}": root for n, root in enumerate(console.roots) if root is not None}
    heap = read_heap(guest)
    return Picture(
        layout=layout,
        features=features,
        active_root=root_table(cr3, features),
        boot=boot,
        pmm=pmm,
        tables=read_page_tables(guest, kernel_space.root, others),
        kernel_space=kernel_space,
        heap=heap,
        tasks=tasks,
        console=console,
        broken=tuple(guest.broken),
    )


def take_from(machine: Machine, types: Types, layout: Layout = RINGBENCH) -> Picture:
    """Take a picture of a running machine, which is stopped meanwhile.

    Raises:
        MachineError: the machine has ended; otherwise as for `take`.
    """
    with machine.stopped():
        cr3 = registers.parse(machine.registers()).cr3
        return take(machine.memory, types, cr3, layout)


def _physical_bits(boot: Boot) -> int:
    """Return the physical width, whatever the guest's memory says."""
    return min(max(boot.physical_bits, 32), 52)
