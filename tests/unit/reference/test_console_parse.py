"""Lines of the console as operations: the inverse of `str`, and what is no line."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbench.subjects.reference.drive.console_lines import MalformedLine, parse_line
from ringbench.subjects.reference.vocabulary.constants import VmKind
from ringbench.subjects.reference.vocabulary.flags import FLAGS_ALL, flags_text
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.pmm import PmmAlloc, PmmFree
from ringbench.subjects.reference.vocabulary.operations.table import OPERATIONS
from ringbench.subjects.reference.vocabulary.operations.vmm import VmWrite
from ringbench.subjects.reference.vocabulary.words import PAGE_SIZE_WORDS


def has_text(flags: int) -> bool:
    try:
        return bool(flags_text(flags))
    except ValueError:
        return False


NUMBERS = st.integers(0, (1 << 64) - 1)
TASKS = st.integers(0, 10**6).map("t{}".format)
ROOTS = st.one_of(st.just("kernel"), TASKS, st.integers(0, 99).map("r{}".format))
VALUES: dict[str, st.SearchStrategy[object]] = {
    "object": st.integers(0, 99).map("o{}".format),
    "file": st.integers(0, 99).map("f{}".format),
    "disk": st.integers(0, 99).map("d{}".format),
    "name": st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=64),
    "data": st.binary(min_size=1, max_size=64),
    "flags": st.sampled_from([flags for flags in range(FLAGS_ALL + 1) if has_text(flags)]),
    "kind": st.sampled_from(VmKind.texts()),
    "mode": st.sampled_from("rwx"),
    "page_size": st.sampled_from(list(PAGE_SIZE_WORDS)),
    "root": ROOTS,
    "source": ROOTS,
    "space": ROOTS,
    "task": TASKS,
    "to": ROOTS,
}


@st.composite
def operations(draw: st.DrawFn) -> Operation:
    kind = draw(st.sampled_from(OPERATIONS))
    values = {each.name: draw(VALUES.get(each.name, NUMBERS)) for each in fields(kind)}
    if "kind" in values:
        shared = values["kind"] in ("shared", "private")
        if not shared:
            values["offset"] = None
        if shared or values["kind"] != "physical":
            values["place"] = draw(VALUES["object"]) if shared else None
    if kind is PmmAlloc and draw(st.booleans()):
        values["align"] = None
        if draw(st.booleans()):
            values["count"] = None
    return kind(**values)


@given(operations())
def test_every_operations_line_is_read_back(operation: Operation) -> None:
    assert parse_line(str(operation)) == operation


def test_every_command_is_read() -> None:
    assert {type(parse_line(line)) for line in LINES} == set(OPERATIONS)


LINES = (
    *("pmm alloc", "pmm alloc2m", "pmm free 4096", "pmm info", "page new", "page delete r0"),
    *("page map r0 0x0 0x0 0x1000 4k rw", "page unmap r0 0 4096", "page protect r0 0 4096 rx"),
    *("page query kernel 0", "vm alloc t1 4096 guard r", "vm at t1 0x10000 4096 demand rwu"),
    *("vm free t1 0", "vm protect t1 0 r", "vm resize t1 0 4096", "vm query t1 0"),
    *("vm read t1 0 1", "vm write t1 0 00ff", "vm copy t1 0 kernel 0 1", "touch r0 0 x"),
    *("heap alloc 1", "heap zalloc 1", "heap align 16 1", "heap realloc 0 1", "heap free 0"),
    *("heap check", "heap info", "task new", "task switch t0", "task delete t1"),
    *("disk find swap", "disk info d0", "disk read d0 0 8", "disk write d1 0x10 1 00ff"),
    *("object new 4096", "object drop o0", "space clone t2 t1"),
    *("disk flush d0", "slab new 8 8", "slab delete 0", "slab alloc 0", "slab free 0 0"),
    *("kmalloc alloc 1", "kmalloc free 0"),
    *("buddy alloc 1", "buddy free 0", "buddy info"),
    *("file open a/b.txt", "file close f0", "file read f0 0 64", "file write f1 0x10 00ff"),
    *("file sync f0", "file evict 3"),
)


def test_words_may_be_spelled_as_the_console_takes_them() -> None:
    assert parse_line("  pmm   free 0X1000".replace("X", "x")) == PmmFree(0x1000, 1)
    assert parse_line("pmm alloc 0x10 8192") == PmmAlloc(16, 8192)
    assert parse_line("vm write t1 0xABC FF") == VmWrite("t1", 0xABC, b"\xff")


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("", "no such operation"),
        ("pmm", "no such operation"),
        ("pmm steal 4", "no such operation"),
        ("heap list", "no such operation"),
        ("poweroff", "no such operation"),
        ("pmm free", "1 to 2 words"),
        ("pmm info now", "0 words"),
        ("pmm alloc 1 2 3", "0 to 2 words"),
        ("page delete", "1 words"),
        ("pmm free 12q", "paddr '12q'"),
        ("pmm free -1", "paddr '-1'"),
        ("pmm free 0x", "paddr '0x'"),
        ("pmm free 18446744073709551616", "2^64"),
        ("page map r0 0 0 4096 8k rw", "page_size '8k'"),
        ("page map r0 0 0 4096 4k wr", "flags 'wr'"),
        ("touch r0 0 rw", "mode 'rw'"),
        ("touch x0 0 r", "root 'x0'"),
        ("touch t 0 r", "root 't'"),
        ("task switch r1", "task 'r1'"),
        ("vm write t1 0 0", "data '0'"),
        ("disk info t0", "disk 't0'"),
        ("file sync d0", "file 'd0'"),
        ("disk find " + "x" * 65, "1 to 64 printable characters"),
        ("vm write t1 0 zz", "data 'zz'"),
        ("vm write t1 0 " + "00" * 65, "1 to 64 bytes"),
        ("vm alloc t1 4096 swapped rw", "kind 'swapped'"),
        ("vm alloc t1 4096 shared rw", "kind shared"),
        ("vm alloc t1 4096 shared rw o0", "kind shared"),
        ("vm alloc t1 4096 shared rw 0 0", "kind shared"),
        ("vm alloc t1 4096 physical rw o0", "kind physical"),
        ("vm alloc t1 4096 shared rw x0 0", "place 'x0'"),
        ("vm alloc t1 4096 physical rw", "physical"),
        ("vm alloc t1 4096 demand rw 0x1000", "kind demand"),
    ],
)
def test_what_is_no_operation(line: str, word: str) -> None:
    with pytest.raises(MalformedLine) as caught:
        parse_line(line)
    assert word in str(caught.value)
    assert f"`{line}`" in str(caught.value)
