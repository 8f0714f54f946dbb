"""The ring's requests and replies as bytes: every operation goes in, every reply comes out."""

import struct

import pytest

from ringbench.drive.reply import Reply
from ringbench.errors import MalformedReply
from ringbench.subjects.reference.drive.ring_format import RingCodec, RingFormat
from ringbench.subjects.reference.vocabulary import operations as ops
from ringbench.subjects.reference.vocabulary.flags import EXEC, USER, WRITE
from ringbench.subjects.reference.vocabulary.operations import OPERATIONS, Operation

REQUEST = struct.Struct("<II6Q64s")
REPLY = struct.Struct("<iI8Q64s")
KERNEL, TASK, ROOT = 0, 1, 2
RING = RingFormat(
    slots=4,
    request=REQUEST,
    arguments=6,
    reply=REPLY,
    values=8,
    commands={
        name: 10 + number for number, name in enumerate(each.command for each in ops.OPERATIONS)
    },
    handles={"kernel": KERNEL, "task": TASK, "root": ROOT, "bits": 2},
    handle_bits=2,
    kinds={"anonymous": 0, "demand": 1, "physical": 2, "guard": 3, "kind_count": 4},
    accesses={"read": 0, "write": 1, "execute": 2},
    statuses={"ok": 0, "no_memory": -5, "not_mapped": -10, "corrupt": -16, "fault": -19},
    vectors={"double_fault": 8, "general_protection": 13, "page_fault": 14},
)


def task(number: int) -> int:
    return number << 2 | TASK


def root(number: int) -> int:
    return number << 2 | ROOT


REQUESTS: list[tuple[Operation, tuple[int, ...], bytes]] = [
    (ops.PmmAlloc(), (), b""),
    (ops.PmmAlloc(12), (12,), b""),
    (ops.PmmAlloc(1, 0x4000), (1, 0x4000), b""),
    (ops.PmmAlloc2m(), (), b""),
    (ops.PmmFree(0x5000, 3), (0x5000, 3), b""),
    (ops.PmmInfo(), (), b""),
    (ops.PageNew(), (), b""),
    (ops.PageDelete("r3"), (root(3),), b""),
    (
        ops.PageMap("r0", 0x1000, 0x2000, 0x3000, 4096, WRITE | USER),
        (root(0), 0x1000, 0x2000, 0x3000, 4096, WRITE | USER),
        b"",
    ),
    (ops.PageUnmap("r1", 0x1000, 0x2000), (root(1), 0x1000, 0x2000), b""),
    (ops.PageProtect("t0", 0x1000, 0x2000, EXEC), (task(0), 0x1000, 0x2000, EXEC), b""),
    (ops.PageQuery("kernel", (1 << 64) - 1), (KERNEL, (1 << 64) - 1), b""),
    (ops.VmAlloc("t1", 0x3000, "demand", 3), (task(1), 0x3000, 1, 3), b""),
    (ops.VmAlloc("kernel", 1, "physical", 0x31, 7), (KERNEL, 1, 2, 0x31, 7), b""),
    (ops.VmAllocAt("t1", 0x10000, 4096, "guard", 0), (task(1), 0x10000, 4096, 3, 0), b""),
    (ops.VmFree("t77", 0x10000), (task(77), 0x10000), b""),
    (ops.VmProtect("t1", 0x10000, 0), (task(1), 0x10000, 0), b""),
    (ops.VmResize("t1", 0x10000, 0x5000), (task(1), 0x10000, 0x5000), b""),
    (ops.VmQuery("t1", 0x10008), (task(1), 0x10008), b""),
    (ops.VmRead("t1", 0x10008, 16), (task(1), 0x10008, 16), b""),
    (ops.VmWrite("t1", 0x10008, b"\x00\xc3"), (task(1), 0x10008, 2), b"\x00\xc3"),
    (ops.VmCopy("t1", 1, "kernel", 2, 3), (task(1), 1, KERNEL, 2, 3), b""),
    (ops.Touch("r2", 0x1234, "x"), (root(2), 0x1234, 2), b""),
    (ops.HeapAlloc(100), (100,), b""),
    (ops.HeapZalloc(0), (0,), b""),
    (ops.HeapAlign(4096, 100), (4096, 100), b""),
    (ops.HeapRealloc(0, 1), (0, 1), b""),
    (ops.HeapFree(0xFFFFC00000000010), (0xFFFFC00000000010,), b""),
    (ops.HeapCheck(), (), b""),
    (ops.HeapInfo(), (), b""),
    (ops.SlabNew(24, 8), (24, 8), b""),
    (ops.SlabDelete(2), (2,), b""),
    (ops.SlabAlloc(0), (0,), b""),
    (ops.SlabFree(1, 0x80), (1, 0x80), b""),
    (ops.TaskNew(), (), b""),
    (ops.TaskSwitch("t0"), (task(0),), b""),
    (ops.TaskDelete("r2"), (root(2),), b""),
    (ops.DiskFind("swap"), (4,), b"swap"),
    (ops.DiskInfo("d1"), (1,), b""),
    (ops.DiskRead("d0", 16, 8), (0, 16, 8), b""),
    (ops.DiskWrite("d2", 16, 8, b"\xff"), (2, 16, 8, 1), b"\xff"),
    (ops.DiskFlush("d3"), (3,), b""),
]

REPLIES: list[tuple[Operation, int, tuple[int, ...], bytes, Reply]] = [
    (ops.PmmAlloc(), 0, (0x16D000,), b"", Reply("ok", (0x16D000,))),
    (ops.PmmFree(0), 0, (), b"", Reply("ok")),
    (ops.PmmAlloc(), -5, (), b"", Reply("no_memory")),
    (ops.PmmInfo(), 0, (16000, 15000), b"", Reply("ok", (16000, 15000))),
    (ops.PageNew(), 0, (3,), b"", Reply("ok", ("r3",))),
    (
        ops.PageQuery("kernel", 0),
        0,
        (0xFFFF800000200000, 0x200000, 0x200000, 9),
        b"",
        Reply("ok", (0xFFFF800000200000, 0x200000, 0x200000, "rwg")),
    ),
    (
        ops.VmQuery("t1", 0),
        0,
        (0x10000, 0x3000, 1, 3),
        b"",
        Reply("ok", (0x10000, 0x3000, "demand", "rwu")),
    ),
    (
        ops.VmQuery("t1", 0),
        0,
        (0x10000, 0x3000, 2, 0x21, 0xFEE00000),
        b"",
        Reply("ok", (0x10000, 0x3000, "physical", "rw:uc-", 0xFEE00000)),
    ),
    (ops.VmRead("t1", 0, 2), 0, (2,), b"\x12\x34", Reply("ok", ("1234",))),
    (
        ops.Touch("t1", 0, "w"),
        -19,
        (14, 2, (1 << 64) - 10),
        b"",
        Reply("fault", ("page_fault", 2, "not_mapped")),
    ),
    (ops.HeapCheck(), -16, (0x40,), b"", Reply("corrupt", (0x40,))),
    (ops.HeapFree(1), -16, (), b"", Reply("corrupt")),
    (ops.HeapInfo(), 0, (1, 2, 3, 4, 5), b"", Reply("ok", (1, 2, 3, 4, 5))),
    (ops.TaskNew(), 0, (12,), b"", Reply("ok", ("t12",))),
    (ops.DiskFind("swap"), 0, (1,), b"", Reply("ok", ("d1",))),
]

MALFORMED: list[tuple[Operation, int, int, tuple[int, ...]]] = [
    (ops.PmmAlloc(), 1, 0, ()),  # no such status
    (ops.PmmAlloc(), -99, 0, ()),
    (ops.PmmAlloc(), 0, 0, ()),  # an address is missing
    (ops.PmmAlloc(), 0, 2, (1, 2)),
    (ops.PmmAlloc(), 0, 1 << 31, (1,)),
    (ops.PmmAlloc(), -5, 1, (1,)),
    (ops.PmmFree(0), 0, 1, (1,)),
    (ops.PageQuery("kernel", 0), 0, 4, (0, 0, 0, 0x80)),  # no such flag
    (ops.VmQuery("t1", 0), 0, 4, (0, 0, 7, 0)),  # no such kind
    (ops.VmRead("t1", 0, 2), 0, 1, (0,)),
    (ops.VmRead("t1", 0, 2), 0, 1, (65,)),
    (ops.Touch("t1", 0, "w"), -19, 0, ()),
    (ops.Touch("t1", 0, "w"), -19, 3, (3, 0, 0)),  # no such vector
    (ops.Touch("t1", 0, "w"), -19, 3, (14, 0, 5)),  # no such cause
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
    assert tuple(rest[:6]) == numbers + (0,) * (6 - count)
    assert rest[6] == data + bytes(64 - len(data))


@pytest.mark.parametrize(
    "operation",
    [
        ops.HeapAlloc(1 << 64),
        ops.HeapAlloc(-1),
        ops.VmAlloc("t1", 4096, "mmio", 0),
        ops.Touch("t1", 0, "rw"),
        ops.VmFree("heap", 0),
        ops.VmFree("t", 0),
        ops.VmFree("t-1", 0),
        ops.VmFree(f"t{1 << 62}", 0),
    ],
    ids=str,
)
def test_what_no_request_can_hold_is_refused(codec: RingCodec, operation: Operation) -> None:
    with pytest.raises(ValueError, match="cannot be asked for"):
        codec.encode(operation)


def test_more_bytes_than_fit_are_still_counted_for_the_kernel_to_refuse(codec: RingCodec) -> None:
    fields = REQUEST.unpack(codec.encode(ops.VmWrite("t1", 0, b"x" * 65)))
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
        codec.decode(ops.VmRead("t1", 0, 2), reply)
