"""The frame allocator's model against an oracle that is a set of frame numbers."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from ringbench.subjects.reference.model.frame_set import FrameSet
from ringbench.subjects.reference.model.pmm import (
    give_back,
    metadata_length,
    pmm_alloc,
    pmm_alloc_2m,
    pmm_alloc_run,
    pmm_free,
    pmm_init,
    summary,
    take,
)
from ringbench.subjects.reference.model.state import PmmState
from ringbench.subjects.reference.vocabulary.boot_values import MemoryRange
from ringbench.subjects.reference.vocabulary.constants import MemoryKind
from ringbench.subjects.reference.vocabulary.status import Panic, Status

FRAME = 4096
MIB = 1 << 20
GIB = 1 << 30


def bitmap(numbers: set[int]) -> int:
    digits = ["0"] * (max(numbers, default=0) + 1)
    for number in numbers:
        digits[-1 - number] = "1"
    return int("".join(digits), 2)


def state_of(limit: int, managed: set[int], free: set[int]) -> PmmState:
    return PmmState(limit, FrameSet.of(managed), FrameSet.of(free), 0, 0)


class Frames(RuleBasedStateMachine):
    """Every operation, on 8 MiB with holes, against sets."""

    runs = Bundle("runs")

    def __init__(self) -> None:
        super().__init__()
        self.limit = 2048
        self.managed = set(range(self.limit)) - {0, 1, 700} - set(range(1500, 1530))
        self.free = set(self.managed)
        self.pmm = state_of(self.limit, self.managed, self.free)

    def lowest(self, count: int, step: int) -> int | None:
        for first in range(0, self.limit - count + 1, step):
            if self.free.issuperset(range(first, first + count)):
                return first
        return None

    def expect(
        self, call: Callable[[PmmState], tuple[PmmState, Status, int]], count: int, step: int
    ) -> object:
        first = self.lowest(count, step)
        before = self.pmm
        self.pmm, status, address = call(before)
        if first is None:
            assert (status, self.pmm) == (Status.NO_MEMORY, before)
            return multiple()
        assert (status, address) == (Status.OK, first * FRAME)
        self.free -= set(range(first, first + count))
        return (first, count)

    @rule(target=runs)
    def alloc(self) -> object:
        return self.expect(pmm_alloc, 1, 1)

    @rule(target=runs)
    def alloc_2m(self) -> object:
        return self.expect(pmm_alloc_2m, 512, 512)

    @rule(target=runs, count=st.integers(1, 700), shift=st.integers(0, 12))
    def alloc_run(self, count: int, shift: int) -> object:
        step = 1 << shift
        return self.expect(lambda pmm: pmm_alloc_run(pmm, count, step * FRAME), count, step)

    @rule(run=consumes(runs))
    def free_run(self, run: tuple[int, int]) -> None:
        self.free_anything(*run)

    @rule(first=st.integers(0, 2100), count=st.integers(1, 40))
    def free_anything(self, first: int, count: int) -> None:
        run = set(range(first, first + count))
        before = self.pmm
        self.pmm, status, _ = pmm_free(before, first * FRAME, count)
        if not run <= self.managed:
            assert (status, self.pmm) == (Status.FOREIGN, before)
        elif run & self.free:
            assert (status, self.pmm) == (Status.NOT_ALLOCATED, before)
        else:
            assert status is Status.OK
            self.free |= run

    @invariant()
    def bits_are_the_set(self) -> None:
        assert list(self.pmm.free.frames()) == sorted(self.free)
        assert self.pmm.free_count == len(self.free)


def test_operations_against_sets() -> None:
    run_state_machine_as_test(
        Frames, settings=settings(max_examples=20, stateful_step_count=25, deadline=None)
    )


def test_errors_in_the_order_of_the_header() -> None:
    pmm = state_of(512, set(range(16)), {3})
    assert pmm_free(pmm, 0x1, 0)[1] is Status.INVALID
    assert pmm_free(pmm, 0x1, 1)[1] is Status.MISALIGNED
    assert pmm_free(pmm, 15 * FRAME, 2)[1] is Status.FOREIGN
    assert pmm_free(pmm, 0, (1 << 64) - 1)[1] is Status.FOREIGN
    assert pmm_free(pmm, 3 * FRAME, 14)[1] is Status.FOREIGN, "not managed beats already free"
    assert pmm_free(pmm, 2 * FRAME, 2)[1] is Status.NOT_ALLOCATED
    for count, align in ((0, 4096), (1, 0), (1, 2048), (1, 12288), (0, 0)):
        assert pmm_alloc_run(pmm, count, align)[1] is Status.INVALID
    assert pmm_alloc_run(pmm, (1 << 64) - 1, 1 << 63)[1] is Status.NO_MEMORY
    assert pmm_alloc_2m(pmm)[1] is Status.NO_MEMORY


def test_address_zero_is_a_frame() -> None:
    pmm = state_of(512, {0}, {0})
    assert pmm_alloc(pmm) == (state_of(512, {0}, set()), Status.OK, 0)


@given(st.sets(st.integers(0, 2047), max_size=400), st.integers(0, 400))
def test_taking_many_is_taking_one_many_times(free: set[int], count: int) -> None:
    pmm = state_of(2048, free, free)
    count = min(count, len(free))
    after, taken = take(pmm, count)
    one_by_one = pmm
    for address in taken:
        one_by_one, _, single = pmm_alloc(one_by_one)
        assert single == address
    assert (len(taken), after) == (count, one_by_one)
    assert give_back(after, reversed(taken)) == pmm


@given(
    st.sets(st.integers(0, 70 * 512 - 1), max_size=300), st.sets(st.integers(0, 69), max_size=70)
)
@settings(max_examples=30, deadline=None)
def test_summary_follows_from_the_bits(scattered: set[int], whole: set[int]) -> None:
    free = scattered | {block * 512 + offset for block in whole for offset in range(512)}
    found = summary(state_of(70 * 512, free, free))
    counts = [sum(block * 512 + offset in free for offset in range(512)) for block in range(70)]
    assert found.block_free == counts
    assert found.any.bottom == [
        bitmap({block for block in range(64) if counts[block]}),
        bitmap({block - 64 for block in range(64, 70) if counts[block]}),
    ]
    assert found.whole.bottom[1] == bitmap({b - 64 for b in range(64, 70) if counts[b] == 512})
    assert found.any.middle == [bitmap({n for n in (0, 1) if found.any.bottom[n]})] + [0] * 63
    assert (found.any.top, found.whole.top) == (int(bool(free)), int(512 in counts))
    for block, words in enumerate(found.block_words):
        for word in range(8):
            first = block * 512 + word * 64
            assert bool(words >> word & 1) == any(n in free for n in range(first, first + 64))


def test_init_puts_the_metadata_into_the_lowest_range_that_holds_it() -> None:
    available, reserved = MemoryKind.AVAILABLE, MemoryKind.RESERVED
    ranges = [
        MemoryRange(0, 0x1000, available),  # too small
        MemoryRange(0x1000, 0xFF000, reserved),
        MemoryRange(0x100000, 0x2000, available),
        MemoryRange(0x200000, 62 * MIB, available),
    ]
    pmm = pmm_init(ranges)
    assert pmm.frame_limit == 64 * MIB // FRAME
    # 2 x 2048 bytes of bits, 2 x 8 of trees, 64 of counts, 32 of masks
    assert pmm.metadata_length == metadata_length(pmm.frame_limit) == 0x2000
    assert pmm.metadata_base == 0x100000
    assert pmm.managed == pmm.free == FrameSet.of({0, *range(512, 64 * 256)})


def test_init_counts_only_what_is_available_and_below_the_limit() -> None:
    ranges = [
        MemoryRange(0x100000, GIB, MemoryKind.AVAILABLE),
        MemoryRange(5 * GIB, 4096, MemoryKind.AVAILABLE),
        MemoryRange(6 * GIB, GIB, MemoryKind.MODULE),
        MemoryRange(600 * GIB, GIB, MemoryKind.AVAILABLE),
    ]
    pmm = pmm_init(ranges)
    assert pmm.frame_limit == 5 * GIB // FRAME + 512, "rounded up to a block"
    assert pmm.managed_count == GIB // FRAME + 1 - pmm.metadata_length // FRAME


def test_init_without_a_place_for_the_metadata() -> None:
    with pytest.raises(Panic, match=r"^pmm: no place for 0x53000 bytes of metadata$"):
        pmm_init([MemoryRange(4 * GIB, GIB, MemoryKind.AVAILABLE)])


def test_init_without_memory() -> None:
    with pytest.raises(Panic, match=r"^pmm: the memory map has no available memory$"):
        pmm_init([MemoryRange(0, GIB, MemoryKind.RESERVED)])


def test_six_gibibytes_of_runs() -> None:
    """Whole-memory questions at 6 GiB: about a second if they went frame by frame."""
    pmm = pmm_init([MemoryRange(0x100000, 6 * GIB, MemoryKind.AVAILABLE)])
    taken = []
    for count in (1, 3, 512, 262144, 7):
        pmm, status, address = pmm_alloc_run(pmm, count, 2 * MIB)
        assert status is Status.OK
        taken.append((address, count))
    assert [address // (2 * MIB) for address, _ in taken] == [1, 2, 3, 4, 516]
    for address, count in taken:
        pmm, status, _ = pmm_free(pmm, address, count)
        assert status is Status.OK
    assert pmm.free == pmm.managed
