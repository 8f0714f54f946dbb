"""Regions of other kinds: in a space, of one region that grows, and with pages on demand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from ringbench.config import Config, KernelConfig
from ringbench.config.call_text import parse_call
from ringbench.config.contracts import RegionsCalls
from ringbench.engine.runner import Failure, Runner
from ringbench.subject import Kernel
from ringbench.subjects.contracts.ledger import PAGE
from ringbench.subjects.contracts.operation import Operation
from ringbench.subjects.contracts.state import State
from tests.unit.contracts.fake import COUNT, REGIONS, FakeContractKernel, FakeSubject
from tests.unit.contracts.fake_kernel import FakeKernel

CONFIG: Final = Config(KernelConfig(Path("kernel"), Path("kernel"), "> "), Path("ringbench.toml"))
BASE: Final = 0x4000_0000
LINES: Final = (
    "regions alloc r1 8192 rw",
    "regions alloc r2 4096 rw",
    "regions rounds 5 8192",
    "regions free r2",
    "regions starved 1 alloc r3 20480 rw",
    "regions alloc r4 4096 rw",
    "regions free r4",
    "regions free r1",
)


class InSpace(FakeKernel):
    """A kernel whose functions are told the space: the address of a variable."""

    def region_alloc(self, size: int, flags: int) -> int:
        """Take the space in place of flags."""
        assert flags == COUNT
        return super().region_alloc(size, 2)


class Growing(FakeKernel):
    """A kernel with one region that grows and shrinks at its end, which is what it returns."""

    end = BASE
    leaves = False

    def region_alloc(self, size: int, flags: int) -> int:
        """Take the ends before and after."""
        old, new = size, flags
        assert old == self.end
        if len(self.free_frames) < (new - old) // PAGE:
            return 0
        for virtual in range(old, new, PAGE):
            self._region_page(virtual, 2, last=False)
        self.end = new
        return new

    def region_free(self, address: int, new: int = 0) -> int:
        """Take the ends before and after."""
        assert address == self.end
        for virtual in range(new + PAGE * self.leaves, address, PAGE):
            self.frame_free(self.tables.pop(virtual)[0])
            del self.tlb[virtual]
        self.end = new
        return new


class Leaving(Growing):
    """The same, but the page at the new end stays."""

    leaves = True


class Pages(dict[int, tuple[int, int]]):
    """What the processor keeps, and brings where there is a region: `bring` does that."""

    bring: Callable[[int], None]

    def __contains__(self, page: object) -> bool:
        if not super().__contains__(page) and isinstance(page, int):
            self.bring(page)
        return super().__contains__(page)


@dataclass
class OnDemand(FakeKernel):
    """A kernel whose pages come with the first access."""

    pages: int = 0
    reserved: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.tlb = Pages()
        self.tlb.bring = self.bring

    def bring(self, page: int) -> None:
        """Bring a page of a region."""
        if any(start <= page < start + size for start, size in self.reserved.items()):
            self._region_page(page, 2, last=False)

    def region_alloc(self, size: int, flags: int) -> int:
        """Reserve addresses."""
        start = BASE + (self.pages << 20)
        self.pages += 1
        self.reserved[start] = size
        return start

    def region_free(self, address: int) -> int:
        """Unmap what came."""
        for page in range(address, address + self.reserved.pop(address), PAGE):
            if page in self.tables:
                self.frame_free(self.tables.pop(page)[0])
                del self.tlb[page]
        return 0


@dataclass(frozen=True)
class OtherSubject(FakeSubject):
    """The subject of such a kernel."""

    kind: type[FakeKernel] = FakeKernel

    def start(self, config: Config) -> Kernel[State, Operation]:
        """Make one."""
        kernel = FakeContractKernel(self.bug, self.contracts)
        kernel.guest.kernel = self.kind(self.bug)
        kernel.freeze()
        return kernel


def played(kind: type[FakeKernel], regions: RegionsCalls) -> Failure | None:
    """Play the lines on a kernel of a kind."""
    subject = OtherSubject(replace(REGIONS, regions=regions), kind=kind)
    with Runner(subject, CONFIG) as runner:
        return runner.play([subject.parse(line) for line in LINES])


def test_a_space_is_given() -> None:
    alloc, free = "region_alloc({size}, {space})", "region_free({address})"
    calls = RegionsCalls(parse_call(alloc), parse_call(free), space="&free_frames")
    assert played(InSpace, calls) is None


def test_one_region_grows_and_shrinks() -> None:
    alloc, free = "region_alloc({old}, {new})", "region_free({old}, {new})"
    calls = RegionsCalls(parse_call(alloc), parse_call(free), base=BASE)
    assert played(Growing, calls) is None
    failure = played(Leaving, calls)
    assert failure is not None
    assert "broken:rounds" in str(failure.caught) or "broken:gone" in str(failure.caught)


def test_pages_come_with_the_first_access() -> None:
    alloc, free = "region_alloc({size}, 0)", "region_free({address})"
    calls = RegionsCalls(parse_call(alloc), parse_call(free), demand=True, zeroed=True)
    assert played(OnDemand, calls) is None
    failure = played(OnDemand, replace(calls, demand=False))
    assert failure is not None
    assert "broken:mapped" in str(failure.caught)
