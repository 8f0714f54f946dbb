"""The VMM model against an oracle of regions and bytes, and its frames against its regions."""

from dataclasses import dataclass, field
from itertools import count

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.model.tables import leaves, lower_tables, upper_tables
from ringbench.subjects.reference.model.vm_copy import vm_copy, vm_read, vm_write
from ringbench.subjects.reference.model.vmm import (
    vm_alloc,
    vm_alloc_at,
    vm_free,
    vm_protect,
    vm_resize,
    vm_space_destroy,
)
from ringbench.subjects.reference.vocabulary.constants import VmKind
from ringbench.subjects.reference.vocabulary.flags import WRITE
from ringbench.subjects.reference.vocabulary.status import Status
from tests.unit.reference.booted import AVAILABLE, bare
from tests.unit.reference.model_spaces import (
    ANONYMOUS,
    DEMAND,
    GUARD,
    PAGE,
    PHYSICAL,
    WINDOWS,
    booted,
)


@dataclass
class Known:
    """A region as the oracle knows it: its bytes, and which pages were ever given a frame."""

    kind: VmKind
    base: int
    data: bytearray
    flags: int
    touched: set[int] = field(default_factory=set)

    @property
    def end(self) -> int:
        return self.base + len(self.data)

    @property
    def pages(self) -> int:
        return len(self.touched) if self.kind is DEMAND else len(self.data) // PAGE


SPACES = st.sampled_from(("t1", "kernel"))
KINDS = st.sampled_from((ANONYMOUS, DEMAND, GUARD, PHYSICAL))
PAGES = st.integers(1, 4)


class Spaces(RuleBasedStateMachine):
    """Two spaces of few pages, so that regions are adjacent, in the way, and full of bytes."""

    @initialize()
    def start(self) -> None:
        self.state = self.begin = booted()
        self.known: dict[str, list[Known]] = {"t1": [], "kernel": []}
        self.serial = count(1)

    def at(self, name: str, va: int) -> Known | None:
        return next((each for each in self.known[name] if each.base <= va < each.end), None)

    def overlap(self, name: str, va: int, end: int) -> list[Known]:
        return [each for each in self.known[name] if each.base < end and va < each.end]

    def add(self, name: str, kind: VmKind, base: int, pages: int, flags: int) -> None:
        self.known[name].append(Known(kind, base, bytearray(pages * PAGE), flags))
        self.known[name].sort(key=lambda each: each.base)

    @rule(name=SPACES, kind=KINDS, pages=PAGES, write=st.booleans())
    def alloc(self, name: str, kind: VmKind, pages: int, write: bool) -> None:
        flags = WRITE if write and kind is not GUARD else 0
        self.state, status, base = vm_alloc(self.state, name, pages * PAGE, flags, kind, 0x7000)
        assert status is Status.OK
        lowest = WINDOWS[name]
        for each in self.known[name]:
            if each.base - lowest >= pages * PAGE:
                break
            lowest = each.end
        assert base == lowest
        self.add(name, kind, base, pages, flags)

    @rule(name=SPACES, kind=KINDS, page=st.integers(-2, 12), pages=PAGES)
    def alloc_at(self, name: str, kind: VmKind, page: int, pages: int) -> None:
        base, length = WINDOWS[name] + page * PAGE, pages * PAGE
        before = self.state
        self.state, status, _ = vm_alloc_at(before, name, base, length, 0, kind, 0x7000)
        if page < 0:
            assert (status, self.state) == (Status.OUT_OF_RANGE, before)
        elif self.overlap(name, base, base + length):
            assert (status, self.state) == (Status.MAPPED, before)
        else:
            assert status is Status.OK
            self.add(name, kind, base, pages, 0)

    @rule(name=SPACES, page=st.integers(0, 12), write=st.booleans())
    def protect(self, name: str, page: int, write: bool) -> None:
        base, before = WINDOWS[name] + page * PAGE, self.state
        found = self.at(name, base)
        self.state, status, _ = vm_protect(before, name, base, WRITE if write else 0)
        if found is None or found.base != base:
            assert (status, self.state) == (Status.NOT_MAPPED, before)
        elif found.kind is GUARD:
            assert (status, self.state) == (Status.DENIED, before)
        else:
            assert status is Status.OK
            found.flags = WRITE if write else 0

    @rule(name=SPACES, page=st.integers(0, 12), pages=PAGES)
    def resize(self, name: str, page: int, pages: int) -> None:
        base, length, before = WINDOWS[name] + page * PAGE, pages * PAGE, self.state
        found = self.at(name, base)
        self.state, status, _ = vm_resize(before, name, base, length)
        if found is None or found.base != base:
            assert (status, self.state) == (Status.NOT_MAPPED, before)
        elif found.kind is not ANONYMOUS:
            assert (status, self.state) == (Status.DENIED, before)
        elif len(self.overlap(name, base, base + length)) > 1:
            assert (status, self.state) == (Status.MAPPED, before)
        else:
            assert status is Status.OK
            found.data = found.data[:length].ljust(length, b"\0")

    @rule(name=SPACES, page=st.integers(0, 12))
    def free(self, name: str, page: int) -> None:
        base, before = WINDOWS[name] + page * PAGE, self.state
        found = self.at(name, base)
        self.state, status, _ = vm_free(before, name, base)
        if found is None or found.base != base:
            assert (status, self.state) == (Status.NOT_MAPPED, before)
        else:
            assert status is Status.OK
            self.known[name].remove(found)

    def judge(self, name: str, va: int, length: int, *, writing: bool) -> Status:
        for position in range(va, va + length):
            found = self.at(name, position)
            if found is None:
                return Status.NOT_MAPPED
            if found.kind in (GUARD, PHYSICAL) or (writing and not found.flags & WRITE):
                return Status.DENIED
        return Status.OK

    def peek(self, name: str, va: int, length: int) -> bytes:
        return b"".join(
            each.data[max(0, va - each.base) : va + length - each.base]
            for each in self.overlap(name, va, va + length)
        )

    def poke(self, name: str, va: int, data: bytes) -> None:
        for offset, byte in enumerate(data):
            found = self.at(name, va + offset)
            assert found is not None
            found.data[va + offset - found.base] = byte
            found.touched.add((va + offset) // PAGE)

    @rule(name=SPACES, at=st.integers(0, 12 * PAGE), length=st.integers(1, 64))
    def write(self, name: str, at: int, length: int) -> None:
        data = bytes((next(self.serial) * 7 + index) % 256 for index in range(length))
        va, before = WINDOWS[name] + at, self.state
        expected = self.judge(name, va, length, writing=True)
        self.state, status, _ = vm_write(before, name, va, data)
        assert status is expected
        if status:
            assert self.state == before
        else:
            self.poke(name, va, data)

    @rule(name=SPACES, page=st.integers(1, 12), length=st.integers(1, 64))
    def write_across_a_boundary(self, name: str, page: int, length: int) -> None:
        self.write(name, page * PAGE - length // 2, length)

    @rule(
        to=SPACES,
        source=SPACES,
        to_page=st.integers(0, 8),
        source_page=st.integers(0, 8),
        offset=st.sampled_from((0, 1, PAGE - 3)),
        length=st.sampled_from((1, 40, PAGE, PAGE + 9)),
    )
    def copy(
        self, to: str, source: str, to_page: int, source_page: int, offset: int, length: int
    ) -> None:
        to_va = WINDOWS[to] + to_page * PAGE
        source_va, before = WINDOWS[source] + source_page * PAGE + offset, self.state
        if to == source and abs(to_va - source_va) < length:
            expected = Status.INVALID
        else:
            expected = self.judge(source, source_va, length, writing=False)
            expected = expected or self.judge(to, to_va, length, writing=True)
        self.state, status, _ = vm_copy(before, to, to_va, source, source_va, length)
        assert status is expected
        if status:
            assert self.state == before
        else:
            self.poke(to, to_va, self.peek(source, source_va, length))

    @invariant()
    def regions_and_their_bytes(self) -> None:
        for name, known in self.known.items():
            space = self.state.spaces[name]
            seen = [(each.base, each.length, each.kind, each.flags) for each in space.regions]
            assert seen == [(each.base, len(each.data), each.kind, each.flags) for each in known]
            for each in known:
                if each.kind in (ANONYMOUS, DEMAND):
                    read = vm_read(self.state, name, each.base, len(each.data))
                    assert read == (self.state, Status.OK, bytes(each.data))

    @invariant()
    def leaves_are_the_regions(self) -> None:
        for name, known in self.known.items():
            space = self.state.spaces[name]
            found = list(leaves(self.state.tables, space.root, space.base, space.limit - 1))
            for each in known:
                inside = [leaf for leaf in found if each.base <= leaf.vaddr < each.end]
                assert len(inside) == (0 if each.kind is GUARD else each.pages)
                assert all(bool(leaf.raw & 2) == bool(each.flags & WRITE) for leaf in inside)
                if each.kind is PHYSICAL:
                    assert all(leaf.paddr == 0x7000 + leaf.vaddr - each.base for leaf in inside)
            assert len(found) == sum(each.pages for each in known if each.kind is not GUARD)

    @invariant()
    def every_frame_gone_has_an_owner(self) -> None:
        gone = sorted({*self.begin.pmm.free.frames()} - {*self.state.pmm.free.frames()})
        assert [frame * PAGE for frame in gone] == sorted(owned(self.state, self.begin))
        assert self.state.contents.keys() <= {frame * PAGE for frame in gone}

    @invariant()
    def records_are_the_regions(self) -> None:
        cache = self.state.caches["region"]
        taken = [each.record for space in self.state.spaces.values() for each in space.regions]
        assert len(set(taken)) == len(taken) == cache.used
        for frame, free in cache.slabs.items():
            live = {cache.address(frame, n) for n in range(cache.count) if not free >> n & 1}
            assert live, "an empty slab is freed"
            assert live <= set(taken)

    def teardown(self) -> None:
        state = self.state
        for each in self.known["kernel"]:
            state, _, _ = vm_free(state, "kernel", each.base)
        state, status, _ = vm_space_destroy(state, "t1")
        assert status is Status.OK
        assert state == bare(0x2A0000)


def owned(state: KernelState, before: KernelState) -> list[int]:
    """Frames of slabs, anonymous pages and tables that came since an earlier state."""
    found = list(state.caches["region"].slabs)
    for name in ("t1", "kernel"):
        space = state.spaces[name]
        mapped = leaves(state.tables, space.root, space.base, space.limit - 1)
        found += [leaf.paddr for leaf in mapped if leaf.paddr >= AVAILABLE]
    tables = {table for table, _ in lower_tables(state.tables, state.spaces["t1"].root)}
    tables |= {table for table, _ in upper_tables(state.tables, state.kernel_root)}
    assert tables | {state.kernel_root, state.spaces["t1"].root} == state.tables.keys()
    return found + list(tables - before.tables.keys())


def test_two_spaces_against_regions_and_bytes() -> None:
    run_state_machine_as_test(
        Spaces, settings=settings(max_examples=60, stateful_step_count=40, deadline=None)
    )
