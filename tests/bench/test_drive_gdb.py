"""Operations by GDB calls have the same effects and replies as the model's, and the console's."""

from random import Random

import pytest

from ringbench.drive.reply import Reply
from ringbench.machine import Machine
from ringbench.subjects.reference.check.inspector import Inspector
from ringbench.subjects.reference.drive.console import ConsoleChannel
from ringbench.subjects.reference.drive.gdb import GdbChannel
from ringbench.subjects.reference.drive.gdb_calls import CALLS
from ringbench.subjects.reference.model.kernel import perform
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.buddy import BuddyInfo
from ringbench.subjects.reference.vocabulary.operations.disk import DiskFind, DiskRead, DiskWrite
from ringbench.subjects.reference.vocabulary.operations.file import FileOpen, FileRead, FileWrite
from ringbench.subjects.reference.vocabulary.operations.heap import (
    HeapAlign,
    HeapAlloc,
    HeapFree,
    HeapInfo,
    HeapRealloc,
    HeapZalloc,
)
from ringbench.subjects.reference.vocabulary.operations.paging import (
    PageDelete,
    PageMap,
    PageNew,
    PageProtect,
    PageQuery,
    PageUnmap,
)
from ringbench.subjects.reference.vocabulary.operations.pmm import PmmAlloc, PmmFree
from ringbench.subjects.reference.vocabulary.operations.table import LAYERS, OPERATIONS
from ringbench.subjects.reference.vocabulary.operations.task import TaskDelete, TaskNew, TaskSwitch
from ringbench.subjects.reference.vocabulary.operations.vmm import (
    Touch,
    VmCopy,
    VmFree,
    VmRead,
    VmWrite,
)
from ringbench.subjects.reference.workload import choose, spoil

HIGH = 1 << 63
NOT_CALLED = {
    *(Touch, HeapInfo, BuddyInfo),
    *(DiskFind, DiskRead, DiskWrite, FileOpen, FileRead, FileWrite),
}
"""Operations that no call of a function is: an access, and what the console makes of several."""


def test_a_workload_by_calls(machine: Machine) -> None:
    inspector, random = Inspector(machine), Random(7)
    state = inspector.boot_state()
    channel = GdbChannel.at_prompt(machine)
    wanted = set(OPERATIONS) - NOT_CALLED
    assert wanted == set(CALLS)
    performed: set[type[Operation]] = set()
    for number in range(2000):
        if number >= 200 and performed == wanted:
            break
        operation = choose(random, state, LAYERS)
        if random.random() < 0.15:
            operation = spoil(random, operation)
        if not channel.supports(operation):
            continue
        state, expected = perform(state, operation)
        assert channel.perform(operation) == expected, operation
        performed.add(type(operation))
    assert performed == wanted
    machine.detach_gdb()
    found = [str(each) for part in inspector.inspect(state, "after") for each in part.mismatches]
    assert found == []
    answer = perform(state, HeapInfo())[1]
    assert ConsoleChannel(machine.command).perform(HeapInfo()) == answer


def test_what_the_console_refuses_is_refused(machine: Machine) -> None:
    state = Inspector(machine).boot_state()
    channel = GdbChannel.at_prompt(machine)
    expected = Reply("")
    preparation: tuple[Operation, ...] = (TaskNew(), PageNew(), PmmAlloc(3))
    for operation in preparation:
        state, expected = perform(state, operation)
        assert channel.perform(operation) == expected
    (lent,) = expected.values
    assert isinstance(lent, int)
    record = state.tasks[1].record
    refused: list[Operation] = [
        PmmFree(state.kernel_root),
        PmmFree(lent, 4),
        PmmFree(lent - 4096, 2),
        PmmFree(lent + 1),
        PmmFree(lent, 0),
        PmmFree(0),
        PmmFree(1 << 52, (1 << 64) - 1),
        PageDelete("r1"),
        PageDelete("r16"),
        PageDelete("t1"),
        PageMap("r0", HIGH, 0, 4096, 4096, 0),
        PageUnmap("kernel", 0, 4096),
        PageProtect("r0", HIGH, 4096, 0),
        PageQuery("t9", 0),
        VmFree("t0", 0),
        VmFree("t9", 0),
        VmRead("t1", 0x10000, 65),
        VmWrite("t1", 0x10000, b"x"),
        VmCopy("t9", 0, "t0", 0, 1),
        HeapAlloc(0),
        HeapZalloc((1 << 30) + 1),
        HeapAlign(48, 1),
        HeapAlign(4 << 20, 1),
        HeapFree(record),
        HeapRealloc(record, 8),
        TaskDelete("t0"),
        TaskSwitch("t9"),
    ]
    for operation in refused:
        after, expected = perform(state, operation)
        assert after == state
        assert not expected.ok
        assert channel.perform(operation) == expected, operation


def test_what_is_left_to_the_console(machine: Machine) -> None:
    channel = GdbChannel.at_prompt(machine)
    for operation in (Touch("kernel", 0, "r"), HeapInfo()):
        assert not channel.supports(operation)
        with pytest.raises(ValueError, match="console"):
            channel.perform(operation)


def test_the_guest_goes_on_after_the_calls(machine: Machine) -> None:
    channel = GdbChannel.at_prompt(machine)
    assert channel.perform(TaskNew()) == Reply("ok", ("t1",))
    assert channel.perform(TaskSwitch("t1")).ok
    machine.detach_gdb()
    console = ConsoleChannel(machine.command)
    assert console.perform(TaskDelete("t1")) == Reply("busy")
    assert console.perform(TaskSwitch("t0")).ok
    assert console.perform(TaskDelete("t1")).ok
    again = GdbChannel.at_prompt(machine)
    assert again.perform(TaskNew()) == Reply("ok", ("t1",))
