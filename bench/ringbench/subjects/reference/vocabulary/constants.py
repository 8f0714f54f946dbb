"""The kernel's fixed numbers, stated once more: a test holds them equal to the C headers.

Names are those of base/layout.h, base/types.h, memmap/memory_map.h, pmm/pmm.h, slab/slab.h,
object/object.h, vmm/vmm.h, heap/heap.h, buddy/buddy.h, kmalloc/kmalloc.h, disk/disk.h,
disk/virtio_blk.h, file/cache.h, file/file.h,
console/console.h and console/parse.h.
"""

from enum import Enum
from typing import Final

from ringbench.subjects.reference.vocabulary.named import Named

DIRECT_MAP_BASE: Final = 0xFFFF_8000_0000_0000
DIRECT_MAP_SIZE: Final = 0x0000_0080_0000_0000
HEAP_BASE: Final = 0xFFFF_C000_0000_0000
HEAP_SIZE: Final = 0x0000_0004_0000_0000
BUDDY_BASE: Final = 0xFFFF_C040_0000_0000
BUDDY_SIZE: Final = 1 << 30
KERNEL_WINDOW_BASE: Final = 0xFFFF_D000_0000_0000
KERNEL_WINDOW_END: Final = 0xFFFF_D080_0000_0000
IMAGE_BASE: Final = 0xFFFF_FFFF_8000_0000
BOOT_MAP_SIZE: Final = 0x0000_0001_0000_0000
TASK_WINDOW_BASE: Final = 0x0000_0000_0001_0000
TASK_WINDOW_END: Final = 0x0000_7FFF_FFFF_F000
KERNEL_HALF: Final = 0xFFFF_8000_0000_0000

PADDR_NONE: Final = (1 << 64) - 1
FRAME_SIZE: Final = 4096
BLOCK_FRAMES: Final = 512

SLAB_SIZE_MIN: Final = 8
SLAB_SIZE_MAX: Final = 2048
SLAB_ALIGN_MIN: Final = 8
SLAB_ALIGN_MAX: Final = 2048
SLAB_HEADER: Final = 128
"""Bytes of a slab before its first object, at least."""

OBJECT_NODE_BITS: Final = 9
"""Bits of a page's index that a level of an object's tree resolves."""
OBJECT_SIZE_MAX: Final = 512 << 30

RECORD_ALIGN: Final = 8
"""What the kernel's records are aligned to."""
VM_RECORD_SIZE: Final = 56
"""Bytes of struct vm_region."""
VM_SLAB_REGIONS: Final = (FRAME_SIZE - SLAB_HEADER) // VM_RECORD_SIZE
"""How many of them a slab has."""

KMALLOC_SMALL: Final = 512
KMALLOC_CLASSES: Final = 11
KMALLOC_SIZES: Final = (8, 16, 32, 48, 64, 96, 128, 192, 256, 384, 512)
KMALLOC_UNIT: Final = 8
KMALLOC_MAX: Final = 1 << 30

BUDDY_ORDER_MIN: Final = 5
BUDDY_ORDER_MAX: Final = 30
BUDDY_TRIM: Final = 64 << 10
BUDDY_MAPPED: Final = 128 << 10
"""Bytes of the region that a frame of the map serves."""
BUDDY_USED: Final = 0x80
"""Of a byte of the map: its block is in use."""

HEAP_ALIGN: Final = 16
HEAP_HEADER: Final = 16
HEAP_NODE_MIN: Final = 32
HEAP_TRIM: Final = 64 << 10
HEAP_GUARD: Final = 0x9E37_79B9_7F4A_7C15
HEAP_ALLOC_MAX: Final = 1 << 30
HEAP_ALIGN_MAX: Final = 2 << 20
HEAP_LINEAR: Final = 4 << 10
HEAP_FIRST_LEVELS: Final = 27
HEAP_SECOND_LEVELS: Final = 64

DISKS_MAX: Final = 4
SECTOR_SIZE: Final = 512
VIRTIO_BLK_FRAMES: Final = 64
DISK_SECTORS_MAX: Final = VIRTIO_BLK_FRAMES * FRAME_SIZE // SECTOR_SIZE
"""The most sectors of one request."""

FILES_MAX: Final = 16
FILE_PAGES_MAX: Final = 512

CONSOLE_ROOTS: Final = 16
CONSOLE_CACHES: Final = 8
BYTES_MAX: Final = 64
"""The most bytes that a command reads from memory or writes to it."""


class MemoryKind(Named):
    """Kinds of physical memory, weakest claim first (enum memory_kind)."""

    AVAILABLE = 0
    LOW = 1
    RESERVED = 2
    BOOT_INFO = 3
    MODULE = 4
    KERNEL = 5


class VmKind(Named):
    """Where a region's pages come from (enum vm_kind)."""

    ANONYMOUS = 0
    DEMAND = 1
    PHYSICAL = 2
    GUARD = 3
    SHARED = 4
    PRIVATE = 5


class AccessVector(Named):
    """The exceptions that an access can raise, by their vectors (enum vector)."""

    GENERAL_PROTECTION = 13
    PAGE_FAULT = 14


class AccessMode(Enum):
    """What a touch does (enum access), with the console's word for it."""

    READ = "r"
    WRITE = "w"
    EXECUTE = "x"
