"""Operations: a class says all about itself, and nothing else lists or describes it."""

from __future__ import annotations

import struct
from dataclasses import FrozenInstanceError, dataclass, fields, replace
from importlib import import_module
from pathlib import Path

import pytest

from ringbench.drive.reply import Reply
from ringbench.subjects.reference.drive.console import ConsoleChannel
from ringbench.subjects.reference.drive.console_lines import parse_line, parse_reply
from ringbench.subjects.reference.drive.gdb_calls import CALLS
from ringbench.subjects.reference.drive.ring_format import RingCodec, RingFormat
from ringbench.subjects.reference.model.handlers.table import HANDLERS
from ringbench.subjects.reference.vocabulary import operations
from ringbench.subjects.reference.vocabulary.handlers import Handlers
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.buddy import BuddyInfo
from ringbench.subjects.reference.vocabulary.operations.disk import DiskFind, DiskRead, DiskWrite
from ringbench.subjects.reference.vocabulary.operations.file import FileOpen, FileRead, FileWrite
from ringbench.subjects.reference.vocabulary.operations.heap import HeapInfo
from ringbench.subjects.reference.vocabulary.operations.pmm import PmmFree, PmmInfo
from ringbench.subjects.reference.vocabulary.operations.table import LAYERS, OPERATIONS
from ringbench.subjects.reference.vocabulary.operations.vmm import Touch
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
    assert len(set(commands)) == len(commands) == 53
    failures = {status.text for status in Status if status is not Status.OK}
    for each in OPERATIONS:
        lengths = [len(shape) for shape in each.values]
        assert len(set(lengths)) == len(lengths) > 0, "a reply's form is told by its length"
        assert each.failures.keys() <= failures
        assert each.__doc__
        assert not each.__doc__.startswith(f"{each.__name__}("), "a docstring of its own"


def test_every_class_of_every_file_is_listed() -> None:
    files = [import_module(f"{operations.__name__}.{each.stem}") for each in _files_of_operations()]
    classes = [each for file in files for each in vars(file).values() if isinstance(each, type)]
    defined = [each for each in classes if issubclass(each, Operation) and each is not Operation]
    assert len(defined) == len(OPERATIONS)
    assert set(defined) == set(OPERATIONS)
    for each in OPERATIONS:
        assert each.__module__.rpartition(".")[2] == each.layer


def _files_of_operations() -> list[Path]:
    [folder] = operations.__path__
    return sorted(each for each in Path(folder).glob("*.py") if each.stem != "__init__")


def test_an_operation_is_a_plain_value() -> None:
    one = PmmFree(0x1000, 2)
    assert one == PmmFree(0x1000, 2) == replace(PmmFree(0x1000), count=2)
    assert hash(one) == hash(PmmFree(0x1000, 2))
    assert not hasattr(one, "__dict__")
    with pytest.raises(FrozenInstanceError):
        one.count = 3  # type: ignore[misc]


def test_each_is_performed_by_the_model_and_by_the_channels_that_say_so() -> None:
    assert list(HANDLERS) == list(OPERATIONS)
    not_by_gdb = {
        *(Touch, HeapInfo, BuddyInfo, DiskFind, DiskRead, DiskWrite),
        *(FileOpen, FileRead, FileWrite),
    }
    assert list(CALLS) == [each for each in OPERATIONS if each not in not_by_gdb]
    assert ConsoleChannel(str).supports(Touch("kernel", 0, "r"))


def test_an_operation_is_performed_in_one_way() -> None:
    table = Handlers[None, str]()

    @table.performs(PmmInfo)
    def first(context: None, operation: PmmInfo) -> str:
        return str(operation)

    assert table[PmmInfo] is first
    with pytest.raises(AssertionError, match="PmmInfo"):
        table.performs(PmmInfo)(first)


def test_a_new_operation_needs_nothing_but_its_class(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has a line, which is read back; a request, and replies, by console and ring."""

    @dataclass(frozen=True, slots=True)
    class Weigh(Operation):
        """Ask what a region of a space weighs."""

        layer = "vmm"
        command = "vm weigh"
        values = ((ValueKind.COUNT, ValueKind.FLAGS),)
        failures = {"busy": (ValueKind.TASK,)}  # noqa: RUF012
        space: str
        vaddr: int
        flags: int = 0

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
