"""The walk and the scan against mappings laid out by an independent little table builder."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringbench.arch.x86_64.features import Features
from ringbench.arch.x86_64.plain_scan import merge, scan
from ringbench.arch.x86_64.records import Leaf, Range, Stop, permissions
from ringbench.arch.x86_64.walk import root_table, translate
from tests.plain_views import leaves, problems, tables
from tests.unit.table_builder import FRAME, SHIFTS, Builder, Mapping

FLAGS = st.builds(
    lambda w, u, nx: w << 1 | u << 2 | nx << 63,
    st.booleans(),
    st.booleans(),
    st.integers(0, 7).map(lambda n: n == 0),  # rarely, or nothing would be executable
)
INDEX = st.sampled_from([0, 1, 2, 255, 256, 510, 511])  # few, so that mappings meet


@st.composite
def one_mapping(draw: st.DrawFn) -> Mapping:
    level = draw(st.sampled_from([1, 1, 1, 2, 2, 3]))
    path = tuple(draw(INDEX) for _ in range(5 - level))
    flags = tuple(draw(FLAGS) for _ in path)
    return Mapping(path, draw(st.integers(0, 2 ** (40 - SHIFTS[level]) - 1)), flags)


@st.composite
def a_run(draw: st.DrawFn) -> list[Mapping]:
    """Neighbouring pages with equal flags and, mostly, neighbouring frames: food for `merge`."""
    level = draw(st.sampled_from([1, 2, 3]))
    head = tuple(draw(INDEX) for _ in range(4 - level))
    start = draw(st.integers(0, 505))
    frame = draw(st.integers(0, 1000))
    flags = tuple(draw(FLAGS) for _ in range(5 - level))
    jumps = draw(st.lists(st.sampled_from([0, 0, 0, 1]), min_size=2, max_size=6))
    return [
        Mapping((*head, start + n), frame + n + sum(jumps[: n + 1]), flags)
        for n in range(len(jumps))
    ]


MAPPINGS = st.builds(
    lambda singles, runs: singles + [mapping for run in runs for mapping in run],
    st.lists(one_mapping(), max_size=20),
    st.lists(a_run(), max_size=3),
)
quick = settings(max_examples=60, deadline=None)


@given(MAPPINGS)
@quick
def test_the_leaves_are_the_mappings(mappings: list[Mapping]) -> None:
    builder, placed = Builder.build(mappings)
    found = list(leaves(builder.memory, builder.root))
    assert [
        (each.vaddr, each.paddr, each.size, each.write, each.user, each.execute) for each in found
    ] == [
        (each.vaddr, each.frame * each.size, each.size, *builder.effective(each)) for each in placed
    ]
    assert not list(problems(builder.memory, builder.root))


@given(MAPPINGS, st.integers(0, 2**30 - 1))
@quick
def test_translate_finds_every_mapping_at_any_offset(
    mappings: list[Mapping], somewhere: int
) -> None:
    builder, placed = Builder.build(mappings)
    by_leaf = {each.vaddr: each for each in leaves(builder.memory, builder.root)}
    for mapping in placed:
        offset = somewhere % mapping.size
        walk = translate(builder.memory, builder.root, mapping.vaddr + offset)
        assert walk.paddr == mapping.frame * mapping.size + offset
        assert walk.leaf == by_leaf[mapping.vaddr]
        assert walk.level == mapping.level
        assert tuple(step.index for step in walk.steps) == mapping.path
        for above, step in pairwise(walk.steps):
            assert step.table == above.entry.address
        for step in walk.steps:
            assert builder.memory.get(step.entry_paddr) == step.entry.raw


@given(MAPPINGS, st.tuples(INDEX, INDEX, INDEX, INDEX))
@quick
def test_translate_says_at_which_level_nothing_is_mapped(
    mappings: list[Mapping], path: tuple[int, int, int, int]
) -> None:
    builder, placed = Builder.build(mappings)
    address = Mapping(path, 0, ()).vaddr
    covering = [m for m in placed if m.vaddr <= address < m.vaddr + m.size]
    walk = translate(builder.memory, builder.root, address)
    if covering:
        assert walk.leaf is not None
        return
    deepest = max(
        (n for n in range(1, 5) if path[:n] in builder.flags), default=0
    )  # entries that exist on the way
    assert (walk.stop, walk.level) == (Stop.NOT_PRESENT, 4 - deepest)
    assert walk.leaf is None
    assert walk.paddr is None
    assert walk.reason.startswith(f"not present at level {4 - deepest}")


@given(MAPPINGS)
@quick
def test_merged_ranges_are_the_leaves_and_cannot_be_joined_further(
    mappings: list[Mapping],
) -> None:
    builder, _ = Builder.build(mappings)
    pages = list(leaves(builder.memory, builder.root))
    ranges = list(merge(pages))
    unfolded = [
        (r.vaddr + n, r.paddr + n, r.page_size, r.write, r.user, r.execute, r.cache)
        for r in ranges
        for n in range(0, r.length, r.page_size)
    ]
    assert unfolded == [
        (p.vaddr, p.paddr, p.size, p.write, p.user, p.execute, p.cache) for p in pages
    ]
    for left, right in pairwise(ranges):
        same_kind = left[3:] == right[3:]
        touching = (left.vaddr + left.length, left.paddr + left.length) == right[:2]
        assert not (same_kind and touching)


@given(MAPPINGS)
@quick
def test_the_tables_are_the_frames_the_builder_made(mappings: list[Mapping]) -> None:
    builder, placed = Builder.build(mappings)
    found = list(tables(builder.memory, builder.root))
    assert sorted(t.paddr for t in found) == list(range(0, len(builder.memory.data), FRAME))
    for table in found:
        end = table.vaddr + (FRAME << 9 * table.level)
        served = [m for m in placed if table.level == 4 or table.vaddr <= m.vaddr < end]
        assert served or not placed, "the builder makes no empty tables"


def test_merge_keeps_apart_what_differs() -> None:
    first = Leaf(0, 0x10000, 4096, True, False, False, False, "WB", False, False, 1)  # type: ignore[arg-type]
    base = first._replace(vaddr=0x1000, paddr=0x11000)
    assert len(list(merge([first, base]))) == 1
    assert len(list(merge([first, base._replace(accessed=True, dirty=True, raw=0x61)]))) == 1
    for change in (
        {"write": False},
        {"user": True},
        {"execute": True},
        {"global_": True},
        {"cache": "UC"},
        {"size": 2**21},
        {"paddr": 0x12000},
        {"vaddr": 0x2000},
    ):
        assert len(list(merge([first, base._replace(**change)]))) == 2, change
    assert list(merge([])) == []


def test_a_range_has_the_shape_of_its_leaves() -> None:
    builder, _ = Builder.build(
        [Mapping((256, 0, 3, n), 8 + n, (6, 6, 6, 2 | 1 << 63)) for n in range(4)]
    )
    assert list(merge(leaves(builder.memory, builder.root))) == [
        Range(0xFFFF_8000_0060_0000, 0x8000, 0x4000, 4096, True, False, False, False, "WB")  # type: ignore[arg-type]
    ]


@pytest.mark.parametrize(
    ("bit", "changed"),
    [
        (1 << 5, {"accessed": True}),
        (1 << 6, {"dirty": True}),
        (1 << 8, {"global_": True}),
        (1 << 3, {"cache": "WT"}),
        (1 << 4, {"cache": "UC-"}),
    ],
)
@pytest.mark.parametrize("path", [(3, 4), (3, 4, 5), (3, 4, 5, 6)])
def test_what_a_leaf_alone_decides(
    path: tuple[int, ...], bit: int, changed: dict[str, object]
) -> None:
    plain, marked = (
        next(leaves(builder.memory, builder.root))
        for flags in (6, 6 | bit)
        for builder, _ in [Builder.build([Mapping(path, 2, (6,) * (len(path) - 1) + (flags,))])]
    )
    expected = plain._asdict() | changed | {"raw": plain.raw | bit}
    assert marked._asdict() == expected
    above, _ = Builder.build([Mapping(path, 2, (6 | bit,) * (len(path) - 1) + (6,))])
    assert next(leaves(above.memory, above.root)) == plain


def test_low_and_high_bits_of_cr3_are_not_address() -> None:
    builder, placed = Builder.build([Mapping((0, 0, 0, 5), 9, (6, 6, 6, 6))])
    cr3 = builder.root | 0x8000_0000_0000_0000 | 0xFFF
    assert root_table(cr3) == builder.root
    assert [p.vaddr for p in leaves(builder.memory, cr3)] == [placed[0].vaddr]
    assert translate(builder.memory, cr3, 0x5123).paddr == 0x9123
    assert translate(builder.memory, cr3, 0x5123).root == builder.root


@pytest.mark.parametrize("address", [0x8000_0000_0000, 0xFFFF_7FFF_FFFF_F000, 2**64, -1])
def test_a_non_canonical_address_is_not_walked(address: int) -> None:
    builder, _ = Builder.build([])
    walk = translate(builder.memory, builder.root, address)
    assert (walk.stop, walk.steps, walk.reason) == (Stop.NON_CANONICAL, (), "non-canonical address")


def test_the_same_bytes_mean_something_else_without_gib_pages() -> None:
    builder, _ = Builder.build([Mapping((0, 1), 3, (6, 6))])
    small = Features(gib_pages=False)
    assert [p.size for p in leaves(builder.memory, builder.root)] == [2**30]
    assert [p.stop for p in problems(builder.memory, builder.root, small)] == [Stop.RESERVED]
    assert translate(builder.memory, builder.root, 2**30, small).stop is Stop.RESERVED


def test_a_table_comes_before_what_it_holds_and_addresses_ascend() -> None:
    builder, _ = Builder.build([Mapping((p, 0, 0, 1), 1, (6,) * 4) for p in (0, 1, 255, 256, 511)])
    records = list(scan(builder.memory, builder.root))
    kinds = [type(r).__name__ for r in records]
    assert kinds == ["Table"] + ["Table", "Table", "Table", "Leaf"] * 5
    starts = [r.vaddr for r in records]
    assert starts == sorted(starts)


@given(MAPPINGS, st.lists(INDEX, min_size=1, max_size=3, unique=True), FLAGS)
@quick
def test_a_fifth_level_is_one_more_digit_and_its_rights(
    mappings: list[Mapping], slots: list[int], flags: int
) -> None:
    """What is mapped below each entry of a PML5 is what the PML4 there maps with 4 levels."""
    builder, placed = Builder.build(mappings)
    top = builder.memory.new_frame()
    for slot in slots:
        builder.memory.put(top + 8 * slot, builder.root | flags | 1)
    features = Features(levels=5)
    allowed = (bool(flags & 2), bool(flags & 4), not flags >> 63)
    expected = [
        (
            (0xFE00_0000_0000_0000 if slot >= 256 else 0) + (slot << 48) + mapping.vaddr % 2**48,
            mapping.frame * mapping.size,
            *(
                own and above
                for own, above in zip(builder.effective(mapping), allowed, strict=True)
            ),
        )
        for slot in sorted(slots)
        for mapping in placed
    ]
    found = list(leaves(builder.memory, top, features))
    assert [(p.vaddr, p.paddr, p.write, p.user, p.execute) for p in found] == expected
    for vaddr, paddr, *_ in expected:
        walk = translate(builder.memory, top, vaddr, features)
        assert (walk.paddr, walk.steps[0].level, walk.steps[0].table) == (paddr, 5, top)
    assert [t.level for t in tables(builder.memory, top, features)][:1] == [5]


@pytest.mark.parametrize(
    ("address", "levels", "walked"),
    [
        (0x8000_0000_0000, 4, False),
        (0x8000_0000_0000, 5, True),
        (0x00FF_FFFF_FFFF_FFFF, 5, True),
        (0x0100_0000_0000_0000, 5, False),
        (0xFEFF_FFFF_FFFF_FFFF, 5, False),
        (0xFF00_0000_0000_0000, 5, True),
        (0xFF00_0000_0000_0000, 4, False),
    ],
)
def test_which_addresses_are_canonical_depends_on_the_levels(
    address: int, levels: int, walked: bool
) -> None:
    builder, _ = Builder.build([])
    walk = translate(builder.memory, builder.root, address, Features(levels=levels))
    assert (walk.stop is not Stop.NON_CANONICAL) is walked


def test_permissions_text() -> None:
    assert permissions(True, True, True) == "urwx"
    assert permissions(False, False, False) == "-r--"
