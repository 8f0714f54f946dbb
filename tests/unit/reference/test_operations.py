"""Operations: a class says all about itself, and nothing else lists or describes it."""

from __future__ import annotations

import struct
from dataclasses import FrozenInstanceError, fields, replace

import pytest

from ringbench.drive.reply import Reply
from ringbench.subjects.reference.drive.console import ConsoleChannel
from ringbench.subjects.reference.drive.console_lines import parse_line, parse_reply
from ringbench.subjects.reference.drive.gdb_calls import CALLS
from ringbench.subjects.reference.drive.ring_format import RingCodec, RingFormat
from ringbench.subjects.reference.model.handlers import HANDLERS
from ringbench.subjects.reference.vocabulary import operation_base
from ringbench.subjects.reference.vocabulary import operations as ops
from ringbench.subjects.reference.vocabulary.handlers import Handlers
from ringbench.subjects.reference.vocabulary.operations import LAYERS, OPERATIONS, Operation
from ringbench.subjects.reference.vocabulary.status import Status
from ringbench.subjects.reference.vocabulary.values import ValueKind

RING = RingFormat(
    slots=1,
    request=struct.Struct("<II6Q64s"),
    arguments=6,
    reply=struct.Struct("<iI8Q64s"),
    values=8,
    commands={"vm weigh": 5},
    handles={"kernel": 0, "task": 1, "root": 2},
    handle_bits=2,
    kinds={},
    accesses={"read": 0, "write": 1, "execute": 2},
    statuses={"ok": 0, "busy": Status.BUSY},
    vectors={},
)


def test_every_operation_says_all_about_itself() -> None:
    assert [each.layer for each in OPERATIONS] == sorted(
        (each.layer for each in OPERATIONS), key=LAYERS.index
    )
    assert {each.layer for each in OPERATIONS} == set(LAYERS)
    commands = [each.command for each in OPERATIONS]
    assert len(set(commands)) == len(commands) == 39
    failures = {status.text for status in Status if status is not Status.OK}
    for each in OPERATIONS:
        lengths = [len(shape) for shape in each.values]
        assert len(set(lengths)) == len(lengths) > 0, "a reply's form is told by its length"
        assert each.failures.keys() <= failures
        assert each.__doc__
        assert not each.__doc__.startswith(f"{each.__name__}("), "a docstring of its own"


def test_every_class_of_the_module_is_listed() -> None:
    classes = [each for each in vars(ops).values() if isinstance(each, type)]
    defined = [each for each in classes if issubclass(each, Operation) and each is not Operation]
    assert defined == list(OPERATIONS)


def test_an_operation_is_a_plain_value() -> None:
    one = ops.PmmFree(0x1000, 2)
    assert one == ops.PmmFree(0x1000, 2) == replace(ops.PmmFree(0x1000), count=2)
    assert hash(one) == hash(ops.PmmFree(0x1000, 2))
    assert not hasattr(one, "__dict__")
    with pytest.raises(FrozenInstanceError):
        one.count = 3  # type: ignore[misc]


def test_each_is_performed_by_the_model_and_by_the_channels_that_say_so() -> None:
    assert list(HANDLERS) == list(OPERATIONS)
    not_by_gdb = (ops.Touch, ops.HeapInfo, ops.DiskFind, ops.DiskRead, ops.DiskWrite)
    assert list(CALLS) == [each for each in OPERATIONS if each not in not_by_gdb]
    assert ConsoleChannel(str).supports(ops.Touch("kernel", 0, "r"))


def test_an_operation_is_performed_in_one_way() -> None:
    table = Handlers[None, str]()

    @table.performs(ops.PmmInfo)
    def first(context: None, operation: ops.PmmInfo) -> str:
        return str(operation)

    assert table[ops.PmmInfo] is first
    with pytest.raises(AssertionError, match="PmmInfo"):
        table.performs(ops.PmmInfo)(first)


def test_a_new_operation_needs_nothing_but_its_class(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has a line, which is read back; a request, and replies, by console and ring."""
    monkeypatch.setattr(operation_base, "_DEFINED", [])

    @operation_base.operation
    class Weigh(Operation):
        """Ask what a region of a space weighs."""

        layer = "vmm"
        command = "vm weigh"
        values = ((ValueKind.COUNT, ValueKind.FLAGS),)
        failures = {"busy": (ValueKind.TASK,)}  # noqa: RUF012
        space: str
        vaddr: int
        flags: int = 0

    assert operation_base.defined() == (Weigh,)
    assert [each.name for each in fields(Weigh)] == ["space", "vaddr", "flags"]
    monkeypatch.setattr("ringbench.subjects.reference.drive.ring_format.OPERATIONS", (Weigh,))
    monkeypatch.setattr(
        "ringbench.subjects.reference.drive.console_lines._BY_COMMAND", {("vm", "weigh"): Weigh}
    )
    asked = Weigh("t1", 0x1000, 3)
    assert str(asked) == "vm weigh t1 0x1000 rwu"
    assert parse_line("vm weigh t1 4096 rwu") == asked
    assert parse_line("vm weigh t1 4096 r") == Weigh("t1", 0x1000)
    weight, busy = Reply("ok", (7, "rw")), Reply("busy", ("t3",))
    assert parse_reply(asked, "ok 7 rw") == weight
    assert parse_reply(asked, "err busy t3 has it on its shoulders") == busy

    codec = RingCodec(RING)
    assert codec.encode(asked) == RING.request.pack(5, 3, 1 << 2 | 1, 0x1000, 3, 0, 0, 0, b"")
    assert codec.decode(asked, _reply(0, 7, 1)) == weight
    assert codec.decode(asked, _reply(Status.BUSY, 3)) == busy


def _reply(status: int, *values: int) -> bytes:
    absent = (0,) * (RING.values - len(values))
    return RING.reply.pack(status, len(values), *values, *absent, b"")
