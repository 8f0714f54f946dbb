"""The three ways to a kernel - console, GDB, ring - are one: same operations, same replies.

Whatever a channel performs is held against the model as well, replies and pictures.
"""

from __future__ import annotations

import struct
import time
from random import Random
from typing import TYPE_CHECKING

import pytest

from ringbench.drive.channel import Channel
from ringbench.drive.reply import Reply
from ringbench.engine.lockstep import Diverged
from ringbench.errors import Ended, MachineError
from ringbench.machine import Deadline, EndKind
from ringbench.subjects.reference.drive.console import ConsoleChannel
from ringbench.subjects.reference.drive.gdb import GdbChannel
from ringbench.subjects.reference.drive.ring import RingChannel
from ringbench.subjects.reference.vocabulary.constants import (
    BUDDY_BASE,
    HEAP_BASE,
    HEAP_HEADER,
    KERNEL_WINDOW_BASE,
    TASK_WINDOW_BASE,
)
from ringbench.subjects.reference.vocabulary.flags import CACHE_UC, EXEC, USER, WRITE
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
from ringbench.subjects.reference.workload import choose, spoil

if TYPE_CHECKING:
    from tests.system.conftest import Kernel
    from tests.system.serving import Serving

TASK, KERNEL, HEAP = TASK_WINDOW_BASE, KERNEL_WINDOW_BASE, HEAP_BASE + HEAP_HEADER

# Performed in this order on a kernel as after boot. The comment is what it is there for.
SCRIPT: tuple[Operation, ...] = (
    PmmInfo(),
    PmmAlloc(),
    PmmAlloc(3),
    PmmAlloc(2, 1 << 16),
    PmmAlloc(0),  # invalid
    PmmAlloc(1 << 40),  # no memory
    PmmAlloc2m(),
    PmmFree(0x200000),  # the kernel's own
    PmmFree(0x200001),
    PmmFree((1 << 64) - 0x1000, 1 << 63),
    PageNew(),
    PageMap("r0", 0x400000, 0x200000, 0x3000, 4096, WRITE | USER),
    PageMap("r0", 0x400000, 0x200000, 0x1000, 4096, WRITE),  # mapped
    PageMap("r0", 0x600000, 0, 2 << 20, 2 << 20, EXEC | CACHE_UC),
    PageMap("r0", 1 << 63, 0, 4096, 4096, 0),  # denied
    PageMap("r9", 0, 0, 4096, 4096, 0),  # not found
    PageProtect("r0", 0x401000, 0x2000, EXEC),
    PageProtect("kernel", 0x401000, 0x2000, EXEC),  # denied
    PageQuery("r0", 0x402123),
    PageQuery("r0", 0x600123),
    PageQuery("r0", 0x403000),  # not mapped
    PageQuery("t0", 1 << 47),  # non-canonical
    PageUnmap("r0", 0x400000, 0x2000),
    PageUnmap("r0", 0x600000, 0x1000),  # cuts a leaf
    TaskNew(),
    TaskNew(),
    VmAlloc("t1", 0x5000, "demand", WRITE | USER),
    VmAlloc("kernel", 0x3000, "anonymous", WRITE),
    VmAlloc("t2", 0x1000, "physical", WRITE | CACHE_UC, 0xFEE00000),
    VmAlloc("t2", 0x1000, "guard", WRITE),  # invalid
    VmAlloc("t0", 0x1000, "guard", 0),  # denied
    VmAllocAt("t1", TASK + 0x10000, 0x2000, "guard", 0),
    VmAllocAt("t1", TASK + 0x11000, 0x2000, "guard", 0),  # mapped
    VmWrite("t1", TASK + 0xFFE, b"\xc3" * 4),
    VmWrite("t1", TASK + 0x10000, b"x"),  # a guard
    VmWrite("t9", TASK, b"x" * 64),  # not found
    VmRead("t1", TASK + 0xFF0, 64),
    VmRead("t1", TASK + 0xFF0, 65),  # invalid
    VmRead("t1", TASK + 0x8000, 1),  # not mapped
    VmCopy("kernel", KERNEL + 0x10, "t1", TASK + 0xF00, 0x200),
    VmCopy("t1", TASK, "kernel", KERNEL + 0x5000, 1),  # not mapped
    VmRead("kernel", KERNEL + 0x100, 32),
    VmProtect("t1", TASK, EXEC),
    VmProtect("t1", TASK + 0x10000, WRITE),  # a guard
    VmResize("kernel", KERNEL, 0x5000),
    VmResize("t1", TASK, 0x5001),  # misaligned
    VmQuery("t1", TASK + 0x4FFF),
    VmQuery("t2", TASK),
    VmQuery("t2", TASK + 0x1000),  # not mapped
    VmFree("t2", TASK),
    VmFree("t2", TASK),  # not mapped
    HeapCheck(),
    HeapAlloc(100),
    HeapZalloc(5000),
    HeapAlign(4096, 10),
    HeapAlign(3, 10),  # invalid
    HeapAlloc(0),  # invalid
    HeapAlloc(1 << 30),  # no memory
    HeapRealloc(0, 40),
    HeapRealloc(HEAP, 40),  # the record of a task
    HeapFree(HEAP),  # the same
    HeapFree(HEAP + 8),
    HeapFree(0),
    TaskSwitch("t1"),
    TaskSwitch("t9"),  # not found
    TaskDelete("t1"),  # busy
    TaskDelete("t0"),  # denied
    Touch("t1", TASK, "x"),
    Touch("t1", TASK, "w"),  # denied
    Touch("t1", TASK + 0x3000, "r"),  # resolved
    Touch("t1", TASK + 0x10000, "r"),  # a guard
    Touch("r0", 1 << 63, "r"),  # non-canonical
    Touch("r1", 0, "r"),  # not found
    HeapInfo(),
    DiskFind("swap"),  # not found, as all of a disk; with disks: test_disks.py
    DiskInfo("d0"),
    DiskRead("d0", 0, 1),
    DiskWrite("d0", 0, 1, b"x"),
    DiskFlush("d0"),
    FileOpen("a"),  # not found either; with an archive: test_files.py
    FileClose("f0"),
    FileRead("f0", 0, 1),
    FileWrite("f0", 0, b"x"),
    FileSync("f0"),
    FileEvict(1),
    ObjectNew(0x3000),
    ObjectNew(1),  # misaligned
    ObjectDrop("o1"),  # not found
    VmAlloc("kernel", 0x1000, "shared", 0, "o1", 0),  # not found
    VmAlloc("kernel", 0x1000, "shared", 0, "o0", 0x3000),  # out of range
    VmAllocAt("t1", TASK + 0x40000, 0x3000, "shared", WRITE, "o0", 0x1000),
    VmWrite("t1", TASK + 0x41000, b"x"),
    VmQuery("t1", TASK + 0x41000),
    ObjectDrop("o0"),
    SpaceClone("t1", "t1"),  # invalid
    SpaceClone("t2", "kernel"),  # denied
    SpaceClone("t2", "t1"),
    VmWrite("t2", TASK + 0x1000, b"x"),  # denied
    SlabNew(24, 8),
    SlabNew(7, 8),  # invalid
    SlabAlloc(0),
    SlabAlloc(1),  # not found
    SlabDelete(0),  # busy
    SlabFree(0, 0),  # foreign
    BuddyAlloc(33),
    BuddyAlloc(0),  # invalid
    BuddyFree(BUDDY_BASE + 1),  # interior
    BuddyFree(BUDDY_BASE + 64),  # double free
    BuddyInfo(),
    KmallocAlloc(5),
    KmallocAlloc(0),  # invalid
    KmallocAlloc(1000),
    KmallocFree(0),
    KmallocFree(HEAP + 1),  # not mapped, or interior
    TaskSwitch("t0"),
    TaskDelete("t2"),
    PageDelete("r0"),
    PageDelete("r0"),  # not found
    PageDelete("t1"),  # denied
    VmFree("t1", TASK),
)
STATUSES = {
    *("ok", "invalid", "no_memory", "denied", "misaligned", "foreign", "mapped", "not_found"),
    *("not_mapped", "non_canonical", "busy", "fault", "out_of_range", "interior", "double_free"),
}


def play(kernel: Kernel, channel: Channel[Operation], script: tuple[Operation, ...]) -> list[Reply]:
    """Perform a script in lockstep, look at all of it, and go back to where it began."""
    replies = [kernel.lockstep.step(channel, operation) for operation in script]
    kernel.lockstep.look(f"after the script by {type(channel).__name__}", channel)
    return replies


def test_every_operation_gets_the_same_replies_by_every_channel(kernel: Kernel) -> None:
    assert {type(operation) for operation in SCRIPT} == set(OPERATIONS)
    by_console = play(kernel, kernel.console, SCRIPT)
    assert {reply.status for reply in by_console} >= STATUSES
    kernel.lockstep.drain(kernel.console)
    with RingChannel(kernel.machine, *kernel.lockstep.kernel.inspector.ring()) as ring:
        by_ring = play(kernel, ring, SCRIPT)
        kernel.lockstep.drain(ring)
        for operation in SCRIPT:
            kernel.lockstep.predict(operation)
        at_once = kernel.lockstep.catch_up(ring)
        kernel.lockstep.look("after the script at once", ring)
    assert by_ring == by_console
    assert at_once == by_console


def test_gdb_gets_the_same_replies_to_what_it_can_call(kernel: Kernel) -> None:
    console = kernel.console
    gdb = GdbChannel.at_prompt(kernel.machine)
    script = tuple(operation for operation in SCRIPT if gdb.supports(operation))
    left_out = {Touch, HeapInfo, BuddyInfo, DiskFind, DiskRead, DiskWrite}
    left_out |= {FileOpen, FileRead, FileWrite}
    assert left_out == set(OPERATIONS) - {type(each) for each in script}
    by_gdb = play(kernel, gdb, script)
    kernel.machine.detach_gdb()
    kernel.lockstep.drain(console)
    assert play(kernel, console, script) == by_gdb


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_workload_goes_the_same_way_by_console_and_ring(kernel: Kernel, seed: int) -> None:
    def workload(channel: Channel[Operation]) -> list[tuple[Operation, Reply]]:
        random = Random(seed)
        done: list[tuple[Operation, Reply]] = []
        for _ in range(150):
            operation = choose(random, kernel.state, ("pmm", "paging", "heap", "task"))
            if random.random() < 0.2:
                operation = spoil(random, operation)
            if isinstance(operation, Touch):
                continue
            done.append((operation, kernel.lockstep.step(channel, operation)))
        kernel.lockstep.look("after the workload", channel)
        kernel.lockstep.drain(channel)
        return done

    by_console = workload(kernel.console)
    with RingChannel(kernel.machine, *kernel.lockstep.kernel.inspector.ring()) as ring:
        assert workload(ring) == by_console


# --- the ring's own ways --------------------------------------------------------------------------


def test_more_operations_than_slots(serving: Serving) -> None:
    count = 2 * serving.format.slots + 3
    with serving.ring() as ring:
        assert ring.perform_many([]) == []
        ring.perform(PmmInfo())  # so that batches do not start at slot 0
        replies = ring.perform_many([PmmAlloc()] * count)
        frames = [int(reply.values[0]) for reply in replies]
        assert len(set(frames)) == count
        freed = ring.perform_many([PmmFree(frame) for frame in frames])
        assert freed == [Reply("ok")] * count
        serving.lockstep.look("after many", ring)
    assert ConsoleChannel(serving.machine.command).perform(HeapCheck()).ok


def test_the_kernel_sleeps_where_it_waits_and_wakes_for_whatever_comes(serving: Serving) -> None:
    def falls_asleep() -> bool:
        deadline = Deadline(5.0)  # it waits awake for a moment, in case more comes
        while not (halted := "HLT=1" in serving.machine.registers()) and not deadline.expired:
            time.sleep(0.001)
        return halted

    assert falls_asleep()
    for _ in range(3):
        with serving.ring() as ring:
            for _ in range(3):
                assert falls_asleep()
                assert ring.perform(PmmInfo()).ok
            assert falls_asleep()
    assert serving.machine.command("info").startswith("ok ")
    assert falls_asleep()


def test_no_wake_up_is_lost_at_whatever_moment_it_comes(serving: Serving) -> None:
    random, memory, place = Random(5), serving.machine.memory, serving.place
    slots, asleep = serving.format.slots, 0
    with serving.ring() as ring:
        ring.perform_many([PmmInfo()] * slots)  # the slots keep them
        for number in range(slots + 1, slots + 501):
            # Up to twice as long as it looks before it sleeps: any moment on the way there.
            moment = time.perf_counter() + random.random() * 600e-6
            while time.perf_counter() < moment:
                pass
            memory.write(place.submitted[0], number.to_bytes(8, "little"))
            if memory.read(*place.asleep) != bytes(4):
                serving.machine.serial.nudge()  # once; the channel would look again
                asleep += 1
            deadline = Deadline(5.0)
            while memory.read(*place.served) != number.to_bytes(8, "little"):
                assert not deadline.expired, f"{number} is not served; woken {asleep} times"
        ring._collected = number
    assert 0 < asleep < 500


def test_what_wakes_the_ring_is_no_part_of_the_next_line(serving: Serving) -> None:
    for _ in range(20):
        with serving.ring():
            serving.machine.serial.nudge()
        serving.machine.serial.nudge()
        assert serving.machine.command("pmm info").startswith("ok ")


def test_no_lines_while_the_ring_is_served(serving: Serving) -> None:
    with serving.ring() as ring:
        with pytest.raises(MachineError, match="still performing 'ring'"):
            serving.machine.command("info")
        assert ring.perform(PmmInfo()).ok
    assert serving.machine.command("info").startswith("ok ")


def test_no_operations_while_the_guest_is_stopped(serving: Serving) -> None:
    with serving.ring() as ring:
        with serving.machine.stopped(), pytest.raises(MachineError, match="stopped"):
            ring.perform(PmmInfo())
        assert ring.perform(PmmInfo()).ok


def test_a_character_ends_it(serving: Serving) -> None:
    machine = serving.machine
    machine.begin("ring")
    machine.serial.type("\n\r\nq")  # line ends do not
    assert machine.finish() == "ok 0"
    assert machine.command("pmm info").startswith("ok ")


@pytest.mark.parametrize("submitted", [257, 1 << 32, (1 << 64) - 1])
def test_an_index_that_cannot_be_ends_it(serving: Serving, submitted: int) -> None:
    machine = serving.machine
    serving.begin()
    serving.write(serving.place.submitted, submitted)
    assert machine.finish().startswith("err invalid ")
    with serving.ring() as ring:
        serving.write(serving.place.served, submitted)  # its own count is not in memory
        assert ring.perform(PmmAlloc()).ok
    serving.lockstep.predict(PmmAlloc())
    serving.lockstep.predicted.clear()
    serving.lockstep.look("after absurd indices")


def test_no_request_ends_the_kernel(serving: Serving) -> None:
    random, machine, place = Random(7), serving.machine, serving.place
    reply, request = serving.format.reply, serving.format.request
    names = {number: name for name, number in serving.format.commands.items()}
    ends = serving.format.commands["poweroff"]
    numbers = (0, 1, 2, 3, 5, 9, 16, 63, 64, 65, 4096, 8192, 0x200000, 1 << 30, 1 << 47, HEAP, TASK)
    statuses = set(serving.format.statuses.values())
    seen, served = set(), 0
    serving.begin()
    for _ in range(40):
        batch = []
        for _ in range(100):
            command = random.choice((random.randrange(len(names) + 2), random.getrandbits(32)))
            command = 0xFFFF_FFFF if command == ends or names.get(command) == "help" else command
            count = random.choice((*range(9), 200, random.getrandbits(32)))
            arguments = [
                random.choice((*numbers, random.getrandbits(64)))
                for _ in range(serving.format.arguments)
            ]
            batch.append(request.pack(command, count, *arguments, random.randbytes(64)))
        for data in batch:
            slot = served % serving.format.slots
            machine.memory.write(place.requests + slot * request.size, data)
            served += 1
        serving.write(place.submitted, served)
        serving.wait(place.served, served)
        for number in range(served - 100, served):
            at = place.replies + number % serving.format.slots * reply.size
            status, values, *_ = reply.unpack(machine.memory.read(at, reply.size))
            assert status in statuses
            assert values <= serving.format.values
            seen.add(status)
    serving.write(place.stop, 1)
    assert machine.finish().splitlines()[-1] == f"ok {served}"
    assert machine.command("heap check") == "ok"
    assert len(seen) > 8, seen


def test_the_ring_is_not_served_within_the_ring(serving: Serving) -> None:
    class Again(RingChannel):
        """Asks for `ring` whatever the operation."""

    with Again(serving.machine, serving.format, serving.place) as ring:
        request = serving.format.request
        again = request.pack(
            serving.format.commands["ring"], 0, *(0,) * serving.format.arguments, b""
        )
        ring.perform(PmmInfo())
        serving.machine.memory.write(serving.place.requests + request.size, again)
        serving.write(serving.place.submitted, 2)
        ring._collected = 2
        ring._wait(serving.place.served, 2, "ring")
        at = serving.place.replies + serving.format.reply.size
        [status] = struct.unpack("<i", serving.machine.memory.read(at, 4))
        assert status == serving.format.statuses["busy"]


def test_a_smashed_node_is_named_by_both(serving: Serving) -> None:
    console = ConsoleChannel(serving.machine.command)
    address = int(console.perform(HeapAlloc(64)).values[0])
    mapping = console.perform(PageQuery("kernel", address))
    vaddr, paddr = int(mapping.values[0]), int(mapping.values[1])
    serving.machine.memory.write(paddr + address - HEAP_HEADER - vaddr, b"\xff" * 16)
    checks = (HeapCheck(), HeapInfo(), HeapFree(address))
    by_console = [console.perform(operation) for operation in checks]
    assert [reply.status for reply in by_console] == ["corrupt"] * 3
    with serving.ring() as ring:
        assert ring.perform_many(checks) == by_console


def test_the_operation_that_disagrees_is_named(serving: Serving) -> None:
    lockstep = serving.lockstep
    for operation in (PmmAlloc(), PmmAlloc(), PmmInfo(), PmmInfo()):
        lockstep.predict(operation)
    with serving.ring() as ring:
        serving.variable("pmm.managed_count", 77)
        with pytest.raises(Diverged, match=r"operation 3: pmm info \(ring\)"):
            lockstep.catch_up(ring, " (ring)")
    assert serving.machine.command("info").startswith("ok ")


@pytest.mark.parametrize(
    ("path", "value", "kind"),
    [
        ("pmm.free_bits", 0xDEAD_0000, EndKind.EXCEPTION),  # a page fault
        ("pmm.free_bits", 1 << 62, EndKind.EXCEPTION),  # not canonical
    ],
)
def test_an_end_in_the_ring_is_noticed(
    serving: Serving, path: str, value: int, kind: EndKind
) -> None:
    def perform() -> None:
        with serving.ring() as ring:
            serving.variable(path, value)
            ring.perform_many([PmmInfo(), PmmAlloc(), PmmInfo()])

    with pytest.raises(Ended) as caught:
        perform()
    assert caught.value.ending is not None
    assert caught.value.ending.kind is kind
    assert "exception vector=" in str(caught.value)
