"""What the bench knows of one kernel: its names, and the encodings that its names don't tell.

Every reader in `observe` takes a `Layout` and asks it for symbols, struct members and enumerators;
offsets, sizes and values then come from the ELF's DWARF. So a kernel with the same structures
under other names needs another `Layout` value and nothing else, and this file is the only one
that has to be read next to the kernel's headers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ringbench.subjects.reference.vocabulary.constants import MemoryKind, VmKind


@dataclass(frozen=True, slots=True)
class BootNames:
    """What the loader said, and the processor. Dotted paths start at a global variable."""

    record: str = "boot_info"
    loader: str = "boot_info.loader"
    information: str = "boot_info.information"
    command_line: str = "boot_info.command_line"
    modules: str = "boot_info.modules"
    module_count: str = "boot_info.module_count"
    module_base: str = "base"
    module_length: str = "length"
    module_name: str = "name"
    map_limit: str = "boot_info.map.limit"
    map_count: str = "boot_info.map.count"
    map_ranges: str = "boot_info.map.ranges"
    range_base: str = "base"
    range_length: str = "length"
    range_kind: str = "kind"
    kind_enum: str = "enum memory_kind"
    kinds: Mapping[int, str] = field(
        default_factory=lambda: {kind: f"MEMORY_{kind.name}" for kind in MemoryKind}
    )
    processor: str = "cpu_features"
    physical_bits: str = "cpu_features.physical_bits"
    gib_pages: str = "cpu_features.gib_pages"
    no_execute: str = "cpu_features.no_execute"
    smep: str = "cpu_features.smep"
    smap: str = "cpu_features.smap"
    umip: str = "cpu_features.umip"


@dataclass(frozen=True, slots=True)
class PmmNames:
    """The frame allocator."""

    record: str = "pmm"
    frame_limit: str = "pmm.frame_limit"
    managed_count: str = "pmm.managed_count"
    free_count: str = "pmm.free_count"
    free_bits: str = "pmm.free_bits"
    managed_bits: str = "pmm.managed_bits"
    block_free: str = "pmm.block_free"
    block_words: str = "pmm.block_words"
    any_tree: str = "pmm.any"
    whole_tree: str = "pmm.whole"
    tree_top: str = "top"
    tree_middle: str = "middle"
    tree_bottom: str = "bottom"
    metadata_base: str = "pmm.metadata_base"
    metadata_length: str = "pmm.metadata_length"

    @property
    def arrays(self) -> tuple[str, ...]:
        """The pointers to all arrays, in the order of the arrays in the metadata."""
        bottoms = (f"{tree}.{self.tree_bottom}" for tree in (self.any_tree, self.whole_tree))
        return (
            self.free_bits,
            self.managed_bits,
            *bottoms,
            self.block_free,
            self.block_words,
        )


@dataclass(frozen=True, slots=True)
class SlabNames:
    """Slab caches: a list of all, and in each the lists of its slabs."""

    caches: str = "slab_caches"
    ram: str = "slab_ram"
    ram_base: str = "base"
    ram_length: str = "length"
    of_console: str = "console.caches"
    cache_type: str = "struct slab_cache"
    next: str = "next"
    name: str = "name"
    size: str = "size"
    alignment: str = "alignment"
    first: str = "first"
    stride: str = "stride"
    count: str = "count"
    inverse: str = "inverse"
    shift: str = "shift"
    new_words: str = "words"
    last: str = "last"
    last_word: str = "last_word"
    room: str = "room"
    all: str = "all"
    link_type: str = "struct slab_link"
    link_next: str = "next"
    link_previous: str = "previous"
    slab_type: str = "struct slab"
    cache: str = "cache"
    used: str = "used"
    words: str = "words"
    free_bits: str = "free_bits"


@dataclass(frozen=True, slots=True)
class ObjectNames:
    """Memory objects: a list of all, and in each the top of a tree of frames."""

    first: str = "objects"
    cache: str = "object_cache"
    object_type: str = "struct vm_object"
    id: str = "id"
    next: str = "next"
    references: str = "references"
    pages: str = "pages"
    top: str = "top"
    levels: str = "levels"
    has_handle: str = "has_handle"


@dataclass(frozen=True, slots=True)
class SpaceNames:
    """Spaces, their regions, and the slab cache of the regions' records."""

    kernel_root: str = "kernel_root"
    kernel_space: str = "kernel_space"
    current: str = "current_space"
    space_type: str = "struct vm_space"
    root: str = "root"
    base: str = "base"
    limit: str = "limit"
    first: str = "first"
    region_count: str = "region_count"
    kin: str = "kin"
    region_type: str = "struct vm_region"
    region_base: str = "base"
    region_length: str = "length"
    region_physical: str = "physical"
    region_flags: str = "flags"
    region_kind: str = "kind"
    region_next: str = "next"
    region_previous: str = "previous"
    region_object: str = "object"
    cache: str = "region_cache"
    kind_enum: str = "enum vm_kind"
    kinds: Mapping[str, str] = field(
        default_factory=lambda: {kind.text: f"VM_{kind.name}" for kind in VmKind}
    )
    flag_enum: str = "enum page_flags"
    flag_write: str = "PAGE_WRITE"
    flag_user: str = "PAGE_USER"
    flag_execute: str = "PAGE_EXEC"
    flag_cache: str = "PAGE_CACHE_MASK"
    """The bits of this enumerator hold the index into the PAT."""


@dataclass(frozen=True, slots=True)
class HeapNames:
    """The kernel heap and its nodes."""

    record: str = "heap"
    end: str = "heap.end"
    last: str = "heap.last"
    first_bitmap: str = "heap.first_bitmap"
    second_bitmap: str = "heap.second_bitmap"
    free: str = "heap.free"
    space: str = "heap.space"
    node_type: str = "struct heap_node"
    before: str = "before"
    tag: str = "tag"
    guard: str = "guard"
    next_free: str = "next_free"
    link: str = "link"
    grow: str = "heap_grow"
    """The function that moves the heap's end up, called whenever an allocation needs that."""
    grow_failed: int = 0
    """What it returns when there is no memory and nothing has changed."""


@dataclass(frozen=True, slots=True)
class BuddyNames:
    """The buddy allocator, its map and its rings."""

    record: str = "buddy"
    length: str = "buddy.length"
    nonempty: str = "buddy.nonempty"
    used_count: str = "buddy.used_count"
    used_bytes: str = "buddy.used_bytes"
    free: str = "buddy.free"
    maps: str = "buddy.maps"
    space: str = "buddy.space"
    link_type: str = "struct buddy_link"
    next: str = "next"
    previous: str = "previous"


@dataclass(frozen=True, slots=True)
class ChainNames:
    """The chain of heaps."""

    record: str = "chain"
    small: str = "chain.small"
    buddy: str = "chain.buddy"
    caches: str = "chain.caches"
    class_of: str = "chain.class_of"


@dataclass(frozen=True, slots=True)
class TaskNames:
    """Tasks: a list that starts at the boot task, which has no space of its own."""

    cache: str = "task_cache"
    first: str = "boot_task"
    current: str = "current_task"
    task_type: str = "struct task"
    id: str = "id"
    next: str = "next"
    space: str = "space"
    program: str = "program"
    programs: str = "programs"
    program_type: str = "struct program"


@dataclass(frozen=True, slots=True)
class DiskNames:
    """Disks: an array of records, as many as counted, and a frame with the queue of each."""

    count: str = "disk_count"
    all: str = "disks"
    disk_type: str = "struct disk"
    device: str = "device"
    device_type: str = "struct virtio_blk"
    serial: str = "serial"
    registers: str = "registers"
    common: str = "common"
    notify: str = "notify"
    queue: str = "queue"
    requests: str = "requests"
    sectors: str = "sectors"
    flags: tuple[str, str] = ("read_only", "can_flush")
    queue_type: str = "struct virtio_queue"
    told: str = "driver"
    done: str = "device"
    index: str = "index"
    queue_flags: str = "flags"


@dataclass(frozen=True, slots=True)
class FileNames:
    """Files: an array of records, those with references being open, each with a frame of entries.

    An entry is a frame's address and these bits: whether there is one, and whether it is dirty.
    """

    all: str = "files"
    references: str = "references"
    size: str = "size"
    sector: str = "sector"
    disk: str = "disk"
    index: str = "index"
    name: str = "name"
    cached: int = 1
    dirty: int = 2


@dataclass(frozen=True, slots=True)
class ConsoleNames:
    """What the console owns."""

    record: str = "console"
    lent_bits: str = "console.lent_bits"
    lent_base: str = "console.lent_base"
    lent_length: str = "console.lent_length"
    roots: str = "console.roots"
    echo: str = "console.echo"


@dataclass(frozen=True, slots=True)
class RingNames:
    """Requests and replies in memory, and the commands that they are about."""

    ring: str = "ring"
    submitted: str = "ring.submitted"
    served: str = "ring.served"
    stop: str = "ring.stop"
    serving: str = "ring.serving"
    asleep: str = "ring.asleep"
    requests: str = "ring.requests"
    replies: str = "ring.replies"
    request_type: str = "struct ring_request"
    request: tuple[str, ...] = ("command", "count", "arguments", "bytes")
    reply_type: str = "struct ring_reply"
    reply: tuple[str, ...] = ("status", "count", "values", "bytes")
    commands: str = "commands"
    command_name: str = "name"
    handle_enum: str = "enum handle"
    handle_bits: str = "HANDLE_BITS"
    access_enum: str = "enum access"
    status_enum: str = "enum status"
    vector_enum: str = "enum vector"


@dataclass(frozen=True, slots=True)
class Layout:
    """Everything that `observe` must be told about a kernel.

    Attributes:
        padding: the name of members that nothing reads.
        pat: the value that the kernel loads into IA32_PAT.
    """

    boot: BootNames = field(default_factory=BootNames)
    pmm: PmmNames = field(default_factory=PmmNames)
    slabs: SlabNames = field(default_factory=SlabNames)
    buddy: BuddyNames = field(default_factory=BuddyNames)
    objects: ObjectNames = field(default_factory=ObjectNames)
    chain: ChainNames = field(default_factory=ChainNames)
    spaces: SpaceNames = field(default_factory=SpaceNames)
    heap: HeapNames = field(default_factory=HeapNames)
    tasks: TaskNames = field(default_factory=TaskNames)
    disks: DiskNames = field(default_factory=DiskNames)
    files: FileNames = field(default_factory=FileNames)
    console: ConsoleNames = field(default_factory=ConsoleNames)
    ring: RingNames = field(default_factory=RingNames)
    padding: str = "padding"
    pat: int = 0x0007_0401_0007_0406


RINGBENCH: Final = Layout()
"""The kernel in this tree."""
