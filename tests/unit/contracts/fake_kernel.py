"""A Python object that plays a kernel with a heap and a frame allocator, right or wrong.

It has two megabytes of memory: in the second, image and tables, then the heap, then frames. All of
it is seen at a fixed distance from its physical address.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from ringbench.errors import CallError
from ringbench.subjects.contracts.ledger import PAGE

MAP: Final = 0xFFFF_8000_0000_0000
SIZE: Final = 2 << 20
HEAP: Final = range(0x140000, 0x180000)
FRAMES: Final = range(HEAP.stop // PAGE, SIZE // PAGE)
IMAGE, TABLE = 0x110, 0x120
"""Frames of the kernel's image and of its one page table."""

REGIONS: Final = 0xC000_0000
HEADER: Final = 16


class Bug(Enum):
    """What a wrong kernel does."""

    NONE = auto()
    UNALIGNED = auto()
    """Every third block begins at an odd multiple of 8."""
    SPLIT_FORGETS_HEADER = auto()
    """What is left of a block that was split begins a header too early."""
    FREE_WRITES_BESIDE = auto()
    """A free writes a word into the block behind."""
    ZALLOC_LEAVES = auto()
    """A zeroed block is zeroed up to its last 8 bytes."""
    REALLOC_COPIES_LESS = auto()
    """A block that grows is copied but for its last byte."""
    REALLOC_COPIES_MORE = auto()
    """A block that shrinks takes what was behind with it, over its end."""
    USABLE_IS_LESS = auto()
    EXACT_FIT_REFUSED = auto()
    FREE_LOSES_LARGE = auto()
    """Blocks over a page are not given back."""
    HUGE_WRAPS = auto()
    PAST_THE_END = auto()
    """The last block may cross the end of memory that is there."""
    FREE_ENDS = auto()
    """Giving back a block of 31 bytes ends the guest."""
    DOUBLE_FREE_OVERLAPS = auto()
    """A block that is given back twice is given out twice."""
    HEAP_HAS_A_FRAME = auto()
    """The first frame that is given out is the heap's last."""
    TWICE = auto()
    """A run that is got is not noted in its last frame."""
    NO_RAM = auto()
    """There is one frame more than there is memory."""
    GIVES_IMAGE = auto()
    GIVES_TABLE = auto()
    FRAME_UNALIGNED = auto()
    COUNT_FORGETS_RUNS = auto()
    COUNT_DRIFTS = auto()
    """A frame that could not be had is counted."""
    RUN_FREES_ONE = auto()
    FREED_IS_LOST = auto()
    """A frame that is given back when there is no other is lost."""
    FREE_WRITES_NEXT_FRAME = auto()
    LAST_FRAME_STAYS = auto()
    """The last frame is counted as free, and never given out."""
    NO_MERGE = auto()
    REALLOC_LEAKS = auto()
    REALLOC_TO_ZERO_ENDS = auto()
    """A block whose size becomes zero ends the guest."""
    RUN_IGNORES_ALIGNMENT = auto()
    MAPS_NEXT_FRAME = auto()
    """A page at the last place of a table leads to the frame behind."""
    MAPS_WRITABLE = auto()
    UNMAP_LEAVES = auto()
    """A page at the first place of a table stays."""
    UNMAP_TAKES_NEIGHBOUR = auto()
    MAP_SHOWS_ANOTHER = auto()
    """A page at the first place of a table brings one at the third."""
    UNMAP_WITHOUT_FLUSH = auto()
    PROTECT_WITHOUT_FLUSH = auto()
    TRANSLATE_WRONG = auto()
    PROTECT_REFUSES = auto()
    MAP_AGAIN_REPLACES = auto()
    ROUNDS_LOSE_FRAMES = auto()
    TRANSLATE_FORGETS_OFFSET = auto()
    USABLE_HAS_HEADER = auto()
    """A block's usable size has the header of the next one in it."""
    ALIGNED_FRONT_LEAKS = auto()
    """What is cut off in front of an aligned block is lost."""
    REFUSED_MAP_KEEPS = auto()
    """A map that is refused for want of a second frame keeps the first."""
    REFUSED_MAP_LOSES = auto()
    """A map that is refused, for it always takes two frames on its way, loses one of two."""
    REGION_UNALIGNED = auto()
    REGION_OVERLAPS = auto()
    """The last region is overlooked when a gap is looked for."""
    REGION_SHORT = auto()
    REGION_WRITABLE = auto()
    REGION_SHARES = auto()
    """The frame of a region's last page is still thought free."""
    REGION_NOT_CLEARED = auto()
    REGION_WITHOUT_FLUSH = auto()
    REGION_STAYS = auto()
    """The last page of a region that is freed stays."""
    REGION_CLEARS_NEXT = auto()
    """With a page, the first byte of the frame behind it is cleared."""
    REGION_TAKES_NEXT = auto()
    """With a region that is freed, the first page of the next one goes."""
    REGION_LEAKS = auto()
    REFUSED_REGION_KEEPS = auto()
    REFUSED_ALLOC_KEEPS = auto()
    """A block that is refused takes a frame with it."""


@dataclass
class FakeKernel:
    """What the functions of the kernel do; blocks are kept by their physical addresses."""

    bug: Bug

    def __post_init__(self) -> None:
        self.memory = bytearray(SIZE)
        self.holes: list[tuple[int, int]] = [(HEAP.start, len(HEAP))]
        self.blocks: dict[int, int] = {}
        self.given = 0
        self.twice: list[tuple[int, int]] = []
        extra = self.bug is Bug.NO_RAM
        self.free_frames = set(range(FRAMES.start, FRAMES.stop + extra))
        wrong = {
            Bug.GIVES_IMAGE: IMAGE,
            Bug.GIVES_TABLE: TABLE,
            Bug.HEAP_HAS_A_FRAME: FRAMES.start - 1,
        }
        if self.bug in wrong:
            self.free_frames.add(wrong[self.bug])
        self.count = len(self.free_frames)
        self.tables: dict[int, tuple[int, int]] = {}
        self.tlb: dict[int, tuple[int, int]] = {}
        self.regions: dict[int, int] = {}

    # -- the heap ------------------------------------------------------------------------------

    def kmalloc(self, size: int, align: int = 16) -> int:
        """First fit; what is left over is a hole."""
        if self.bug is Bug.REFUSED_ALLOC_KEEPS and size > PAGE and len(self.free_frames) < 4:
            self.frame_alloc()
            return 0
        if self.twice and size <= 48 and align == 16:
            start, length = self.twice.pop()
            self.blocks[start] = length
            return MAP + start + HEADER
        if self.bug is Bug.HUGE_WRAPS:
            size %= 1 << 32
        length = HEADER + (size + 15 & ~15)
        for at, (start, room) in enumerate(self.holes):
            first = -(-(start + HEADER) // align) * align - HEADER
            whole = first - start + length
            past = self.bug is Bug.PAST_THE_END and start + room == HEAP.stop
            exact = self.bug is Bug.EXACT_FIT_REFUSED and whole == room
            if (whole > room and not (past and room > HEADER and whole <= room + PAGE)) or exact:
                continue
            rest = [(start, first - start), (start + whole, room - whole)]
            if self.bug is Bug.ALIGNED_FRONT_LEAKS:
                rest[0] = (start, 0)
            if self.bug is Bug.SPLIT_FORGETS_HEADER and room - whole > HEADER:
                rest[1] = (start + whole - HEADER, room - whole + HEADER)
            self.holes[at : at + 1] = [each for each in rest if each[1] > 0]
            self.blocks[first] = length
            self.given += 1
            odd = self.bug is Bug.UNALIGNED and self.given % 3 == 0 and size > 8
            return MAP + first + HEADER + (8 if odd else 0)
        return 0

    def kzalloc(self, size: int) -> int:
        """A block of zeros."""
        block = self.kmalloc(size)
        if block:
            start, less = block - MAP, 8 if self.bug is Bug.ZALLOC_LEAVES else 0
            self.memory[start : start + size] = (
                bytes(max(size - less, 0)) + self.memory[start + max(size - less, 0) : start + size]
            )
        return block

    def kmemalign(self, size: int, align: int) -> int:
        """A block with an alignment."""
        return self.kmalloc(size, max(align, 16))

    def kfree(self, block: int) -> int:
        """Give a block back, and merge holes."""
        start = (block - MAP - HEADER) & ~15
        if start not in self.blocks:
            if self.bug is Bug.DOUBLE_FREE_OVERLAPS and block:
                self.twice = [(start, 64)] * 2
            return 0
        length = self.blocks.pop(start)
        if self.bug is Bug.FREE_ENDS and length == HEADER + 32:
            raise CallError("kfree ended the guest", step=0)
        if self.bug is Bug.FREE_LOSES_LARGE and length > PAGE:
            return 0
        behind = start + length
        if self.bug is Bug.FREE_WRITES_BESIDE and behind in self.blocks:
            self.memory[behind + HEADER] ^= 0xFF
        holes: list[tuple[int, int]] = []
        for at, room in sorted([*self.holes, (start, length)]):
            if holes and sum(holes[-1]) == at and self.bug is not Bug.NO_MERGE:
                holes[-1] = (holes[-1][0], holes[-1][1] + room)
            else:
                holes.append((at, room))
        self.holes = holes
        return 0

    def krealloc(self, block: int, size: int) -> int:
        """Always another place."""
        if self.bug is Bug.REALLOC_TO_ZERO_ENDS and not size:
            raise CallError("krealloc does not return", step=0)
        old = self.blocks[(block - MAP - HEADER) & ~15] - HEADER
        new = self.kmalloc(size)
        if not new:
            return 0
        length = min(old, size)
        if self.bug is Bug.REALLOC_COPIES_LESS:
            length -= 1
        if self.bug is Bug.REALLOC_COPIES_MORE:
            length = old
        start, to = block - MAP, new - MAP
        self.memory[to : to + length] = self.memory[start : start + length]
        if self.bug is not Bug.REALLOC_LEAKS:
            self.kfree(block)
        return new

    def kusable(self, block: int) -> int:
        """What a block has."""
        length = self.blocks.get((block - MAP - HEADER) & ~15, 0) - HEADER
        less = {Bug.USABLE_IS_LESS: 16, Bug.USABLE_HAS_HEADER: -PAGE}
        return length - less.get(self.bug, 0)

    # -- frames --------------------------------------------------------------------------------

    def frame_alloc(self) -> int:
        """The lowest frame."""
        if not self.free_frames or (
            self.bug is Bug.LAST_FRAME_STAYS and min(self.free_frames) == FRAMES.stop - 1
        ):
            self.count -= self.bug is Bug.COUNT_DRIFTS
            return 0
        frame = min(self.free_frames)
        self.free_frames.remove(frame)
        self.count -= 1
        odd = self.bug is Bug.FRAME_UNALIGNED and frame % 8 == 0
        return frame * PAGE + (16 if odd else 0)

    def frames_alloc(self, count: int, align: int) -> int:
        """The lowest frames in a row."""
        for first in sorted(self.free_frames):
            run = range(first, first + count)
            if first * PAGE % align and self.bug is not Bug.RUN_IGNORES_ALIGNMENT:
                continue
            if all(frame in self.free_frames for frame in run):
                self.free_frames -= set(run[:-1] if self.bug is Bug.TWICE and count > 1 else run)
                self.count -= 0 if self.bug is Bug.COUNT_FORGETS_RUNS else count
                return first * PAGE
        return 0

    def frame_free(self, paddr: int) -> int:
        """Give a frame back."""
        frame = paddr // PAGE
        if self.bug is Bug.FREE_WRITES_NEXT_FRAME and (frame + 1) * PAGE < SIZE:
            self.memory[(frame + 1) * PAGE] = 0xEE
        lost = self.bug is Bug.FREED_IS_LOST and not self.free_frames
        if frame not in self.free_frames and not lost:
            self.free_frames.add(frame)
            self.count += 1
        return 0

    def frames_free(self, paddr: int, count: int) -> int:
        """Give frames in a row back."""
        for number in range(1 if self.bug is Bug.RUN_FREES_ONE else count):
            self.frame_free(paddr + number * PAGE)
        return 0

    # -- pages ---------------------------------------------------------------------------------

    def map_page(self, virtual: int, physical: int, flags: int) -> int:
        """Map a page that is not mapped."""
        place = virtual // PAGE % 512
        if virtual in self.tables and self.bug is not Bug.MAP_AGAIN_REPLACES:
            return -1 % (1 << 64)
        if self.bug is Bug.REFUSED_MAP_KEEPS and len(self.free_frames) < 2:
            self.frame_alloc()
            return -1 % (1 << 64)
        if self.bug is Bug.REFUSED_MAP_LOSES and len(self.free_frames) < 3:
            if len(self.free_frames) == 2:
                self.frame_alloc()
            return -1 % (1 << 64)
        if self.bug is Bug.MAPS_NEXT_FRAME and place == 511:
            physical += PAGE
        if self.bug is Bug.MAPS_WRITABLE:
            flags |= 2
        if self.bug is Bug.MAP_SHOWS_ANOTHER and place == 0:
            self.tables.setdefault(virtual + 2 * PAGE, (physical, flags))
        self.tables[virtual] = physical, flags
        if virtual not in self.tlb or self.bug is not Bug.UNMAP_WITHOUT_FLUSH:
            self.tlb[virtual] = physical, flags
        return 0

    def unmap_page(self, virtual: int) -> int:
        """Unmap a page that is mapped."""
        if virtual not in self.tables:
            return -1 % (1 << 64)
        if self.bug is Bug.ROUNDS_LOSE_FRAMES and self.free_frames:
            self.free_frames.pop()
            self.count -= 1
        if self.bug is Bug.UNMAP_TAKES_NEIGHBOUR:
            self.tables.pop(virtual + PAGE, None)
        if self.bug is not Bug.UNMAP_LEAVES or virtual // PAGE % 512:
            del self.tables[virtual]
            if self.bug is not Bug.UNMAP_WITHOUT_FLUSH:
                del self.tlb[virtual]
        return 0

    def protect_page(self, virtual: int, flags: int) -> int:
        """Change the rights of a page that is mapped."""
        if virtual not in self.tables or self.bug is Bug.PROTECT_REFUSES:
            return -1 % (1 << 64)
        self.tables[virtual] = self.tables[virtual][0], flags
        if self.bug is not Bug.PROTECT_WITHOUT_FLUSH:
            self.tlb[virtual] = self.tables[virtual]
        return 0

    def translate(self, virtual: int) -> int:
        """Walk the tables."""
        inside = virtual % PAGE
        if virtual - inside not in self.tables:
            return 0
        physical, flags = self.tables[virtual - inside]
        if self.bug is Bug.TRANSLATE_FORGETS_OFFSET:
            return physical
        return physical + inside + (flags & 2 if self.bug is Bug.TRANSLATE_WRONG else 0)

    # -- regions -------------------------------------------------------------------------------

    def region_alloc(self, size: int, flags: int) -> int:
        """The lowest gap with a page between; its pages are cleared."""
        pages = -(-size // PAGE)
        if len(self.free_frames) < pages:
            if self.bug is Bug.REFUSED_REGION_KEEPS:
                self.frame_alloc()
            return 0
        start, known = REGIONS, sorted(self.regions.items())
        for at, length in known[:-1] if self.bug is Bug.REGION_OVERLAPS else known:
            if at > start + pages * PAGE:
                break
            start = at + (length + 1) * PAGE
        self.regions[start] = pages
        for number in range(pages - (self.bug is Bug.REGION_SHORT and pages > 1)):
            self._region_page(start + number * PAGE, flags, last=number == pages - 1)
        return start + (16 if self.bug is Bug.REGION_UNALIGNED else 0)

    def _region_page(self, virtual: int, flags: int, *, last: bool) -> None:
        paddr = self.frame_alloc()
        if last and self.bug is Bug.REGION_SHARES:
            self.frame_free(paddr)
        if self.bug is not Bug.REGION_NOT_CLEARED:
            more = self.bug is Bug.REGION_CLEARS_NEXT and paddr + PAGE < SIZE
            self.memory[paddr : paddr + PAGE + more] = bytes(PAGE + more)
        self.tables[virtual] = paddr, flags | (2 if self.bug is Bug.REGION_WRITABLE else 0)
        self.tlb[virtual] = self.tables[virtual]

    def region_free(self, address: int) -> int:
        """Unmap the pages, and give their frames back."""
        start = address & -PAGE
        pages = self.regions.pop(start, 0)
        for number in range(pages - (self.bug is Bug.REGION_STAYS)):
            virtual = start + number * PAGE
            if virtual not in self.tables:
                continue
            paddr, _ = self.tables.pop(virtual)
            if self.bug is not Bug.REGION_WITHOUT_FLUSH:
                del self.tlb[virtual]
            if self.bug is not Bug.REGION_LEAKS:
                self.frame_free(paddr)
        if self.bug is Bug.REGION_TAKES_NEXT:
            self.tables.pop(start + (pages + 1) * PAGE, None)
        return 0
