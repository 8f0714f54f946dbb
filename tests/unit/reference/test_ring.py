"""The ring's requests and replies as bytes: every operation goes in, every reply comes out."""

import struct

import pytest

from ringbench.drive.reply import Reply
from ringbench.errors import MalformedReply
from ringbench.subjects.reference.drive.ring_format import RingCodec, RingFormat
from ringbench.subjects.reference.vocabulary.flags import EXEC, USER, WRITE
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
from ringbench.subjects.reference.vocabulary.operations.table import OPERATIONS
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

REQUEST = struct.Struct("<II7Q64s")
REPLY = struct.Struct("<iI8Q64s")
KERNEL, TASK, ROOT = 0, 1, 2
RING = RingFormat(
    slots=4,
    request=REQUEST,
    arguments=7,
    reply=REPLY,
    values=8,
    commands={name: 10 + number for number, name in enumerate(each.command for each in OPERATIONS)},
    handles={"kernel": KERNEL, "task": TASK, "root": ROOT, "bits": 2},
    handle_bits=2,
    kinds={
        "anonymous": 0,
        "demand": 1,
        "physical": 2,
        "guard": 3,
        "shared": 4,
        "private": 5,
        "kind_count": 6,
    },
    accesses={"read": 0, "write": 1, "execute": 2},
    statuses={"ok": 0, "no_memory": -5, "not_mapped": -10, "corrupt": -16, "fault": -19},
    vectors={"double_fault": 8, "general_protection": 13, "page_fault": 14},
)


def task(number: int) -> int:
    return number << 2 | TASK


def root(number: int) -> int:
    return number << 2 | ROOT


REQUESTS: list[tuple[Operation, tuple[int, ...], bytes]] = [
    (PmmAlloc(), (), b""),
    (PmmAlloc(12), (12,), b""),
    (PmmAlloc(1, 0x4000), (1, 0x4000), b""),
    (PmmAlloc2m(), (), b""),
    (PmmFree(0x5000, 3), (0x5000, 3), b""),
    (PmmInfo(), (), b""),
    (PageNew(), (), b""),
    (PageDelete("r3"), (root(3),), b""),
    (
        PageMap("r0", 0x1000, 0x2000, 0x3000, 4096, WRITE | USER),
        (root(0), 0x1000, 0x2000, 0x3000, 4096, WRITE | USER),
        b"",
    ),
    (PageUnmap("r1", 0x1000, 0x2000), (root(1), 0x1000, 0x2000), b""),
    (PageProtect("t0", 0x1000, 0x2000, EXEC), (task(0), 0x1000, 0x2000, EXEC), b""),
    (PageQuery("kernel", (1 << 64) - 1), (KERNEL, (1 << 64) - 1), b""),
    (VmAlloc("t1", 0x3000, "demand", 3), (task(1), 0x3000, 1, 3), b""),
    (VmAlloc("kernel", 1, "physical", 0x31, 7), (KERNEL, 1, 2, 0x31, 7), b""),
    (VmAllocAt("t1", 0x10000, 4096, "guard", 0), (task(1), 0x10000, 4096, 3, 0), b""),
    (VmFree("t77", 0x10000), (task(77), 0x10000), b""),
    (VmProtect("t1", 0x10000, 0), (task(1), 0x10000, 0), b""),
    (VmResize("t1", 0x10000, 0x5000), (task(1), 0x10000, 0x5000), b""),
    (VmQuery("t1", 0x10008), (task(1), 0x10008), b""),
    (VmRead("t1", 0x10008, 16), (task(1), 0x10008, 16), b""),
    (VmWrite("t1", 0x10008, b"\x00\xc3"), (task(1), 0x10008, 2), b"\x00\xc3"),
    (VmCopy("t1", 1, "kernel", 2, 3), (task(1), 1, KERNEL, 2, 3), b""),
    (Touch("r2", 0x1234, "x"), (root(2), 0x1234, 2), b""),
    (HeapAlloc(100), (100,), b""),
    (HeapZalloc(0), (0,), b""),
    (HeapAlign(4096, 100), (4096, 100), b""),
    (HeapRealloc(0, 1), (0, 1), b""),
    (HeapFree(0xFFFFC00000000010), (0xFFFFC00000000010,), b""),
    (HeapCheck(), (), b""),
    (HeapInfo(), (), b""),
    (BuddyAlloc(33), (33,), b""),
    (BuddyFree(0x80), (0x80,), b""),
    (BuddyInfo(), (), b""),
    (ObjectNew(4096), (4096,), b""),
    (ObjectDrop("o3"), (3,), b""),
    (VmAlloc("t1", 1, "shared", 3, "o3", 5), (task(1), 1, 4, 3, 3, 5), b""),
    (VmAllocAt("t1", 7, 1, "shared", 3, "o3", 5), (task(1), 7, 1, 4, 3, 3, 5), b""),
    (SpaceClone("t2", "t1"), (task(2), task(1)), b""),
    (KmallocAlloc(5), (5,), b""),
    (KmallocFree(32), (32,), b""),
    (SlabNew(24, 8), (24, 8), b""),
    (SlabDelete(2), (2,), b""),
    (SlabAlloc(0), (0,), b""),
    (SlabFree(1, 0x80), (1, 0x80), b""),
    (TaskNew(), (), b""),
    (TaskSwitch("t0"), (task(0),), b""),
    (TaskDelete("r2"), (root(2),), b""),
    (DiskFind("swap"), (4,), b"swap"),
    (DiskInfo("d1"), (1,), b""),
    (DiskRead("d0", 16, 8), (0, 16, 8), b""),
    (DiskWrite("d2", 16, 8, b"\xff"), (2, 16, 8, 1), b"\xff"),
    (DiskFlush("d3"), (3,), b""),
    (FileOpen("a/b"), (3,), b"a/b"),
    (FileClose("f1"), (1,), b""),
    (FileRead("f0", 16, 8), (0, 16, 8), b""),
    (FileWrite("f2", 16, b"\xff"), (2, 16, 1), b"\xff"),
    (FileSync("f3"), (3,), b""),
    (FileEvict(3), (3,), b""),
]

REPLIES: list[tuple[Operation, int, tuple[int, ...], bytes, Reply]] = [
    (PmmAlloc(), 0, (0x16D000,), b"", Reply("ok", (0x16D000,))),
    (PmmFree(0), 0, (), b"", Reply("ok")),
    (PmmAlloc(), -5, (), b"", Reply("no_memory")),
    (PmmInfo(), 0, (16000, 15000), b"", Reply("ok", (16000, 15000))),
    (PageNew(), 0, (3,), b"", Reply("ok", ("r3",))),
    (
        PageQuery("kernel", 0),
        0,
        (0xFFFF800000200000, 0x200000, 0x200000, 9),
        b"",
        Reply("ok", (0xFFFF800000200000, 0x200000, 0x200000, "rwg")),
    ),
    (
        VmQuery("t1", 0),
        0,
        (0x10000, 0x3000, 1, 3),
        b"",
        Reply("ok", (0x10000, 0x3000, "demand", "rwu")),
    ),
    (
        VmQuery("t1", 0),
        0,
        (0x10000, 0x3000, 2, 0x21, 0xFEE00000),
        b"",
        Reply("ok", (0x10000, 0x3000, "physical", "rw:uc-", 0xFEE00000)),
    ),
    (
        VmQuery("t1", 0),
        0,
        (0x10000, 0x3000, 4, 1, 2, 0x5000),
        b"",
        Reply("ok", (0x10000, 0x3000, "shared", "rw", "o2", 0x5000)),
    ),
    (ObjectNew(4096), 0, (3,), b"", Reply("ok", ("o3",))),
    (VmRead("t1", 0, 2), 0, (2,), b"\x12\x34", Reply("ok", ("1234",))),
    (
        Touch("t1", 0, "w"),
        -19,
        (14, 2, (1 << 64) - 10),
        b"",
        Reply("fault", ("page_fault", 2, "not_mapped")),
    ),
    (HeapCheck(), -16, (0x40,), b"", Reply("corrupt", (0x40,))),
    (HeapFree(1), -16, (), b"", Reply("corrupt")),
    (HeapInfo(), 0, (1, 2, 3, 4, 5), b"", Reply("ok", (1, 2, 3, 4, 5))),
    (TaskNew(), 0, (12,), b"", Reply("ok", ("t12",))),
    (DiskFind("swap"), 0, (1,), b"", Reply("ok", ("d1",))),
    (FileOpen("a"), 0, (1, 32), b"", Reply("ok", ("f1", 32))),
]

MALFORMED: list[tuple[Operation, int, int, tuple[int, ...]]] = [
    (PmmAlloc(), 1, 0, ()),  # no such status
    (PmmAlloc(), -99, 0, ()),
    (PmmAlloc(), 0, 0, ()),  # an address is missing
    (PmmAlloc(), 0, 2, (1, 2)),
    (PmmAlloc(), 0, 1 << 31, (1,)),
    (PmmAlloc(), -5, 1, (1,)),
    (PmmFree(0), 0, 1, (1,)),
    (PageQuery("kernel", 0), 0, 4, (0, 0, 0, 0x80)),  # no such flag
    (VmQuery("t1", 0), 0, 4, (0, 0, 7, 0)),  # no such kind
    (VmRead("t1", 0, 2), 0, 1, (0,)),
    (VmRead("t1", 0, 2), 0, 1, (65,)),
    (Touch("t1", 0, "w"), -19, 0, ()),
    (Touch("t1", 0, "w"), -19, 3, (3, 0, 0)),  # no such vector
    (Touch("t1", 0, "w"), -19, 3, (14, 0, 5)),  # no such cause
]


@pytest.fixture(scope="module")
def codec() -> RingCodec:
    return RingCodec(RING)


def reply_bytes(status: int, count: int, values: tuple[int, ...], data: bytes = b"") -> bytes:
    return REPLY.pack(status, count, *values, *(0,) * (8 - len(values)), data)


def test_every_kind_of_operation_is_here() -> None:
    assert {type(operation) for operation, _, _ in REQUESTS} == set(OPERATIONS)


@pytest.mark.parametrize(("operation", "numbers", "data"), REQUESTS, ids=str)
def test_requests(
    codec: RingCodec, operation: Operation, numbers: tuple[int, ...], data: bytes
) -> None:
    command, count, *rest = REQUEST.unpack(codec.encode(operation))
    assert command == RING.commands[operation.command]
    assert count == len(numbers)
    assert tuple(rest[:7]) == numbers + (0,) * (7 - count)
    assert rest[7] == data + bytes(64 - len(data))


@pytest.mark.parametrize(
    "operation",
    [
        HeapAlloc(1 << 64),
        HeapAlloc(-1),
        VmAlloc("t1", 4096, "mmio", 0),
        Touch("t1", 0, "rw"),
        VmFree("heap", 0),
        VmFree("t", 0),
        VmFree("t-1", 0),
        VmFree(f"t{1 << 62}", 0),
    ],
    ids=str,
)
def test_what_no_request_can_hold_is_refused(codec: RingCodec, operation: Operation) -> None:
    with pytest.raises(ValueError, match="cannot be asked for"):
        codec.encode(operation)


def test_more_bytes_than_fit_are_still_counted_for_the_kernel_to_refuse(codec: RingCodec) -> None:
    fields = REQUEST.unpack(codec.encode(VmWrite("t1", 0, b"x" * 65)))
    assert fields[1:5] == (3, task(1), 0, 65)


@pytest.mark.parametrize(("operation", "status", "values", "data", "reply"), REPLIES)
def test_replies(
    codec: RingCodec,
    operation: Operation,
    status: int,
    values: tuple[int, ...],
    data: bytes,
    reply: Reply,
) -> None:
    held = reply_bytes(status, len(values), values, data)
    assert codec.decode(operation, held) == reply
    assert codec.decode(operation, bytes(REPLY.size) + held, REPLY.size) == reply


@pytest.mark.parametrize(("operation", "status", "count", "values"), MALFORMED)
def test_malformed_replies(
    codec: RingCodec, operation: Operation, status: int, count: int, values: tuple[int, ...]
) -> None:
    with pytest.raises(MalformedReply, match="malformed reply"):
        codec.decode(operation, reply_bytes(status, count, values))


def test_bytes_of_another_reply_are_none_of_this_one() -> None:
    codec = RingCodec(RING)
    reply = RING.reply.pack(0, 1, 2, *(0,) * (RING.values - 1), b"\x12\x34\x56")
    with pytest.raises(MalformedReply, match="2 bytes of 123456"):
        codec.decode(VmRead("t1", 0, 2), reply)
