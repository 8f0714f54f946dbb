"""The VMM model against an oracle of regions and bytes, and its frames against its regions."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count, pairwise

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from ringbench.arch.x86_64.features import Features
from ringbench.drive.flags import CACHE_UC, EXEC, GLOBAL, USER, WRITE
from ringbench.model.access import AccessFault, Unpredictable, touch
from ringbench.model.kernel import boot
from ringbench.model.layout import (
    KERNEL_WINDOW_BASE,
    PADDR_NONE,
    TASK_WINDOW_BASE,
    TASK_WINDOW_END,
    MemoryKind,
    VmKind,
)
from ringbench.model.pmm import frames
from ringbench.model.state import KernelState, MemoryRange, Region, Sizes
from ringbench.model.status import Status
from ringbench.model.tables import leaves, lower_tables, upper_tables
from ringbench.model.vm_copy import vm_copy, vm_fault, vm_read, vm_write
from ringbench.model.vmm import (
    vm_alloc,
    vm_alloc_at,
    vm_free,
    vm_protect,
    vm_query,
    vm_resize,
    vm_space_create,
    vm_space_destroy,
)

PAGE = 4096
ANONYMOUS, DEMAND, PHYSICAL, GUARD = VmKind
Call = Callable[[KernelState], tuple[KernelState, Status]]
MEMORY = (
    MemoryRange(0x100000, 0x60000, MemoryKind.KERNEL),
    MemoryRange(0x160000, 0x2A0000, MemoryKind.AVAILABLE),
)
WINDOWS = {"t1": TASK_WINDOW_BASE, "kernel": KERNEL_WINDOW_BASE}


def booted() -> KernelState:
    state = boot(MEMORY, (), Features(40), Sizes())
    state, status, _ = vm_space_create(state, "t1")
    assert status is Status.OK
    return state


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
                inside = [leaf for leaf in found if each.base <= leaf.virtual < each.end]
                assert len(inside) == (0 if each.kind is GUARD else each.pages)
                assert all(bool(leaf.raw & 2) == bool(each.flags & WRITE) for leaf in inside)
                if each.kind is PHYSICAL:
                    assert all(
                        leaf.physical == 0x7000 + leaf.virtual - each.base for leaf in inside
                    )
            assert len(found) == sum(each.pages for each in known if each.kind is not GUARD)

    @invariant()
    def every_frame_gone_has_an_owner(self) -> None:
        gone = list(frames(self.begin.pmm.free & ~self.state.pmm.free))
        assert [frame * PAGE for frame in gone] == sorted(owned(self.state, self.begin))
        assert self.state.contents.keys() <= {frame * PAGE for frame in gone}

    @invariant()
    def slots_are_the_records(self) -> None:
        for space in self.state.spaces.values():
            taken = [(each.slab, each.slot) for each in space.regions]
            assert len(set(taken)) == len(taken)
            for slab in space.slabs:
                slots = {slot for frame, slot in taken if frame == slab.frame}
                assert slots, "an empty slab is freed"
                assert slab.free_slots == (1 << 63) - 1 - sum(1 << slot for slot in slots)

    def teardown(self) -> None:
        state = self.state
        for each in self.known["kernel"]:
            state, _, _ = vm_free(state, "kernel", each.base)
        state, status, _ = vm_space_destroy(state, "t1")
        assert status is Status.OK
        assert state == boot(MEMORY, (), Features(40), Sizes())


def owned(state: KernelState, before: KernelState) -> list[int]:
    """Frames of slabs, anonymous pages and tables that came since an earlier state."""
    found: list[int] = []
    for name in ("t1", "kernel"):
        space = state.spaces[name]
        found += [slab.frame for slab in space.slabs]
        for leaf in leaves(state.tables, space.root, space.base, space.limit - 1):
            if leaf.physical >= MEMORY[1].base:
                found.append(leaf.physical)
    tables = {table for table, _ in lower_tables(state.tables, state.spaces["t1"].root)}
    tables |= {table for table, _ in upper_tables(state.tables, state.kernel_root)}
    assert tables | {state.kernel_root, state.spaces["t1"].root} == state.tables.keys()
    return found + list(tables - before.tables.keys())


def test_two_spaces_against_regions_and_bytes() -> None:
    run_state_machine_as_test(
        Spaces, settings=settings(max_examples=60, stateful_step_count=40, deadline=None)
    )


def with_free(state: KernelState, allowed: int) -> KernelState:
    """The same state with only its lowest free frames left."""
    bits, rest = 0, state.pmm.free
    for _ in range(allowed):
        bits |= rest & -rest
        rest &= rest - 1
    return replace(state, pmm=replace(state.pmm, free=bits))


def test_no_memory_at_every_point_changes_nothing() -> None:
    state = booted()
    state, _, _ = vm_alloc_at(state, "t1", 0x1FE000, 0x4000, WRITE, DEMAND)
    state, _, _ = vm_alloc_at(state, "t1", 0x5FE000, 0x1000, WRITE, ANONYMOUS)
    cases: dict[str, tuple[Call, int]] = {
        "slab, four pages, their tables": (
            lambda s: vm_alloc(s, "kernel", 0x4000, WRITE, ANONYMOUS)[:2],
            1 + 4 + 2,
        ),
        "slab, tables": (lambda s: vm_alloc(s, "kernel", 0x4000, WRITE, PHYSICAL, 0)[:2], 1 + 2),
        "slab": (lambda s: vm_alloc(s, "kernel", 0x4000, 0, GUARD)[:2], 1),
        "pages, table": (lambda s: vm_resize(s, "t1", 0x5FE000, 0x4000)[:2], 3 + 1),
        "pages, tables": (lambda s: vm_write(s, "t1", 0x1FFFFF, b"ab")[:2], 2 + 2),
        "page, tables": (lambda s: vm_copy(s, "t1", 0x1FE000, "t1", 0x5FE000, 9)[:2], 1 + 1),
        "root": (lambda s: vm_space_create(s, "t2")[:2], 1),
    }
    for what, (call, needed) in cases.items():
        for allowed in range(needed):
            short = with_free(state, allowed)
            after, status = call(short)
            assert (status, after) == (Status.NO_MEMORY, short), what
        after, status = call(with_free(state, needed))
        assert (status, after.pmm.free) == (Status.OK, 0), what


def test_frames_are_taken_in_the_order_of_the_header() -> None:
    state = booted()
    first = (state.pmm.free & -state.pmm.free).bit_length() - 1
    state, _, base = vm_alloc(state, "t1", 0x3000, WRITE | USER, ANONYMOUS)
    space = state.spaces["t1"]
    assert space.slabs[0].frame == first * PAGE
    # slab, page, PDPT, PD, PT, page, page
    pages = [leaf.physical for leaf in leaves(state.tables, space.root, base, base + 0x2FFF)]
    assert [page // PAGE - first for page in pages] == [1, 5, 6]
    assert sorted(t // PAGE - first for t, _ in lower_tables(state.tables, space.root)) == [2, 3, 4]


def test_slabs() -> None:
    state = booted()
    bases = []
    for _ in range(64):
        state, _, base = vm_alloc(state, "t1", PAGE, 0, GUARD)
        bases.append(base)
    new, old = state.spaces["t1"].slabs
    assert new.frame > old.frame, "a new slab is put at the head"
    assert (old.free_slots, new.free_slots) == (0, (1 << 63) - 2)
    state, _, _ = vm_free(state, "t1", bases[5])
    state, _, base = vm_alloc(state, "t1", PAGE, 0, GUARD)
    assert base == bases[5]
    region = vm_query(state, "t1", base)[2]
    assert region is not None
    assert (region.slab, region.slot) == (new.frame, 1), "from the first slab with a free slot"
    assert region.record == new.frame + 128
    for base in (bases[63], bases[5]):
        state, _, _ = vm_free(state, "t1", base)
    assert [slab.frame for slab in state.spaces["t1"].slabs] == [old.frame]


@pytest.mark.parametrize(
    ("length", "flags", "kind", "physical", "status"),
    [
        (0, 0, ANONYMOUS, 0, Status.INVALID),
        (1, GLOBAL, ANONYMOUS, 0, Status.INVALID),
        (1, WRITE | EXEC, ANONYMOUS, 0, Status.INVALID),
        (1, 0x80, ANONYMOUS, 0, Status.INVALID),
        (1, CACHE_UC, DEMAND, 0, Status.INVALID),
        (1, 5 << 4, PHYSICAL, 0, Status.INVALID),
        (1, WRITE, GUARD, 0, Status.INVALID),
        (1, 0, 4, 0, Status.INVALID),
        (1, 0, ANONYMOUS, 0, Status.MISALIGNED),
        (PAGE, 0, PHYSICAL, (1 << 60) + 1, Status.MISALIGNED),
        (1 << 62, 0, PHYSICAL, 1 << 40, Status.OUT_OF_RANGE),
        (1 << 62, 0, ANONYMOUS, 1, Status.NO_SPACE),
        (1 << 40, 0, ANONYMOUS, 1, Status.NO_MEMORY),
        (1 << 40, 0, DEMAND, 1, Status.OK),
        (1 << 40, 0, PHYSICAL, 0, Status.NO_MEMORY),
        (PAGE, CACHE_UC | WRITE | USER, PHYSICAL, (1 << 40) - PAGE, Status.OK),
    ],
)
def test_alloc_errors_in_the_order_of_the_header(
    length: int, flags: int, kind: int, physical: int, status: Status
) -> None:
    state = booted()
    after, seen, _ = vm_alloc(state, "t1", length, flags, kind, physical)
    assert seen is status
    assert (after == state) == (status is not Status.OK)


def test_user_pages_are_not_for_kernel_windows() -> None:
    state, status, _ = vm_alloc(booted(), "kernel", PAGE, USER, ANONYMOUS)
    assert status is Status.INVALID
    state, _, base = vm_alloc(state, "kernel", PAGE, 0, ANONYMOUS)
    assert vm_protect(state, "kernel", base, USER)[1] is Status.INVALID


@pytest.mark.parametrize(
    ("base", "length", "status"),
    [
        (TASK_WINDOW_BASE + 1, 1 << 62, Status.MISALIGNED),
        (TASK_WINDOW_BASE - PAGE, PAGE, Status.OUT_OF_RANGE),
        (TASK_WINDOW_END, PAGE, Status.OUT_OF_RANGE),
        (TASK_WINDOW_END - PAGE, 2 * PAGE, Status.OUT_OF_RANGE),
        ((1 << 64) - PAGE, 1 << 62, Status.OUT_OF_RANGE),
        (1 << 47, PAGE, Status.OUT_OF_RANGE),
        (TASK_WINDOW_END - PAGE, PAGE, Status.OK),
    ],
)
def test_alloc_at_errors_in_the_order_of_the_header(base: int, length: int, status: Status) -> None:
    assert vm_alloc_at(booted(), "t1", base, length, 0, GUARD)[1] is status


def test_resize_and_protect_errors_in_the_order_of_the_header() -> None:
    state = booted()
    state, _, base = vm_alloc_at(state, "t1", TASK_WINDOW_END - 2 * PAGE, PAGE, 0, ANONYMOUS)
    base = TASK_WINDOW_END - 2 * PAGE
    assert vm_resize(state, "t1", 1, 0)[1] is Status.INVALID
    assert vm_resize(state, "t1", 1, 1)[1] is Status.MISALIGNED
    assert vm_resize(state, "t1", base + PAGE, PAGE)[1] is Status.NOT_MAPPED
    assert vm_resize(state, "t1", base, 3 * PAGE)[1] is Status.OUT_OF_RANGE
    assert vm_resize(state, "t1", base, 2 * PAGE)[1] is Status.OK
    for flags in (GLOBAL, CACHE_UC, WRITE | EXEC):
        assert vm_protect(state, "t1", 1, flags)[1] is Status.INVALID
    assert vm_protect(state, "t1", 1, 0)[1] is Status.NOT_MAPPED


def test_the_cache_mode_survives_a_protect() -> None:
    state, _, base = vm_alloc(booted(), "t1", PAGE, CACHE_UC | WRITE, PHYSICAL, 0xFEE00000)
    state, _, _ = vm_protect(state, "t1", base, USER)
    assert state.spaces["t1"].regions[0].flags == CACHE_UC | USER


def test_copies_that_wrap_overlap_or_are_empty() -> None:
    state, _, base = vm_alloc(booted(), "t1", 2 * PAGE, WRITE, ANONYMOUS)
    state, _, guard = vm_alloc(state, "t1", PAGE, 0, GUARD)
    assert vm_read(state, "t1", base, 0)[1] is Status.INVALID
    assert vm_write(state, "t1", base, b"")[1] is Status.INVALID
    assert vm_copy(state, "t1", base, "t1", base + 9, 10)[1] is Status.INVALID
    assert vm_copy(state, "t1", base, "t1", base + 10, 10)[1] is Status.OK
    assert vm_copy(state, "t1", base, "kernel", base + 9, 10)[1] is Status.NOT_MAPPED
    everything = (1 << 64) - 1
    assert vm_read(state, "t1", guard, everything)[1] is Status.NOT_MAPPED
    assert vm_read(state, "t1", guard, everything - guard)[1] is Status.DENIED


def test_a_copy_larger_than_memory_into_demand_pages() -> None:
    state, _, base = vm_alloc(booted(), "t1", 1 << 40, WRITE, DEMAND)
    state, _, other = vm_alloc(state, "t1", 1 << 40, WRITE, DEMAND)
    assert vm_copy(state, "t1", base, "t1", other, 1 << 40)[:2] == (state, Status.NO_MEMORY)


def test_a_space_in_use_stays() -> None:
    state = booted()
    active = replace(state, active_root=state.spaces["t1"].root)
    assert vm_space_destroy(active, "t1")[:2] == (active, Status.BUSY)


def test_faults_that_no_page_cures() -> None:
    state, _, base = vm_alloc(booted(), "t1", PAGE, WRITE | USER, DEMAND)
    state, _, guard = vm_alloc(state, "t1", PAGE, 0, GUARD)
    state = replace(state, current_space="t1")
    present, write, user, reserved, fetch = 1, 2, 4, 8, 16
    for error in (present, present | write, reserved, fetch):
        assert vm_fault(state, base, error)[:2] == (state, Status.DENIED)
    assert vm_fault(state, guard, present)[1] is Status.GUARD
    after, status, _ = vm_fault(state, base + 9, write | user)
    assert status is Status.OK
    assert vm_fault(after, base, user)[:2] == (after, Status.OK), "it is there by now"
    nobodys = replace(state, current_space=None)
    assert vm_fault(nobodys, base, 0)[:2] == (nobodys, Status.NOT_MAPPED)
    assert vm_fault(state, KERNEL_WINDOW_BASE - PAGE, 0)[1] is Status.NOT_MAPPED


def fault(state: KernelState, va: int, mode: str) -> tuple[Status, AccessFault | None]:
    return touch(state, state.spaces["t1"].root, "t1", va, mode)[1:]


def test_touches() -> None:
    state, _, demand = vm_alloc(booted(), "t1", 4 * PAGE, WRITE | USER, DEMAND)
    state, _, _ = vm_alloc(state, "t1", PAGE, 0, DEMAND)
    state, _, _ = vm_alloc(state, "t1", PAGE, 0, GUARD)
    state, _, code = vm_alloc(state, "t1", PAGE, WRITE, ANONYMOUS)
    read_only, guard = demand + 4 * PAGE, demand + 5 * PAGE
    root = state.spaces["t1"].root
    for mode in "rw":
        after, status, _ = touch(state, root, "t1", demand + 5, mode)
        assert status is Status.OK
        assert after.pmm.free_count == state.pmm.free_count - 1, "a page"
        assert (after.active_root, after.current_space) == (state.active_root, None)
    page_fault, denied = 14, Status.DENIED
    assert fault(state, read_only, "w") == (Status.FAULT, (page_fault, 2, denied))
    assert fault(state, guard, "r") == (Status.FAULT, (page_fault, 0, Status.GUARD))
    assert fault(state, guard, "x") == (Status.FAULT, (page_fault, 0, Status.GUARD))
    assert fault(state, 0, "w") == (Status.FAULT, (page_fault, 2, Status.NOT_MAPPED))
    assert fault(state, 1 << 47, "w") == (Status.FAULT, (13, 0, Status.NON_CANONICAL))
    after, status, _ = touch(state, root, "t1", demand, "x")
    assert status is Status.DENIED
    assert after.pmm.free_count < state.pmm.free_count, "the byte had to be read"
    assert fault(state, code, "x") == (Status.DENIED, None), "a zero is no RET"
    state, _, _ = vm_write(state, "t1", code + 7, b"\xc3")
    assert fault(state, code + 7, "x") == (Status.FAULT, (page_fault, 0x11, denied))
    state, _, _ = vm_protect(state, "t1", code, EXEC)
    assert fault(state, code + 7, "x") == (Status.OK, None)
    assert fault(state, code + 6, "x") == (Status.DENIED, None)
    assert fault(state, code, "w") == (Status.FAULT, (page_fault, 3, denied))
    bare = touch(state, state.kernel_root, None, demand, "r")
    assert bare[1:] == (Status.FAULT, (page_fault, 0, Status.NOT_MAPPED))
    empty = with_free(state, 3)
    assert fault(empty, demand + PAGE, "r") == (Status.OK, None), "its tables are there"
    with pytest.raises(Unpredictable):
        fault(state, 0xFFFF800000100000, "x")


def test_regions_are_ordered_and_apart() -> None:
    state = booted()
    for page in (9, 1, 5, 3, 7):
        state, _, _ = vm_alloc_at(state, "t1", TASK_WINDOW_BASE + page * PAGE, PAGE, 0, GUARD)
    regions: tuple[Region, ...] = state.spaces["t1"].regions
    assert all(left.end < right.base for left, right in pairwise(regions))
    assert all(region.physical == PADDR_NONE for region in regions)
