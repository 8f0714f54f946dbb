"""The parsers on QEMU 7.2.22's own words about tables that are rebuilt here, and the comparisons.

The tables were built by hand in a guest's first instructions: 1 GiB, 2 MiB and 4 KiB leaves, one
directory reached through a read-only and through a supervisor entry, a recursive slot.
"""

import dataclasses

import pytest

from ringbench.arch.x86_64.walk import translate
from ringbench.check.witnesses import (
    compare_gva2gpa,
    compare_info_mem,
    compare_info_tlb,
    mem_lines,
    parse_gva2gpa,
    parse_info_mem,
    parse_info_tlb,
    tlb_line,
)
from ringbench.errors import RingbenchError
from tests.plain_views import leaves, problems
from tests.unit.tables_of_a_guest import MEMORY, ROOT, TABLES, Tables

INFO_TLB = """\
0000000000000000: 0000000000000000 --P-A---W
0000000000200000: 0000000000200000 --P-----W
0000000000400000: 0000000000400000 --PDA--UW
0000000000600000: 0000000000600000 XGP----UW
0000000000a00000: 0000000000100000 --------W
0000000000a01000: 0000000000101000 ---------
0000000000a02000: 0000000000102000 -------U-
0000000000a03000: 0000000000103000 X------UW
0000000000a04000: 0000000000104000 -G---CTUW
0000000000a05000: 0000000000105000 -------UW
0000000000bff000: 0000000000107000 --------W
0000000040000000: 0000000040000000 X-P-----W
0000000080000000: 0000000080000000 --P----UW
ffff800000000000: 0000000000000000 --P-A---W
ffff800000200000: 0000000000200000 --P-----W
ffff800000400000: 0000000000400000 --PDA--UW
ffff800000600000: 0000000000600000 XGP----UW
ffff800000a00000: 0000000000100000 --------W
ffff800000a01000: 0000000000101000 ---------
ffff800000a02000: 0000000000102000 -------U-
ffff800000a03000: 0000000000103000 X------UW
ffff800000a04000: 0000000000104000 -G---CTUW
ffff800000a05000: 0000000000105000 -------UW
ffff800000bff000: 0000000000107000 --------W
ffff800040000000: 0000000040000000 X-P-----W
ffff800080000000: 0000000080000000 --P----UW
ffffff0000000000: 0000000000000000 ----A---W
ffffff0000001000: 0000000000200000 --------W
ffffff0000002000: 0000000000400000 ---DA--UW
ffffff0000003000: 0000000000600000 XG-----UW
ffffff0000005000: 0000000000305000 ----A--UW
ffffff0000200000: 0000000040000000 X-P-----W
ffffff0000400000: 0000000080000000 --P----UW
ffffff4000000000: 0000000000000000 ----A---W
ffffff4000001000: 0000000000200000 --------W
ffffff4000002000: 0000000000400000 ---DA--UW
ffffff4000003000: 0000000000600000 XG-----UW
ffffff4000005000: 0000000000305000 ----A--UW
ffffff4000200000: 0000000040000000 X-P-----W
ffffff4000400000: 0000000080000000 --P----UW
ffffff7f80000000: 0000000000303000 ----A--UW
ffffff7f80001000: 0000000040000000 X-------W
ffffff7f80002000: 0000000080000000 -------UW
ffffff7fa0000000: 0000000000303000 ----A--UW
ffffff7fa0001000: 0000000040000000 X-------W
ffffff7fa0002000: 0000000080000000 -------UW
ffffff7fbfc00000: 0000000000301000 ----A--UW
ffffff7fbfd00000: 0000000000301000 ----A---W
ffffff7fbfdfe000: 0000000000300000 --------W
ffffff7fbfdff000: 0000000000302000 ----A---W
ffffff7fbfffe000: 0000000000304000 ----A----
ffffff7fffc00000: 0000000000001000 --------W
ffffff7fffc01000: 0000000000305000 ----A---W
ffffffff80000000: 0000000000000000 --P-----W
ffffffff80200000: 0000000000100000 --------W
ffffffff80201000: 0000000000101000 ---------
ffffffff80202000: 0000000000102000 -------U-
ffffffff80203000: 0000000000103000 X------UW
ffffffff80204000: 0000000000104000 -G---CTUW
ffffffff80205000: 0000000000105000 -------UW
ffffffff803ff000: 0000000000107000 --------W
"""

INFO_MEM = """\
0000000000000000-0000000000400000 0000000000400000 -rw
0000000000400000-0000000000800000 0000000000400000 urw
0000000000a00000-0000000000a01000 0000000000001000 -rw
0000000000a01000-0000000000a02000 0000000000001000 -r-
0000000000a02000-0000000000a03000 0000000000001000 ur-
0000000000a03000-0000000000a06000 0000000000003000 urw
0000000000bff000-0000000000c00000 0000000000001000 -rw
0000000040000000-0000000080000000 0000000040000000 -rw
0000000080000000-00000000c0000000 0000000040000000 urw
ffff800000000000-ffff800000800000 0000000000800000 -rw
ffff800000a00000-ffff800000a01000 0000000000001000 -rw
ffff800000a01000-ffff800000a03000 0000000000002000 -r-
ffff800000a03000-ffff800000a06000 0000000000003000 -rw
ffff800000bff000-ffff800000c00000 0000000000001000 -rw
ffff800040000000-ffff8000c0000000 0000000080000000 -rw
ffffff0000000000-ffffff0000004000 0000000000004000 -rw
ffffff0000005000-ffffff0000006000 0000000000001000 -rw
ffffff0000200000-ffffff0000600000 0000000000400000 -rw
ffffff4000000000-ffffff4000004000 0000000000004000 -rw
ffffff4000005000-ffffff4000006000 0000000000001000 -rw
ffffff4000200000-ffffff4000600000 0000000000400000 -rw
ffffff7f80000000-ffffff7f80003000 0000000000003000 -rw
ffffff7fa0000000-ffffff7fa0003000 0000000000003000 -rw
ffffff7fbfc00000-ffffff7fbfc01000 0000000000001000 -rw
ffffff7fbfd00000-ffffff7fbfd01000 0000000000001000 -rw
ffffff7fbfdfe000-ffffff7fbfe00000 0000000000002000 -rw
ffffff7fbfffe000-ffffff7fbffff000 0000000000001000 -r-
ffffff7fffc00000-ffffff7fffc02000 0000000000002000 -r-
ffffffff80000000-ffffffff80206000 0000000000206000 -r-
ffffffff803ff000-ffffffff80400000 0000000000001000 -r-
"""

GVA2GPA = {
    0x400123: "gpa: 0x400123\n",
    0x900000: "Unmapped\n",
    0xFFFF_FFFF_8020_1000: "gpa: 0x101000\n",
    0xFFFF_8000_0000_0000: "gpa: 0\n",
    0x8000_0000_0000: "Unmapped\n",
}


LEAVES = list(leaves(MEMORY, ROOT))


def test_qemu_and_the_walk_agree_on_every_leaf() -> None:
    lines = parse_info_tlb(INFO_TLB)
    assert len(lines) == len(LEAVES) == 61
    assert compare_info_tlb(LEAVES, problems(MEMORY, ROOT), lines) == []


def test_qemu_and_the_walk_agree_on_effective_rights() -> None:
    lines = parse_info_mem(INFO_MEM)
    assert len(lines) == 30
    assert compare_info_mem(LEAVES, lines) == []


@pytest.mark.parametrize(("vaddr", "answer"), GVA2GPA.items())
def test_qemu_and_the_walk_agree_on_a_translation(vaddr: int, answer: str) -> None:
    walk = translate(MEMORY, ROOT, vaddr)
    assert compare_gva2gpa(walk, parse_gva2gpa(answer)) == []


def test_an_empty_space_is_empty_everywhere() -> None:
    assert parse_info_tlb("") == ()
    assert parse_info_mem("\r\n") == ()


@pytest.mark.parametrize("line", sorted({n * 7 for n in range(8)}))
def test_every_field_of_a_line_counts(line: int) -> None:
    lines = list(parse_info_tlb(INFO_TLB))
    good = lines[line]
    changes = [("paddr", good.paddr ^ 0x1000), ("vaddr", good.vaddr ^ 0x1_0000_0000)]
    for position in range(9):
        letter = "XGPDACTUW"[position] if good.flags[position] == "-" else "-"
        flags = good.flags[:position] + letter + good.flags[position + 1 :]
        changes.append(("flags", flags))  # type: ignore[arg-type]
    for name, value in changes:
        lines[line] = dataclasses.replace(good, **{name: value})  # type: ignore[arg-type]
        found = compare_info_tlb(LEAVES, [], lines)
        assert len(found) == (2 if name == "vaddr" else 1), (name, value)
        assert f"{good.vaddr:#x}" in {each.where.removeprefix("virtual ") for each in found}


@pytest.mark.parametrize(
    ("bit", "flags"),
    [
        (1 << 63, "X--------"),
        (1 << 8, "-G-------"),
        (1 << 6, "---D-----"),
        (1 << 5, "----A----"),
        (1 << 4, "-----C---"),
        (1 << 3, "------T--"),
        (1 << 2, "-------U-"),
        (1 << 1, "--------W"),
    ],
)
def test_each_letter_is_one_bit_of_the_leaf(bit: int, flags: str) -> None:
    assert tlb_line(LEAVES[0]._replace(size=4096, raw=1 | bit)).flags == flags


def test_a_missing_and_a_surplus_line_are_each_told_once() -> None:
    lines = parse_info_tlb(INFO_TLB)
    (missing,) = compare_info_tlb(LEAVES, [], lines[1:])
    assert (missing.where, missing.seen) == ("virtual 0x0", "no leaf")
    assert missing.expected == "physical 0x0 --P-A---W"
    (surplus,) = compare_info_tlb(LEAVES[1:], [], lines)
    assert (surplus.expected, surplus.seen) == ("no leaf", "physical 0x0 --P-A---W")


def test_where_the_walk_has_a_problem_qemu_may_list_what_it_likes() -> None:
    words = TABLES | {0x305000: 0x100003 | 1 << 51}
    memory = Tables({paddr: word for paddr, word in words.items() if paddr != 0x300000 + 8 * 510})
    from ringbench.arch.x86_64.features import Features

    narrow = Features(physical_bits=40)
    found = list(leaves(memory, ROOT, narrow))
    lines = [line for line in parse_info_tlb(INFO_TLB) if line.vaddr >> 39 & 511 != 510]
    assert compare_info_tlb(found, problems(memory, ROOT, narrow), lines) == []
    assert len(compare_info_tlb(found, [], lines)) == 3


def test_effective_rights_are_compared_not_those_of_the_leaf() -> None:
    leaf = next(each for each in LEAVES if each.vaddr == 0xFFFF_8000_0040_0000)
    assert leaf.raw & 4
    assert not leaf.user
    wrong = [each._replace(user=True) if each is leaf else each for each in LEAVES]
    found = compare_info_mem(wrong, parse_info_mem(INFO_MEM))
    assert {each.where for each in found} == {
        "virtual 0xffff800000000000",
        "virtual 0xffff800000400000",
        "virtual 0xffff800000600000",
    }


def test_ranges_join_across_the_hole_between_the_halves() -> None:
    page = LEAVES[0]._replace(size=4096, paddr=0)
    low = page._replace(vaddr=0x7FFF_FFFF_F000)
    high = page._replace(vaddr=0xFFFF_8000_0000_0000)
    (line,) = mem_lines([low, high])
    assert str(line) == "0x7ffffffff000..0xffff800000000fff -rw"
    # As QEMU prints it: the last page of memory ends at 2^48, whose bit 47 is clear.
    top = page._replace(vaddr=0xFFFF_FFFF_FFFF_F000)
    text = "fffffffffffff000-0001000000000000 0000000000001000 -rw\n"
    assert parse_info_mem(text) == tuple(mem_lines([top]))


def test_a_wrong_translation_is_told() -> None:
    walk = translate(MEMORY, ROOT, 0x400123)
    (wrong,) = compare_gva2gpa(walk, 0x400000)
    assert (wrong.expected, wrong.seen) == ("0x400123", "0x400000")
    (unmapped,) = compare_gva2gpa(walk, None)
    assert unmapped.seen == "unmapped"


@pytest.mark.parametrize("text", ["PG disabled", "nonsense", "0000: 00 --"])
def test_words_that_are_not_understood_are_an_error(text: str) -> None:
    for parse in (parse_info_tlb, parse_info_mem, parse_gva2gpa):
        with pytest.raises(RingbenchError, match="is not understood"):
            parse(text)
