"""What a kernel gave out and has not got back, by name and by address."""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from typing import Final

PAGE: Final = 4096

REMEMBERED: Final = 64
"""Things that were given back and are remembered."""

WHOLE: Final = 1 << 14
"""Bytes of a block up to which all of it is filled; of a larger one, both ends and each page's
beginning are."""
END: Final = 2048
STRIPE: Final = 16


@dataclass(frozen=True, slots=True)
class Block:
    """A block of the heap.

    Attributes:
        name: of the operation that got it.
        number: which operation that was.
        call: the call that got it, as a person reads it.
        address, size: where it is.
        byte: what it is filled with.
        plain: whether it was got by its size alone, not by changing another one.
    """

    name: str
    number: int
    call: str
    address: int
    size: int
    byte: int
    plain: bool = True

    @property
    def end(self) -> int:
        """The address behind it."""
        return self.address + self.size

    def __str__(self) -> str:
        return f"{self.name} ({self.call} = {self.address:#x} of operation {self.number})"


@dataclass(frozen=True, slots=True)
class Run:
    """Frames in a row, of the frame allocator; `handle` is what the kernel calls them.

    Attributes:
        first: physical address of the first over the size of a page.
        count: how many there are.
        pages: pages of 4 KiB that each has.
    """

    name: str
    number: int
    call: str
    handle: int
    first: int
    count: int
    pages: int = 1

    @property
    def frames(self) -> range:
        """The numbers of the frames, as if all were of 4 KiB: addresses over the size of a page."""
        return range(self.first, self.first + self.count * self.pages)

    def __str__(self) -> str:
        return f"{self.name} ({self.call} = {self.handle:#x} of operation {self.number})"


@dataclass(frozen=True, slots=True)
class Page:
    """A page that is mapped to a frame of a run, with rights."""

    name: str
    number: int
    call: str
    virtual: int
    frame: int
    run: str
    rights: str

    def __str__(self) -> str:
        return f"{self.name} ({self.call} of operation {self.number})"


@dataclass(frozen=True, slots=True)
class Region:
    """Pages that were mapped for whoever asked, with rights.

    Attributes:
        frames: the numbers of the frames that they lead to, in order; none where that was not seen.
    """

    name: str
    number: int
    call: str
    address: int
    size: int
    rights: str
    frames: tuple[int, ...] = ()

    @property
    def end(self) -> int:
        """The address behind its last page."""
        return self.address + self.size

    @property
    def pages(self) -> range:
        """The addresses of its pages."""
        return range(self.address, self.end, PAGE)

    def __str__(self) -> str:
        return f"{self.name} ({self.call} = {self.address:#x} of operation {self.number})"


@dataclass(slots=True)
class Ledger:
    """All that is out, and what the rules have to know of what was before.

    Attributes:
        number: of the operation under way, from 1.
        blocks, runs, pages, regions: name -> what is out.
        owners: number of a frame -> the run that it belongs to.
        freed: what the operation before this one gave back, if it did.
        sign: whether the count of frames goes up (1) or down (-1) with each that is got.
        unfilled: names of runs that have not been filled yet.
        gone: name -> a block or run that was given back, of the last few.
        capacity: frames that could be had in all when they were last drained, those that were out
            included; None if other layers may have taken some since.
    """

    number: int = 0
    blocks: dict[str, Block] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    pages: dict[str, Page] = field(default_factory=dict)
    regions: dict[str, Region] = field(default_factory=dict)
    owners: dict[int, Run] = field(default_factory=dict)
    freed: Block | Run | None = None
    sign: int = 0
    unfilled: set[str] = field(default_factory=set)
    gone: dict[str, Block | Run] = field(default_factory=dict)
    capacity: int | None = None
    _places: list[tuple[int, str]] = field(default_factory=list)

    def give(self, block: Block) -> None:
        """Note a block that was got."""
        self.blocks[block.name] = block
        if block.size:
            insort(self._places, (block.address, block.name))

    def take(self, block: Block) -> None:
        """Note a block that was given back."""
        del self.blocks[block.name]
        if block.size:
            del self._places[bisect_left(self._places, (block.address, block.name))]
        self._gone(block)

    def over(self, address: int, size: int) -> Block | None:
        """Return a block that has a byte of a range, if there is one; an empty block has none."""
        at = bisect_left(self._places, (address + size, ""))
        if not at:
            return None
        # Those before it end before it begins: they are disjoint.
        block = self.blocks[self._places[at - 1][1]]
        return block if block.end > address else None

    def begins(self, address: int) -> bool:
        """Whether a block begins at an address, be it an empty one."""
        return any(block.address == address for block in self.blocks.values())

    def give_run(self, run: Run) -> None:
        """Note frames that were got."""
        self.runs[run.name] = run
        self.unfilled.add(run.name)
        for frame in run.frames:
            self.owners[frame] = run

    def take_run(self, run: Run) -> None:
        """Note frames that were given back."""
        del self.runs[run.name]
        self.unfilled.discard(run.name)
        for frame in run.frames:
            del self.owners[frame]
        self._gone(run)

    def _gone(self, what: Block | Run) -> None:
        self.gone[what.name] = what
        if len(self.gone) > REMEMBERED:
            del self.gone[next(iter(self.gone))]


def number_of(name: str) -> int:
    """Return a number for a name: its digits, or something else."""
    digits = "".join(filter(str.isdecimal, name))
    return int(digits[-9:]) if digits else sum(name.encode())


def byte_of(name: str) -> int:
    """Return what a block of a name is filled with: never 0, and another for its neighbours."""
    return 1 + number_of(name) * 29 % 255


def stretches(size: int) -> tuple[tuple[int, int], ...]:
    """Return the parts of a block that are filled and checked: offsets and lengths."""
    if size <= WHOLE:
        return ((0, size),) if size else ()
    pages = range(-(-END // PAGE) * PAGE, size - END - STRIPE, PAGE)
    stripes = ((at, STRIPE) for at in pages[:: -(-len(pages) // 64)])
    return ((0, END), *stripes, (size - END, END))
