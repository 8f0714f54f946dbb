"""The kernel that a Python object plays, as the subject `contracts` sees one: guest and channel."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final

from ringbench.arch.x86_64.access import AccessKind
from ringbench.arch.x86_64.entry import CacheMode
from ringbench.arch.x86_64.records import Leaf
from ringbench.arch.x86_64.vectors import Vector
from ringbench.check.mismatch import Finding
from ringbench.config import Config
from ringbench.config.call_text import parse_call
from ringbench.config.contracts import Contracts, FramesCalls, HeapCalls, PagesCalls, RegionsCalls
from ringbench.drive.channel import Channel
from ringbench.drive.guest_calls import (
    SKIPPED,
    Call,
    Check,
    Fill,
    Load,
    Operand,
    Probe,
    Result,
    Step,
)
from ringbench.errors import CallError
from ringbench.machine.ram import RamMap, RamRange
from ringbench.subject import Kernel
from ringbench.subjects.contracts.channel import ContractChannel
from ringbench.subjects.contracts.compare import compare
from ringbench.subjects.contracts.ledger import PAGE, Ledger
from ringbench.subjects.contracts.operation import Operation
from ringbench.subjects.contracts.state import State
from ringbench.subjects.contracts.subject import ContractSubject
from tests.unit.contracts.fake_kernel import HEAP, IMAGE, MAP, SIZE, TABLE, Bug, FakeKernel

NAMES: Final = (
    *("kmalloc", "kzalloc", "kmemalign", "kfree", "krealloc", "kusable"),
    *("frame_alloc", "frames_alloc", "frame_free", "frames_free"),
    *("map_page", "unmap_page", "protect_page", "translate"),
    *("region_alloc", "region_free"),
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
        self.silent: Set[str] = frozenset()
        self.ram = RamMap((RamRange(0, SIZE, 0),))
        self.image: Mapping[int, str] = {IMAGE: "main (.text) of the kernel's image"}
        self.root = TABLE * PAGE
        self.own = range(0)
        self.reaches_user = True
        self.probes: tuple[bool, ...] = (False, True)

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
            case Probe():
                return 0 if _lets(self.kernel.tlb, step) else int(Vector.PF) << 32
        raise AssertionError(step)

    def _at(self, vaddr: int, length: int) -> int:
        page = vaddr & -PAGE
        tlb = self.kernel.tlb
        at = tlb[page][0] + vaddr - page if page in tlb else vaddr - MAP
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

    def why_unmapped(self, vaddr: int) -> str:
        """Say why there is no page."""
        return "" if vaddr in self.kernel.tables else "not present"

    def allows(self, probe: Probe) -> bool:
        """Whether the tables let an access through."""
        return _lets(self.kernel.tables, probe)

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


def _lets(entries: Mapping[int, tuple[int, int]], probe: Probe) -> bool:
    """Whether an access goes through, by the tables or by what the processor keeps of them."""
    assert isinstance(probe.address, int)
    page = probe.address & -PAGE
    if page not in entries:
        return False
    flags = entries[page][1]
    refused = {
        AccessKind.READ: False,
        AccessKind.WRITE: not flags & 2,
        AccessKind.EXECUTE: bool(flags >> 63),
    }
    return not refused[probe.access] and bool(flags & 4 or not probe.program)


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
        translated="exact",
        undoes=True,
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
        undoes=True,
        misuse=("double-free", "free-none", "zero-size", "huge-size"),
    ),
)


REGIONS: Final = Contracts(
    frames=CONTRACTS.frames,
    regions=RegionsCalls(
        alloc=parse_call("region_alloc({size}, {flags})"),
        free=parse_call("region_free({address})"),
        zeroed=True,
        undoes=True,
        largest=16 * PAGE,
    ),
)
"""Regions, with the frames that they are made of, and nothing else."""


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
