"""The console's grammar: every operation has its line, and a reply that does not fit is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbench.drive.reply import Reply
from ringbench.errors import MalformedReply
from ringbench.subjects.reference.drive.console import ConsoleChannel
from ringbench.subjects.reference.drive.console_lines import parse_reply
from ringbench.subjects.reference.vocabulary import operations as ops
from ringbench.subjects.reference.vocabulary.flags import FLAGS_ALL, flags_text, parse_flags
from ringbench.subjects.reference.vocabulary.operations import LAYERS, OPERATIONS, Operation

LINES: list[tuple[Operation, str]] = [
    (ops.PmmAlloc(), "pmm alloc"),
    (ops.PmmAlloc(12), "pmm alloc 12"),
    (ops.PmmAlloc(1, 0x4000), "pmm alloc 1 0x4000"),
    (ops.PmmAlloc2m(), "pmm alloc2m"),
    (ops.PmmFree(0x5000), "pmm free 0x5000 1"),
    (ops.PmmFree(0x5000, 3), "pmm free 0x5000 3"),
    (ops.PmmInfo(), "pmm info"),
    (ops.PageNew(), "page new"),
    (ops.PageDelete("r3"), "page delete r3"),
    (ops.PageMap("r0", 0x1000, 0x2000, 0x3000, 4096, 3), "page map r0 0x1000 0x2000 0x3000 4k rwu"),
    (ops.PageMap("r0", 0, 0, 1 << 30, 1 << 30, 0x38), "page map r0 0x0 0x0 0x40000000 1g rg:uc"),
    (ops.PageUnmap("r1", 0x1000, 0x2000), "page unmap r1 0x1000 0x2000"),
    (ops.PageProtect("r1", 0x1000, 0x2000, 4), "page protect r1 0x1000 0x2000 rx"),
    (ops.PageQuery("kernel", 0xFFFF800000000000), "page query kernel 0xffff800000000000"),
    (ops.VmAlloc("t1", 0x3000, "demand", 3), "vm alloc t1 0x3000 demand rwu"),
    (
        ops.VmAlloc("kernel", 0x1000, "physical", 0x31, 0xFEE00000),
        "vm alloc kernel 0x1000 physical rw:uc 0xfee00000",
    ),
    (ops.VmAllocAt("t1", 0x10000, 4096, "guard", 0), "vm at t1 0x10000 0x1000 guard r"),
    (ops.VmFree("t1", 0x10000), "vm free t1 0x10000"),
    (ops.VmProtect("t1", 0x10000, 0), "vm protect t1 0x10000 r"),
    (ops.VmResize("t1", 0x10000, 0x5000), "vm resize t1 0x10000 0x5000"),
    (ops.VmQuery("t1", 0x10008), "vm query t1 0x10008"),
    (ops.VmRead("t1", 0x10008, 16), "vm read t1 0x10008 0x10"),
    (ops.VmWrite("t1", 0x10008, b"\x00\xc3"), "vm write t1 0x10008 00c3"),
    (ops.VmCopy("t1", 0x1, "kernel", 0x2, 3), "vm copy t1 0x1 kernel 0x2 0x3"),
    (ops.Touch("r2", 0x1234, "x"), "touch r2 0x1234 x"),
    (ops.HeapAlloc(100), "heap alloc 0x64"),
    (ops.HeapZalloc(100), "heap zalloc 0x64"),
    (ops.HeapAlign(4096, 100), "heap align 0x1000 0x64"),
    (ops.HeapRealloc(0, 1), "heap realloc 0x0 0x1"),
    (ops.HeapFree(0xFFFFC00000000010), "heap free 0xffffc00000000010"),
    (ops.HeapCheck(), "heap check"),
    (ops.HeapInfo(), "heap info"),
    (ops.SlabNew(24, 8), "slab new 0x18 0x8"),
    (ops.SlabDelete(2), "slab delete 2"),
    (ops.SlabAlloc(0), "slab alloc 0"),
    (ops.SlabFree(0, 0xFFFF800000200080), "slab free 0 0xffff800000200080"),
    (ops.TaskNew(), "task new"),
    (ops.TaskSwitch("t0"), "task switch t0"),
    (ops.TaskDelete("t2"), "task delete t2"),
    (ops.DiskFind("swap"), "disk find swap"),
    (ops.DiskInfo("d1"), "disk info d1"),
    (ops.DiskRead("d0", 16, 8), "disk read d0 0x10 8"),
    (ops.DiskWrite("d0", 16, 8, b"\x00\xff"), "disk write d0 0x10 8 00ff"),
    (ops.DiskFlush("d3"), "disk flush d3"),
]

REPLIES: list[tuple[Operation, str, Reply]] = [
    (ops.PmmAlloc(), "ok 0x16d000", Reply("ok", (0x16D000,))),
    (ops.PmmFree(0), "ok", Reply("ok")),
    (ops.PmmInfo(), "ok 16000 15000", Reply("ok", (16000, 15000))),
    (ops.PageNew(), "ok r0", Reply("ok", ("r0",))),
    (
        ops.PageQuery("kernel", 0),
        "ok 0xffff800000200000 0x200000 0x200000 rwg",
        Reply("ok", (0xFFFF800000200000, 0x200000, 0x200000, "rwg")),
    ),
    (
        ops.VmQuery("t1", 0),
        "ok 0x10000 0x3000 demand rwu",
        Reply("ok", (0x10000, 0x3000, "demand", "rwu")),
    ),
    (
        ops.VmQuery("t1", 0),
        "ok 0x10000 0x3000 physical rw:uc- 0xfee00000",
        Reply("ok", (0x10000, 0x3000, "physical", "rw:uc-", 0xFEE00000)),
    ),
    (ops.VmRead("t1", 0, 2), "ok 1234", Reply("ok", ("1234",))),
    (
        ops.Touch("t1", 0, "w"),
        "err fault page_fault error=0x2 cause=not_mapped",
        Reply("fault", ("page_fault", 2, "not_mapped")),
    ),
    (ops.Touch("t1", 0, "x"), "err denied not a RET", Reply("denied")),
    (ops.HeapCheck(), "err corrupt 0xffffc00000000040", Reply("corrupt", (0xFFFFC00000000040,))),
    (ops.HeapFree(1), "err corrupt a header was overwritten", Reply("corrupt")),
    (
        ops.HeapInfo(),
        "ok 0xffffc00000001000 2 1 96 4000",
        Reply("ok", (0xFFFFC00000001000, 2, 1, 96, 4000)),
    ),
    (ops.TaskNew(), "  for people\r\nok t12\r\n", Reply("ok", ("t12",))),
    (ops.DiskFind("swap"), "ok d1", Reply("ok", ("d1",))),
    (ops.DiskRead("d0", 0, 1), "err io the disk could not do that", Reply("io")),
    (ops.TaskNew(), "err no_memory not enough free frames", Reply("no_memory")),
]

MALFORMED: list[tuple[Operation, str]] = [
    (ops.PmmAlloc(), ""),
    (ops.PmmAlloc(), "  only for people"),
    (ops.PmmAlloc(), "ok"),
    (ops.PmmAlloc(), "ok 1234"),
    (ops.PmmAlloc(), "ok 0x12 0x13"),
    (ops.PmmAlloc(), "ok 0x12345678901234567"),
    (ops.PmmAlloc(), "ok 0x1000\nok 0x2000"),
    (ops.PmmAlloc(), "yes 0x1000"),
    (ops.PmmAlloc(), "err"),
    (ops.PmmAlloc(), "err oops words"),
    (ops.PmmFree(0), "ok 0x1000"),
    (ops.PmmInfo(), "ok 0x10 0x20"),
    (ops.PageNew(), "ok t0"),
    (ops.PageQuery("kernel", 0), "ok 0x0 0x0 0x1000 wr"),
    (ops.VmQuery("t1", 0), "ok 0x10000 0x3000 unheard rw"),
    (ops.VmRead("t1", 0, 2), "ok 123"),
    (ops.Touch("t1", 0, "w"), "err fault page_fault error=2 cause=not_mapped"),
    (ops.Touch("t1", 0, "w"), "err fault double_fault error=0x2 cause=not_mapped"),
    (ops.Touch("t1", 0, "w"), "err fault page_fault error=0x2 cause=bad_luck"),
    (ops.HeapCheck(), "err corrupt"),
    (ops.DiskFind("swap"), "ok 1"),
]


@pytest.mark.parametrize(("operation", "line"), LINES)
def test_lines(operation: Operation, line: str) -> None:
    assert str(operation) == line


def test_every_operation_has_a_line_and_a_layer() -> None:
    assert {type(operation) for operation, _ in LINES} == set(OPERATIONS)
    assert {operation.layer for operation in OPERATIONS} == set(LAYERS)


@pytest.mark.parametrize(("operation", "text", "reply"), REPLIES)
def test_replies(operation: Operation, text: str, reply: Reply) -> None:
    assert parse_reply(operation, text) == reply


@pytest.mark.parametrize(("operation", "text"), MALFORMED)
def test_malformed_replies(operation: Operation, text: str) -> None:
    with pytest.raises(MalformedReply) as raised:
        parse_reply(operation, text)
    assert str(operation) in str(raised.value)


@given(st.text(alphabet="ok er0x19af\r\n =t", max_size=40))
def test_any_text_is_a_reply_or_malformed(text: str) -> None:
    try:
        reply = parse_reply(ops.PmmAlloc(), text)
    except MalformedReply:
        return
    assert not reply.ok or isinstance(reply.values[0], int)


def test_what_the_grammar_has_no_word_for() -> None:
    with pytest.raises(ValueError, match="page size"):
        str(ops.PageMap("r0", 0, 0, 4096, 8192, 0))
    with pytest.raises(ValueError, match="0x50"):
        str(ops.VmProtect("t1", 0, 0x50))
    with pytest.raises(ValueError, match="physical"):
        ops.VmAlloc("t1", 4096, "anonymous", 1, 0x1000)
    with pytest.raises(ValueError, match="physical"):
        ops.VmAllocAt("t1", 0x10000, 4096, "physical", 1)
    with pytest.raises(ValueError, match="count"):
        ops.PmmAlloc(align=4096)


def test_flags_there_and_back() -> None:
    texts = set()
    for flags in range(FLAGS_ALL + 1):
        if flags >> 4 <= 4:
            text = flags_text(flags)
            assert parse_flags(text) == flags
            texts.add(text)
    assert len(texts) == 5 * 16
    assert flags_text(0x4F) == "rwxug:wc", "the letters in the grammar's order"


@pytest.mark.parametrize(
    "text", ["", "w", "rr", "ruw", "rux", "rxw", "rgu", "rw:", "rw:xx", "rwx ", "rw:uc:uc", "r:-"]
)
def test_words_that_are_no_flags(text: str) -> None:
    with pytest.raises(ValueError, match="page flags"):
        parse_flags(text)


def test_the_channel_sends_the_line_and_returns_the_reply() -> None:
    sent: list[str] = []

    def command(line: str) -> str:
        sent.append(line)
        return "ok 0x7000"

    assert ConsoleChannel(command).perform(ops.PmmAlloc(2)) == Reply("ok", (0x7000,))
    assert sent == ["pmm alloc 2"]
