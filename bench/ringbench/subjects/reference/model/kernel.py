"""The whole kernel: its state at the first prompt, and one operation after another."""

from collections.abc import Sequence

from ringbench.arch.x86_64.features import Features
from ringbench.drive.reply import Reply
from ringbench.subjects.reference.model import kmalloc
from ringbench.subjects.reference.model.buddy import SPACE as BUDDY
from ringbench.subjects.reference.model.disk import disk_init
from ringbench.subjects.reference.model.frame_set import FrameSet
from ringbench.subjects.reference.model.handlers.table import HANDLERS
from ringbench.subjects.reference.model.object import OBJECT_CACHE
from ringbench.subjects.reference.model.paging_init import paging_init
from ringbench.subjects.reference.model.pmm import pmm_alloc_run, pmm_init
from ringbench.subjects.reference.model.state import (
    EMPTY_HEAP,
    Cache,
    Console,
    Disk,
    KernelState,
    Segment,
    Sizes,
    Space,
    frames_of,
    replace,
)
from ringbench.subjects.reference.model.task import BOOT_TASK, TASK_CACHE
from ringbench.subjects.reference.model.vmm import REGION_CACHE
from ringbench.subjects.reference.vocabulary.boot_values import MemoryRange
from ringbench.subjects.reference.vocabulary.constants import (
    BUDDY_BASE,
    BUDDY_SIZE,
    CONSOLE_ROOTS,
    FRAME_SIZE,
    HEAP_BASE,
    HEAP_SIZE,
    KERNEL_WINDOW_BASE,
    KERNEL_WINDOW_END,
    RECORD_ALIGN,
    VM_RECORD_SIZE,
)
from ringbench.subjects.reference.vocabulary.handles import KERNEL
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.status import Panic, Refused, Status


def boot(
    memory_map: Sequence[MemoryRange],
    image: Sequence[Segment],
    features: Features,
    sizes: Sizes,
    disks: Sequence[Disk] = (),
    command_line: str = "",
) -> KernelState:
    """Return the state at the first prompt.

    Args:
        memory_map: the kernel's own: sorted, disjoint, all claims made.
        image: the segments at and above IMAGE_BASE in file order, with their page flags.
        features: of the CPU: physical_bits and gib_pages count.
        sizes: of the structs that the kernel allocates.
        disks: the virtio disks of the machine, in the order of their slots.
        command_line: the kernel's.

    Raises:
        Panic: there is too little memory.
    """
    chain = kmalloc.chosen(command_line)
    pmm = pmm_init(memory_map)
    pmm, tables, root = paging_init(pmm, memory_map, image, features)
    state = KernelState(
        features=features,
        sizes=sizes,
        memory_map=tuple(memory_map),
        image=tuple(image),
        pmm=pmm,
        tables=tables,
        kernel_root=root,
        active_root=root,
        spaces={
            KERNEL: Space(root, KERNEL_WINDOW_BASE, KERNEL_WINDOW_END),
            "heap": Space(root, HEAP_BASE, HEAP_BASE + HEAP_SIZE),
            BUDDY: Space(root, BUDDY_BASE, BUDDY_BASE + BUDDY_SIZE),
        },
        current_space=None,
        heap=EMPTY_HEAP,
        tasks=(BOOT_TASK,),
        current_task=0,
        console=Console(FrameSet(), 0, 0, (None,) * CONSOLE_ROOTS),
        contents={},
        caches={
            OBJECT_CACHE: Cache(sizes.object, RECORD_ALIGN),
            REGION_CACHE: Cache(VM_RECORD_SIZE, RECORD_ALIGN),
            **kmalloc.caches(chain),
            TASK_CACHE: Cache(sizes.task, RECORD_ALIGN),
        },
        chain=chain,
    )
    return _console_init(disk_init(state, disks))


def _console_init(state: KernelState) -> KernelState:
    """Take the frames for the bits of lent frames."""
    length = frames_of(state.pmm.frame_limit // 8) * FRAME_SIZE
    pmm, status, base = pmm_alloc_run(state.pmm, length // FRAME_SIZE, FRAME_SIZE)
    if status is not Status.OK:
        raise Panic(f"no memory for the console: {status.text}")
    console = replace(state.console, lent_base=base, lent_length=length)
    return replace(state, pmm=pmm, console=console)


def perform(state: KernelState, operation: Operation) -> tuple[KernelState, Reply]:
    """Return the state after an operation, and the reply it must get.

    After an error the state is what it was; only a denied `touch` for execution may have given
    a demand page its frame.

    Raises:
        Unpredictable: a touch for execution of a byte that the model does not keep.
    """
    try:
        after, status, values = HANDLERS[type(operation)](state, operation)
    except Refused as refused:
        return state, Reply(refused.status.text)
    return after, Reply(status.text, values)
