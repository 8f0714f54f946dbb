"""The kernel's memory map, compiled for this machine, and what tests give it.

Whatever is read is laid right before a page that cannot be read, at any alignment: a parser that
looks one byte too far ends the test run.
"""

import ctypes
import mmap
import struct
from collections.abc import Sequence

from hypothesis import strategies as st

from ringbench.subjects.reference.model.memory_map import (
    MEMORY_RANGES_MAX,
)
from ringbench.subjects.reference.vocabulary.boot_values import MemoryRange
from ringbench.subjects.reference.vocabulary.constants import FRAME_SIZE, MemoryKind
from ringbench.subjects.reference.vocabulary.status import Status
from tests.unit.reference.host_library import load_library

WORD = 1 << 64

Claim = tuple[int, int, int]


class CRange(ctypes.Structure):
    _fields_ = (
        ("base", ctypes.c_uint64),
        ("length", ctypes.c_uint64),
        ("kind", ctypes.c_uint32),
        ("padding", ctypes.c_uint32),
    )


class CMap(ctypes.Structure):
    _fields_ = (
        ("limit", ctypes.c_uint64),
        ("count", ctypes.c_uint64),
        ("ranges", CRange * MEMORY_RANGES_MAX),
    )


def declared() -> ctypes.CDLL:
    library = load_library()
    pointer, u64, u32 = ctypes.POINTER(CMap), ctypes.c_uint64, ctypes.c_uint32
    library.memory_map_init.argtypes = [pointer, ctypes.c_uint]
    library.memory_map_init.restype = None
    library.memory_map_claim.argtypes = [pointer, u64, u64, ctypes.c_uint]
    library.memory_map_multiboot1.argtypes = [pointer, ctypes.c_void_p, ctypes.c_size_t]
    library.memory_map_multiboot2.argtypes = [pointer, ctypes.c_void_p, ctypes.c_size_t, u32]
    return library


class Fence:
    """Memory whose last byte is followed by a page without any access."""

    SIZE = 1 << 16

    def __init__(self) -> None:
        self._area = mmap.mmap(-1, self.SIZE + mmap.PAGESIZE)
        self._start = ctypes.addressof(ctypes.c_char.from_buffer(self._area))
        libc = ctypes.CDLL(None, use_errno=True)
        no_access = 0
        refused = libc.mprotect(
            ctypes.c_void_p(self._start + self.SIZE), ctypes.c_size_t(mmap.PAGESIZE), no_access
        )
        assert refused == 0, ctypes.get_errno()

    def put(self, data: bytes) -> int:
        """Lay the bytes right before the fence; their address."""
        at = self.SIZE - len(data)
        self._area[at : self.SIZE] = data
        return self._start + at


class Kernel:
    """The kernel's functions, and a map of theirs."""

    library = declared()
    fence = Fence()

    def __init__(self, physical_bits: int) -> None:
        self.map = CMap()
        ctypes.memset(ctypes.byref(self.map), 0xA5, ctypes.sizeof(self.map))
        self.library.memory_map_init(self.map, physical_bits)

    def claim(self, base: int, length: int, kind: int) -> Status:
        return Status(self.library.memory_map_claim(self.map, base, length, kind))

    def multiboot1(self, data: bytes) -> Status:
        address = self.fence.put(data)
        return Status(self.library.memory_map_multiboot1(self.map, address, len(data)))

    def multiboot2(self, data: bytes, entry_size: int) -> Status:
        address = self.fence.put(data)
        return Status(self.library.memory_map_multiboot2(self.map, address, len(data), entry_size))

    @property
    def ranges(self) -> tuple[MemoryRange, ...]:
        assert self.map.count <= MEMORY_RANGES_MAX
        return tuple(
            MemoryRange(each.base, each.length, each.kind)
            for each in self.map.ranges[: self.map.count]
        )


# --- what is generated ---------------------------------------------------------------------------

OFFSETS = [0, 0, 0, 1, -1, 0x800, FRAME_SIZE, -FRAME_SIZE]
FEW_FRAMES = [n * FRAME_SIZE for n in range(24)]
LIMITS = [1 << bits for bits in (32, 33, 36, 40, 46, 48, 51, 52, 63)]
POINTS = [*FEW_FRAMES, *LIMITS, 0x1234_5678_9ABC_DEF0, 0xFEDC_BA98_7654_3210]
LENGTHS = [*(n * 0x600 for n in range(16)), *FEW_FRAMES, *LIMITS, 0xFEDC_BA98_7654_3210]
TYPES = [0, 1, 1, 1, 2, 3, 4, 5, 6, 0x101, 1 << 31, (1 << 32) - 1]


def triples(data: bytes, thirds: Sequence[int]) -> list[Claim]:
    """Four bytes choose an address, what to add to it and to the length, a length, and a third.

    Drawing bytes is many times faster than drawing every number by itself, and shrinks as well.
    """
    return [
        (
            (POINTS[a % len(POINTS)] + OFFSETS[b & 7]) % WORD,
            (LENGTHS[c % len(LENGTHS)] + OFFSETS[b >> 3 & 7]) % WORD,
            thirds[d % len(thirds)],
        )
        for a, b, c, d in zip(data[::4], data[1::4], data[2::4], data[3::4], strict=False)
    ]


def lists(most: int) -> st.SearchStrategy[bytes]:
    """Bytes for up to so many triples; left to itself, st.binary rarely makes more than one."""
    return st.integers(0, most).flatmap(lambda n: st.binary(min_size=4 * n, max_size=4 * n))


WIDTHS = st.integers(32, 52)
CLAIMS = lists(40).map(lambda data: triples(data, list(MemoryKind)))
ENTRIES = lists(24).map(lambda data: triples(data, TYPES))


def entry1(base: int, length: int, loaders_type: int, more: bytes = b"") -> bytes:
    return struct.pack("<IQQI", 20 + len(more), base, length, loaders_type) + more


def entry2(base: int, length: int, loaders_type: int, more: bytes = b"") -> bytes:
    return struct.pack("<QQII", base, length, loaders_type, 0xFFFF_FFFF) + more
