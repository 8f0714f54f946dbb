"""The paging model against an oracle that is a list of pages, read back by arch's own scanner."""

from dataclasses import dataclass, replace
from itertools import takewhile

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from ringbench.subjects.reference.model.paging import (
    leaf_bits,
    paging_map,
    paging_protect,
    paging_query,
    paging_root_destroy,
    paging_unmap,
)
from ringbench.subjects.reference.model.tables import lower_tables
from ringbench.subjects.reference.vocabulary import flags as page
from ringbench.subjects.reference.vocabulary.status import Status
from tests.plain_views import leaves, problems
from tests.unit.reference.model_paging import FEATURES, GIB1, KIB4, MIB2, SIZES, booted, with_root
from tests.unit.reference.rendered import render


@dataclass(frozen=True)
class Page:
    vaddr: int
    paddr: int
    size: int
    flags: int

    @property
    def end(self) -> int:
        return self.vaddr + self.size


FLAGS = st.sampled_from(
    [
        flags | cache
        for flags in range(16)
        if flags & 5 != 5
        for cache in (page.CACHE_WB, page.CACHE_WT, page.CACHE_UC, page.CACHE_WC)
    ]
)

BASES = (0, GIB1 - MIB2, (1 << 39) - 2 * GIB1, (1 << 47) - 2 * GIB1)

PLACES = st.builds(
    lambda base, big, middle, small: base + big * GIB1 + middle * MIB2 + small * KIB4,
    st.sampled_from(BASES),
    st.integers(0, 1),
    st.sampled_from((0, 0, 1, 511)),
    st.sampled_from((0, 0, 1, 2, 511)),
)


class Root(RuleBasedStateMachine):
    """One bare root, all page sizes, around table boundaries."""

    @initialize()
    def start(self) -> None:
        self.state, self.root = with_root()
        self.begin = self.state
        self.pages: list[Page] = []

    def overlapping(self, va: int, end: int) -> list[Page]:
        return [each for each in self.pages if each.vaddr < end and va < each.end]

    @rule(va=PLACES, count=st.integers(1, 4), size=st.sampled_from(SIZES), flags=FLAGS)
    def map(self, va: int, count: int, size: int, flags: int) -> None:
        va, pa, length = va // size * size, 7 * GIB1 + va % GIB1 // size * size, count * size
        before = self.state
        self.state, status, _ = paging_map(before, self.root, va, pa, length, size, flags)
        if va + length > 1 << 47:
            assert (status, self.state) == (Status.NON_CANONICAL, before)
        elif self.overlapping(va, va + length):
            assert (status, self.state) == (Status.MAPPED, before)
        else:
            assert status is Status.OK
            self.pages += [
                Page(va + offset, pa + offset, size, flags) for offset in range(0, length, size)
            ]

    def judge(self, va: int, length: int) -> Status:
        """The header's rule, page by page."""
        if va + length > 1 << 47:
            return Status.NON_CANONICAL
        position = va
        while position < va + length:
            found = self.overlapping(position, position + KIB4)
            if not found:
                return Status.NOT_MAPPED
            if found[0].vaddr < va or found[0].end > va + length:
                return Status.MISALIGNED
            position = found[0].end
        return Status.OK

    @rule(va=PLACES, length=st.sampled_from((KIB4, 2 * KIB4, MIB2, 2 * MIB2, GIB1)))
    def unmap(self, va: int, length: int) -> None:
        self.try_unmap(va, length)

    def try_unmap(self, va: int, length: int) -> None:
        before, expected = self.state, self.judge(va, length)
        self.state, status, _ = paging_unmap(before, self.root, va, length)
        assert status is expected
        if expected is Status.OK:
            gone = self.overlapping(va, va + length)
            self.pages = [each for each in self.pages if each not in gone]
        else:
            assert self.state == before

    @rule(data=st.data())
    def unmap_one(self, data: st.DataObject) -> None:
        if self.pages:
            each = data.draw(st.sampled_from(self.pages))
            self.try_unmap(each.vaddr, each.size)

    @rule(data=st.data(), head=st.booleans())
    def unmap_a_part_of_one(self, data: st.DataObject, head: bool) -> None:
        large = [each for each in self.pages if each.size > KIB4]
        if large:
            each = data.draw(st.sampled_from(large))
            self.try_unmap(each.vaddr + (0 if head else KIB4), each.size - KIB4)

    @rule(data=st.data(), flags=FLAGS, times=st.integers(1, 2))
    def protect(self, data: st.DataObject, flags: int, times: int) -> None:
        if not self.pages:
            return
        each = data.draw(st.sampled_from(self.pages))
        va, length = each.vaddr, times * each.size
        before, expected = self.state, self.judge(va, length)
        self.state, status, _ = paging_protect(before, self.root, va, length, flags)
        assert status is expected
        if expected is Status.OK:
            changed = self.overlapping(va, va + length)
            self.pages = [
                replace(old, flags=flags) if old in changed else old for old in self.pages
            ]
        else:
            assert self.state == before

    @invariant()
    def the_scanner_sees_the_pages(self) -> None:
        memory = render(self.state.tables)
        found = leaves(memory, self.root, FEATURES)
        seen = [
            (leaf.vaddr, leaf.paddr, leaf.size, leaf.write, leaf.user, leaf.execute, leaf.raw)
            for leaf in takewhile(lambda leaf: leaf.vaddr < 1 << 47, found)
        ]
        levels = {KIB4: 1, MIB2: 2, GIB1: 3}
        assert seen == [
            (
                each.vaddr,
                each.paddr,
                each.size,
                bool(each.flags & page.WRITE),
                bool(each.flags & page.USER),
                bool(each.flags & page.EXEC),
                each.paddr | leaf_bits(each.flags, levels[each.size]),
            )
            for each in sorted(self.pages, key=lambda each: each.vaddr)
        ]

    @invariant()
    def query_answers_the_pages(self) -> None:
        for each in self.pages:
            _, status, found = paging_query(self.state, self.root, each.end - 1)
            assert status is Status.OK
            assert found == (each.vaddr, each.paddr, each.size, each.flags)

    @invariant()
    def frames_are_the_tables(self) -> None:
        """No empty table, none lost: the frames gone are the tables there."""
        lower = lower_tables(self.state.tables, self.root)
        assert all(self.state.tables[table] for table, _ in lower)
        assert self.begin.pmm.free_count - self.state.pmm.free_count == len(lower)
        assert self.begin.tables.keys() ^ self.state.tables.keys() == {table for table, _ in lower}

    def teardown(self) -> None:
        assert list(problems(render(self.state.tables), self.root, FEATURES)) == []
        state, status, _ = paging_root_destroy(self.state, self.root)
        assert status is Status.OK
        assert state == booted()


def test_a_root_against_a_list_of_pages() -> None:
    run_state_machine_as_test(
        Root, settings=settings(max_examples=30, stateful_step_count=25, deadline=None)
    )
