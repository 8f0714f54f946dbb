"""A Python object that plays a kernel with a heap and a frame allocator, right or wrong.

It has two megabytes of memory: in the second, image and tables, then the heap, then frames. All of
it is seen at a fixed distance from its physical address.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from ringbench.arch.x86_64.entry import CacheMode
from ringbench.arch.x86_64.records import Leaf
from ringbench.check.mismatch import Finding
from ringbench.config import Config
from ringbench.config.call_text import parse_call
from ringbench.config.contracts import Contracts, FramesCalls, HeapCalls, PagesCalls
from ringbench.drive.channel import Channel
from ringbench.drive.guest_calls import SKIPPED, Call, Check, Fill, Load, Operand, Result, Step
from ringbench.errors import CallError
from ringbench.machine.ram import RamMap, RamRange
from ringbench.subject import Kernel
from ringbench.subjects.contracts.channel import ContractChannel
from ringbench.subjects.contracts.compare import compare
from ringbench.subjects.contracts.ledger import PAGE, Ledger
from ringbench.subjects.contracts.operation import Operation
from ringbench.subjects.contracts.state import State
from ringbench.subjects.contracts.subject import ContractSubject

MAP: Final = 0xFFFF_8000_0000_0000
SIZE: Final = 2 << 20
HEAP: Final = range(0x140000, 0x180000)
FRAMES: Final = range(HEAP.stop // PAGE, SIZE // PAGE)
IMAGE, TABLE = 0x110, 0x120
"""Frames of the kernel's image and of its one page table."""

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
    TRANSLATE_WRONG = auto()
    PROTECT_REFUSES = auto()
    MAP_AGAIN_REPLACES = auto()
    ROUNDS_LOSE_FRAMES = auto()


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
        self.tlb: dict[int, int] = {}

    # -- the heap ------------------------------------------------------------------------------

    def kmalloc(self, size: int, align: int = 16) -> int:
        """First fit; what is left over is a hole."""
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
        return length - 16 if self.bug is Bug.USABLE_IS_LESS else length

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
        if self.bug is Bug.MAPS_NEXT_FRAME and place == 511:
            physical += PAGE
        if self.bug is Bug.MAPS_WRITABLE:
            flags |= 2
        if self.bug is Bug.MAP_SHOWS_ANOTHER and place == 0:
            self.tables.setdefault(virtual + 2 * PAGE, (physical, flags))
        self.tables[virtual] = physical, flags
        if virtual not in self.tlb or self.bug is not Bug.UNMAP_WITHOUT_FLUSH:
            self.tlb[virtual] = physical
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
        return 0

    def protect_page(self, virtual: int, flags: int) -> int:
        """Change the rights of a page that is mapped."""
        if virtual not in self.tables or self.bug is Bug.PROTECT_REFUSES:
            return -1 % (1 << 64)
        self.tables[virtual] = self.tables[virtual][0], flags
        return 0

    def translate(self, virtual: int) -> int:
        """Walk the tables."""
        physical, flags = self.tables.get(virtual, (0, 0))
        return physical + (flags & 2 if self.bug is Bug.TRANSLATE_WRONG else 0)


NAMES: Final = (
    *("kmalloc", "kzalloc", "kmemalign", "kfree", "krealloc", "kusable"),
    *("frame_alloc", "frames_alloc", "frame_free", "frames_free"),
    *("map_page", "unmap_page", "protect_page", "translate"),
)
COUNT: Final = 0x9000


class FakePages:
    """All of memory at a fixed distance, and the pages that were mapped."""

    tables: frozenset[int] = frozenset({TABLE})

    def __init__(self, kernel: FakeKernel) -> None:
        self._kernel = kernel

    def within(self, start: int, end: int) -> Mapping[int, int]:
        """Return the pages of a range."""
        tables = self._kernel.tables
        return {at: tables[at][0] for at in tables if start <= at < end}

    def translate(self, vaddr: int) -> int | None:
        """Return the physical address."""
        return vaddr - MAP if MAP <= vaddr < MAP + SIZE else None


class FakeGuest:
    """Performs steps on a kernel."""

    def __init__(self, bug: Bug) -> None:
        self.kernel = FakeKernel(bug)
        self.addresses: Mapping[str, int] = {name: at for at, name in enumerate(NAMES, 0x1000)}
        self.addresses = {**self.addresses, "free_frames": COUNT}
        self.sizes: Mapping[str, int] = {"free_frames": 8}
        self.ram = RamMap((RamRange(0, SIZE, 0),))
        self.image: Mapping[int, str] = {IMAGE: "main (.text)"}
        self.root = TABLE * PAGE
        self.own = range(0)
        self.reaches_user = True

    def perform(self, steps: Sequence[Step]) -> Sequence[int]:
        """Perform steps as the bench's code in a guest does."""
        results: list[int] = []
        failed: set[int] = set()
        for number, step in enumerate(steps):
            needed = [each.step for each in step.operands() if isinstance(each, Result)]
            if failed.intersection(needed):
                results.append(SKIPPED)
                failed.add(number)
                continue
            try:
                result = self._perform(step, results)
            except CallError as error:
                ended = CallError(str(error), step=number)
                ended.results = tuple(results)
                raise ended from None
            if isinstance(step, Call) and result in step.none:
                failed.add(number)
            results.append(result)
        return results

    def _perform(self, step: Step, results: Sequence[int]) -> int:
        def value(operand: Operand) -> int:
            if isinstance(operand, Result):
                return results[operand.step] + operand.plus
            return operand

        match step:
            case Call(int(function), arguments):
                called: Callable[..., int] = getattr(self.kernel, NAMES[function - 0x1000])
                return called(*map(value, arguments))
            case Fill(address, length, byte):
                at = self._at(value(address), length)
                self.kernel.memory[at : at + length] = bytes([byte]) * length
                return length
            case Check(address, length, byte):
                at = self._at(value(address), length)
                seen = self.kernel.memory[at : at + length]
                return next((n for n, each in enumerate(seen) if each != byte), length)
            case Load():
                return self.kernel.count
        raise AssertionError(step)

    def _at(self, vaddr: int, length: int) -> int:
        page = vaddr & -PAGE
        at = self.kernel.tlb[page] + vaddr - page if page in self.kernel.tlb else vaddr - MAP
        if not 0 <= at <= SIZE - length or (at < HEAP.stop < at + length):
            raise CallError(f"page fault at {vaddr:#x}", step=0)
        return at

    def walk(self, vaddr: int) -> Leaf | None:
        """Return the page at an address."""
        if vaddr not in self.kernel.tables:
            return None
        physical, flags = self.kernel.tables[vaddr]
        rights = bool(flags & 2), bool(flags & 4), not flags >> 63
        return Leaf(vaddr, physical, PAGE, *rights, False, CacheMode.WB, True, True, flags | 1)

    def pages(self) -> FakePages:
        """Return the page tables."""
        return FakePages(self.kernel)

    def read(self, paddr: int, length: int) -> bytes:
        """Return memory."""
        return bytes(self.kernel.memory[paddr : paddr + length])

    def write(self, paddr: int, data: bytes) -> None:
        """Change memory."""
        assert paddr + len(data) <= SIZE
        self.kernel.memory[paddr : paddr + len(data)] = data


CONTRACTS: Final = Contracts(
    frames=FramesCalls(
        alloc=parse_call("frame_alloc()"),
        free=parse_call("frame_free({frame})"),
        alloc_run=parse_call("frames_alloc({count}, {align})"),
        free_run=parse_call("frames_free({frame}, {count})"),
        count="free_frames",
        misuse=("double-free",),
    ),
    pages=PagesCalls(
        map=parse_call("map_page({virtual}, {physical}, {flags})"),
        unmap=parse_call("unmap_page({virtual})"),
        range=(0x400000, 0x80000000),
        protect=parse_call("protect_page({virtual}, {flags})"),
        translate=parse_call("translate({virtual})"),
        ok=0,
        misuse=("map-mapped", "unmap-unmapped"),
    ),
    heap=HeapCalls(
        alloc=parse_call("kmalloc({size})"),
        free=parse_call("kfree({block})"),
        zalloc=parse_call("kzalloc({size})"),
        aligned=parse_call("kmemalign({size}, {align})"),
        realloc=parse_call("krealloc({block}, {size})"),
        usable=parse_call("kusable({block})"),
        largest=1 << 16,
        merges=True,
        misuse=("double-free", "free-none", "zero-size", "huge-size"),
    ),
)


class FakeContractKernel:
    """A fake that runs."""

    def __init__(self, bug: Bug, contracts: Contracts) -> None:
        self.booted = State()
        self.guest = FakeGuest(bug)
        self._contracts = contracts
        self._frozen = self.guest.kernel
        self._channel = ContractChannel(self.guest, contracts, Ledger())

    def channel(self, name: str) -> ContractChannel:
        """Return the channel."""
        return self._channel

    def counts(self) -> tuple[int, ...]:
        """Return nothing."""
        return ()

    def compare(
        self, state: State, when: str, *, whole: bool, channel: Channel[Operation] | None = None
    ) -> Iterator[Finding]:
        """Look at all that is out."""
        if not self._channel.over:
            yield from compare(self.guest, self._channel.ledger, self._contracts)

    def freeze(self) -> None:
        """Keep a copy."""
        self._frozen = copy.deepcopy(self.guest.kernel)

    def restore(self) -> None:
        """Go on from the copy."""
        self.guest.kernel = copy.deepcopy(self._frozen)
        self._channel = ContractChannel(self.guest, self._contracts, Ledger())

    def close(self) -> None:
        """There is nothing to end."""


@dataclass(frozen=True)
class FakeSubject(ContractSubject):
    """The subject whose kernels have a bug."""

    contracts: Contracts = CONTRACTS
    bug: Bug = Bug.NONE

    def start(self, config: Config) -> Kernel[State, Operation]:
        """Make one; the configuration does not matter."""
        return FakeContractKernel(self.bug, self.contracts)
