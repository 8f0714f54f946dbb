"""A restored machine cannot be told from one that has just booted, whatever was done to it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ringbench.config import Config, override
from ringbench.config.load import TRANSLATIONS
from ringbench.errors import Ended, Hang, MachineError, QmpError
from ringbench.machine import Deadline, EndKind, Machine, Snapshot
from ringbench.machine.snapshot import save_ram
from ringbench.subjects.reference.drive.console import ConsoleChannel
from ringbench.subjects.reference.kernel import ReferenceKernel
from ringbench.subjects.reference.lockstep import ReferenceLockstep
from ringbench.subjects.reference.vocabulary.flags import WRITE
from ringbench.subjects.reference.vocabulary.operations.heap import HeapAlloc
from ringbench.subjects.reference.vocabulary.operations.paging import PageNew
from ringbench.subjects.reference.vocabulary.operations.pmm import PmmAlloc
from ringbench.subjects.reference.vocabulary.operations.vmm import VmAlloc
from tests.bench.left import wait_until

KernelConfigs = Callable[..., Config]

COM1, PIC = 0x3F8, 0x20
KERNEL_BASE = 0xFFFF_FFFF_8000_0000
# Interrupt enable, line control, modem control, scratch; the masks of both PICs.
PORTS = (COM1 + 1, COM1 + 3, COM1 + 4, COM1 + 7, PIC + 1, PIC + 0x81)
DEVICES = ("info pic", "info pci", "info lapic")
TABLES = ("info mem", "info tlb")


@pytest.fixture
def frozen(ringbench_config: Config) -> Iterator[tuple[Machine, Snapshot]]:
    """The kernel of this tree, just booted, with the timer's tick pending, and frozen.

    Nobody takes that tick (the timer's line is masked), so from here on nothing changes by time.
    """
    with Machine.start(ringbench_config) as machine:
        wait_until(lambda: "pic0: irr=01" in machine.qmp.hmp("info pic"))
        yield machine, machine.freeze()


@pytest.fixture
def echo(kernels: KernelConfigs) -> Iterator[tuple[Machine, Snapshot]]:
    """The bench's own test kernel, which misbehaves on request, just booted and frozen."""
    with Machine.start(kernels("echo")) as machine:
        yield machine, machine.freeze()


def ram(machine: Machine) -> dict[int, bytes]:
    """Return what guest RAM holds, page by page, without the pages that are all zero."""
    zero = bytes(4096)
    pages: dict[int, bytes] = {}
    for start, content in save_ram(machine._qemu.ram, machine._mapped()):
        for at in range(0, len(content), 4096):
            page = content[at : at + 4096]
            if page != zero:
                pages[start + at] = page
    return pages


def picture(machine: Machine) -> dict[str, object]:
    """Return everything there is to know of a guest that is halted at its prompt."""
    with machine.stopped():
        ask = machine.qmp.hmp
        seen: dict[str, object] = {line: ask(line) for line in (*DEVICES, *TABLES)}
        seen |= {f"port {port:#x}": ask(f"i /b {port:#x}") for port in PORTS}
        return seen | {"registers": machine.qmp.hmp("info registers"), "ram": ram(machine)}


def assert_same(seen: dict[str, object], expected: dict[str, object]) -> None:
    """Compare two pictures by name; what differs is too much to print whole."""
    differing = [name for name in expected if seen[name] != expected[name]]
    assert not differing


def disturb(machine: Machine) -> None:
    """Change memory, tables, registers, code that was translated, and devices."""
    console = ConsoleChannel(machine.command)
    for operation in (
        PmmAlloc(7),
        HeapAlloc(100_000),
        PageNew(),
        VmAlloc("kernel", 0x5000, "anonymous", WRITE),
    ):
        assert console.perform(operation).ok
    machine.command("echo off")
    cr3 = machine.qmp.hmp("info registers").partition("CR3=")[2][:16]
    assert machine.command("info").startswith("ok ")
    machine.memory.write(int(cr3, 16), bytes(4096))
    with machine.stopped():
        for port in (COM1 + 7, PIC + 1, PIC + 0x81):
            machine.qmp.hmp(f"o /b {port:#x} 0xa5")
        machine.qmp.hmp(f"o /b {COM1 + 1:#x} 0")  # the console hears nothing any more


def test_restored_is_as_booted(frozen: tuple[Machine, Snapshot]) -> None:
    machine, snapshot = frozen
    before = picture(machine)
    disturb(machine)
    after = picture(machine)
    for name in ("ram", f"port {PIC + 1:#x}", f"port {COM1 + 1:#x}", "info mem"):
        assert after[name] != before[name], f"the disturbance does not reach {name}"
    machine.restore(snapshot)
    assert_same(picture(machine), before)
    assert machine.ending() is None
    assert machine.running


def test_replies_and_model_agree_after_many_restores(frozen: tuple[Machine, Snapshot]) -> None:
    machine, snapshot = frozen
    before = picture(machine)
    machine.restore(snapshot)
    lines = ("info", "pmm alloc 3", "heap alloc 5000", "vm alloc kernel 0x3000 anonymous rw")
    replies = [machine.command(line) for line in lines]
    assert all(reply.startswith("ok ") for reply in replies)
    for _ in range(50):
        machine.restore(snapshot)
        assert [machine.command(line) for line in lines] == replies
    machine.restore(snapshot)
    assert_same(picture(machine), before)
    lockstep = ReferenceLockstep(ReferenceKernel(machine))
    lockstep.look("after many restores")
    lockstep.step(ConsoleChannel(machine.command), PmmAlloc(3))
    lockstep.drain(ConsoleChannel(machine.command))


@pytest.mark.parametrize("memory", ["16M", "1G", "6G"])
def test_sizes_of_memory(kernels: KernelConfigs, memory: str) -> None:
    """What was touched since goes back to being a hole: a large guest must stay sparse."""
    with Machine.start(kernels("echo", {"machine.memory": memory})) as machine:
        snapshot = machine.freeze()
        last = machine.ram.ranges[-1]
        allocated = os.fstat(machine._qemu.ram).st_blocks
        middle = last.base + last.length // 2
        machine.memory.write(middle, b"x" * 0x3000)
        machine.memory.write(0x700000, b"y" * 0x100000)
        assert os.fstat(machine._qemu.ram).st_blocks >= allocated + 0x103000 // 512
        machine.restore(snapshot)
        assert os.fstat(machine._qemu.ram).st_blocks <= allocated + 0x10000 // 512
        assert not any(machine.memory.read(middle, 0x3000))
        assert not any(machine.memory.read(0x700000, 0x100000))
        assert machine.command("tick") == "ok"


def test_changed_code_is_as_it_was(echo: tuple[Machine, Snapshot]) -> None:
    """QEMU has translated the code and does not see that the bench puts other code there."""
    machine, snapshot = echo
    tick = machine.gdb.symbol("tick")
    machine.detach_gdb()
    assert machine.command("tick") == "ok"
    with machine.stopped():
        machine.gdb.write_memory(tick, b"\xc3")
    machine.detach_gdb()
    assert machine.command("tick") == "ok"
    assert machine.gdb.evaluate_int("counter") == 42
    machine.restore(snapshot)
    assert machine.command("tick") == "ok"
    assert machine.command("tick") == "ok"
    assert machine.gdb.evaluate_int("counter") == 43


def test_debugger_is_gone_with_its_breakpoints(echo: tuple[Machine, Snapshot]) -> None:
    machine, snapshot = echo
    gdb = machine.gdb
    gdb.break_("tick")
    gdb.watch("counter")
    gdb.continue_()
    machine.serial.send("tick")
    assert gdb.wait_stop().reason == "breakpoint-hit"
    machine.restore(snapshot)
    assert not gdb.alive
    assert machine.running
    assert machine.command("tick") == "ok"
    assert machine.gdb.evaluate_int("counter") == 42, "a new debugger, on the restored guest"
    os.kill(machine.gdb.pid, signal.SIGKILL)
    machine.restore(snapshot)
    assert machine.command("tick") == "ok"


def test_frozen_with_a_debugger_attached(echo: tuple[Machine, Snapshot]) -> None:
    machine, _ = echo
    machine.gdb.break_("tick")
    machine.gdb.continue_()
    snapshot = machine.freeze()
    assert machine.gdb.running
    machine.restore(snapshot)
    assert machine.command("tick") == "ok"


def test_frozen_on_the_way_and_held_to_be_changed(kernels: KernelConfigs) -> None:
    """Stopped by gdb at the kernel's first instruction; a restored one waits there for `boot`."""
    with Machine.launch(kernels("echo")) as machine:
        machine.gdb.break_("*start", hardware=True)
        machine.gdb.continue_()
        machine.gdb.wait_stop()
        counter, name = machine.gdb.symbol("counter"), machine.gdb.symbol("planted")
        entry = machine.gdb.register("rip")
        snapshot = machine.freeze()
        for number in (7, 8):
            machine.restore(snapshot, run=False)
            assert not machine.running
            assert machine.registers().count(f"{entry:08x}") >= 1
            assert machine.serial.tail() == ""
            machine.memory.write(counter - KERNEL_BASE, number.to_bytes(8, "little"))
            machine.memory.write(name - KERNEL_BASE, b"changed")
            machine.boot()
            assert machine.boot_text == "echo: up"
            assert machine.command("tick") == "ok"
            assert machine.gdb.evaluate_int("counter") == number + 1
            assert machine.gdb.read_memory(name, 7) == b"changed"


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("panic", EndKind.KERNEL_PANIC),
        ("fault", EndKind.EXCEPTION),
        ("triple", EndKind.TRIPLE_FAULT),
        ("reset", EndKind.RESET),
        ("off", EndKind.FINISHED),
        ("hang", EndKind.HANG),
    ],
)
def test_a_guest_that_ended_goes_on(
    echo: tuple[Machine, Snapshot], line: str, kind: EndKind
) -> None:
    machine, snapshot = echo
    events = [event.name for event in machine.qmp.events()]
    for _ in range(2):  # an ending must not be remembered
        with pytest.raises(Ended) as caught:
            machine.command(line, 0.5 if kind is EndKind.HANG else None)
        assert caught.value.ending is not None
        assert caught.value.ending.kind is kind
        machine.restore(snapshot)
        assert machine.ending() is None
        assert [event.name for event in machine.qmp.events()] == events
        assert machine.command("tick") == "ok"


def test_what_came_and_was_not_read_is_dropped(echo: tuple[Machine, Snapshot]) -> None:
    """A guest that has filled the line, and waits for it, starts with an empty one."""
    machine, snapshot = echo
    for _ in range(5):
        machine.serial.send("long")
        deadline = Deadline(10)
        while machine.serial.untaken():
            assert not deadline.expired
        machine.restore(snapshot)
        assert machine.command("hello") == "said hello"
    machine.serial.send("panic")
    deadline = Deadline(10)
    while "!! end" not in machine.serial.tail():
        assert not deadline.expired
    machine.restore(snapshot)
    assert machine.ending() is None
    assert machine.command("hello") == "said hello"


def test_input_that_was_not_read_cannot_be_taken_back(kernels: KernelConfigs) -> None:
    with Machine.start(kernels("deaf", {"deadlines.reply": 1.0})) as machine:
        snapshot = machine.freeze()
        with pytest.raises(Hang):
            machine.command("hello, is anybody there? " * 10)
        with pytest.raises(MachineError, match="the guest has left input unread"):
            machine.restore(snapshot)


@pytest.fixture
def own_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """QEMU's log is not one of translations, which goes on through all restores."""
    monkeypatch.delenv(TRANSLATIONS, raising=False)


@pytest.mark.usefixtures("own_log")
def test_transcript_and_logs_begin_anew(echo: tuple[Machine, Snapshot], tmp_path: Path) -> None:
    machine, snapshot = echo
    booted = b"echo: up\r\nring> "
    machine.command("mute")
    machine.command("tick")
    one, two = tmp_path / 'a "quoted", folder', tmp_path / "two"
    machine.restore(snapshot, one)
    machine.command("hello")
    with pytest.raises(Ended) as caught:
        machine.command("triple")
    assert caught.value.folder == one
    machine.restore(snapshot, two)
    machine.command("two")
    assert machine.folder == two
    assert (one / "serial.log").read_bytes() == (
        booted + b"hello\r\nsaid hello\r\nring> triple\r\n"
    )
    assert (two / "serial.log").read_bytes() == booted + b"two\r\none\r\ntwo\r\nring> "
    assert "Triple fault" in (one / "qemu.log").read_text()
    assert "Triple fault" not in (two / "qemu.log").read_text()
    assert machine.reproduce in (two / "reproduce.sh").read_text()
    machine.restore(snapshot)
    assert machine.folder == machine.private
    assert machine.serial.tail() == booted.decode().replace("\r", "")


def test_later_snapshots(echo: tuple[Machine, Snapshot]) -> None:
    machine, first = echo
    machine.command("tick")
    second = machine.freeze()
    counter = machine.gdb.symbol("counter")

    def count(snapshot: Snapshot) -> int:
        machine.restore(snapshot)
        return int.from_bytes(machine.gdb.read_memory(counter, 8), "little")

    assert [count(each) for each in (first, second, first, second)] == [41, 42, 41, 42]


def test_refusals(kernels: KernelConfigs, echo: tuple[Machine, Snapshot], tmp_path: Path) -> None:
    machine, snapshot = echo
    disk = tmp_path / "disk.img"
    disk.write_bytes(bytes(1 << 16))
    drive = ["-drive", f"file={disk},format=raw"]
    with Machine.start(override(machine.config, {"machine.arguments": drive})) as other:
        with pytest.raises(MachineError, match=r"cannot be frozen: it can write to .*disk\.img"):
            other.freeze()
        with pytest.raises(ValueError, match="another machine's"):
            other.restore(snapshot)
        assert other.command("tick") == "ok"
    with pytest.raises(QmpError, match=r"QEMU cannot do 'snapshot-load'.*no-such-tag"):
        machine.restore(replace(snapshot, tag="no-such-tag"))
    machine.restore(snapshot)
    with pytest.raises(Ended):
        machine.command("panic")
    with pytest.raises(Ended, match="before it was frozen"):
        machine.freeze()
    os.kill(machine._qemu.process.pid, signal.SIGKILL)
    with pytest.raises(MachineError):
        machine.restore(snapshot)


def test_not_while_a_command_is_performed(echo: tuple[Machine, Snapshot]) -> None:
    machine, snapshot = echo
    machine.begin("tick")
    with pytest.raises(MachineError, match="still performing 'tick'"):
        machine.freeze()
    machine.restore(snapshot)
    assert machine.command("hello") == "said hello", "what was begun is forgotten"
