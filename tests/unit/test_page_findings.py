"""What is said of an address space that no model knows."""

import struct
from itertools import chain

import pytest

from ringbench.arch.x86_64.bulk import decode
from ringbench.arch.x86_64.entry import NX
from ringbench.arch.x86_64.features import Features
from ringbench.arch.x86_64.tables import AddressSpace
from ringbench.debuginfo.elf import LoadSegment
from ringbench.machine import BytesMemory
from ringbench.observe.page_findings import Finding, Kind, findings

RAM = [(0, 0x9_0000), (0x10_0000, 0x20_0000)]
TEXT = LoadSegment(0xFFFF_8000_0000_1000, 0x10_0000, 0x1800, b"", writable=False, executable=True)
CODE, DATA = 0x1, 0x3 | NX


def space(*pages: tuple[int, int], more: dict[int, int] | None = None) -> AddressSpace:
    """Return what a root at 0x1000 maps: pages by index and entry, in both halves.

    The upper half is the supervisor's alone.
    """
    words = {0x1000: 0x2007, 0x1000 + 8 * 256: 0x2003, 0x2000: 0x3007, 0x3000: 0x4007}
    words |= {0x4000 + 8 * index: word for index, word in pages} | (more or {})
    data = bytearray(0x5000)
    for paddr, word in words.items():
        struct.pack_into("<Q", data, paddr, word)
    return decode(BytesMemory(data), 0x1000, Features(physical_bits=40), fold=True)


def found(
    of: AddressSpace, text: tuple[LoadSegment, ...] = (), ram: list[tuple[int, int]] | None = None
) -> list[tuple[Kind, int, int, int]]:
    """Return the findings of the lower half."""
    return [
        (each.kind, each.vaddr, each.length, each.paddr)
        for each in chain.from_iterable(findings(of, of.leaves, text, ram))
        if each.vaddr < 1 << 63
    ]


def test_sound_tables_give_nothing() -> None:
    of = space((1, 0x10_0000 | CODE), (2, 0x10_1000 | CODE), (5, 0x10_2000 | DATA))
    assert findings(of, of.leaves, (TEXT,), RAM) == ()


def test_writable_and_executable_pages_are_told_range_by_range() -> None:
    of = space((1, 0x10_0003), (2, 0x10_1003), (4, 0x10_3003), (5, 0x10_4000 | DATA))
    assert found(of) == [
        (Kind.WRITABLE_CODE, 0x1000, 0x2000, 0x10_0000),
        (Kind.WRITABLE_CODE, 0x4000, 0x1000, 0x10_3000),
    ]
    [both] = findings(of, of.leaves)
    assert len(both) == 4
    assert str(next(iter(both))) == "writable and executable: 0x1000..0x2fff -> 0x100000"


@pytest.mark.parametrize(
    ("frame", "told"), [(0xF_F000, False), (0x10_0000, True), (0x10_1000, True), (0x10_2000, False)]
)
def test_kernel_text_that_user_code_can_write(frame: int, told: bool) -> None:
    """The text is where its own addresses lead, 0x100000 to 0x1017ff."""
    alias = (9, frame | 7 | NX)
    of = space((1, 0x10_0000 | CODE), (2, 0x10_1000 | CODE), alias)
    expected = [(Kind.USER_TEXT, 0x9000, 0x1000, frame)] if told else []
    assert found(of, (TEXT,)) == expected
    assert found(space((1, 0x10_0000 | CODE), (9, frame | 3 | NX)), (TEXT,)) == []
    assert found(space((1, 0x10_0000 | CODE), (9, frame | 5 | NX)), (TEXT,)) == []


def test_text_that_is_not_mapped_lies_where_it_was_loaded() -> None:
    of = space((9, 0x10_1000 | 7 | NX))
    assert found(of, (TEXT,)) == [(Kind.USER_TEXT, 0x9000, 0x1000, 0x10_1000)]


def test_a_page_table_that_user_code_can_write() -> None:
    of = space((7, 0x3000 | 7 | NX), (8, 0x4000 | 3 | NX), (9, 0x5000 | 7 | NX))
    assert found(of) == [(Kind.USER_TABLE, 0x7000, 0x1000, 0x3000)]
    window = space(more={0x1000 + 8 * 20: 0x1007})
    assert found(window) == [(Kind.USER_TABLE, 20 << 39, 1 << 39, 0x1000)]
    assert found(space(more={0x1000 + 8 * 20: 0x1003})) == []


def test_what_is_a_problem_is_a_warning_too() -> None:
    of = space((3, 1 << 51 | 3), more={0x3008: 0x7777_7007})
    assert found(of) == [
        (Kind.TABLE_OUTSIDE, 0x20_0000, 0x20_0000, 0x7777_7000),
        (Kind.RESERVED, 0x3000, 0x1000, 0x4000),
    ]
    assert all(kind.is_warning for kind, *_ in found(of))


def test_what_is_not_ram_is_information() -> None:
    """Hole by hole; of a 2 MiB page at 0 the part from the end of RAM to 1 MiB, to the page."""
    of = space((1, 0xFEE0_0000 | DATA), more={0x3008: 0x80 | DATA, 0x3010: 0x20_0080 | DATA})
    assert found(of, ram=RAM) == [
        (Kind.OUTSIDE_RAM, 0x29_0000, 0x7_0000, 0x9_0000),
        (Kind.OUTSIDE_RAM, 0x1000, 0x1000, 0xFEE0_0000),
        (Kind.OUTSIDE_RAM, 0x40_0000, 0x20_0000, 0x20_0000),
    ]
    assert not Kind.OUTSIDE_RAM.is_warning
    assert found(of) == []
    assert len(found(of, ram=[])) == 2


def test_only_pages_of_interest_are_spoken_of() -> None:
    of = space((1, 0x10_0003), (5, 0x10_4003))
    wanted = of.leaves.between(0x5000, 0x6000)
    [found_there] = findings(of, wanted)
    assert list(found_there) == [Finding(Kind.WRITABLE_CODE, 0x5000, 0x1000, 0x10_4000)]
