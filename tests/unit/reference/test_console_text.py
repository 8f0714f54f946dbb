"""The console's grammar: every operation has its line, and a reply that does not fit is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbench.drive.reply import Reply
from ringbench.errors import MalformedReply
from ringbench.subjects.reference.drive.console import ConsoleChannel
from ringbench.subjects.reference.drive.console_lines import parse_reply
from ringbench.subjects.reference.vocabulary.flags import FLAGS_ALL, flags_text, parse_flags
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.buddy import (
    BuddyAlloc,
    BuddyFree,
    BuddyInfo,
)
from ringbench.subjects.reference.vocabulary.operations.disk import (
    DiskFind,
    DiskFlush,
    DiskInfo,
    DiskRead,
    DiskWrite,
)
from ringbench.subjects.reference.vocabulary.operations.file import (
    FileClose,
    FileEvict,
    FileOpen,
    FileRead,
    FileSync,
    FileWrite,
)
from ringbench.subjects.reference.vocabulary.operations.heap import (
    HeapAlign,
    HeapAlloc,
    HeapCheck,
    HeapFree,
    HeapInfo,
    HeapRealloc,
    HeapZalloc,
)
from ringbench.subjects.reference.vocabulary.operations.kmalloc import KmallocAlloc, KmallocFree
from ringbench.subjects.reference.vocabulary.operations.object import ObjectDrop, ObjectNew
from ringbench.subjects.reference.vocabulary.operations.paging import (
    PageDelete,
    PageMap,
    PageNew,
    PageProtect,
    PageQuery,
    PageUnmap,
)
from ringbench.subjects.reference.vocabulary.operations.pmm import (
    PmmAlloc,
    PmmAlloc2m,
    PmmFree,
    PmmInfo,
)
from ringbench.subjects.reference.vocabulary.operations.slab import (
    SlabAlloc,
    SlabDelete,
    SlabFree,
    SlabNew,
)
from ringbench.subjects.reference.vocabulary.operations.table import LAYERS, OPERATIONS
from ringbench.subjects.reference.vocabulary.operations.task import TaskDelete, TaskNew, TaskSwitch
from ringbench.subjects.reference.vocabulary.operations.vmm import (
    SpaceClone,
    Touch,
    VmAlloc,
    VmAllocAt,
    VmCopy,
    VmFree,
    VmProtect,
    VmQuery,
    VmRead,
    VmResize,
    VmWrite,
)

LINES: list[tuple[Operation, str]] = [
    (PmmAlloc(), "pmm alloc"),
    (PmmAlloc(12), "pmm alloc 12"),
    (PmmAlloc(1, 0x4000), "pmm alloc 1 0x4000"),
    (PmmAlloc2m(), "pmm alloc2m"),
    (PmmFree(0x5000), "pmm free 0x5000 1"),
    (PmmFree(0x5000, 3), "pmm free 0x5000 3"),
    (PmmInfo(), "pmm info"),
    (PageNew(), "page new"),
    (PageDelete("r3"), "page delete r3"),
    (PageMap("r0", 0x1000, 0x2000, 0x3000, 4096, 3), "page map r0 0x1000 0x2000 0x3000 4k rwu"),
    (PageMap("r0", 0, 0, 1 << 30, 1 << 30, 0x38), "page map r0 0x0 0x0 0x40000000 1g rg:uc"),
    (PageUnmap("r1", 0x1000, 0x2000), "page unmap r1 0x1000 0x2000"),
    (PageProtect("r1", 0x1000, 0x2000, 4), "page protect r1 0x1000 0x2000 rx"),
    (PageQuery("kernel", 0xFFFF800000000000), "page query kernel 0xffff800000000000"),
    (VmAlloc("t1", 0x3000, "demand", 3), "vm alloc t1 0x3000 demand rwu"),
    (
        VmAlloc("kernel", 0x1000, "physical", 0x31, 0xFEE00000),
        "vm alloc kernel 0x1000 physical rw:uc 0xfee00000",
    ),
    (VmAllocAt("t1", 0x10000, 4096, "guard", 0), "vm at t1 0x10000 0x1000 guard r"),
    (VmFree("t1", 0x10000), "vm free t1 0x10000"),
    (VmProtect("t1", 0x10000, 0), "vm protect t1 0x10000 r"),
    (VmResize("t1", 0x10000, 0x5000), "vm resize t1 0x10000 0x5000"),
    (VmQuery("t1", 0x10008), "vm query t1 0x10008"),
    (VmRead("t1", 0x10008, 16), "vm read t1 0x10008 0x10"),
    (VmWrite("t1", 0x10008, b"\x00\xc3"), "vm write t1 0x10008 00c3"),
    (VmCopy("t1", 0x1, "kernel", 0x2, 3), "vm copy t1 0x1 kernel 0x2 0x3"),
    (Touch("r2", 0x1234, "x"), "touch r2 0x1234 x"),
    (HeapAlloc(100), "heap alloc 0x64"),
    (HeapZalloc(100), "heap zalloc 0x64"),
    (HeapAlign(4096, 100), "heap align 0x1000 0x64"),
    (HeapRealloc(0, 1), "heap realloc 0x0 0x1"),
    (HeapFree(0xFFFFC00000000010), "heap free 0xffffc00000000010"),
    (HeapCheck(), "heap check"),
    (HeapInfo(), "heap info"),
    (BuddyAlloc(33), "buddy alloc 0x21"),
    (BuddyFree(0xFFFFC04000000020), "buddy free 0xffffc04000000020"),
    (BuddyInfo(), "buddy info"),
    (ObjectNew(4096), "object new 0x1000"),
    (ObjectDrop("o3"), "object drop o3"),
    (VmAlloc("t1", 4096, "shared", 1, "o3", 0), "vm alloc t1 0x1000 shared rw o3 0x0"),
    (SpaceClone("t2", "t1"), "space clone t2 t1"),
    (KmallocAlloc(5), "kmalloc alloc 0x5"),
    (KmallocFree(32), "kmalloc free 0x20"),
    (SlabNew(24, 8), "slab new 0x18 0x8"),
    (SlabDelete(2), "slab delete 2"),
    (SlabAlloc(0), "slab alloc 0"),
    (SlabFree(0, 0xFFFF800000200080), "slab free 0 0xffff800000200080"),
    (TaskNew(), "task new"),
    (TaskSwitch("t0"), "task switch t0"),
    (TaskDelete("t2"), "task delete t2"),
    (DiskFind("swap"), "disk find swap"),
    (DiskInfo("d1"), "disk info d1"),
    (DiskRead("d0", 16, 8), "disk read d0 0x10 8"),
    (DiskWrite("d0", 16, 8, b"\x00\xff"), "disk write d0 0x10 8 00ff"),
    (DiskFlush("d3"), "disk flush d3"),
    (FileOpen("a/b.txt"), "file open a/b.txt"),
    (FileClose("f1"), "file close f1"),
    (FileRead("f0", 16, 8), "file read f0 0x10 0x8"),
    (FileWrite("f0", 16, b"\x00\xff"), "file write f0 0x10 00ff"),
    (FileSync("f15"), "file sync f15"),
    (FileEvict(3), "file evict 3"),
]

REPLIES: list[tuple[Operation, str, Reply]] = [
    (PmmAlloc(), "ok 0x16d000", Reply("ok", (0x16D000,))),
    (PmmFree(0), "ok", Reply("ok")),
    (PmmInfo(), "ok 16000 15000", Reply("ok", (16000, 15000))),
    (PageNew(), "ok r0", Reply("ok", ("r0",))),
    (ObjectNew(4096), "ok o7", Reply("ok", ("o7",))),
    (
        PageQuery("kernel", 0),
        "ok 0xffff800000200000 0x200000 0x200000 rwg",
        Reply("ok", (0xFFFF800000200000, 0x200000, 0x200000, "rwg")),
    ),
    (
        VmQuery("t1", 0),
        "ok 0x10000 0x3000 demand rwu",
        Reply("ok", (0x10000, 0x3000, "demand", "rwu")),
    ),
    (
        VmQuery("t1", 0),
        "ok 0x10000 0x3000 physical rw:uc- 0xfee00000",
        Reply("ok", (0x10000, 0x3000, "physical", "rw:uc-", 0xFEE00000)),
    ),
    (VmRead("t1", 0, 2), "ok 1234", Reply("ok", ("1234",))),
    (
        Touch("t1", 0, "w"),
        "err fault page_fault error=0x2 cause=not_mapped",
        Reply("fault", ("page_fault", 2, "not_mapped")),
    ),
    (Touch("t1", 0, "x"), "err denied not a RET", Reply("denied")),
    (HeapCheck(), "err corrupt 0xffffc00000000040", Reply("corrupt", (0xFFFFC00000000040,))),
    (HeapFree(1), "err corrupt a header was overwritten", Reply("corrupt")),
    (
        HeapInfo(),
        "ok 0xffffc00000001000 2 1 96 4000",
        Reply("ok", (0xFFFFC00000001000, 2, 1, 96, 4000)),
    ),
    (TaskNew(), "  for people\r\nok t12\r\n", Reply("ok", ("t12",))),
    (DiskFind("swap"), "ok d1", Reply("ok", ("d1",))),
    (FileOpen("a"), "ok f1 0x20", Reply("ok", ("f1", 32))),
    (DiskRead("d0", 0, 1), "err io the disk could not do that", Reply("io")),
    (TaskNew(), "err no_memory not enough free frames", Reply("no_memory")),
]

MALFORMED: list[tuple[Operation, str]] = [
    (PmmAlloc(), ""),
    (PmmAlloc(), "  only for people"),
    (PmmAlloc(), "ok"),
    (PmmAlloc(), "ok 1234"),
    (PmmAlloc(), "ok 0x12 0x13"),
    (PmmAlloc(), "ok 0x12345678901234567"),
    (PmmAlloc(), "ok 0x1000\nok 0x2000"),
    (PmmAlloc(), "yes 0x1000"),
    (PmmAlloc(), "err"),
    (PmmAlloc(), "err oops words"),
    (PmmFree(0), "ok 0x1000"),
    (PmmInfo(), "ok 0x10 0x20"),
    (PageNew(), "ok t0"),
    (PageQuery("kernel", 0), "ok 0x0 0x0 0x1000 wr"),
    (VmQuery("t1", 0), "ok 0x10000 0x3000 unheard rw"),
    (VmRead("t1", 0, 2), "ok 123"),
    (Touch("t1", 0, "w"), "err fault page_fault error=2 cause=not_mapped"),
    (Touch("t1", 0, "w"), "err fault double_fault error=0x2 cause=not_mapped"),
    (Touch("t1", 0, "w"), "err fault page_fault error=0x2 cause=bad_luck"),
    (HeapCheck(), "err corrupt"),
    (DiskFind("swap"), "ok 1"),
    (FileOpen("a"), "ok 1 0x20"),
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
        reply = parse_reply(PmmAlloc(), text)
    except MalformedReply:
        return
    assert not reply.ok or isinstance(reply.values[0], int)


def test_what_the_grammar_has_no_word_for() -> None:
    with pytest.raises(ValueError, match="page size"):
        str(PageMap("r0", 0, 0, 4096, 8192, 0))
    with pytest.raises(ValueError, match="0x50"):
        str(VmProtect("t1", 0, 0x50))
    with pytest.raises(ValueError, match="anonymous with place"):
        VmAlloc("t1", 4096, "anonymous", 1, 0x1000)
    with pytest.raises(ValueError, match="physical with place"):
        VmAllocAt("t1", 0x10000, 4096, "physical", 1)
    with pytest.raises(ValueError, match="count"):
        PmmAlloc(align=4096)


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

    assert ConsoleChannel(command).perform(PmmAlloc(2)) == Reply("ok", (0x7000,))
    assert sent == ["pmm alloc 2"]
