"""The model's states: what the kernel keeps, layer by layer, as immutable values.

A state is never changed in place: a function that changes a mapping copies it and shares what did
not change, so that equal contents compare equal and keeping old states is cheap. States have no
slots: copying a dictionary is what makes `replace` cheap, and operations do little else.

Addresses are unsigned integers. Frames are numbered in sets of frames and physical addresses
everywhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from mmap import mmap
from typing import Any, NamedTuple, TypeVar

from ringbench.arch.x86_64.features import Features
from ringbench.subjects.reference.model.frame_set import FrameSet
from ringbench.subjects.reference.vocabulary.boot_values import MemoryRange
from ringbench.subjects.reference.vocabulary.constants import (
    DIRECT_MAP_BASE,
    FRAME_SIZE,
    HEAP_BASE,
    HEAP_FIRST_LEVELS,
    OBJECT_NODE_BITS,
    SLAB_HEADER,
)
from ringbench.subjects.reference.vocabulary.handles import (
    BOOT_TASK,
    KERNEL,
    is_bare_root,
    number_of,
    root_handle,
    task_handle,
)

AnyState = TypeVar("AnyState")

Image = bytes | mmap
"""What a disk holds before anybody writes to it: bytes, or a file that is mapped."""

Tables = Mapping[int, Mapping[int, int]]
"""Physical address of each page table -> index -> raw entry; zero entries are left out."""


class Segment(NamedTuple):
    """A part of the kernel image: bytes from a virtual address, with page flags."""

    vaddr: int
    length: int
    flags: int


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes in bytes of kernel structs that decide what is allocated."""

    task: int = 72
    object: int = 48


@dataclass(frozen=True)
class PmmState:
    """Physical frames: which are managed, which of them are free."""

    frame_limit: int
    managed: FrameSet
    free: FrameSet
    metadata_base: int
    metadata_length: int

    @property
    def managed_count(self) -> int:
        """How many frames can be handed out at all."""
        return self.managed.count

    @property
    def free_count(self) -> int:
        """How many frames are free."""
        return self.free.count


@dataclass(frozen=True)
class Region:
    """One region of a space, and the virtual address of its record.

    A SHARED region shows the object with the id `object` from byte `offset` on; no other has one.
    """

    base: int
    length: int
    paddr: int
    flags: int
    kind: int
    record: int
    object: int | None = None
    offset: int = 0

    def index(self, va: int) -> int:
        """Return which page of its object it shows at an address; that may be past the end."""
        return (self.offset + va - self.base) // FRAME_SIZE

    @property
    def end(self) -> int:
        """First address past the region."""
        return self.base + self.length


@dataclass(frozen=True)
class Space:
    """A window of a root, with its regions in ascending order."""

    root: int
    base: int
    limit: int
    regions: tuple[Region, ...] = ()
    kin: str | None = None


@dataclass(frozen=True)
class VmObject:
    """A memory object.

    Attributes:
        record: the virtual address of its struct vm_object.
        pages: its length.
        references: regions that show it, and the handle.
        frames: the physical addresses of the pages that have a frame, by index.
        nodes: those of its tree's nodes, by level, 1 being the lowest, and number there.
    """

    record: int
    pages: int
    references: int = 1
    has_handle: bool = True
    frames: Mapping[int, int] = field(default_factory=dict)
    nodes: Mapping[tuple[int, int], int] = field(default_factory=dict)

    @property
    def levels(self) -> int:
        """How many levels of nodes its tree has."""
        return max(1, -(-(self.pages - 1).bit_length() // OBJECT_NODE_BITS))


@dataclass(frozen=True)
class Cache:
    """A slab cache: objects of `size` bytes at multiples of `alignment`.

    `slabs` has the free objects of each by its frame, bit n being number n's, the oldest slab
    first; `room` the frames of those with a free object, in the order in which they are used.
    """

    size: int
    alignment: int
    slabs: Mapping[int, int] = field(default_factory=dict)
    room: tuple[int, ...] = ()

    @property
    def stride(self) -> int:
        """Bytes from one object to the next."""
        return -(-self.size // self.alignment) * self.alignment

    @property
    def first(self) -> int:
        """Bytes from a slab's start to its first object."""
        return -(-SLAB_HEADER // self.alignment) * self.alignment

    @property
    def count(self) -> int:
        """Objects of a slab."""
        return (FRAME_SIZE - self.first) // self.stride

    @property
    def used(self) -> int:
        """How many objects live."""
        return self.count * len(self.slabs) - sum(map(int.bit_count, self.slabs.values()))

    def address(self, frame: int, number: int) -> int:
        """Return the virtual address of an object of a slab."""
        return DIRECT_MAP_BASE + frame + self.first + number * self.stride


class Node(NamedTuple):
    """A heap node: bytes with its header, whether in use, address of the node before (0: none)."""

    size: int
    used: bool
    previous: int


@dataclass(frozen=True)
class HeapState:
    """The kernel heap; nodes by the address of their header, in no particular order.

    `free` has the lists of free nodes, which the last node is not on. `stale` has the headers that
    merges absorbed and nothing overwrote since: address -> bytes. The kernel names a double free
    by them.
    """

    end: int
    last: int
    nodes: Mapping[int, Node]
    free: Mapping[tuple[int, int], tuple[int, ...]]
    stale: Mapping[int, bytes]
    used_count: int
    used_bytes: int

    @property
    def free_count(self) -> int:
        """How many nodes are free."""
        return len(self.nodes) - self.used_count

    @property
    def free_bytes(self) -> int:
        """Bytes of all free nodes, headers included."""
        return self.end - HEAP_BASE - self.used_bytes

    @property
    def first_bitmap(self) -> int:
        """Bit f: some list of first level f has a node."""
        return sum(1 << level for level in {first for first, _ in self.free})

    @property
    def second_bitmap(self) -> tuple[int, ...]:
        """For each first level, bit s: the list of second level s has a node."""
        bitmaps = [0] * HEAP_FIRST_LEVELS
        for first, second in self.free:
            bitmaps[first] |= 1 << second
        return tuple(bitmaps)


EMPTY_HEAP = HeapState(HEAP_BASE, 0, {}, {}, {}, 0, 0)


class Chain(NamedTuple):
    """What kmalloc is made of: a front of slab caches or none; the buddies as back, or the list."""

    front: bool
    buddy: bool


LIST_ALONE = Chain(front=False, buddy=False)
"""The chain that is the list heap."""


class BuddyBlock(NamedTuple):
    """A block of the buddy allocator, of 2^order bytes."""

    order: int
    used: bool


@dataclass(frozen=True)
class BuddyState:
    """The buddy allocator: bytes of its region, and its blocks by their offset into it.

    `free` has the offsets of the free blocks of each order that has any, first to be taken first;
    `maps` the frames of the map.
    """

    length: int = 0
    blocks: Mapping[int, BuddyBlock] = field(default_factory=dict)
    free: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    maps: tuple[int, ...] = ()

    @property
    def used_count(self) -> int:
        """How many blocks are in use."""
        return len(self.blocks) - sum(map(len, self.free.values()))

    @property
    def used_bytes(self) -> int:
        """Bytes of the blocks in use."""
        return sum(1 << block.order for block in self.blocks.values() if block.used)


@dataclass(frozen=True, slots=True)
class Task:
    """A task, and the virtual address of its record (0: the boot task's is static)."""

    id: int
    record: int

    @property
    def handle(self) -> str:
        """What the console calls it, and the name of its space."""
        return task_handle(self.id)


class Request(NamedTuple):
    """What a disk was asked for: "read", "write", "flush" or "id", and which sectors."""

    kind: str
    sector: int = 0
    sectors: int = 0


@dataclass(frozen=True)
class Disk:
    """A virtio disk.

    Attributes:
        serial: what it is called by; at most 20 characters.
        sectors: of 512 bytes, how many it has.
        registers: where its region in the kernel's window begins.
        place: the physical address of its registers, and their bytes.
        queue: the physical address of the frame that its requests are in.
        image: what it held at boot; what is past its end is zeros.
        written: page of 4096 bytes -> what it holds, of those that were written to.
        requests: how many it has been asked for.
        failing: the number of a request, counted like these, that will fail; None: none.
        failed: what that was asked for, once it has.
    """

    serial: str
    sectors: int
    read_only: bool
    place: tuple[int, int]
    image: Image
    registers: int = 0
    queue: int = 0
    written: Mapping[int, bytes] = field(default_factory=dict)
    requests: int = 0
    failing: int | None = None
    failed: Request | None = None


class CachedPage(NamedTuple):
    """A page of a file that is in memory: its frame, whether it is dirty, and its 4096 bytes."""

    frame: int
    dirty: bool
    data: bytes


@dataclass(frozen=True)
class File:
    """An open file.

    Attributes:
        sector: where on its disk it begins.
        size: bytes.
        disk: the number of the disk.
        index: the physical address of the frame that says where its pages are.
        pages: those in memory, by their number.
        references: how often it is open.
    """

    name: str
    sector: int
    size: int
    disk: int
    index: int
    pages: Mapping[int, CachedPage] = field(default_factory=dict)
    references: int = 1


@dataclass(frozen=True)
class Console:
    """What the console keeps: frames lent to its user, and the roots that its user made."""

    lent: FrameSet
    lent_base: int
    lent_length: int
    roots: tuple[int | None, ...]


@dataclass(frozen=True)
class KernelState:
    """Everything that the model knows of a kernel.

    `spaces` is by name: "kernel", "heap", "buddy", and each task's by its handle, "t1"; the boot
    task has none. `contents` has the 4096 bytes of each frame of an anonymous or demand region,
    outside the heaps, or of an object, that is not all zero. `files` has the open ones by number,
    `caches` the slab caches by name, oldest first, `objects` the memory objects by id, ascending.
    """

    features: Features
    sizes: Sizes
    memory_map: tuple[MemoryRange, ...]
    image: tuple[Segment, ...]
    pmm: PmmState
    tables: Tables
    kernel_root: int
    active_root: int
    spaces: Mapping[str, Space]
    current_space: str | None
    heap: HeapState
    tasks: tuple[Task, ...]
    current_task: int
    console: Console
    contents: Mapping[int, bytes]
    disks: tuple[Disk, ...] = ()
    files: Mapping[int, File] = field(default_factory=dict)
    caches: Mapping[str, Cache] = field(default_factory=dict)
    buddy: BuddyState = BuddyState()
    objects: Mapping[int, VmObject] = field(default_factory=dict)
    chain: Chain = LIST_ALONE

    def root_of(self, handle: str) -> int | None:
        """Return the root that a handle names, or None: `kernel`, `t0`, `t1`, `r0`."""
        if handle in (KERNEL, BOOT_TASK):
            return self.kernel_root
        if is_bare_root(handle):
            number = number_of(handle)
            return self.console.roots[number] if number < len(self.console.roots) else None
        return self.spaces[handle].root if handle in self.spaces else None

    def roots(self) -> dict[str, int]:
        """Return every root by one handle: the kernel's, the tasks', the bare ones."""
        found = {KERNEL: self.kernel_root}
        found |= {task.handle: self.spaces[task.handle].root for task in self.tasks if task.id}
        bare = enumerate(self.console.roots)
        return found | {root_handle(number): root for number, root in bare if root is not None}


def replace(state: AnyState, **changes: Any) -> AnyState:
    """Return a state with some fields changed: `dataclasses.replace`, several times as fast.

    Raises:
        TypeError: it has no such field.
    """
    new = object.__new__(state.__class__)
    fields, old = new.__dict__, state.__dict__
    fields.update(old, **changes)
    if len(fields) != len(old):
        raise TypeError(f"{type(state).__name__} lacks one of {', '.join(changes)}")
    return new


def frames_of(length: int) -> int:
    """Return how many frames hold `length` bytes."""
    return -(-length // FRAME_SIZE)
